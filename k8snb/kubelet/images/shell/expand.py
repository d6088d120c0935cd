"""From words to arguments: variables, substitutions, arithmetic, splitting and file name patterns.

Models: the word expansions of POSIX sh, in their order.
"""

from __future__ import annotations

import fnmatch
import re
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple


class Values(NamedTuple):
    """Where an expansion gets its values from: ``get(name)`` gives None for an unset variable."""

    get: Callable[[str], str | None]
    put: Callable[[str, str], None]
    arguments: tuple[str, ...]
    names: Callable[[], list[str]]  # all paths, for file name patterns
    strict: bool = False  # ``set -u``: unset variables are a mistake


class ExpansionError(ValueError):
    """``${NAME:?message}`` and bad arithmetic; the message is what the shell prints."""


def fields(words: Any, values: Values) -> list[str]:
    """The arguments that a list of words becomes: unquoted values are split at blanks."""
    result: list[str] = []
    for word in words:
        result += _globbed(word, _split(word, values), values)
    return result


def text(word: Any, values: Values) -> str:
    """A word as one text, without splitting: assignments, redirections, here-documents."""
    return "".join(" ".join(_part(part, values)) for part in word)


def _split(word: Any, values: Values) -> list[str]:
    found: list[str] = []
    open_field = False
    for part in word:
        pieces = _part(part, values)
        quoted = part[0] == "text" or part[-1] is True
        if quoted:
            if not pieces:  # "$@" without arguments is no field at all
                continue
            found, open_field = _append(found, open_field, pieces), True
            continue
        marks = values.get("IFS")
        for piece in pieces:
            inner, opens, closes = split(piece, marks)
            found = _append(found, open_field and not opens, inner) if inner else found
            open_field = bool(inner and not closes) or (open_field and not piece)
    return found


def split(text: str, marks: str | None) -> tuple[list[str], bool, bool]:
    """The fields of a text by the marks of IFS (None: blanks), and whether it begins, and ends, with such a mark."""
    if marks is None or not marks.strip():
        blank = marks is None or bool(marks)
        return (text.split() if blank else [text] if text else []), bool(text[:1].isspace() and blank), bool(text[-1:].isspace() and blank)
    hard = re.escape("".join(mark for mark in marks if not mark.isspace()))
    fields = re.split(rf"\s*[{hard}]\s*" if any(mark.isspace() for mark in marks) else f"[{hard}]", text)
    closes = text[-1:] in marks
    return (fields[:-1] if closes and fields[-1] == "" else fields), False, bool(closes and text)


def _append(found: list[str], join: bool, pieces: list[str]) -> list[str]:
    if join and found:
        return [*found[:-1], found[-1] + pieces[0], *pieces[1:]]
    return [*found, *pieces]


def _globbed(word: Any, found: list[str], values: Values) -> list[str]:
    """File name patterns, where the word has an unquoted ``*`` or ``?`` and something matches."""
    if not any(part[0] == "text" and not part[2] and re.search(r"[*?\[]", part[1]) for part in word):
        return found
    result: list[str] = []
    for pattern in found:
        depth = pattern.count("/")
        hits = [
            name
            for name in values.names()
            if name
            and name.count("/") == depth
            and not (name.rpartition("/")[2].startswith(".") and not pattern.rpartition("/")[2].startswith("."))
            and fnmatch.fnmatchcase(name, pattern)
        ]
        result += hits or [pattern]
    return result


def _part(part: Any, values: Values) -> list[str]:
    kind = part[0]
    if kind == "text":
        return [part[1]]
    if kind == "sub":
        return [values.get(part[1]) or ""]
    if kind == "math":
        return [str(arithmetic(text(part[1], values), values))]
    _, name, operator, word, quoted = part
    if name in ("@", "*") and not operator:
        rest = list(values.arguments[1:])
        return rest if name == "@" and quoted else [" ".join(rest)]
    return [_variable(name, operator, word, values)]


def _variable(name: str, operator: str, word: Any, values: Values) -> str:
    value = values.get(name)
    if operator == "length":
        return str(len(value or ""))
    if value is None and values.strict and not operator and name not in "@*":
        raise ExpansionError(f"{name}: parameter not set")
    missing = value is None or (operator.startswith(":") and value == "")
    action = operator[-1:]
    if action == "-" and missing:
        return text(word, values)
    if action == "=" and missing:
        values.put(name, text(word, values))
        return values.get(name) or ""
    if action == "?" and missing:
        raise ExpansionError(f"{name}: {text(word, values) or 'parameter not set'}")
    if action == "+":
        return "" if missing else text(word, values)
    if action in ("%", "#"):
        return _trim(value or "", text(word, values), action, longest=len(operator) == 2)
    return value or ""


