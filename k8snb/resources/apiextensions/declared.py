"""What CEL knows of a custom resource before there is one: the type that each part of its schema declares.

    type: object, properties: {max-size: {type: integer}}         an object with the field ``max__dash__size``, an int
    type: object, additionalProperties: {type: string}            map(string, string)
    type: string, format: date-time                               timestamp
    x-kubernetes-int-or-string: true                              dyn
    x-kubernetes-preserve-unknown-fields: true, without a type    none: rules cannot reach it

A rule is checked against these types when its CustomResourceDefinition comes. The values that it is asked about have them, too:
:func:`visible`.

Models: k8s.io/apiserver/pkg/cel/common/{schemas,values}.go (SchemaDeclType, UnstructuredToVal), pkg/cel/escaping.go.
Simplified: inside of an object, the items of lists of lists and of maps of lists have no type; durations are Go's only.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.apimachinery import schema as kinds
from k8snb.apimachinery.cel import RESERVED
from k8snb.apimachinery.duration import nanoseconds
from k8snb.apimachinery.gojson import parse_time
from k8snb.apimachinery.objects import EMPTY_DICT, freeze, thaw
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.schema import Field, Type
from k8snb.resources.apiextensions.structure import EMBEDDED, INT_OR_STRING, Schema, properties, schema_or_none

_ANY, _STRING, _NONE = Type(kinds.ANY), Type(kinds.STRING), Type("")
_SCALARS = {"string": _STRING, "integer": Type(kinds.INT64), "boolean": Type(kinds.BOOL), "number": Type(kinds.FLOAT64)}
_TEXTS = {
    "byte": Type(kinds.BYTES), "duration": Type(kinds.DURATION), "date": Type(kinds.TIME), "date-time": Type(kinds.TIME),
}  # fmt: skip
_TEXT = {"type": "string"}
_OF_A_ROOT: Mapping[str, Any] = freeze(
    {"apiVersion": _TEXT, "kind": _TEXT, "metadata": {"type": "object", "properties": {"name": _TEXT, "generateName": _TEXT}}}
)


def declared(schema: Schema, *, root: bool = False) -> Type | None:
    """The type of what a schema stands for; None where it has none. Of a ``root`` (and an embedded resource) every rule sees the name."""
    found = _of_root(schema) if root or schema.get(EMBEDDED) else _inside(schema)
    return None if found is _NONE else found


@once
def _inside(schema: Schema) -> Type:
    if schema.get(INT_OR_STRING):
        return _ANY
    kind = schema.get("type", "")
    if kind == "object":
        others = schema_or_none(schema.get("additionalProperties"))
        return _of(kinds.MAP, others) if others is not None else _struct(dict(properties(schema)))
    if kind == "array":
        return _of(kinds.LIST, schema_or_none(schema.get("items")))
    return _TEXTS.get(schema.get("format", ""), _STRING) if kind == "string" else _SCALARS.get(kind, _NONE)


@once
def _of_root(schema: Schema) -> Type:
    return _struct({**dict(properties(schema)), **_OF_A_ROOT}) if schema.get("type") == "object" else _inside(schema)


def _of(kind: str, item: Schema | None) -> Type:
    found = declared(item) if item is not None else None
    return Type(kind, item=found) if found is not None else _NONE


def _struct(own: Mapping[str, Schema]) -> Type:
    found = {escaped(name): declared(part) for name, part in own.items()}
    return Type(kinds.STRUCT, fields={name: Field(type_) for name, type_ in found.items() if name and type_ is not None})


def escaped(name: str) -> str:
    """A property's name as CEL can write it, or nothing where it cannot.

    >>> [escaped(name) for name in ("size", "max-size", "a.b/c", "namespace", "a__b", "1x")]
    ['size', 'max__dash__size', 'a__dot__b__slash__c', '__namespace__', 'a__underscores__b', '']
    """
    if name in RESERVED:
        return f"__{name}__"
    for written, word in (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")):
        name = name.replace(written, word)
    return name if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) else ""


# Values


def visible(schema: Any, value: Any) -> Any:
    """A value as CEL sees it: ordinary dicts and lists, with names escaped where the schema declares them, and texts by their format."""
    if not isinstance(schema, Mapping):
        return thaw(value)
    if isinstance(value, list):
        return [visible(schema.get("items"), item) for item in value]
    if isinstance(value, dict):
        own, others = schema.get("properties") or EMPTY_DICT, schema.get("additionalProperties")
        shown = {escaped(key) if key in own or not others else key: visible(own.get(key, others), item) for key, item in value.items()}
        return {key: item for key, item in shown.items() if key}
    if isinstance(value, str) and schema.get("type") == "string" and (read := _READ.get(schema.get("format", ""))):
        return _read(read, value)
    return float(value) if schema.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool) else value


def _read(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except (ValueError, binascii.Error):
        return text  # that it is none is told by the format


def _time(text: str) -> Any:
    from google.protobuf.timestamp_pb2 import Timestamp  # loaded with CEL, by those who need it

    found = Timestamp()
    found.FromDatetime(parse_time(text))
    return found


def _duration(text: str) -> Any:
    from google.protobuf.duration_pb2 import Duration

    found = Duration()
    found.FromNanoseconds(nanoseconds(text))
    return found


_READ: dict[str, Callable[[str], Any]] = {
    "date-time": _time, "date": lambda text: _time(f"{text}T00:00:00Z"), "duration": _duration,
    "byte": lambda text: base64.b64decode(text, validate=True),
}  # fmt: skip
