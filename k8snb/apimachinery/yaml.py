"""YAML as kubectl reads and writes it.

kubectl splits its input into documents at lines that are ``---``, turns each into JSON with a Go library that follows YAML 1.1
in its own way, and sends JSON. What a manifest *means* is decided here: ``y`` is true, ``0400`` and ``0o400`` are 256,
``12:30`` is text, ``yes:`` is the key ``"true"``, of two equal keys the last wins. Errors are that library's, with its line
numbers (which count from the document's first line): ``error converting YAML to JSON: yaml: line 5: did not find expected key``.

    for document in documents(text):
        document.value                                     # JSON
        document.locate("spec.containers[0].image").line   # in text, counted from 1

libyaml (through PyYAML) makes the events: Go's scanner is its port, and its words are the same. The rest is here: composition
with bounds, the resolution of plain scalars, merge keys. ``dump`` writes as ``kubectl get -o yaml`` does.

Models: sigs.k8s.io/yaml (goyaml.v2: resolve.go, decode.go, encode.go, sorter.go), k8s.io/apimachinery/pkg/util/yaml/decoder.go.
Simplified: nesting is bounded at 256, not at 10,000.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.objects import DEEPEST
from k8snb.apimachinery.yaml_loader import OPENED, DeepLoader, in_words_of_libyaml
from k8snb.apimachinery.yaml_scalars import ScalarError, resolve
from k8snb.apimachinery.yaml_writer import dump

__all__ = ["Document", "Mark", "Repeated", "YamlError", "documents", "dump", "locate", "resolve", "split_path"]

MAX_DEPTH = DEEPEST
GO_DEPTH = 10_000
MAX_QUOTES = 500
MAX_BYTES = 3 * 1024 * 1024  # of one document: the API server takes no larger request
_Loader: Any = getattr(yaml, "CLoader", DeepLoader)
_TOO_DEEP = "exceeded maximum nesting depth"  # libyaml's own bound of 1,000, which newer builds have


class Mark(NamedTuple):
    """A place in a stream: ``line`` counts from 1, ``column`` from 0; ``exact``: what was looked for, not its nearest parent."""

    line: int
    column: int = 0
    width: int = 1
    exact: bool = True


class Repeated(NamedTuple):
    """A key that stands several times in one mapping: where it did first, and where it does last."""

    key: str
    first: Mark
    last: Mark


class YamlError(ValueError):
    """The text is no YAML. The message is kubectl's, after its ``error parsing FILE: ``; ``mark`` is where it went wrong, if known."""

    def __init__(self, message: str, mark: Mark | None = None):
        super().__init__(message)
        self.mark = mark


class _KeyError(YamlError):
    """A key that YAML has and JSON has not."""


