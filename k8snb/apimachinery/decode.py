"""From a request's JSON to the object that Go would have made of it, or to the error that Go would have given.

    decode(deployments, {"spec": {"replicas": "3"}})
    # DecodeError: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32

The server decodes into Go structs and prints those again. Hence: unknown fields vanish (and are reported), null is absence, an
empty value of a field that is no pointer vanishes, a struct held by value appears as ``{}``, quantities and times come out
in canonical form. The order in which Go meets the fields decides which error is reported; clients send sorted keys.

What was found out about a frozen dict or list is remembered on it: that it is a proper value of a type, or what decoding it as
that type gives. To decode an object that shares most of its parts with a known one costs as much as its changed parts.

Models: k8s.io/apimachinery/pkg/runtime/serializer/json, sigs.k8s.io/json (a fork of encoding/json that reports unknown fields).
Simplified: duplicate keys are not reported, since a dict has none; bodies are taken as if sent with sorted keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import ApiError, bad_request, quote
from k8snb.apimachinery.gojson import READERS, Refused, json_name
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, freeze, memo
from k8snb.apimachinery.schema import LIST, MAP, STRING, STRUCT, Field, Type

UNKNOWN, SAVED, FATAL = range(3)
_GONE: Any = object()
MOST_STRICT_ERRORS = 100
Walk = Callable[[Type, Any, "list[Problem]"], Any]


class Problem(NamedTuple):
    """One thing that Go finds wrong with a value. ``path`` leads to it from the value that was decoded; ``stack`` are the names
    of the Go fields on the way and ``struct`` the innermost Go struct; ``got`` and ``want`` make a type error, ``kind`` is that of
    the type that was wanted."""

    path: tuple[str | int, ...]
    rank: int
    message: str = ""
    got: str = ""
    want: str = ""
    kind: str = ""
    struct: str = ""
    stack: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The problem in Go's words."""
        if self.rank == UNKNOWN:
            return f"unknown field {quote(dotted(self.path))}"
        if self.message:
            return self.message
        where = f"struct field {self.struct}.{'.'.join(self.stack)}" if self.stack else "value"
        return f"json: cannot unmarshal {self.got} into Go {where} of type {self.want}"


class DecodeError(ValueError):
    """Go cannot read the value as this type; the text is Go's."""

    def __init__(self, problem: Problem):
        super().__init__(problem.text)
        self.problem = problem


class Decoded(NamedTuple):
    """The pruned value, and what strict decoding would not have accepted: ``unknown field "spec.foo"``."""

    value: Any
    strict_errors: tuple[str, ...] = ()


def dotted(path: tuple[str | int, ...]) -> str:
    """A path as Kubernetes prints it.

    >>> dotted(("spec", "containers", 0, "image"))
    'spec.containers[0].image'
    """
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def decode(type_: Type, value: Any) -> Decoded:
    """``value`` as the server would hold it, frozen, with the unknown fields that were pruned.

    Raises DecodeError with Go's message where a value has the wrong type.
    """
    problems: list[Problem] = []
    result = _decode(type_, freeze(value), problems)
    if len(problems) == 0:
        return Decoded(result)
    problems.sort(key=lambda problem: problem.path)  # clients send sorted keys, and Go reads in order
    for rank in (FATAL, SAVED):
        first = next((p for p in problems if p.rank == rank), None)
        if first:
            raise DecodeError(first)
    return Decoded(result, tuple(dict.fromkeys(p.text for p in problems))[:MOST_STRICT_ERRORS])


def trust(type_: Type, obj: Object) -> None:
    """Remember of an object that the server has stored that its parts decode to themselves and have their defaults, for when a
    client sends them back.

    Law: what is stored is in the form that decoding and defaulting give (tests decode and default anew what clusters have stored).
    """
    if type_.kind == STRUCT:
        for key, of in type_.parts:
            part = obj.get(key)
            if part and type(part) is FrozenDict:  # an empty one is shared by all kinds
                part.proper, part.settled = of, True


def cannot_be_handled(kind: str, version: str, why: str) -> ApiError:
    """400: the body cannot be read as an object of this kind (``version`` without the group)."""
    return bad_request(f"{kind} in version {quote(version)} cannot be handled as a {kind}: {why}")


def decode_object(type_: Type, body: Object, *, kind: str, version: str, field_validation: str = "") -> tuple[FrozenDict, list[str]]:
    """Decode a request's body as the server does: the object, and the warnings about unknown fields.

    ``field_validation`` is Strict (unknown fields are refused), Warn (the default) or Ignore. Raises ApiError (400).
    """
    try:
        value, strict_errors = decode(type_, body)
    except DecodeError as wrong:
        raise cannot_be_handled(kind, version, str(wrong)) from None
    if strict_errors and field_validation == "Strict":
        raise cannot_be_handled(kind, version, f"strict decoding error: {', '.join(strict_errors)}")
    return value, [] if field_validation == "Ignore" else list(strict_errors)


