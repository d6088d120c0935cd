"""How large the values of a CEL expression can become, before it is evaluated: a policy must always end, and so must its memory.

    cel.bind(a, 'xxxxxxxxxx', cel.bind(b, a + a, cel.bind(c, b + b, ...)))      twenty-four times is 160 MB

Upstream counts what an evaluation costs and cancels it. The interpreter here counts only the turns of loops, so this walks the checked
expression first, with the sizes of what is bound, and works out a bound for every value in it: characters, and ``ELEMENT`` for each
element of a list or a map. Nothing is evaluated. One that could pass ``LARGEST`` is cancelled in upstream's words.

    a + b           size(a) + size(b)
    list.map(x, f)  with x as large as the whole list, and what of f does not depend on x once for each element

Models: cel-go interpreter/runtimecost.go, k8s.io/apiserver/pkg/apis/cel/config.go (PerCallLimit: a million, a tenth for a character).
Simplified: the bound is of sizes, not of work; a bound may be larger than what really comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

LARGEST = 10_000_000
ELEMENT = 16
DEEPEST = 8  # loops inside of loops

_GROWING = frozenset({"_+_", "replace", "join", "format", "split"})
_SMALL = frozenset({
    "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_&&_", "_||_", "!_", "@in", "_-_", "_*_", "_/_", "_%_", "-_", "size", "contains",
    "startsWith", "endsWith", "matches", "int", "double", "bool", "indexOf", "lastIndexOf", "@not_strictly_false",
})  # fmt: skip


class TooLarge(Exception):
    """A value could become too large."""


# -- the checked expression ------------------------------------------------------------------------------------------------


class Node(NamedTuple):
    """One expression: what it is, its name (of an identifier, a field, a function), its parts."""

    kind: str
    name: str = ""
    parts: tuple[Node, ...] = ()
    size: int = 0  # of a constant
    names: tuple[str, ...] = ()  # of the variables of a loop, the accumulated one last


def parse(serialized: bytes) -> Node:
    """The expression in a ``cel.expr.CheckedExpr``, which travels as a ``google.protobuf.Any``."""
    return _expression(_one(_one(serialized, 2), 4))


def grows(node: Node) -> bool:
    """Whether anything in an expression makes larger values out of smaller ones."""
    return (node.kind == "call" and node.name in _GROWING) or any(map(grows, node.parts))


def _expression(data: bytes) -> Node:
    """A ``cel.expr.Expr`` (google/api/expr/v1alpha1/syntax.proto has its numbers)."""
    for number, value in _fields(data):
        if number in _KINDS and isinstance(value, bytes):
            return _KINDS[number](value)
    return Node("constant", size=1)


def _constant(data: bytes) -> Node:
    return Node("constant", size=max([1, *(len(value) for _, value in _fields(data) if isinstance(value, bytes))]))


def _call(data: bytes) -> Node:
    target = [_expression(value) for number, value in _fields(data) if number == 1 and isinstance(value, bytes)]
    arguments = [_expression(value) for number, value in _fields(data) if number == 3 and isinstance(value, bytes)]
    return Node("call", _one(data, 2).decode(), (*target, *arguments))


def _struct(data: bytes) -> Node:
    entries = [value for number, value in _fields(data) if number == 2 and isinstance(value, bytes)]
    parts = [_expression(value) for entry in entries for number, value in _fields(entry) if number in (3, 4) and isinstance(value, bytes)]
    return Node("list", parts=tuple(parts))


def _loop(data: bytes) -> Node:
    parts = tuple(_expression(_one(data, number)) for number in (2, 4, 5, 6, 7))  # range, first, condition, step, result
    return Node("loop", parts=parts, names=tuple(_one(data, number).decode() for number in (1, 8, 3)))


_KINDS = {
    3: _constant,
    4: lambda data: Node("name", _one(data, 1).decode()),
    5: lambda data: Node("field", _one(data, 2).decode(), (_expression(_one(data, 1)),)),
    6: _call,
    7: lambda data: Node(
        "list", parts=tuple(_expression(value) for number, value in _fields(data) if number == 1 and isinstance(value, bytes))
    ),
    8: _struct,
    9: _loop,
}


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a message: protobuf's wire format."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 2:
            length, at = _varint(data, at)
            yield key >> 3, data[at : at + length]
            at += length
        elif kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
        else:
            at += 8 if kind == 1 else 4
            yield key >> 3, 0


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _one(data: bytes, number: int) -> bytes:
    return next((value for key, value in _fields(data) if key == number and isinstance(value, bytes)), b"")


# -- bounds ----------------------------------------------------------------------------------------------------------------


def size_of(value: Any) -> int:
    """The size of something that is bound."""
    if isinstance(value, str | bytes):
        return len(value) + 1
    if isinstance(value, Mapping):
        return sum(size_of(key) + size_of(one) + ELEMENT for key, one in value.items())
    if isinstance(value, list | tuple):
        return sum(size_of(one) + ELEMENT for one in value)
    return int(value.ByteSize()) if hasattr(value, "ByteSize") else 1


class Bounds:
    """Bounds of the values of one evaluation. Raises TooLarge."""

    def __init__(self, bindings: Mapping[str, Any]):
        self.bindings = bindings
        self._sizes: dict[str, int] = {}

    def of(self, node: Node, inner: Mapping[str, int], depth: int = 0) -> int:
        """The bound of an expression; ``inner``: of the variables of loops around it."""
        if node.kind == "loop":
            bound = self._loop(node, inner, depth)
        elif node.kind in ("name", "field"):
            bound = self._named(node, inner, depth)
        else:
            parts = [self.of(part, inner, depth) for part in node.parts]
            bound = node.size if node.kind == "constant" else _listed(parts) if node.kind == "list" else _called(node.name, parts)
        if bound > LARGEST:
            raise TooLarge
        return bound

    def _named(self, node: Node, inner: Mapping[str, int], depth: int) -> int:
        name = _dotted(node)
        if name in inner:
            return inner[name]
        if name in self.bindings:
            if name not in self._sizes:
                self._sizes[name] = min(size_of(self.bindings[name]), LARGEST)
            return self._sizes[name]
        return self.of(node.parts[0], inner, depth) if node.parts else 1

    def _loop(self, node: Node, inner: Mapping[str, int], depth: int) -> int:
        over, first, _condition, step, result = node.parts
        variables, gathered = node.names[:-1], node.names[-1]
        total, begin = self.of(over, inner, depth), self.of(first, inner, depth)
        turns = total // ELEMENT
        added = 0
        if turns:
            if depth >= DEEPEST:
                raise TooLarge
            whole = self.of(step, {**inner, gathered: 0, **dict.fromkeys(variables, total)}, depth + 1)
            fixed = self.of(step, {**inner, gathered: 0, **dict.fromkeys(variables, 0)}, depth + 1)
            added = whole + turns * fixed
        if begin + added > LARGEST:
            raise TooLarge
        return self.of(result, {**inner, gathered: begin + added}, depth)


def _dotted(node: Node) -> str:
    """``variables.most`` for a field of a name; a name alone; empty for other things."""
    if node.kind == "name":
        return node.name
    below = _dotted(node.parts[0]) if node.kind == "field" else ""
    return f"{below}.{node.name}" if below else ""


def _listed(parts: list[int]) -> int:
    return sum(parts) + ELEMENT * len(parts)


def _called(name: str, parts: list[int]) -> int:
    if name in _SMALL:
        return 1
    if name == "_?_:_":
        return max(parts[1:], default=1)
    if name == "replace":
        return parts[0] + (parts[0] + 1) * parts[2] if len(parts) > 2 else sum(parts)
    if name == "join":
        return parts[0] + (parts[0] // ELEMENT + 1) * sum(parts[1:])
    if name == "split":
        return parts[0] * (ELEMENT + 1)
    if name == "_[_]":
        return parts[0]
    return sum(parts) or 1
