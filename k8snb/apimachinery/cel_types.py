"""Kinds as types of CEL, so that an expression can be checked before any object is there.

    compile_expression("object.replicas > 1", {"object": deployment})     undefined field 'replicas'

Elsewhere ``object`` is a value of no declared type (``dyn``): a field that no Deployment has is found when a Deployment comes. Here the
schema of a kind becomes a message, and every struct in it another one; maps, lists and scalars are what CEL calls so.

Models: k8s.io/apiserver/pkg/cel/common/schemas.go (SchemaDeclType).
Simplified: fields whose names are no identifiers (``x-kubernetes-...``) are not declared; lists of lists and what may be anything
are ``dyn``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from google.protobuf import descriptor_pb2, duration_pb2, struct_pb2, timestamp_pb2

from k8snb.apimachinery import schema
from k8snb.apimachinery.schema import Type

PACKAGE = "declared"
_VALUE, _TIMESTAMP, _DURATION = ".google.protobuf.Value", ".google.protobuf.Timestamp", ".google.protobuf.Duration"
_WELL_KNOWN = (struct_pb2.DESCRIPTOR, timestamp_pb2.DESCRIPTOR, duration_pb2.DESCRIPTOR)
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    schema.STRING: _FIELD.TYPE_STRING, schema.QUANTITY: _FIELD.TYPE_STRING, schema.BOOL: _FIELD.TYPE_BOOL, schema.BYTES: _FIELD.TYPE_BYTES,
    schema.INT32: _FIELD.TYPE_INT64, schema.INT64: _FIELD.TYPE_INT64, schema.FLOAT64: _FIELD.TYPE_DOUBLE,
}  # fmt: skip
_WORDS = {
    _FIELD.TYPE_STRING: "string", _FIELD.TYPE_BOOL: "bool", _FIELD.TYPE_BYTES: "bytes", _FIELD.TYPE_INT64: "int",
    _FIELD.TYPE_DOUBLE: "double",
}  # fmt: skip
_MESSAGES = {schema.TIME: _TIMESTAMP, schema.MICROTIME: _TIMESTAMP, schema.DURATION: _DURATION}


class Declared:
    """The messages of some kinds, each made once; ``names`` says how CEL writes the type of each."""

    def __init__(self, kinds: Iterable[Type]):
        self._file = descriptor_pb2.FileDescriptorProto(
            name=f"{PACKAGE}.proto", package=PACKAGE, syntax="proto3", dependency=[file.name for file in _WELL_KNOWN]
        )
        self._known: dict[Type, str] = {}
        self.names = {kind: self._name(kind) for kind in kinds}

    def files(self) -> list[Any]:
        """What a pool of descriptors needs, in the order in which it must be added."""
        needed = [descriptor_pb2.FileDescriptorProto.FromString(file.serialized_pb) for file in _WELL_KNOWN]
        return [*needed, self._file]

    def _name(self, type_: Type) -> str:
        if type_.kind == schema.LIST and type_.item is not None:
            return f"list<{self._name(type_.item)}>"
        if type_.kind == schema.MAP and type_.item is not None:
            return f"map<string, {self._name(type_.item)}>"
        if type_.kind == schema.STRUCT:
            return f"{PACKAGE}.{self._message(type_)}"
        return _WORDS[_SCALARS[type_.kind]] if type_.kind in _SCALARS else _MESSAGES.get(type_.kind, "dyn").lstrip(".")

    def _message(self, type_: Type) -> str:
        """The name of the message for a struct; it is made where it is new. A kind may contain itself."""
        if type_ not in self._known:
            name = self._known[type_] = f"T{len(self._known)}"
            message = descriptor_pb2.DescriptorProto(name=name)
            message.options.deprecated_legacy_json_field_conflicts = True  # fooBar may stand beside foo_bar: nobody reads them as JSON
            fields = {key: field.type for key, field in type_.fields.items() if re.fullmatch(r"[A-Za-z_]\w*", key, re.ASCII)}
            for number, (key, field) in enumerate(fields.items(), 1):
                self._field(message, key, field, number, taken={*fields, *(entry.name for entry in message.nested_type)})
            self._file.message_type.append(message)
        return self._known[type_]

    def _field(self, message: Any, key: str, type_: Type, number: int, *, taken: set[str]) -> None:
        made = message.field.add(name=key, json_name=key, number=number, label=_FIELD.LABEL_OPTIONAL)
        if type_.kind == schema.LIST and type_.item is not None and type_.item.kind not in (schema.LIST, schema.MAP):
            made.label = _FIELD.LABEL_REPEATED
            self._set(made, type_.item)
        elif type_.kind == schema.MAP and type_.item is not None and type_.item.kind not in (schema.LIST, schema.MAP):
            name = "".join(part[:1].upper() + part[1:] for part in key.split("_")) + "Entry"  # it must be called so
            self._map(message, made, name, type_.item) if name not in taken else self._set(made, type_)
        else:
            self._set(made, type_)

    def _map(self, message: Any, made: Any, name: str, item: Type) -> None:
        """A map is a list of entries, each with key and value."""
        made.label, made.type, made.type_name = _FIELD.LABEL_REPEATED, _FIELD.TYPE_MESSAGE, f".{PACKAGE}.{message.name}.{name}"
        entry = message.nested_type.add(name=name)
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
        self._set(entry.field.add(name="value", number=2, label=_FIELD.LABEL_OPTIONAL), item)

    def _set(self, field: Any, type_: Type) -> None:
        if type_.kind in _SCALARS:
            field.type = _SCALARS[type_.kind]
            return
        field.type = _FIELD.TYPE_MESSAGE
        if type_.kind == schema.STRUCT:
            field.type_name = f".{PACKAGE}.{self._message(type_)}"
        else:
            field.type_name = _MESSAGES.get(type_.kind, _VALUE)
