"""Names that are nearly right: a key of a manifest that is nearly a field, a word that is nearly a kind.

The server says of ``kidn: Pod`` that the kind is missing, and of ``replica: 3`` that there is no such field. Both are the same slip,
and are found in the same way: along the path that was complained about, up to the first key that does not fit the schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from k8snb.apimachinery.schema import STRUCT, Type

EVERY_OBJECT = ("apiVersion", "kind", "metadata")
ALIKE = 0.65  # of two words, as difflib counts it: kidn and kind, pot and pod
LONGER = 3  # letters: what is longer by more is another word, but for one that was cut off


class Slip(NamedTuple):
    """A key that is no field, by its path, and the field that is meant; empty where none is like it. ``homes``: where it would be one,
    and is missing (paths as ``kubectl explain`` writes them; empty: the object itself)."""

    path: tuple[str | int, ...]
    meant: str
    homes: tuple[str, ...] = ()


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
    above = [Part((), obj, schema)]
    for key in path:
        part = above[-1]
        if isinstance(part.value, Mapping) and (key not in part.value or (part.fields and key not in part.fields)):
            return _found(above, str(key))
        inner = part.inner(key)
        if inner is None:
            return None
        above.append(inner)
    return None


class Part(NamedTuple):
    """A part of an object: where it stands, what was written, and what can stand there."""

    path: tuple[str | int, ...]
    value: Any
    schema: Type | None

    @property
    def fields(self) -> Sequence[str]:
        """The fields that it can have; empty where it can have any."""
        schema = self.schema
        own = tuple(schema.fields) if schema is not None and schema.kind == STRUCT and not schema.preserve else ()
        return (*EVERY_OBJECT, *own) if not self.path and (own or schema is None) else own

    @property
    def place(self) -> str:
        """Its path as ``kubectl explain`` writes it."""
        return ".".join(name for name in self.path if isinstance(name, str))

    def inner(self, key: str | int) -> Part | None:
        """The part below a key or an index; None where nothing stands."""
        schema = self.schema
        try:
            value = self.value[key]
        except (LookupError, TypeError):
            return None
        field = schema.fields.get(key) if schema is not None and isinstance(key, str) else None
        return Part((*self.path, key), value, field.type if field is not None else schema.item if schema is not None else None)

    def lacks(self, key: str) -> bool:
        """Whether a field of this name can stand here, and does not."""
        return isinstance(self.value, Mapping) and key in self.fields and key not in self.value


def _found(above: Sequence[Part], key: str) -> Slip | None:
    """Of a key that is there the field that it should be; of a field that is not there the key that should be it."""
    *outer, part = above
    if key in part.value:
        meant = near(key, (name for name in part.fields if name not in part.value))
        homes = [] if meant else [one.place for one in [*reversed(outer), *_below(part)] if one.lacks(key)]
        return Slip((*part.path, key), meant, tuple(dict.fromkeys(homes)))
    written = near(key, (name for name in part.value if part.fields and name not in part.fields))
    return Slip((*part.path, written), key) if written else None


def _below(part: Part) -> Iterator[Part]:
    """The parts right below one; of a list its items."""
    for inner in filter(None, map(part.inner, part.value)):
        yield inner
        yield from filter(None, map(inner.inner, range(len(inner.value) if isinstance(inner.value, list) else 0)))
