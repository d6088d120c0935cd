"""The configuration file of a component: one YAML document of a kind of its own, which is no object of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.objects import FrozenDict, freeze
from k8snb.apimachinery.yaml import YamlError, documents
from k8snb.guests.arguments import shown
from k8snb.messages import Mistake, text


def one_document(given: str | Mapping[str, Any], sentence: str) -> FrozenDict:
    """The one document of a file's text (or what was parsed already).

    Raises Mistake, a ValueError, for what is no YAML, or several documents; ``sentence`` is the key of the message about it.
    """
    if isinstance(given, Mapping):
        return FrozenDict(freeze(dict(given)))
    if not isinstance(given, str):
        raise Mistake(text(sentence, why=shown(given)))
    try:
        found = [document.value for document in documents(given) if document.value is not None]
    except YamlError as error:
        raise Mistake(text(sentence, why=str(error))) from None
    if len(found) != 1 or not isinstance(found[0], Mapping):
        raise Mistake(text(sentence, why=text("component.one_document", count=len(found))))
    return FrozenDict(freeze(found[0]))
