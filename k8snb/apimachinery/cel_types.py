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

from google.protobuf import descriptor_pb2, struct_pb2, timestamp_pb2

from k8snb.apimachinery import schema
from k8snb.apimachinery.schema import Type

PACKAGE = "declared"
_VALUE, _TIMESTAMP = ".google.protobuf.Value", ".google.protobuf.Timestamp"
_WELL_KNOWN = (struct_pb2.DESCRIPTOR, timestamp_pb2.DESCRIPTOR)
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    schema.STRING: _FIELD.TYPE_STRING, schema.QUANTITY: _FIELD.TYPE_STRING, schema.BOOL: _FIELD.TYPE_BOOL, schema.BYTES: _FIELD.TYPE_BYTES,
    schema.INT32: _FIELD.TYPE_INT64, schema.INT64: _FIELD.TYPE_INT64, schema.FLOAT64: _FIELD.TYPE_DOUBLE,
}  # fmt: skip


class Declared:
    """The messages of some kinds, each made once; ``names`` says under which name a kind is known."""

    def __init__(self, kinds: Iterable[Type]):
        self._file = descriptor_pb2.FileDescriptorProto(
            name=f"{PACKAGE}.proto", package=PACKAGE, syntax="proto3", dependency=[file.name for file in _WELL_KNOWN]
        )
        self._known: dict[Type, str] = {}
        self.names = {kind: f"{PACKAGE}.{self._message(kind)}" for kind in kinds}

    def files(self) -> list[Any]:
        """What a pool of descriptors needs, in the order in which it must be added."""
        needed = [descriptor_pb2.FileDescriptorProto.FromString(file.serialized_pb) for file in _WELL_KNOWN]
        return [*needed, self._file]

    def _message(self, type_: Type) -> str:
        """The name of the message for a struct; it is made where it is new. A kind may contain itself."""
        if type_ not in self._known:
            name = self._known[type_] = f"T{len(self._known)}"
            message = descriptor_pb2.DescriptorProto(name=name)
            fields = {key: field.type for key, field in type_.fields.items() if re.fullmatch(r"[A-Za-z_]\w*", key, re.ASCII)}
            for number, (key, field) in enumerate(fields.items(), 1):
                self._field(message, key, field, number)
            self._file.message_type.append(message)
        return self._known[type_]

    def _field(self, message: Any, key: str, type_: Type, number: int) -> None:
        made = message.field.add(name=key, json_name=key, number=number, label=_FIELD.LABEL_OPTIONAL)
        if type_.kind == schema.LIST and type_.item is not None and type_.item.kind not in (schema.LIST, schema.MAP):
            made.label = _FIELD.LABEL_REPEATED
            self._set(made, type_.item)
        elif type_.kind == schema.MAP and type_.item is not None and type_.item.kind not in (schema.LIST, schema.MAP):
            made.label, made.type = _FIELD.LABEL_REPEATED, _FIELD.TYPE_MESSAGE
            made.type_name = f".{PACKAGE}.{message.name}.{self._entry(message, key, type_.item)}"
        else:
            self._set(made, type_)

    def _entry(self, message: Any, key: str, item: Type) -> str:
        """A map is a list of entries, each with key and value."""
        name = "".join(part[:1].upper() + part[1:] for part in key.split("_")) + "Entry"  # no other name is taken
        entry = message.nested_type.add(name=name)
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
        self._set(entry.field.add(name="value", number=2, label=_FIELD.LABEL_OPTIONAL), item)
        return name

    def _set(self, field: Any, type_: Type) -> None:
        if type_.kind in _SCALARS:
            field.type = _SCALARS[type_.kind]
            return
        field.type = _FIELD.TYPE_MESSAGE
        if type_.kind in (schema.TIME, schema.MICROTIME):
            field.type_name = _TIMESTAMP
        elif type_.kind == schema.STRUCT and type_.fields:
            field.type_name = f".{PACKAGE}.{self._message(type_)}"
        else:
            field.type_name = _VALUE