def _decode(type_: Type, value: Any, problems: list[Problem]) -> Any:
    container = _CONTAINERS.get(type_.kind)
    if container is None:
        return value if type_.rules is not None else _scalar(type_, value, problems)
    shape, walk = container
    if type(value) is not shape:
        if type_.rules is None:
            problems.append(Problem((), SAVED, got=json_name(value), want=type_.go, kind=type_.kind))
        return value
    if type_.item is not None and type_.item.kind not in _CONTAINERS:
        return walk(type_, value, problems)  # a list or map of scalars: remembering costs more than looking again
    if getattr(value, "proper", None) is type_:
        return value
    known = getattr(value, "memo", None)
    result, found = (known and known.get(type_)) or _walked(type_, value, walk)
    problems.extend(found)
    return result


def _scalar(type_: Type, value: Any, problems: list[Problem]) -> Any:
    try:
        read = READERS[type_.kind](type_, value)
        return value if read == value and type(read) is type(value) else read  # what is as it should be stays the very same
    except Refused as no:
        problems.append(Problem((), FATAL if no.fatal else SAVED, no.message, no.got, no.want, type_.kind))
        return value


def _walked(type_: Type, value: Any, walk: Walk) -> tuple[Any, list[Problem]]:
    """Walk, and remember what was found; most often that it is proper, and decoding changes nothing."""
    found: list[Problem] = []
    result = walk(type_, value, found)
    if not found:
        result.proper = type_
    if found or result is not value:
        memo(value)[type_] = (result, found)
    return result, found


def _struct(type_: Type, value: FrozenDict, problems: list[Problem]) -> FrozenDict:
    fields = type_.fields
    changes: dict[str, Any] = {}  # most often nothing is to be changed: then nothing is built
    inner: list[Problem] = []
    for key, item in value.items():
        field = fields.get(key)
        if field is None:
            if not type_.preserve:
                problems.append(Problem((key,), UNKNOWN))
                changes[key] = _GONE
            continue
        if type(item) is field.plain:  # text and truth values, by far the most: nothing to look at
            new = item
        elif item is None and field.type.rules is None:
            if not field.may_be_null:  # which Go prints for it anyway
                changes[key] = _GONE
            continue
        else:
            new = _decode(field.type, item, inner)
            if inner:
                problems.extend(_inside(type_, key, field, problem) for problem in inner)
                inner.clear()
        if not (new or field.kept or (new is None and field.may_be_null)):
            changes[key] = _GONE
        elif new is not item:
            changes[key] = new
    missing: dict[str, Any] = {}
    for key, field in type_.always:
        if changes.get(key, value.get(key, _GONE)) is _GONE:
            missing[key] = _empty(field)
    return _with(value, changes, missing) if changes or missing else value


def _with(value: FrozenDict, changes: Mapping[str, Any], missing: Mapping[str, Any]) -> FrozenDict:
    """A struct with some fields changed or gone, and with what Go prints of those that are missing."""
    kept = {key: changes.get(key, item) for key, item in value.items()}
    return FrozenDict({**{key: item for key, item in kept.items() if item is not _GONE}, **missing})


def _inside(type_: Type, key: str, field: Field, problem: Problem) -> Problem:
    """The problem seen from the struct around it."""
    path = (key, *problem.path)
    if problem.rank == UNKNOWN:
        return problem._replace(path=path)
    struct = problem.struct or type_.go.rpartition(".")[2]
    return problem._replace(path=path, struct=struct, stack=(*field.embedded, key, *problem.stack))


def _empty(field: Field) -> Any:
    """What Go prints for a field that was not given."""
    if field.null:
        return None
    return _decode(field.type, EMPTY_DICT, []) if field.type.kind == STRUCT else field.type.zero


def _list(type_: Type, value: FrozenList, problems: list[Problem]) -> FrozenList:
    items = _items(type_, enumerate(value), problems)
    return FrozenList(items) if any(new is not old for new, old in zip(items, value, strict=True)) else value


def _map(type_: Type, value: FrozenDict, problems: list[Problem]) -> FrozenDict:
    items = _items(type_, value.items(), problems)
    if all(new is old for new, old in zip(items, value.values(), strict=True)):
        return value
    return FrozenDict(zip(value, items, strict=True))


def _items(type_: Type, pairs: Iterable[tuple[str | int, Any]], problems: list[Problem]) -> list[Any]:
    of = type_.item
    assert of is not None, "lists and maps have a type of items"
    items: list[Any] = []
    inner: list[Problem] = []
    plain = of.kind == STRING
    for key, item in pairs:
        if plain and type(item) is str:
            items.append(item)
        elif item is None and of.rules is None:  # Go leaves the zero value where null stands
            items.append(_decode(of, EMPTY_DICT, inner) if of.kind == STRUCT else of.zero)
        else:
            items.append(_decode(of, item, inner))
        if inner:
            problems.extend(problem._replace(path=(key, *problem.path)) for problem in inner)
            inner.clear()
    return items


_CONTAINERS: dict[str, tuple[Any, Walk]] = {STRUCT: (FrozenDict, _struct), LIST: (FrozenList, _list), MAP: (FrozenDict, _map)}
