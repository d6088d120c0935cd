"""Names that are nearly right: a key of a manifest that is nearly a field, a word that is nearly a kind.

The server says of ``kidn: Pod`` that the kind is missing, and of ``replica: 3`` that there is no such field. Both are the same slip,
and are found in the same way: along the path that was complained about, up to the first key that does not fit the schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from k8snb.apimachinery.schema import LIST, STRUCT, Type

EVERY_OBJECT = ("apiVersion", "kind", "metadata")
ALIKE = 0.65  # of two words, as difflib counts it: kidn and kind, pot and pod
LONGER = 3  # letters: what is longer by more is another word, but for one that was cut off


class Slip(NamedTuple):
    """A key that is no field, by its path, and the field that is meant; empty where none is like it."""

    path: tuple[str | int, ...]
    meant: str


def near(word: str, known: Iterable[str]) -> str:
    """The known name that a word nearly is: but for case and signs, but for the order of its letters, or but for a few; else empty."""
    letters, names = _letters(word), {_letters(name): name for name in known}
    if letters in names:
        return names[letters]
    candidates = [name for name in names if len(name) - len(letters) <= LONGER or name.startswith(letters)]
    swapped = [name for name in candidates if sorted(name) == sorted(letters)]
    return next((names[name] for name in [*swapped, *get_close_matches(letters, candidates, 1, ALIKE)]), "")


def _letters(word: str) -> str:
    return "".join(filter(str.isalnum, word)).lower()


def slip(obj: Mapping[str, Any], path: Sequence[str | int], schema: Type | None) -> Slip | None:
    """The wrong key behind a complaint about the field ``path`` of an object; None where there is none."""
    value: Any = obj
    for depth, key in enumerate(path):
        if isinstance(value, Mapping):
            fields = _fields(schema, top=not depth)
            if key not in value or (fields and key not in fields):
                return _found(value, path[:depth], str(key), fields)
        try:
            value, schema = value[key], _inner(schema, key)
        except (LookupError, TypeError):
            return None
    return None


def _found(value: Mapping[str, Any], path: Sequence[str | int], key: str, fields: Sequence[str]) -> Slip | None:
    """Of a key that is there the field that it should be; of a field that is not there the key that should be it."""
    if key in value:
        return Slip((*path, key), near(key, (name for name in fields if name not in value)))
    written = near(key, (name for name in value if fields and name not in fields))
    return Slip((*path, written), key) if written else None


def _fields(schema: Type | None, *, top: bool) -> Sequence[str]:
    """The fields that can stand in a mapping; empty where anything can."""
    own = tuple(schema.fields) if schema is not None and schema.kind == STRUCT and not schema.preserve else ()
    return (*EVERY_OBJECT, *own) if top and (own or schema is None) else own


def _inner(schema: Type | None, key: str | int) -> Type | None:
    if schema is None:
        return None
    return schema.item if schema.kind == LIST or isinstance(key, int) else schema.fields[key].type if key in schema.fields else schema.item
