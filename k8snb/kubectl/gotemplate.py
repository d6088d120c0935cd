"""The part of Go's text/template that people use with ``-o go-template``.

    {{.metadata.name}} {{len .spec.containers}} {{range .items}}{{.metadata.name}}{{"\\n"}}{{end}}
    {{if eq .status.phase "Running"}}up{{else}}down{{end}} {{index .data "key" | base64decode}} {{range $k, $v := .metadata.labels}}

Models: text/template, k8s.io/cli-runtime/pkg/printers/template.go.
Simplified: no ``define``/``template``/``block``, no methods; what is not known is refused, never skipped.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import quote
from k8snb.kubectl.text import go_value
from k8snb.messages import text as sentence


class GoTemplateError(Exception):
    """The template cannot be read here, or does not fit the object."""


class _Node(NamedTuple):
    kind: str  # text, print, if, range, with
    text: str
    body: tuple[_Node, ...] = ()
    other: tuple[_Node, ...] = ()


_ACTION = re.compile(r"\{\{(- )?(.*?)( -)?\}\}", re.DOTALL)
_TOKEN = re.compile(r"""\s*("(?:\\.|[^"\\])*"|`[^`]*`|-?\d+(?:\.\d+)?|:=|[()|,=]|\$?[\w$]*(?:\.[\w-]+)*\.?|\S)""")
_ABSENT = object()
_CONSTANTS = {"true": True, "false": False, "nil": None}


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    position, trim = 0, False
    for match in _ACTION.finditer(text):
        plain = text[position : match.start()]
        plain = plain.lstrip() if trim else plain
        yield "text", plain.rstrip() if match[1] else plain
        if not match[2].strip().startswith("/*"):
            yield "action", match[2].strip()
        position, trim = match.end(), bool(match[3])
    rest = text[position:]
    if "{{" in rest:
        line = text.count("\n", 0, position + rest.index("{{")) + 1
        raise GoTemplateError(f"template: output:{line}: unclosed action")
    yield "text", rest.lstrip() if trim else rest


def _parse(pieces: Iterator[tuple[str, str]], *, nested: bool) -> tuple[list[_Node], str]:
    nodes: list[_Node] = []
    for kind, text in pieces:
        if kind == "text":
            nodes.append(_Node("text", text))
            continue
        word, rest = _keyword(text)
        if word in ("if", "range", "with"):
            nodes.append(_block(word, rest, pieces))
        elif word in ("end", "else"):
            if not nested:
                raise GoTemplateError(f"unexpected {{{{{word}}}}}")
            return nodes, text
        elif word in ("define", "template", "block", "break", "continue"):
            raise GoTemplateError(sentence("kubectl.template", word=word))
        else:
            nodes.append(_Node("print", text))
    if nested:
        raise GoTemplateError("template: output:1: unexpected EOF")
    return nodes, ""


def _keyword(text: str) -> tuple[str, str]:
    """``range .items`` and ``range.items`` as word and rest."""
    match = re.match(r"(if|range|with|else|end|define|template|block|break|continue)\b\s*(.*)", text, re.DOTALL)
    return (match[1], match[2]) if match else ("", text)


def _block(word: str, condition: str, pieces: Iterator[tuple[str, str]]) -> _Node:
    body, closing = _parse(pieces, nested=True)
    other: list[_Node] = []
    if closing.startswith("else if "):
        other = [_block("if", closing.removeprefix("else if "), pieces)]
    elif closing == "else":
        other, _ = _parse(pieces, nested=True)
    return _Node(word, condition, tuple(body), tuple(other))


class GoTemplate:
    """A parsed template. Raises :class:`GoTemplateError`."""

    def __init__(self, text: str):
        self.nodes = _parse(iter(list(_pieces(text))), nested=False)[0]
        for kind, action in _pieces(text):
            if kind == "action":
                _check_functions(_keyword(action)[1] if _keyword(action)[0] else action)

    def text(self, obj: Any) -> str:
        """What it prints for an object."""
        return _render(self.nodes, obj, {"$": obj})


def _check_functions(expression: str) -> None:
    for token in _TOKEN.findall(expression):
        if token[:1].isalpha() and token not in FUNCTIONS and token not in _CONSTANTS and token != "if":
            raise GoTemplateError(f"template: output:1: function {quote(token)} not defined")


def _render(nodes: Sequence[_Node], dot: Any, names: dict[str, Any]) -> str:
    return "".join(_one(node, dot, names) for node in nodes)


def _one(node: _Node, dot: Any, names: dict[str, Any]) -> str:
    if node.kind == "text":
        return node.text
    if node.kind == "range":
        return _range(node, dot, names)
    targets, expression = _assignment(node.text)
    value = _evaluate(expression, dot, names)
    for target in targets:
        names[target] = value
    if node.kind == "print":
        return "" if targets else _show(value)
    if _true(value):
        return _render(node.body, value if node.kind == "with" else dot, names)
    return _render(node.other, dot, names)