@dataclass(slots=True)
class _Node:
    """A value, and where it begins; in a mapping, where its key does. ``size`` counts what decoding it costs."""

    value: Any
    line: int
    column: int = 0
    width: int = 1
    parts: dict[Any, _Node] = field(default_factory=dict)
    size: int = 1
    merge: bool = False  # a plain "<<"

    def mark(self, first_line: int, exact: bool = True) -> Mark:
        """The place in a stream in which the node's document begins on ``first_line``."""
        return Mark(first_line + self.line, self.column, self.width, exact)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a stream: its JSON ``value``, its ``text``, and the line of the stream on which it begins (from 1)."""

    value: Any
    text: str
    first_line: int
    root: _Node = field(repr=False, compare=False)
    repeated: tuple[Repeated, ...] = ()

    def locate(self, path: str | Sequence[str | int]) -> Mark:
        """The place of the value at a field path (of its key, where it has one), or of its nearest parent that is there.

        Paths are written as the server writes them: ``spec.ports[0].name``, ``metadata.labels[app.kubernetes.io/name]``.
        """
        node, keys = self.root, split_path(path) if isinstance(path, str) else list(path)
        while keys:
            found = next((n for n in range(len(keys), 0, -1) if _join(keys[:n]) in node.parts), 0)
            if not found:
                break
            node, keys = node.parts[_join(keys[:found])], keys[found:]
        return node.mark(self.first_line, exact=not keys)


def _join(keys: list[str | int]) -> str | int:
    return keys[0] if len(keys) == 1 else ".".join(map(str, keys))


def split_path(path: str) -> list[str | int]:
    """The keys and indexes of a field path.

    >>> split_path("spec.ports[0].name"), split_path("metadata.labels[a.b/c]")
    (['spec', 'ports', 0, 'name'], ['metadata', 'labels', 'a.b/c'])
    """
    keys: list[str | int] = []
    for name, inner in re.findall(r"([^.\[\]]+)|\[([^\]]*)\]", path):
        keys.append(name or (int(inner) if inner.isdecimal() else inner))
    return keys


def locate(text: str, path: str) -> Mark:
    """The place of a field path in the first document of ``text``; see :meth:`Document.locate`."""
    return next(documents(text)).locate(path)


# Reading


def documents(text: str) -> Iterator[Document]:
    """The documents of a stream that are not empty, one after the other, each read when it is asked for.

    Raises :class:`YamlError`. A stream that begins with ``{`` is read as JSON first, as kubectl does.
    """
    if text.lstrip().startswith("{"):
        yield from _json_documents(text)
    else:
        yield from _yaml_documents(text)


def _yaml_documents(text: str) -> Iterator[Document]:
    for first_line, part in _split(text):
        document = _compose(part, first_line)
        if document.value is not None:
            yield document


def _split(text: str) -> Iterator[tuple[int, str]]:
    lines: list[str] = []
    first = 1
    for number, line in enumerate(re.findall(r"[^\n]*\n|[^\n]+", text), 1):
        rest = line[3:].strip() if line.startswith("---") else None
        if rest and not rest.startswith("#"):
            raise YamlError(f"invalid Yaml document separator: {rest}", Mark(number, 0, len(line.rstrip())))
        if rest is not None and lines:
            yield first, "".join(lines)
            lines, first = [], number + 1
        else:
            lines.append(line if line.endswith("\n") else line + "\n")
    if lines:
        yield first, "".join(lines)


def _json_documents(text: str) -> Iterator[Document]:
    at, first = 0, True
    while rest := text[at:].lstrip():
        at = len(text) - len(rest)
        try:
            _value, length = json.JSONDecoder().raw_decode(rest)
        except (json.JSONDecodeError, RecursionError) as error:
            yield from _perhaps_yaml(text, error if first else None, at, error)
            return
        yield _compose(rest[:length], text.count("\n", 0, at) + 1)
        at, first = at + length, False


def _perhaps_yaml(text: str, first: Exception | None, at: int, error: Exception) -> Iterator[Document]:
    """Text in braces that is no JSON may be YAML in flow style; if it is neither, the complaint is about JSON."""
    try:
        found = list(_yaml_documents(text)) if first else []
    except YamlError:
        found = []
    if not found:
        raise YamlError(_json_error(error, at), _json_mark(text, at + getattr(error, "pos", 0))) from None
    yield from found


_JSON_WORDS = (
    ("property name", "looking for beginning of object key string"),
    ("trailing comma", "looking for beginning of object key string"),
    ("Expecting value", "looking for beginning of value"),
    ("':'", "after object key"),
    ("','", "after object key:value pair"),
    ("Invalid \\escape", "in string escape code"),
    ("control character", "in string literal"),
)


def _json_error(error: Exception, at: int) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return "exceeded max depth"
    words = go_json_error(error)
    return f"json: offset {at + error.pos + 1}: {words}" if words.startswith("invalid") else "unexpected EOF"


def go_json_error(error: json.JSONDecodeError) -> str:
    """What Go says of text that is no JSON."""
    if error.pos >= len(error.doc) or error.msg.startswith("Unterminated"):
        return "unexpected end of JSON input"
    words = next((words for sign, words in _JSON_WORDS if sign in error.msg), "looking for beginning of value")
    words = "after array element" if "','" in error.msg and _in_array(error.doc[: error.pos]) else words
    return f"invalid character {_go_char(error.doc[error.pos])} {words}"


def _in_array(text: str) -> bool:
    """Whether JSON that is sound so far ends inside an array rather than inside an object."""
    open_brackets: list[str] = []
    for bracket in re.findall(r"[][{}]", re.sub(r'"(?:\\.|[^"\\])*"', "", text)):
        open_brackets.append(bracket) if bracket in "[{" else open_brackets.pop()
    return open_brackets[-1:] == ["["]


def _go_char(char: str) -> str:
    return {"'": r"'\''", '"': "'\"'"}.get(char) or f"'{quote(char)[1:-1]}'"


def _json_mark(text: str, at: int) -> Mark:
    return Mark(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at) - 1)


def _fail(message: str, line: int = 0, first_line: int = 1) -> YamlError:
    """``line`` counts from 1 within the document; 0: not known, and not printed."""
    where = f"line {line}: " if line else ""
    return YamlError(f"error converting YAML to JSON: yaml: {where}{message}", Mark(first_line + line - 1) if line else None)


def _syntax_error(error: yaml.YAMLError, first_line: int) -> YamlError:
    """The sentence of Go's parser. Its line numbers: scanner errors count from 1, parser errors from 0."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unknown problem parsing YAML content"
    line = mark.line if mark else 0
    if line:
        line += isinstance(error, yaml.scanner.ScannerError)
    elif context := getattr(error, "context_mark", None):
        line = context.line
    found = _fail(in_words_of_libyaml(str(problem), getattr(error, "context", None)), line)
    found.mark = _where(error, first_line)
    return found


def _where(error: yaml.YAMLError, first_line: int) -> Mark | None:
    """Where the parser could not go on; for what was opened on an earlier line and never closed, where it was opened."""
    mark, began, context = (getattr(error, name, None) for name in ("problem_mark", "context_mark", "context"))
    if mark and began and context in OPENED and (began.line != mark.line or "scanning" in context):
        mark = began
    return Mark(first_line + mark.line, mark.column) if mark else None


def _compose(text: str, first_line: int) -> Document:
    """The document of this text, which begins on this line of its stream; its value is None where it is empty."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise YamlError(f"Request entity too large: limit is {MAX_BYTES}", Mark(first_line))
    parser = _Loader
    for _ in range(MAX_QUOTES):
        try:
            return _composed(text, first_line, parser)
        except yaml.YAMLError as error:
            if getattr(error, "problem", "") == _TOO_DEEP and parser is _Loader:
                parser = DeepLoader  # slower, but it goes as deep as Go does
                continue
            mended = _mend_quote(text, error)
            if mended == text:
                raise _syntax_error(error, first_line) from None
            text = mended
    raise YamlError(f"more than {MAX_QUOTES} escaped single quotes in one document", Mark(first_line))


def _composed(text: str, first_line: int, parser: Any) -> Document:
    composer = _Composer(first_line)
    loader = parser(text)
    try:
        while True:
            event = loader.get_event()
            if isinstance(event, (yaml.DocumentEndEvent, yaml.StreamEndEvent)):
                root = composer.result()
                return Document(root.value, text, first_line, root, tuple(sorted(composer.repeated, key=lambda one: one.last)))
            composer.take(event)
    finally:
        loader.dispose()


def _mend_quote(text: str, error: yaml.YAMLError) -> str:
    r"""Go accepts ``\'`` between double quotes, libyaml does not: write it in a way that both do."""
    mark = getattr(error, "problem_mark", None)
    if getattr(error, "problem", "") != "found unknown escape character" or mark is None:
        return text
    lines = text.split("\n")
    line = lines[mark.line]
    at = line.find("\\'", max(mark.column - 2, 0))
    if at < 0:
        return text
    lines[mark.line] = f"{line[:at]}\\x27{line[at + 2 :]}"
    return "\n".join(lines)


class _Composer:
    """Makes values of events, without recursion: a hostile document must not exhaust the stack, nor memory through aliases."""

    def __init__(self, first_line: int):
        self.first_line = first_line
        self.root: _Node | None = None
        self.open: list[_Open] = []
        self.anchors: dict[str, _Node | None] = {}
        self.count = self.aliased = 0
        self.error: YamlError | None = None
        self.later: YamlError | None = None
        self.odd = False  # a number was read that JSON does not have
        self.repeated: list[Repeated] = []

    def result(self) -> _Node:
        """The document's node. Raises what went wrong while it was decoded, or else while it was made JSON."""
        root = self.root or _Node(None, 0)
        if error := self.error or self.later or (_no_number(root.value) if self.odd else None):
            raise error
        return root

    def take(self, event: Any) -> None:
        start, end = event.start_mark, event.end_mark
        line, column = start.line, start.column
        if isinstance(event, yaml.ScalarEvent):
            width = end.column - column if end.line == line else 1
            self.add(_Node(self.scalar(event), line, column, width, merge=event.implicit[0] and event.value == "<<"), event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self.add(self.alias(str(event.anchor), line, column), None)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self.check_depth(line)
            self.open.append(_Open(isinstance(event, yaml.MappingStartEvent), line, column, event.anchor))
            if event.anchor:
                self.anchors[event.anchor] = None
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self.add(self.close(self.open[-1]), self.open.pop().anchor)

    def check_depth(self, line: int) -> None:
        if len(self.open) >= GO_DEPTH:
            raise _fail(f"exceeded max depth of {GO_DEPTH}", line + 1, self.first_line)
        if len(self.open) >= MAX_DEPTH:
            self.error = self.error or _fail(f"exceeded max depth of {MAX_DEPTH}", line + 1, self.first_line)

    def close(self, collection: _Open) -> _Node:
        """What is wrong with a key is said only where the whole document could be parsed: Go decodes after it has parsed."""
        if self.error:
            return _Node(None, collection.line)
        try:
            self.repeated += collection.repeated(self.first_line)
            return collection.close()
        except _KeyError as error:
            self.later = self.later or error
        except YamlError as error:
            self.error = self.error or error
        return _Node(None, collection.line)

    def scalar(self, event: Any) -> Any:
        if not event.tag and not event.implicit[0]:
            return event.value
        try:
            value = resolve(event.value, event.tag or "")
        except ScalarError as error:
            self.error = self.error or _fail(str(error))
            return None
        self.odd = self.odd or (isinstance(value, float) and not math.isfinite(value))
        return value

    def alias(self, name: str, line: int, column: int) -> _Node:
        if name not in self.anchors:
            unknown = _fail(f"unknown anchor '{name}' referenced")
            unknown.mark = Mark(self.first_line + line, column, len(name) + 1)
            raise unknown
        node = self.anchors[name]
        if node is None:
            raise _fail(f"anchor '{name}' value contains itself")
        self.count += node.size
        self.aliased += node.size
        allowed = 0.99 - 0.89 * min(max(self.count - 400_000, 0) / 3_600_000, 1)
        if self.aliased > 100 and self.count > 1000 and self.aliased / self.count > allowed:
            raise _fail("document contains excessive aliasing")
        return _Node(node.value, line, column, len(name) + 1, node.parts, node.size)

    def add(self, node: _Node, anchor: str | None) -> None:
        self.count += 1
        if anchor:
            self.anchors[anchor] = node
        if self.open:
            self.open[-1].children.append(node)
        else:
            self.root = node


def _no_number(value: Any) -> YamlError | None:
    """The first number, by sorted keys, that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        shown = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        return YamlError(f"error converting YAML to JSON: json: unsupported value: {shown}")
    inner = [value[key] for key in sorted(value)] if isinstance(value, dict) else value if isinstance(value, list) else []
    return next((error for item in inner if (error := _no_number(item))), None)


@dataclass(slots=True)
class _Open:
    """A collection that is being read."""

    mapping: bool
    line: int
    column: int
    anchor: str | None
    children: list[_Node] = field(default_factory=list)

    def close(self) -> _Node:
        size = 1 + sum(child.size for child in self.children)
        if not self.mapping:
            return _Node([child.value for child in self.children], self.line, self.column, 1, dict(enumerate(self.children)), size)
        pairs = dict(self.pairs())
        return _Node({key: child.value for key, child in pairs.items()}, self.line, self.column, 1, pairs, size)

    def repeated(self, first_line: int) -> Iterator[Repeated]:
        """The keys that stand in this mapping more than once."""
        keys = [child for child in self.children[::2] if isinstance(child.value, str) and not child.merge] if self.mapping else []
        if len({key.value for key in keys}) == len(keys):
            return
        firsts: dict[str, _Node] = {}
        for key in keys:
            if firsts.setdefault(key.value, key) is not key:
                yield Repeated(key.value, firsts[key.value].mark(first_line), key.mark(first_line))

    def pairs(self) -> Iterator[tuple[str, _Node]]:
        """The entries; those of merge keys come first, for the mapping's own win, and of several merged the first."""
        entries = list(zip(self.children[::2], self.children[1::2], strict=True))
        for key, value in entries:
            if key.merge:
                yield from _merged(value)
        for key, value in entries:
            if not key.merge:
                yield _key(key.value, value.value), _Node(value.value, key.line, key.column, key.width, value.parts, value.size)


def _merged(node: _Node) -> Iterator[tuple[str, _Node]]:
    several = list(node.parts.values()) if isinstance(node.value, list) else [node]
    if not all(isinstance(one.value, dict) for one in several):
        raise _fail("map merge requires map or sequence of maps as the value")
    for one in reversed(several):
        yield from one.parts.items()


def _key(value: Any, of: Any) -> str:
    """A key as text: JSON has no other."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:.8g}" if isinstance(value, float) else str(value)
    if value is None:
        told = f"unsupported map key of type: %!s(<nil>), key: <nil>, value: {'<nil>' if of is None else _go_value(of)}"
        raise _KeyError(f"error converting YAML to JSON: {told}")
    raise _fail(f"invalid map key: {_go_value(value)}")


def _go_value(value: Any) -> str:
    """A value as Go's ``%#v`` prints it."""
    if isinstance(value, dict):
        inner = ", ".join(f"{_go_value(k)}:{_go_interface(v)}" for k, v in sorted(value.items()))  # fmt prints maps sorted
        return f"map[interface {{}}]interface {{}}{{{inner}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(_go_interface, value))}}}"
    return quote(value) if isinstance(value, str) else str(value).lower()


def _go_interface(value: Any) -> str:
    return "interface {}(nil)" if value is None else _go_value(value)
