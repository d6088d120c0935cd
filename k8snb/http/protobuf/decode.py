"""Kubernetes' protobuf into the JSON value that it stands for.

    k8s\\0 | Unknown{typeMeta{apiVersion, kind}, raw: <the message of that kind>}

A message knows its fields by number only. ``numbers.json`` beside the schema (made by ``derive.py`` here) gives each message the
names of its fields in the order of their numbers; what kind of value a field holds says the schema that everything else uses. Go
sends empty values of fields that are no pointers; JSON leaves them out, and so do we: what was sent and what is read are one object.

Models: k8s.io/apimachinery/pkg/runtime/serializer/protobuf/protobuf.go. Simplified: only requests are read, all answers are JSON
(clients say that they accept both); types without numbers (custom resources, those of ``apiextensions.k8s.io``) get a 415, as
custom resources do from the real server.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.schema import (
    ANY,
    BOOL,
    BYTES,
    FLOAT64,
    INT32,
    INT64,
    INT_OR_STRING,
    LIST,
    MAP,
    MICROTIME,
    QUANTITY,
    STRING,
    STRUCT,
    TIME,
    Field,
    Type,
)
from k8snb.http.protobuf.wire import Value, records, signed
from k8snb.resources import schema
from k8snb.resources.schema import INLINE, numbers

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
DEEPEST = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decode(body: bytes) -> Any:
    """The JSON value of a body. Raises ApiError 400 where it cannot be read, 415 for a type that is not known in this form."""
    if not body.startswith(MAGIC):
        raise ApiError(400, "BadRequest", "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]", {})
    try:
        return _object(dict(records(body[len(MAGIC) :])))
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise ApiError(400, "BadRequest", f"the object provided is unrecognized (must be of type): {error}", {}) from None


def _object(envelope: dict[int, Value]) -> Any:
    meta = dict(records(_bytes(envelope.get(1, b""))))
    api_version, kind = (_bytes(meta.get(number, b"")).decode() for number in (1, 2))
    group, _, version = api_version.rpartition("/")
    type_ = _options_type(kind) or schema.type_of(group, version, kind)
    if type_ is None or type_.name not in numbers():
        raise ApiError(415, "UnsupportedMediaType", "the body of the request was in an unknown format - accepted media types include: "
                       "application/json, application/yaml, application/apply-patch+yaml", {})  # fmt: skip
    return {"apiVersion": api_version, "kind": kind, **_message(type_.name, type_, _bytes(envelope.get(2, b"")), 0)}


def _options_type(kind: str) -> Type | None:
    """Options are sent under the group version of the resource that they are for."""
    return schema.lookup(META + kind) if kind.endswith("Options") else None


def _message(message: str, type_: Type, data: bytes, depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        raise ValueError("exceeded max depth")
    names = numbers()[message]
    found: dict[str, Any] = {}
    for number, value in records(data):
        name = names[number - 1] if number <= len(names) else None
        if name is None:
            continue  # from a newer version: the real server passes over it, too
        if name.startswith(INLINE):
            found |= _message(name[len(INLINE) :], type_, _bytes(value), depth + 1)
        elif name in type_.fields:
            _put(found, name, type_.fields[name], value, depth)
    return {name: value for name, value in found.items() if not _empty(type_.fields[name], value)}


def _put(found: dict[str, Any], name: str, field: Field, value: Value, depth: int) -> None:
    type_ = field.type
    if type_.kind == LIST and type_.item is not None:
        found.setdefault(name, []).append(_value(type_.item, value, depth))
    elif type_.kind == MAP and type_.item is not None:
        entry = dict(records(_bytes(value)))
        found.setdefault(name, {})[_bytes(entry.get(1, b"")).decode()] = _value(type_.item, entry.get(2, b""), depth)
    else:
        found[name] = _value(type_, value, depth)


def _value(type_: Type, value: Value, depth: int) -> Any:
    if type_.kind == STRUCT:
        return _message(type_.name, type_, _bytes(value), depth + 1)
    if type_.kind == LIST and type_.item is not None:  # a list inside a list or a map travels as a message of its own
        return [_value(type_.item, item, depth + 1) for _, item in records(_bytes(value))]
    return SCALARS[type_.kind](value)


def _empty(field: Field, value: Any) -> bool:
    """Whether the value is what Go has where nothing was given."""
    if value is None:
        return True
    if field.pointer or field.always:
        return False
    return value in ("", 0, {}, []) or value is False


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("proto: wrong wireType")
    return value


def _text(value: Value, number: int) -> str:
    return _bytes(dict(records(_bytes(value))).get(number, b"")).decode()


def _any(value: Value) -> Any:
    raw = _bytes(dict(records(_bytes(value))).get(1, b""))
    return json.loads(raw) if raw else None


def _int_or_string(value: Value) -> int | str:
    parts = dict(records(_bytes(value)))
    return _bytes(parts.get(3, b"")).decode() if parts.get(1) else signed(parts.get(2, 0))


def _time(value: Value, unit: str) -> str | None:
    if not value:
        return None
    parts = dict(records(_bytes(value)))
    moment = _EPOCH + timedelta(seconds=signed(parts.get(1, 0)), microseconds=signed(parts.get(2, 0)) // 1000)
    return moment.isoformat(timespec=unit).replace("+00:00", "Z")


SCALARS: dict[str, Callable[[Value], Any]] = {
    STRING: lambda value: _bytes(value).decode(), BYTES: lambda value: base64.b64encode(_bytes(value)).decode(), BOOL: bool,
    INT32: signed, INT64: signed, FLOAT64: float, ANY: _any, QUANTITY: lambda value: _text(value, 1), INT_OR_STRING: _int_or_string,
    TIME: lambda value: _time(value, "seconds"), MICROTIME: lambda value: _time(value, "microseconds"),
}  # fmt: skip