def _show(value: Any) -> str:
    return "<no value>" if value is _ABSENT or value is None else go_value(value)


def _true(value: Any) -> bool:
    return value is not _ABSENT and bool(value)


def _assignment(text: str) -> tuple[list[str], str]:
    match = re.match(r"((?:\$\w+\s*,\s*)?\$\w+)\s*:?=\s*(.*)", text, re.DOTALL)
    return ([name.strip() for name in match[1].split(",")], match[2]) if match else ([], text)


def _range(node: _Node, dot: Any, names: dict[str, Any]) -> str:
    targets, expression = _assignment(node.text)
    value = _evaluate(expression, dot, names)
    pairs = (
        [(key, value[key]) for key in sorted(value)]
        if isinstance(value, dict)
        else list(enumerate(value))
        if isinstance(value, list)
        else []
    )
    if not pairs:
        return _render(node.other, dot, names)
    texts = []
    for key, item in pairs:
        names |= dict(zip(targets, (key, item) if len(targets) > 1 else (item,), strict=False))
        texts.append(_render(node.body, item, names))
    return "".join(texts)


def _evaluate(text: str, dot: Any, names: dict[str, Any]) -> Any:
    tokens = [token for token in _TOKEN.findall(text) if token]
    value, rest = _pipeline(tokens, dot, names)
    if rest:
        raise GoTemplateError(f"unexpected {rest[0]!r} in command")
    return value


def _pipeline(tokens: list[str], dot: Any, names: dict[str, Any]) -> tuple[Any, list[str]]:
    piped: list[Any] = []
    while True:
        words: list[Any] = []
        while tokens and tokens[0] not in ("|", ")"):
            word, tokens = _operand(tokens, dot, names)
            words.append(word)
        if not words:
            raise GoTemplateError("missing value for command")
        value = _command(words, piped)
        if not tokens or tokens[0] == ")":
            return value, tokens
        piped, tokens = [value], tokens[1:]


def _operand(tokens: list[str], dot: Any, names: dict[str, Any]) -> tuple[Any, list[str]]:
    token, rest = tokens[0], tokens[1:]
    if token == "(":
        value, rest = _pipeline(rest, dot, names)
        if not rest:
            raise GoTemplateError("unclosed left paren")
        if len(rest) > 1 and rest[1].startswith(".") and len(rest[1]) > 1:
            return _path(value, rest[1]), rest[2:]
        return value, rest[1:]
    if token[0] in '"`':
        return (token[1:-1] if token[0] == "`" else json.loads(token)), rest
    if re.fullmatch(r"-?\d+(\.\d+)?", token):
        return (float(token) if "." in token else int(token)), rest
    if token[0] == ".":
        return _path(dot, token), rest
    if token[0] == "$":
        name, point, path = token.partition(".")
        if name not in names:
            raise GoTemplateError(f"undefined variable {quote(name)}")
        return _path(names[name], point + path), rest
    if token in _CONSTANTS:
        return _CONSTANTS[token], rest
    if token in FUNCTIONS:
        return FUNCTIONS[token], rest
    raise GoTemplateError(f"function {quote(token)} not defined")


def _path(value: Any, path: str) -> Any:
    for key in path.split("."):
        if key:
            value = value.get(key, _ABSENT) if isinstance(value, dict) else _ABSENT
    return value


def _command(words: list[Any], piped: list[Any]) -> Any:
    head, *arguments = words
    if callable(head):
        try:
            return head(*arguments, *piped)
        except (TypeError, ValueError, LookupError) as problem:
            raise GoTemplateError(f"error calling function: {problem}") from None
    if arguments or piped:
        raise GoTemplateError("can't give argument to non-function")
    return head


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = value.get(key, _ABSENT) if isinstance(value, dict) else value[key]
    return value


def _printf(form: str, *values: Any) -> str:
    shown = iter(values)
    return re.sub(r"%[-+ 0]*\d*[vsdq]", lambda found: _verb(found[0], next(shown, _ABSENT)), form)


def _verb(form: str, value: Any) -> str:
    text = json.dumps(value) if form.endswith("q") else _show(value)
    width = re.search(r"\d+", form)
    return text if not width else text.ljust(int(width[0])) if "-" in form else text.rjust(int(width[0]))


def _present(value: Any) -> Any:
    return None if value is _ABSENT else value


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len,
    "index": _index,
    "printf": _printf,
    "print": lambda *values: "".join(_show(value) for value in values),
    "println": lambda *values: " ".join(_show(value) for value in values) + "\n",
    "eq": lambda left, *others: any(_present(left) == _present(other) for other in others),
    "ne": lambda left, right: _present(left) != _present(right),
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "not": lambda value: not _true(value),
    "and": lambda *values: next((value for value in values if not _true(value)), values[-1]),
    "or": lambda *values: next((value for value in values if _true(value)), values[-1]),
    "exists": lambda value, *keys: _index(value, *keys) is not _ABSENT,
    "base64decode": lambda text: base64.b64decode(text).decode(),
}
