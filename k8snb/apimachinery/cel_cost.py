"""How large the values of a CEL expression can become, before it is evaluated: a policy must always end, and so must its memory.

    cel.bind(a, 'xxxxxxxxxx', cel.bind(b, a + a, cel.bind(c, b + b, ...)))      twenty-four times is 160 MB

Upstream counts what an evaluation costs and cancels it. The interpreter here counts only the turns of loops, so this walks the checked
expression first, with the sizes of what is bound, and works out a bound for every value in it: how many characters, and how many elements
of lists and maps (each counts ``ELEMENT``). Nothing is evaluated. One that could pass ``LARGEST`` is cancelled in upstream's words.

    object.spec.containers     what is bound there
    a + b                      size(a) + size(b)
    text.split(',')            the characters of the text, and an element for each
    list.map(x, f)             with x as large as the whole list, and what of f does not depend on x once for each turn

:data:`FUNCTIONS` has a bound for every function of the environment; an expression with one that is not there is cancelled.

Models: cel-go interpreter/runtimecost.go, k8s.io/apiserver/pkg/apis/cel/config.go (PerCallLimit: a million, a tenth for a character).
Simplified: the bound is of sizes, not of work; a bound may be larger than what really comes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

LARGEST = 10_000_000
ELEMENT = 16
TURNS = 10_000  # of the loops of one evaluation: the interpreter counts them itself
DEEPEST = 8  # loops inside of loops


class Size(NamedTuple):
    """A value has at most so many characters (a number counts one), and in it so many elements of lists and maps."""

    text: int
    items: int = 0

    @property
    def total(self) -> int:
        """What counts."""
        return self.text + ELEMENT * self.items


class TooLarge(Exception):
    """A value could become too large."""


# -- the checked expression ------------------------------------------------------------------------------------------------


class Node(NamedTuple):
    """One expression: what it is, its name (of an identifier, a field, a function; the text of a constant), its parts."""

    kind: str
    name: str = ""
    parts: tuple[Node, ...] = ()
    names: tuple[str, ...] = ()  # of the variables of a loop, the accumulated one last


def parse(serialized: bytes) -> Node:
    """The expression in a ``cel.expr.CheckedExpr``, which travels as a ``google.protobuf.Any``."""
    return _expression(_one(_one(serialized, 2), 4))


def grows(node: Node) -> bool:
    """Whether anything in an expression makes larger values out of smaller ones, or could."""
    larger = node.kind == "call" and node.name not in _NEVER_LARGER
    return larger or (node.kind == "list" and any(part.kind != "constant" for part in node.parts)) or any(map(grows, node.parts))


def _expression(data: bytes) -> Node:
    """A ``cel.expr.Expr`` (google/api/expr/v1alpha1/syntax.proto has its numbers)."""
    for number, value in _fields(data):
        if number in _KINDS and isinstance(value, bytes):
            return _KINDS[number](value)
    return Node("constant")


def _constant(data: bytes) -> Node:
    return Node("constant", next((value.decode("latin-1") for _, value in _fields(data) if isinstance(value, bytes)), ""))


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


# -- bounds of functions ---------------------------------------------------------------------------------------------------

_NUMBER = 1000 + 320  # the longest that ``%.1000f`` writes
_BITS = 64 + 4  # the longest that any other does, and what stands between the elements of a list
_SHORT = 32  # a number, a time or a length of time as text
_ANSWER = 1024  # why an authorizer allows something, without the names in it
SMALL = Size(1)
Bound = Callable[[list[Size]], Size]


def _sum(sizes: Iterable[Size]) -> Size:
    texts, items = [0], [0]
    for size in sizes:
        texts.append(size.text)
        items.append(size.items)
    return Size(sum(texts), sum(items))


def _longest(sizes: Iterable[Size]) -> Size:
    found = list(sizes)
    return Size(max((size.text for size in found), default=1), max((size.items for size in found), default=0))


def _small(_parts: list[Size]) -> Size:
    return SMALL


def _part(parts: list[Size]) -> Size:
    """Something out of what it is asked of, or all of it."""
    return parts[0] if parts else SMALL


def _written(times: int = 1, more: int = 0) -> Bound:
    """A text of so many characters for each one that is given."""
    return lambda parts: Size(times * sum(part.text for part in parts) + more)


def _pieces(parts: list[Size]) -> Size:
    """A text in pieces: as many as it has characters, at most."""
    return Size(parts[0].text, parts[0].text + 2)


def _replaced(parts: list[Size]) -> Size:
    return Size(parts[0].text + (parts[0].text + 1) * parts[2].text)


def _joined(parts: list[Size]) -> Size:
    return Size(parts[0].text + (parts[0].items + 1) * sum(part.text for part in parts[1:]))


def _formatted(longest: int) -> Bound:
    """``%x`` writes two characters for one; a number can be long."""
    return lambda parts: Size(parts[0].text + 2 * parts[1].text + (parts[1].items + 1) * longest)


def _inserted(parts: list[Size]) -> Size:
    both = _sum(parts)
    return Size(both.text, both.items + 1)


def _table(rows: Iterable[tuple[Bound, str]]) -> dict[str, Bound]:
    return {name: bound for bound, names in rows for name in names.split()}


_COMPARING = """
    _==_ _!=_ _<_ _<=_ _>_ _>=_ _&&_ _||_ !_ @in _-_ _*_ _/_ _%_ -_ @not_strictly_false size contains startsWith endsWith matches
    type int uint double bool indexOf lastIndexOf hasValue sets.contains sets.equivalent sets.intersects getFullYear getMonth
    getDayOfYear getDayOfMonth getDate getDayOfWeek getHours getMinutes getSeconds getMilliseconds isSorted sum isURL isQuantity
    isInteger asInteger asApproximateFloat sign isLessThan isGreaterThan compareTo isIP ip.isCanonical family isUnspecified
    isLoopback isLinkLocalUnicast isCIDR containsIP containsCIDR prefixLength isSemver major minor patch allowed errored error
    optional.none
