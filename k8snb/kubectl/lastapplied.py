"""The annotation in which client-side apply remembers what it applied.

Models: k8s.io/kubectl/pkg/util/apply.go.
"""

from __future__ import annotations

import json
from typing import Any

from k8snb.apimachinery.gotext import go_json
from k8snb.apimachinery.objects import FrozenDict, dig, drop, put
from k8snb.kubectl.api import Json
from k8snb.kubectl.structs import declared

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_PATH = ("metadata", "annotations", ANNOTATION)


def with_last_applied(obj: Json, *, structs: bool = False) -> FrozenDict:
    """The object with itself in its annotation (and always with a map of annotations, as kubectl does). ``structs``: in Go's order."""
    plain = without_last_applied(obj)
    if structs:  # whose empty maps are not written
        bare = plain if dig(plain, "metadata.annotations") else drop(plain, "metadata.annotations")
        return put(plain, _PATH, go_json(declared(bare), sort=False) + "\n")
    return put(plain, _PATH, go_json(plain) + "\n")


def without_last_applied(obj: Json) -> FrozenDict:
    """The object without the annotation, but with a map of annotations."""
    notes = {key: value for key, value in dig(obj, "metadata.annotations", {}).items() if key != ANNOTATION}
    return put(obj, "metadata.annotations", notes)


def has_last_applied(obj: Json) -> bool:
    """Whether the object carries the annotation, which every command that writes then keeps up to date."""
    return dig(obj, _PATH) is not None


def last_applied(obj: Json) -> Any:
    """What was applied last, as an object; None where nothing was (or where it cannot be read)."""
    text = dig(obj, _PATH)
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
