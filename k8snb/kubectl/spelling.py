"""Names that are nearly right: a key of a manifest that is nearly a field, a word that is nearly a kind.

The server says of ``kidn: Pod`` that the kind is missing, and of ``replica: 3`` that there is no such field. Both are the same slip,
and are found in the same way: along the path that was complained about, up to the first key that does not fit the schema.

What is no slip may still be what a field is called for short: ``path`` of a volume mount is its mountPath or its subPath. Then each that
it can be is named, for to guess one of them would lead astray.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from k8snb.apimachinery.decode import DecodeError, decode
from k8snb.apimachinery.schema import STRUCT, Type

EVERY_OBJECT = ("apiVersion", "kind", "metadata")
ALIKE = 0.65  # of two words, as difflib counts it: kidn and kind, pot and pod
LONGER = 3  # letters: what is longer by more is another word, but for one that was cut off
SHORT = 4  # letters: of so few, two that differ make another word
MOST = 3  # names and places that are told: of more, nobody knows which is meant


class Slip(NamedTuple):
    """A key that is no field, by its path, and the fields that can be meant. ``homes``, where there are none: where it would be a field,
    and is missing (paths as ``kubectl explain`` writes them; empty: the object itself)."""

    path: tuple[str | int, ...]
    meant: tuple[str, ...]
    homes: tuple[str, ...] = ()


def near(word: str, known: Iterable[str]) -> str:
    """The known name that a word nearly is: but for case and signs, but for the order of its letters, or but for a few; else empty."""
    letters, names = _letters(word), {_letters(name): name for name in known}
    candidates = [name for name in names if len(name) - len(letters) <= LONGER or name.startswith(letters)]
    alike = get_close_matches(letters, candidates, max(1, len(candidates)), ALIKE)
    close = [name for name in alike if len(letters) > SHORT or name.startswith(letters)]
    return next((names[name] for name in [*_slipped(letters, names), *close]), "")


def called(word: str, fields: Sequence[str]) -> list[str]:
    """The fields that are called so for short: by their last word, or by the first of several; or for long.

    >>> called("path", ["mountPath", "name", "subPath"]), called("environment", ["env", "envFrom"])
    (['mountPath', 'subPath'], ['env'])
    """
    letters = _letters(word)
    ends = [name for name in fields if name.endswith(word[:1].upper() + word[1:])]
    longer = [name for name in fields if word.isalpha() and word.islower() and len(name) >= SHORT - 1 and letters.startswith(name.lower())]
    begins = [name for name in fields if _letters(name).startswith(letters)]
    return ends or sorted(longer, key=len)[-1:] or (begins if len(begins) > 1 else [])


def _letters(word: str) -> str:
    return "".join(filter(str.isalnum, word)).lower()


def _slipped(letters: str, names: Iterable[str]) -> list[str]:
    """The names that are the word itself, else its letters in another order, else but for one letter."""
    same, swapped = ([name for name in names if form(name) == form(letters)] for form in (str, sorted))
    return same or swapped or [name for name in names if _is_one_off(letters, name)]


def _is_one_off(word: str, name: str) -> bool:
    """Whether one letter is missing, too much or another one."""
    shorter = min(len(word), len(name))
    at = next((at for at in range(shorter) if word[at] != name[at]), shorter)
    rests = ((word[at + 1 :], name[at + 1 :]), (word[at:], name[at + 1 :]), (word[at + 1 :], name[at:]))
    return shorter >= SHORT - 1 and any(one == other for one, other in rests)


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

    def takes(self, name: str, value: Any) -> bool:
        """Whether a value fits a field."""
        try:
            return self.schema is None or name not in self.schema.fields or bool(decode(self.schema.fields[name].type, value))
        except DecodeError:
            return False

    def below(self) -> Iterator[Part]:
        """The parts right below; of a list its items."""
        for inner in filter(None, map(self.inner, self.value)):
            yield inner
            yield from filter(None, map(inner.inner, range(len(inner.value) if isinstance(inner.value, list) else 0)))

    def absent(self) -> Iterator[Part]:
        """The structs that could stand right below, and do not."""
        for name, field in self.schema.fields.items() if self.schema is not None and self.fields else ():
            if field.type.kind == STRUCT and name not in self.value:
                yield Part((*self.path, name), {}, field.type)

    def lacks(self, key: str) -> bool:
        """Whether a field of this name can stand here, and does not. (A key with nothing behind it waits for what stands too far out.)"""
        return isinstance(self.value, Mapping | None) and key in self.fields and key not in (self.value or ())


def _found(above: Sequence[Part], key: str) -> Slip | None:
    """Of a key that is there the fields that it can stand for; of a field that is not there the key that should be it."""
    part = above[-1]
    if key in part.value:
        meant = _meant(part, key)
        return Slip((*part.path, key), meant, () if meant else _homes(above, key))
    written = near(key, (name for name in part.value if part.fields and name not in part.fields))
    return Slip((*part.path, written), (key,)) if written else None


def _meant(part: Part, key: str) -> tuple[str, ...]:
    fields = [name for name in part.fields if name not in part.value]
    names = {_letters(name): name for name in fields}
    if slipped := _slipped(_letters(key), names):
        return (names[slipped[0]],)
    if short := [name for name in called(key, fields) if part.takes(name, part.value[key])]:
        return tuple(short) if len(short) <= MOST else ()
    return tuple(filter(None, [near(key, fields)]))


def _homes(above: Sequence[Part], key: str) -> tuple[str, ...]:
    """Where a field of that name is missing: below, above, or in a struct that was left out, unless something below has one already."""
    *outer, part = above
    below = list(part.below())
    absent = [one.place for one in part.absent() if key in one.fields and not any(key in other.fields for other in below)]
    there = [one.place for one in [*below, *reversed(outer)] if one.lacks(key)]
    return tuple(dict.fromkeys([*(absent if len(absent) <= MOST else ()), *there]))[:MOST]