"""
_TAKING = """
    _[_] _[?_] _?._ charAt lowerAscii upperAscii trim reverse substring first last min max value dyn optional.of
    optional.ofNonZeroValue find url getScheme getHost getHostname getPort getEscapedPath quantity ip cidr semver reason
"""
_NEVER_LARGER = frozenset(f"{_COMPARING} {_TAKING} _?_:_ or orValue".split())
FUNCTIONS: dict[str, Bound] = _table((
    (_small, _COMPARING),
    (_part, _TAKING),
    (lambda parts: _longest(parts[1:]), "_?_:_"),
    (_longest, "or orValue"),
    (_sum, "_+_ path group resource subresource namespace name"),
    (_written(1, _SHORT), "string duration timestamp add sub masked"),
    (_written(2, 2), "strings.quote jsonpatch.escapeKey"),
    (_written(4), "bytes"),
    (lambda parts: Size(3 * sum(part.text for part in parts) + 4 * _SHORT, 4), "serviceAccount"),
    (_written(2, _ANSWER), "check"),
    (_pieces, "split findAll getQuery"),
    (_replaced, "replace"),
    (_joined, "join"),
    (_formatted(_NUMBER), "format"),
    (_inserted, "cel.@mapInsert"),
))  # fmt: skip
"""How large the result of a function can be, by its name, whatever it is called on."""
_FRACTION = re.compile(r"%[.\d]*[fe]")


def _bound_of(call: Node) -> Bound:
    """The bound of a function; where the template of a ``format`` is known, a sharper one. Raises TooLarge for one that nobody knows."""
    if call.name not in FUNCTIONS:
        raise TooLarge
    known = call.name == "format" and call.parts[0].kind == "constant"
    return _formatted(_BITS) if known and not _FRACTION.search(call.parts[0].name) else FUNCTIONS[call.name]


# -- bounds of expressions -------------------------------------------------------------------------------------------------


def size_of(value: Any) -> Size:
    """The size of something that is bound."""
    if isinstance(value, str | bytes):
        return Size(len(value) + 1)
    if isinstance(value, Mapping):
        inside = _sum(size_of(one) for pair in value.items() for one in pair)
        return Size(inside.text, inside.items + len(value))
    if isinstance(value, list | tuple):
        inside = _sum(map(size_of, value))
        return Size(inside.text, inside.items + len(value))
    length = int(value.ByteSize()) if hasattr(value, "ByteSize") else 0
    return Size(length, length // 2) if length else SMALL


class Bounds:
    """Bounds of the values of one evaluation. Raises TooLarge."""

    def __init__(self, bindings: Mapping[str, Any]):
        self.bindings = bindings
        self._sizes: dict[str, Size] = {}

    def of(self, node: Node, inner: Mapping[str, Size], depth: int = 0) -> Size:
        """The bound of an expression; ``inner``: of the variables of loops around it."""
        if node.kind == "constant":
            return Size(len(node.name) + 1)
        if node.kind == "loop":
            return _checked(self._loop(node, inner, depth))
        if node.kind in ("name", "field"):
            return _checked(self._named(node, inner, depth))
        parts = [self.of(part, inner, depth) for part in node.parts]
        if node.kind == "list":
            inside = _sum(parts)
            return _checked(Size(inside.text, inside.items + len(parts)))
        return _checked(_bound_of(node)(parts))

    def _named(self, node: Node, inner: Mapping[str, Size], depth: int) -> Size:
        """A variable, or a field: of what is bound, its own size; of anything else, that of the whole."""
        name = _dotted(node)
        if name in inner:
            return inner[name]
        if (found := self._bound(node, inner)) is not _NOTHING:
            if name not in self._sizes:
                self._sizes[name] = size_of(found)
            return self._sizes[name]
        return self.of(node.parts[0], inner, depth) if node.parts else SMALL

    def _bound(self, node: Node, inner: Mapping[str, Size]) -> Any:
        """The value that is bound to a name, or what is there in the fields below it; nothing where a loop's variable has that name."""
        name = _dotted(node)
        if name in inner or not name:
            return _NOTHING
        if node.kind == "name" or name in self.bindings:
            return self.bindings.get(name, _NOTHING)
        above = self._bound(node.parts[0], inner)
        return above.get(node.name, _NOTHING) if isinstance(above, Mapping) else _NOTHING

    def _loop(self, node: Node, inner: Mapping[str, Size], depth: int) -> Size:
        over, first, _condition, step, result = node.parts
        variables, gathered = node.names[:-1], node.names[-1]
        whole, before = self.of(over, inner, depth), self.of(first, inner, depth)
        found = self._bound(over, inner)
        turns = min(len(found) if isinstance(found, Mapping | list | tuple) else whole.items, TURNS)
        if turns:
            if depth >= DEEPEST:
                raise TooLarge
            nothing = {**inner, gathered: Size(0)}
            all_of_it = self.of(step, {**nothing, **dict.fromkeys(variables, whole)}, depth + 1)
            of_each = self.of(step, {**nothing, **dict.fromkeys(variables, Size(0))}, depth + 1)
            before = _checked(_sum((before, all_of_it, Size(turns * of_each.text, turns * of_each.items))))
        return self.of(result, {**inner, gathered: before}, depth)


_NOTHING: Any = object()


def _checked(size: Size) -> Size:
    if size.total > LARGEST:
        raise TooLarge
    return size


def _dotted(node: Node) -> str:
    """``variables.most`` for a field of a name; a name alone; empty for other things."""
    if node.kind == "name":
        return node.name
    below = _dotted(node.parts[0]) if node.kind == "field" else ""
    return f"{below}.{node.name}" if below else ""