def _trim(value: str, pattern: str, side: str, longest: bool) -> str:
    """``${x%pattern}`` and ``${x#pattern}``: without the shortest (or longest) end or beginning that matches."""
    cuts = range(len(value) + 1)
    order = cuts if (side == "#") != longest else reversed(cuts)
    for at in order:
        piece = value[at:] if side == "%" else value[:at]
        if fnmatch.fnmatchcase(piece, pattern):
            return value[:at] if side == "%" else value[at:]
    return value


_TOKEN = re.compile(r"\s*(0[xX][0-9a-fA-F]+|\d+|[A-Za-z_]\w*|\*\*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%()<>!~&|^?:=])")
_LEVELS = (("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", "<=", ">", ">="), ("<<", ">>"), ("+", "-"), ("*", "/", "%"))
_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "||": lambda a, b: int(bool(a or b)), "&&": lambda a, b: int(bool(a and b)), "|": lambda a, b: a | b, "^": lambda a, b: a ^ b,
    "&": lambda a, b: a & b, "==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b), "<": lambda a, b: int(a < b),
    "<=": lambda a, b: int(a <= b), ">": lambda a, b: int(a > b), ">=": lambda a, b: int(a >= b), "<<": lambda a, b: a << min(b, 63),
    ">>": lambda a, b: a >> min(b, 63), "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "/": lambda a, b: int(a / b), "%": lambda a, b: a - b * int(a / b),
}  # fmt: skip


def arithmetic(expression: str, values: Values) -> int:
    """``$(( ... ))``: whole numbers, variables, and an assignment ``name = ...``. Raises :class:`ExpansionError`."""
    assigned = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*([-+*/%]?)=(?!=)(.*)", expression)
    if assigned:
        name, operator, rest = assigned.groups()
        result = arithmetic(f"{name} {operator} ({rest})" if operator else rest, values)
        values.put(name, str(result))
        return result
    choice = _choice(expression)
    if choice:
        condition, yes, no = choice
        return arithmetic(yes if arithmetic(condition, values) else no, values)
    tokens = deque(_TOKEN.findall(expression))
    if "".join(tokens) != re.sub(r"\s", "", expression):
        raise ExpansionError(f"arithmetic syntax error: {expression.strip()}")
    try:
        result = _level(tokens, 0, values)
    except (IndexError, ValueError):
        raise ExpansionError(f"arithmetic syntax error: {expression.strip()}") from None
    except ZeroDivisionError:
        raise ExpansionError("divide by zero") from None
    if tokens:
        raise ExpansionError(f"arithmetic syntax error: {expression.strip()}")
    return result


def _choice(expression: str) -> tuple[str, str, str] | None:
    """``condition ? yes : no`` outside of brackets."""
    depth, question = 0, -1
    for at, char in enumerate(expression):
        depth += (char == "(") - (char == ")")
        if char == "?" and depth == 0 and question < 0:
            question = at
        elif char == ":" and depth == 0 and question >= 0:
            return expression[:question], expression[question + 1 : at], expression[at + 1 :]
    return None


def _level(tokens: deque[str], level: int, values: Values) -> int:
    if level == len(_LEVELS):
        return _atom(tokens, values)
    left = _level(tokens, level + 1, values)
    while tokens and tokens[0] in _LEVELS[level]:
        operator = tokens.popleft()
        left = _OPERATIONS[operator](left, _level(tokens, level + 1, values))
    return left


def _atom(tokens: deque[str], values: Values) -> int:
    token = tokens.popleft()
    if token == "(":
        inner = _level(tokens, 0, values)
        if tokens.popleft() != ")":
            raise ValueError(token)
        return inner
    if token in "+-!~":
        value = _atom(tokens, values)
        return {"+": value, "-": -value, "!": int(not value), "~": ~value}[token]
    if token[:1].isdecimal():
        return int(token, 16 if token[:2].lower() == "0x" else 8 if token[:1] == "0" and len(token) > 1 else 10)
    return int(values.get(token) or 0)
