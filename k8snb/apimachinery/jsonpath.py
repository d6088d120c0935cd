"""JSONPath as Kubernetes reads it: a template with holes, ``{range .items[*]}{.metadata.name}{"\\n"}{end}``.

kubectl prints with it, and the columns of custom resources are found with it.

It is neither RFC 9535 nor Go's templates: text stands outside braces; inside are fields (``.a``, ``['a']``), indexes and
slices (``[0]``, ``[-1]``, ``[0:2]``), ``*``, ``..``, filters (``?(@.x=="y")``), unions, quoted text, and ``range`` ... ``end``.

    Template("{.items[*].metadata.name}").text({"items": [{"metadata": {"name": "a"}}]})     # 'a'

A path that finds nothing prints nothing, unless ``missing_keys=False``. Raises :class:`JSONPathError` with the words of the real one.

Models: k8s.io/client-go/util/jsonpath (parser.go, jsonpath.go).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from k8snb.apimachinery.gotext import go_json, go_scalar


class JSONPathError(Exception):
    """The template cannot be read, or does not fit the object."""


class Node(NamedTuple):
    """One part of a template: ``kind`` says which, ``value`` holds what belongs to it."""

    kind: str
    value: Any = None


_IDENT_END = re.compile(r"[\s\n.,\[\]\"'{}@$()?]|$")
_INDEX = re.compile(r"^(-?[\d]*)(:-?[\d]*)?(:-?[\d]*)?$")
_FILTER = re.compile(r"^([^!<>=]+)([!<>=]+)(.+?)$")
_KEY = re.compile(r"^'([^']*)'$")


class _Parser:
    """Reads one template, character by character."""

    def __init__(self, text: str):
        self.text, self.at = text, 0

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def template(self) -> list[Node]:
        nodes: list[Node] = []
        while self.at < len(self.text):
            opening = self.text.find("{", self.at)
            end = len(self.text) if opening < 0 else opening
            if end > self.at:
                nodes.append(Node("text", self.text[self.at : end]))
            self.at = end
            if opening >= 0:
                self.at += 1
                nodes.append(Node("list", self.action()))
        return nodes

    def action(self) -> list[Node]:
        nodes: list[Node] = []
        while True:
            char = self.peek()
            if not char or char == "\n":
                raise JSONPathError("unclosed action")
            if char == "}":
                self.at += 1
                return nodes
            nodes += self.part(char)

    def part(self, char: str) -> list[Node]:
        if char.isspace() or char in "@$":
            self.at += 1
            return [Node("root")] if char == "$" else []
        if char == "[":
            return [self.brackets()]
        if char in "\"'":
            return [Node("text", self.quoted(char))]
        if char == ".":
            return self.field()
        if char.isdecimal() or char in "+-":
            return [self.number()]
        if char.isalpha():
            return [self.identifier()]
        raise JSONPathError(f"unrecognized character in action: U+{ord(char):04X} '{char}'")

    def word(self) -> str:
        start = self.at
        while self.at < len(self.text) and (self.text[self.at] == "\\" or not _IDENT_END.match(self.text[self.at])):
            self.at += 2 if self.text[self.at] == "\\" else 1
        return re.sub(r"\\(.)", r"\1", self.text[start : self.at])

    def identifier(self) -> Node:
        word = self.word()
        if word in ("true", "false"):
            return Node("constant", word == "true")
        if word not in ("range", "end"):
            raise JSONPathError(f"unrecognized identifier {word}")
        return Node(word)

    def number(self) -> Node:
        match = re.compile(r"[+-]?[\d.]+").match(self.text, self.at)
        if match is None:
            raise JSONPathError("cannot parse number")
        self.at = match.end()
        return Node("constant", float(match[0]) if "." in match[0] else int(match[0]))

    def field(self) -> list[Node]:
        self.at += 1
        if self.peek() == ".":
            self.at += 1
            if not re.match(r"[\w*\[]", self.peek()):
                raise JSONPathError("recursive descent needs a name")
            return [Node("recursive"), *([] if self.peek() == "[" else [self.name()])]
        return [self.name()]

    def name(self) -> Node:
        word = self.word()
        if word == "*":
            return Node("wildcard")
        return Node("field", word)

    def quoted(self, mark: str) -> str:
        match = re.compile(rf"{mark}((?:\\.|[^{mark}\\])*){mark}", re.DOTALL).match(self.text, self.at)
        if match is None:
            raise JSONPathError("unterminated quoted string")
        self.at = match.end()
        return unescape(match[1])

    def brackets(self) -> Node:
        start = self.at + 1
        if self.text.startswith("?(", start):
            return self.filter(start + 2)
        closed, index = self.closing("[]", start)
        if not closed:
            raise JSONPathError("unterminated array")
        self.at = index
        return _array(self.text[start : index - 1])

    def closing(self, pair: str, index: int) -> tuple[bool, int]:
        """Whether the bracket that stands open is closed, outside of quotes; and the place after that."""
        depth, quote = 1, ""
        while index < len(self.text) and depth:
            char = self.text[index]
            if quote:
                quote = "" if char == quote else quote
            elif char in "'\"":
                quote = char
            else:
                depth += (char == pair[0]) - (char == pair[1])
            index += 1
        return not depth, index

    def filter(self, start: int) -> Node:
        closed, index = self.closing("()", start)
        if not closed or not self.text.startswith("]", index):
            raise JSONPathError("unclosed array expect ]" if closed else "unterminated filter")
        self.at = index + 1
        return Node("filter", _condition(self.text[start : index - 1]))


def unescape(text: str) -> str:
    """The characters of a quoted text."""
    marks = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(.)", lambda found: marks.get(found[1], found[1]), text, flags=re.DOTALL)


def _array(inside: str) -> Node:
    if inside == "*":
        return Node("array", (None, None, None, False))
    if "," in inside:
        return Node("union", [_inner(f"[{part.strip()}]") for part in inside.split(",")])
    key = _KEY.match(inside)
    if key:
        return Node("field", unescape(key[1]))
    index = _INDEX.match(inside)
    if not index or not inside:
        raise JSONPathError(f"invalid array index {inside}")
    parts = [part.removeprefix(":") if part else None for part in index.groups()]
    numbers = [int(part) if part else None for part in parts]
    return Node("array", (*numbers, index[2] is None))


def _inner(text: str) -> list[Node]:
    return _Parser(text + "}").action()


def _condition(text: str) -> tuple[list[Node], str, list[Node]]:
    match = _FILTER.match(text)
    if match is None:
        return _inner(text), "exists", []
    if match[2] not in _COMPARE:
        raise JSONPathError(f"unrecognized filter operator {match[2]}")
    return _inner(match[1].strip()), match[2], _inner(match[3].strip())


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: left == right, "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right, ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right, ">=": lambda left, right: left >= right,
}  # fmt: skip


class Template:
    """A parsed template; ``missing_keys`` allows fields that are not there."""

    def __init__(self, text: str, *, missing_keys: bool = True):
        self.nodes, self.missing_keys = _Parser(text).template(), missing_keys

    def results(self, root: Any) -> list[list[Any]]:
        """What each text and each pair of braces gave, in order."""
        found, position = self._run(self.nodes, 0, [root], root)
        if position < len(self.nodes):
            raise JSONPathError("not in range, nothing to end")
        return found

    def _run(self, nodes: Sequence[Node], position: int, here: list[Any], root: Any) -> tuple[list[list[Any]], int]:
        """Evaluate from ``position`` until the end or the ``end`` of this range."""
        found: list[list[Any]] = []
        while position < len(nodes):
            node = nodes[position]
            inner = node.value if node.kind == "list" else []
            if inner and inner[0].kind == "end":
                return found, position
            if inner and inner[0].kind == "range":
                items = self._walk(inner[1:], here, root)
                after = self._skip(nodes, position + 1)
                for item in items:
                    found += self._run(nodes[:after], position + 1, [item], root)[0]
                position = after + 1
                continue
            found.append(self._walk([node], here, root))
            position += 1
        return found, position

    def _skip(self, nodes: Sequence[Node], position: int) -> int:
        """Where the range that starts before ``position`` ends."""
        depth = 1
        for index in range(position, len(nodes)):
            inner = nodes[index].value if nodes[index].kind == "list" else []
            depth += bool(inner and inner[0].kind == "range") - bool(inner and inner[0].kind == "end")
            if not depth:
                return index
        return len(nodes)

    def _walk(self, nodes: Sequence[Node], values: list[Any], root: Any) -> list[Any]:
        for node in nodes:
            values = self._step(node, values, root)
        return values

    def _step(self, node: Node, values: list[Any], root: Any) -> list[Any]:
        if node.kind in ("text", "constant"):
            return [node.value]
        if node.kind == "root":
            return [root]
        if node.kind == "list":
            return self._walk(node.value, values, root)
        if node.kind == "recursive":
            return [deep for value in values for deep in _descend(value)]
        if node.kind == "union":
            return [item for part in node.value for item in self._walk(part, values, root)]
        if node.kind == "wildcard":
            return [item for value in values for item in _children(value)]
        if node.kind == "field":
            return self._field(node.value, values)
        if node.kind == "filter":
            return [
                item
                for value in values
                if value is not None
                for item in _items(value, " and cannot be filtered")
                if self._meets(node.value, item, root)
            ]
        return [item for value in values if value is not None for item in _slice(value, node.value)]

    def _field(self, name: str, values: list[Any]) -> list[Any]:
        if not values:
            return []
        found = [value if not name else value[name] for value in values if not name or (isinstance(value, dict) and name in value)]
        if not found and not self.missing_keys:
            raise JSONPathError(f"{name} is not found")
        return found

    def _meets(self, condition: tuple[list[Node], str, list[Node]], item: Any, root: Any) -> bool:
        left, operator, right = condition
        lefts = Template._walk(_LENIENT, left, [item], root)
        if operator == "exists":
            return bool(lefts)
        rights = Template._walk(_LENIENT, right, [item], root)
        if len(lefts) > 1 or len(rights) > 1:
            raise JSONPathError("can only compare one element at a time")
        if not lefts or not rights:
            return False
        try:
            return _COMPARE[operator](lefts[0], rights[0])
        except TypeError:
            raise JSONPathError("incompatible types for comparison") from None

    def text(self, root: Any) -> str:
        """What the template prints for one object."""
        return "".join(" ".join(_print(value) for value in values) for values in self.results(root))


_LENIENT = Template("")


def _items(value: Any, remark: str = "") -> list[Any]:
    if not isinstance(value, list):
        kind = {dict: "map[string]interface {}", str: "string", bool: "bool", int: "int64"}.get(type(value), "map[string]interface {}")
        raise JSONPathError(f"{kind} is not array or slice{remark}")
    return value


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    return list(value) if isinstance(value, list) else []


def _descend(value: Any) -> list[Any]:
    return [value, *(deep for child in _children(value) for deep in _descend(child))]


def _slice(value: Any, bounds: tuple[int | None, int | None, int | None, bool]) -> list[Any]:
    items, (start, stop, step, single) = _items(value), bounds
    length, begin = len(items), start or 0
    begin += length if begin < 0 else 0
    end = begin + 1 if single and start is not None else length if stop is None else stop
    end += length if end < 0 else 0
    if begin != end:
        if not 0 <= begin < length:
            raise JSONPathError(f"array index out of bounds: index {begin}, length {length}")
        if not 0 <= end <= length:
            raise JSONPathError(f"array index out of bounds: index {end - 1}, length {length}")
        if begin > end:
            raise JSONPathError(f"starting index {begin} is greater than ending index {end}")
    if step is not None and step <= 0:
        raise JSONPathError("step must be > 0")
    return list(items[begin : end : step or 1])


def _print(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return go_json(value)
    return "null" if value is None else go_scalar(value)


_RELAXED = re.compile(r"^\{\.?([^{}]+)\}$|^\.?([^{}]+)$")


def relaxed(text: str) -> str:
    """``x.y``, ``.x.y`` and ``{.x.y}`` are all ``{.x.y}``, for columns, sorting and waiting."""
    if not text:
        return text
    match = _RELAXED.match(text)
    if not match:
        raise JSONPathError("unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'")
    return "{." + (match[1] or match[2]) + "}"
