"""Selectors: which labels, and which fields, an object must have to be meant.

A label selector comes as text (``kubectl get -l 'app=web,tier in (a,b)'``), as a map of labels, or as a ``LabelSelector`` object
with ``matchLabels`` and ``matchExpressions``. All three become one immutable :class:`Selector`; :meth:`Selector.matches` is all
that controllers ask. A field selector (``spec.nodeName=node-1``) knows only equality, and only the fields that a kind offers.

    parse("app=web,!canary").matches({"app": "web"})        # True
    from_label_selector(rs["spec"]["selector"]).matches(pod_labels)

Models: k8s.io/apimachinery/pkg/labels/selector.go, pkg/fields/selector.go, pkg/apis/meta/v1/helpers.go.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import FieldError, invalid
from k8snb.apimachinery.objects import FrozenDict
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.strconv import integer
from k8snb.apimachinery.validation import label_value, qualified_name

Labels = Mapping[str, str]


class SelectorError(ValueError):
    """The text is no selector; the message is the server's and kubectl's."""


class Requirement(NamedTuple):
    """One condition on one label. ``operator`` is Go's word: ``=`` ``==`` ``!=`` ``in`` ``notin`` ``exists`` ``!`` ``gt`` ``lt``."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether labels satisfy this condition. A missing key satisfies the negative ones."""
        return _MATCHERS[self.operator](labels.get(self.key), self.values)

    def __str__(self) -> str:
        if self.operator in ("exists", "!"):
            return self.key if self.operator == "exists" else f"!{self.key}"
        joined = ",".join(sorted(self.values))
        if self.operator in ("in", "notin"):
            return f"{self.key} {self.operator} ({joined})"
        return f"{self.key}{_SIGNS.get(self.operator, self.operator)}{joined}"


def _compare(value: str | None, values: tuple[str, ...], sign: int) -> bool:
    left, right = integer(value), integer(values[0])
    return left is not None and right is not None and (left - right) * sign > 0


_SIGNS = {"gt": ">", "lt": "<"}
_MATCHERS: dict[str, Callable[[str | None, tuple[str, ...]], bool]] = {
    "=": lambda value, values: value is not None and value in values,
    "==": lambda value, values: value is not None and value in values,
    "in": lambda value, values: value is not None and value in values,
    "!=": lambda value, values: value is None or value not in values,
    "notin": lambda value, values: value is None or value not in values,
    "exists": lambda value, _: value is not None,
    "!": lambda value, _: value is None,
    "gt": lambda value, values: _compare(value, values, 1),
    "lt": lambda value, values: _compare(value, values, -1),
}


class Selector(NamedTuple):
    """All requirements must hold; none at all select everything. ``never`` is the selector that selects nothing."""

    requirements: tuple[Requirement, ...] = ()
    never: bool = False

    def matches(self, labels: Labels | None) -> bool:
        """Whether an object with these labels is meant."""
        if self.never:
            return False
        known = labels or {}
        for requirement in self.requirements:  # noqa: SIM110  (asked too often for a generator)
            if not requirement.matches(known):
                return False
        return True

    @property
    def empty(self) -> bool:
        """True for the selector that selects everything."""
        return not self.requirements and not self.never

    def exact(self) -> dict[str, str]:
        """The labels that must have one certain value: what an index by label can use."""
        return {r.key: r.values[0] for r in self.requirements if r.operator in ("=", "==", "in") and len(r.values) == 1}

    def __str__(self) -> str:
        return "<nothing>" if self.never else ",".join(map(str, self.requirements))


EVERYTHING = Selector()
NOTHING = Selector(never=True)


def everything() -> Selector:
    """The selector that selects every object."""
    return EVERYTHING


def nothing() -> Selector:
    """The selector that selects no object."""
    return NOTHING


def from_set(labels: Labels | None) -> Selector:
    """The selector for exactly these labels (a Service's, a ReplicationController's). Empty selects everything."""
    return Selector(tuple(Requirement(key, "=", (value,)) for key, value in sorted((labels or {}).items())))


_EXPRESSIONS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


