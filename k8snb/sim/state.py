"""State as a value: copying it, and writing it as JSON.

All mutable state of a simulation hangs from one root of plain data: dataclasses, dicts, lists, sets and deques, whose
leaves are scalars, tuples and frozen objects. Two laws make that work:

* nothing in the tree refers to code (no closures, no component instances), and
* no mutable value hangs from two places.

Then :func:`clone` of the root is a complete second future (a *fork*), in which all frozen objects are shared; and
:func:`encode` of the root is the saved cluster, as JSON and never as pickle. What is saved says which records it holds, and which
fields they have, so that :func:`decode` knows when one of them has become another since (:class:`OtherRecord`).

:class:`Shelf` and :class:`Tape` are a dict and a list whose items are all immutable: they are cloned at the speed of C, which is what
makes a fork of 10,000 pods cheap.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import importlib
import json
from collections import deque
from typing import Any

from k8snb.sim.frozen import FrozenDict, FrozenList, freeze


class OtherRecord(ValueError):
    """A saved record has other fields today, or is none any more. Its text names the record."""


class Shelf(dict):  # type: ignore[type-arg]
    """A dict whose keys and values are immutable (scalars, tuples, frozen objects)."""


class Tape(list):  # type: ignore[type-arg]
    """A list whose items are immutable."""


_IMMUTABLE = {str, int, float, bool, type(None), bytes, FrozenDict, FrozenList, frozenset, tuple}
_FLAT = {Shelf: Shelf, Tape: Tape}


def clone(value: Any) -> Any:
    """A deep copy of state that shares everything immutable."""
    kind = type(value)
    if kind in _IMMUTABLE:
        return value
    if kind in _FLAT:
        return kind(value)
    if kind is dict:
        return {key: clone(item) for key, item in value.items()}
    if kind is list:
        return [clone(item) for item in value]
    if kind is set:
        return set(value)
    if kind is deque:
        return deque((clone(item) for item in value), value.maxlen)
    if isinstance(value, tuple):
        return value
    if dataclasses.is_dataclass(kind):
        return _clone_record(value)
    raise TypeError(f"state may not hold a {kind.__qualname__}: {value!r}")


def _clone_record(value: Any) -> Any:
    copy = object.__new__(type(value))
    for name in _fields(type(value)):
        object.__setattr__(copy, name, clone(getattr(value, name)))
    return copy


_FIELDS: dict[type, tuple[str, ...]] = {}


def _fields(kind: type) -> tuple[str, ...]:
    if kind not in _FIELDS:
        _FIELDS[kind] = tuple(f.name for f in dataclasses.fields(kind))
    return _FIELDS[kind]


def encode(root: Any) -> dict[str, Any]:
    """State as a JSON value. Frozen objects are written once and referred to by number, so sharing survives; so are kinds of records."""
    return _Encoder().whole(root)


def digest(root: Any) -> str:
    """A hash over the whole value of a state: equal for states that nothing can tell apart, however their parts are shared."""
    text = json.dumps(_Encoder(share=False).whole(root), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def decode(saved: dict[str, Any]) -> Any:
    """The inverse of :func:`encode`. Only classes of this package are made; anything else raises ``ValueError``.

    Raises :class:`OtherRecord` where one of them has changed since.
    """
    kinds = [_as_saved(name, fields) for name, fields in saved["kinds"]]
    return _Decoder(kinds, [freeze(item) for item in saved["objects"]]).decode(saved["root"])


class _Encoder:
    def __init__(self, *, share: bool = True) -> None:
        self.share = share
        self.objects: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.kinds: dict[type, int] = {}

    def whole(self, root: Any) -> dict[str, Any]:
        tree = self.encode(root)
        return {"kinds": [[_name(kind), _declared(kind)] for kind in self.kinds], "objects": self.objects, "root": tree}

    def encode(self, value: Any) -> Any:
        kind = type(value)
        if kind in (str, int, float, bool, type(None)):
            return value
        if kind in (FrozenDict, FrozenList):
            return ["object", self._number(value) if self.share else value]
        if kind in (dict, Shelf):
            return [kind.__name__, [[self.encode(k), self.encode(v)] for k, v in value.items()]]
        if kind in (list, Tape, tuple):
            return [kind.__name__, [self.encode(item) for item in value]]
        if kind in (set, frozenset):
            return [kind.__name__, [self.encode(item) for item in sorted(value)]]
        if kind is deque:
            return ["deque", value.maxlen, [self.encode(item) for item in value]]
        if kind is bytes:
            return ["bytes", base64.b64encode(value).decode()]
        return self._record(value)

    def _record(self, value: Any) -> Any:
        kind = type(value)
        number = self.kinds.setdefault(kind, len(self.kinds))
        if isinstance(value, tuple):
            return ["named", number, [self.encode(item) for item in value]]
        if dataclasses.is_dataclass(kind):
            return ["record", number, [self.encode(getattr(value, name)) for name in _fields(kind)]]
        raise TypeError(f"state may not hold a {kind.__qualname__}: {value!r}")

    def _number(self, value: Any) -> int:
        if id(value) not in self.numbers:  # identity only decides sharing, never order
            self.numbers[id(value)] = len(self.objects)
            self.objects.append(value)
        return self.numbers[id(value)]


_CONTAINERS: dict[str, Any] = {
    "dict": dict, "Shelf": Shelf, "list": list, "Tape": Tape, "tuple": tuple, "set": set, "frozenset": frozenset,
}  # fmt: skip


class _Decoder:
    def __init__(self, kinds: list[Any], objects: list[Any]) -> None:
        self.kinds, self.objects = kinds, objects

    def decode(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        tag = value[0]
        if tag == "object":
            return self.objects[value[1]]
        if tag in ("dict", "Shelf"):
            return _CONTAINERS[tag]((self.decode(k), self.decode(v)) for k, v in value[1])
        if tag in _CONTAINERS:
            return _CONTAINERS[tag](map(self.decode, value[1]))
        if tag == "deque":
            return deque(map(self.decode, value[2]), value[1])
        if tag == "bytes":
            return base64.b64decode(value[1])
        kind = self.kinds[value[1]]
        if tag == "named":
            return kind(*map(self.decode, value[2]))
        record = object.__new__(kind)
        for name, item in zip(_fields(kind), value[2], strict=True):
            object.__setattr__(record, name, self.decode(item))
        return record


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _declared(kind: type) -> list[str]:
    """The fields of a record in their order, as its class declares them: ``time: int``."""
    if dataclasses.is_dataclass(kind):
        types = {field.name: field.type for field in dataclasses.fields(kind)}
    else:
        known = {name: said for base in reversed(kind.__mro__) for name, said in getattr(base, "__annotations__", {}).items()}
        types = {name: known.get(name, "") for name in getattr(kind, "_fields", ())}
    return [f"{name}: {getattr(said, '__forward_arg__', said)}" for name, said in types.items()]


def _as_saved(name: str, fields: list[str]) -> Any:
    """The class of a saved record. Raises OtherRecord where it no longer is what was saved."""
    try:
        kind = _class(name)
    except (ImportError, AttributeError):
        raise OtherRecord(name) from None
    if _declared(kind) != fields:
        raise OtherRecord(name)
    return kind


def _class(name: str) -> Any:
    """The class behind a saved name: only dataclasses and named tuples of k8snb, so a file cannot run code."""
    module, _, qualname = name.partition(":")
    if module.split(".")[0] != "k8snb":
        raise ValueError(f"a saved cluster may only hold k8snb's own records, not {name!r}")
    kind: Any = importlib.import_module(module)
    for part in qualname.split("."):
        kind = getattr(kind, part)
    if not (isinstance(kind, type) and (dataclasses.is_dataclass(kind) or issubclass(kind, tuple))):
        raise ValueError(f"{name!r} is not a record")
    return kind