def from_label_selector(selector: Mapping[str, Any] | None) -> Selector:
    """The selector of a ``LabelSelector`` object. Null selects nothing, the empty one everything.

    Remembered on a frozen selector. Raises :class:`SelectorError` for an unknown operator.
    """
    if selector is None:
        return NOTHING
    return _compiled(selector) if isinstance(selector, FrozenDict) else _compile(selector)


def _compile(selector: Mapping[str, Any]) -> Selector:
    found = [Requirement(key, "in", (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        operator = _EXPRESSIONS.get(expression.get("operator", ""))
        if operator is None:
            raise SelectorError(f'"{expression.get("operator", "")}" is not a valid label selector operator')
        found.append(Requirement(expression.get("key", ""), operator, tuple(expression.get("values") or ())))
    return Selector(tuple(sorted(found, key=lambda requirement: requirement.key)))


_compiled = once(_compile)


def format_label_selector(selector: Mapping[str, Any] | None) -> str:
    """A ``LabelSelector`` object as kubectl prints it: ``app=web,tier in (a,b)``, ``<none>`` where it is empty or null."""
    if not selector:
        return "<none>"
    plain = tuple(
        Requirement(r.key, "=", r.values) if r.operator == "in" and _is_plain(selector, r) else r for r in _compile(selector).requirements
    )
    return str(Selector(plain)) or "<none>"


def to_label_selector(selector: Selector) -> dict[str, Any]:
    """A selector that was parsed from text as a ``LabelSelector`` object. Raises :class:`SelectorError` for an operator that has none."""
    words = {word: name for name, word in _EXPRESSIONS.items()}
    labels: dict[str, str] = {}
    expressions: list[dict[str, Any]] = []
    for r in selector.requirements:
        if r.operator in ("=", "=="):
            labels[r.key] = r.values[0]
            continue
        if r.operator not in words:
            raise SelectorError(f'"{_SIGNS.get(r.operator, r.operator)}" is not a valid label selector operator')
        expressions.append({"key": r.key, "operator": words[r.operator]} | ({"values": list(r.values)} if r.values else {}))
    return ({"matchExpressions": expressions} if expressions else {}) | ({"matchLabels": labels} if labels else {})


def _is_plain(selector: Mapping[str, Any], requirement: Requirement) -> bool:
    return (selector.get("matchLabels") or {}).get(requirement.key) == requirement.values[0] and len(requirement.values) == 1


# The text form

_TOKEN = re.compile(r"\s*(?:(==|!=|[=!(),<>])|([^\s=!(),<>]+))")
_BINARY = {"=": "=", "==": "==", "!=": "!=", "in": "in", "notin": "notin", ">": "gt", "<": "lt"}


class _Parser:
    """A recursive descent over tokens; every ``found ..., expected ...`` sentence is upstream's."""

    def __init__(self, text: str):
        self.tokens = [match[1] or match[2] for match in _TOKEN.finditer(text)]
        self.names = [match[2] is not None for match in _TOKEN.finditer(text)]
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def is_name(self) -> bool:
        return self.at < len(self.names) and self.names[self.at]

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        while self.peek():
            if not (self.is_name() or self.peek() == "!"):
                raise SelectorError(f"found '{self.peek()}', expected: !, identifier, or 'end of string'")
            try:
                found.append(self.requirement())
            except SelectorError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from None
            token = self.take()
            if not token:
                return found
            if token != ",":
                raise SelectorError(f"found '{token}', expected: ',' or 'end of string'")
            if not (self.is_name() or self.peek() == "!"):
                raise SelectorError(f"found '{self.peek()}', expected: identifier after ','")
        return found

    def requirement(self) -> Requirement:
        absent = self.peek() == "!"
        if absent:
            self.take()
        if not self.is_name():
            raise SelectorError(f"found '{self.peek()}', expected: identifier")
        key = self.take()
        _refuse(invalid("<nil>", key, "; ".join(qualified_name(key))) if qualified_name(key) else None)
        if absent:
            return Requirement(key, "!")
        if self.peek() in ("", ","):
            return Requirement(key, "exists")
        return _checked(key, *self.operator_and_values())

    def operator_and_values(self) -> tuple[str, tuple[str, ...]]:
        token = self.take()
        if token not in _BINARY:
            raise SelectorError(f"found '{token}', expected: in, notin, =, ==, !=, gt, lt")
        if token in ("in", "notin"):
            return token, self.values()
        if self.peek() in ("", ","):
            return _BINARY[token], ("",)
        if not self.is_name():
            raise SelectorError(f"found '{self.peek()}', expected: identifier")
        return _BINARY[token], (self.take(),)

    def values(self) -> tuple[str, ...]:
        if (token := self.take()) != "(":
            raise SelectorError(f"found '{token}' expected: '('")
        if not (self.is_name() or self.peek() in (",", ")")):
            raise SelectorError(f"found '{self.peek()}', expected: ',', ')' or identifier")
        found: list[str] = []
        while True:
            found.append(self.take() if self.is_name() else "")
            token = self.take()
            if token == ")":
                return tuple(sorted(set(found)))
            if token != ",":
                raise SelectorError(f"found '{token}', expected: ',' or ')'")


def _checked(key: str, operator: str, values: tuple[str, ...]) -> Requirement:
    for index, value in enumerate(values):
        if operator in ("gt", "lt") and integer(value) is None:
            _refuse(invalid(f"values[{index}]", value, "for 'Gt', 'Lt' operators, the value must be an integer"))
        if wrong := label_value(value):
            _refuse(invalid(f"values[{index}][{key}]", value, "; ".join(wrong)))
    return Requirement(key, operator, values)


def _refuse(error: FieldError | None) -> None:
    if error:
        raise SelectorError(str(error))


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Selector:
    """A label selector from its text. Raises :class:`SelectorError`.

    >>> str(parse("app = web, tier in (b,a), !canary"))
    'app=web,!canary,tier in (a,b)'
    """
    return Selector(tuple(sorted(_Parser(text).requirements(), key=lambda requirement: requirement.key)))


# Fields


class FieldRequirement(NamedTuple):
    """One condition on one field: ``=`` or ``!=``."""

    field: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{_escape(self.value)}"


class FieldSelector(NamedTuple):
    """All requirements must hold. ``fields`` of an object come from its resource's selectable fields."""

    requirements: tuple[FieldRequirement, ...] = ()

    def matches(self, value_of: Callable[[str], str]) -> bool:
        """Whether an object is meant; ``value_of(field)`` gives a field's text, empty where absent."""
        for r in self.requirements:  # noqa: SIM110  (asked too often for a generator)
            if (value_of(r.field) == r.value) != (r.operator == "="):
                return False
        return True

    def exact(self, field: str) -> str | None:
        """The one value that ``field`` must have, or None: what an index can use."""
        return next((r.value for r in self.requirements if r.field == field and r.operator == "="), None)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


def _escape(value: str) -> str:
    return re.sub(r"([\\,=])", r"\\\1", value)


def _split_fields(text: str) -> list[str]:
    return [term for term in re.split(r"(?<!\\),", text) if term]


@functools.lru_cache(maxsize=4096)
def parse_fields(text: str) -> FieldSelector:
    """A field selector from its text. Raises :class:`SelectorError`.

    >>> str(parse_fields("status.phase!=Running,spec.nodeName=n1"))
    'status.phase!=Running,spec.nodeName=n1'
    """
    found = []
    for term in _split_fields(text):
        parts = re.match(r"((?:[^=!\\]|!(?!=))*?)(!=|==|=)(.*)", term, re.DOTALL)
        if not parts:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
        operator = "!=" if parts[2] == "!=" else "="
        found.append(FieldRequirement(parts[1], operator, re.sub(r"\\([\\,=])", r"\1", parts[3])))
    return FieldSelector(tuple(found))


def check_fields(selector: FieldSelector, known: Iterable[str]) -> None:
    """Raise :class:`SelectorError` for a field that a kind does not offer; every kind has name, and namespaced ones namespace."""
    offered = set(known)
    for requirement in selector.requirements:
        if requirement.field not in offered:
            raise SelectorError(f"field label not supported: {requirement.field}")
