"""OpenAPI v3 documents of what is served, made from the type data: clients ask them what a server understands.

kubectl looks here whether fields are validated by the server, ``explain`` reads the types, and patches of custom resources
their merge keys. There is no prose in them: k8snb carries none.

Models: k8s.io/kube-openapi/pkg/builder3, handler3.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any

from k8snb.apimachinery.resource import Resource
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
    TIME,
    Type,
)
from k8snb.kubectl.enums import ENUMS

_SIMPLE: dict[str, dict[str, Any]] = {
    STRING: {"type": "string"}, BYTES: {"type": "string", "format": "byte"}, BOOL: {"type": "boolean"},
    INT32: {"type": "integer", "format": "int32"}, INT64: {"type": "integer", "format": "int64"},
    FLOAT64: {"type": "number", "format": "double"},
    QUANTITY: {"oneOf": [{"type": "string"}, {"type": "number"}]}, TIME: {"type": "string", "format": "date-time"},
    MICROTIME: {"type": "string", "format": "date-time"},
    INT_OR_STRING: {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    ANY: {"type": "object"},
}  # fmt: skip
_NAMED = {  # types of their own, to which others refer: explain shows their names
    INT_OR_STRING: "io.k8s.apimachinery.pkg.util.intstr.IntOrString", QUANTITY: "io.k8s.apimachinery.pkg.api.resource.Quantity",
    TIME: "io.k8s.apimachinery.pkg.apis.meta.v1.Time", MICROTIME: "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
}  # fmt: skip
_FIELDS = "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1"
_PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation", "force", "pretty")
]

V2_MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
V2 = b"\x0a\x032.0\x12\x15\x0a\x0aKubernetes\x12\x07v1.36.2"
"""The older form, a ``Document`` that describes no paths: kubectl falls back to it for kinds that are not served, and finds nothing."""


def index(resources: list[Resource]) -> dict[str, Any]:
    """``/openapi/v3``: where the document of each group version is, with a hash that changes with what is served."""
    paths = {}
    for api_version in dict.fromkeys(r.api_version for r in resources):
        path = f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"
        mark = hashlib.sha256(repr([r.plural for r in resources if r.api_version == api_version]).encode()).hexdigest()[:16]
        paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={mark}"}
    return {"paths": paths}


def document(resources: list[Resource], api_version: str) -> dict[str, Any]:
    """``/openapi/v3/apis/apps/v1``: the operations and types of one group version."""
    served = [r for r in resources if r.api_version == api_version]
    schemas: dict[str, Any] = {_FIELDS: _SIMPLE[ANY], **{name: _SIMPLE[kind] for kind, name in _NAMED.items()}}
    paths: dict[str, Any] = {}
    for resource in served:
        paths |= _paths(resource)
        if isinstance(resource.schema, Type):
            _collect(resource.schema, schemas, resource)
    info = {"title": "Kubernetes", "version": "v1.36.2"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _paths(resource: Resource) -> dict[str, Any]:
    root = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
    base = f"{root}/namespaces/{{namespace}}/{resource.plural}" if resource.namespaced else f"{root}/{resource.plural}"
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    actions = {"create": ("post", base), "update": ("put", f"{base}/{{name}}"), "patch": ("patch", f"{base}/{{name}}")}
    found: dict[str, Any] = {}
    for verb, (method, path) in actions.items():
        if verb in resource.verbs:
            operation = {"parameters": _PARAMETERS, "x-kubernetes-action": method, "x-kubernetes-group-version-kind": kind,
                         "responses": {"200": {"description": "OK"}}}  # fmt: skip
            found.setdefault(path, {})[method] = operation
    return found


def _collect(type_: Type, schemas: dict[str, Any], resource: Resource | None = None) -> None:
    """The type and all that it refers to."""
    name = type_.name or f"k8snb.{type_.go}"
    if name in schemas:
        return
    schemas[name] = _struct(type_)
    if resource is not None:
        schemas[name]["x-kubernetes-group-version-kind"] = [{"group": resource.group, "version": resource.version, "kind": resource.kind}]
    for field in type_.fields.values():
        inner = field.type
        while inner.item is not None:
            inner = inner.item
        if inner.kind not in _SIMPLE and inner.name:
            _collect(inner, schemas)


def _struct(type_: Type) -> dict[str, Any]:
    properties, short = {}, type_.name.rpartition(".")[2]
    for name, field in type_.fields.items():
        shape = dict(_reference(_FIELDS) if name == "fieldsV1" else _shape(field.type))
        if (short, name) in ENUMS:
            shape["enum"] = [value.strip('"') for value in ENUMS[short, name]]
        if field.merge_key:
            shape["x-kubernetes-patch-merge-key"] = field.merge_key
        if field.merge:
            shape["x-kubernetes-patch-strategy"] = "merge"
        properties[name] = _described(shape, field.type)
    required = [name for name, field in type_.fields.items() if field.required]
    found = {"type": "object"} | ({"properties": properties} if properties else {}) | ({"required": required} if required else {})
    return _described(found, type_)


def _described(shape: dict[str, Any], type_: Type) -> dict[str, Any]:
    """What the schema of a custom resource says of a value."""
    said = type_.rules.schema.get("description") if type_.rules is not None else None
    return shape | {"description": said} if said else shape


def _shape(type_: Type) -> dict[str, Any]:
    if type_.kind in _NAMED:
        return _reference(_NAMED[type_.kind])
    if type_.kind in _SIMPLE:
        return _SIMPLE[type_.kind]
    if type_.kind == LIST and type_.item is not None:
        found: dict[str, Any] = {"type": "array", "items": _shape(type_.item)}
        if type_.relation:
            found["x-kubernetes-list-type"] = type_.relation
        return found | ({"x-kubernetes-list-map-keys": list(type_.keys)} if type_.keys else {})
    if type_.kind == MAP and type_.item is not None:
        return {"type": "object", "additionalProperties": _shape(type_.item)}
    return _reference(type_.name) if type_.name else _struct(type_)


@functools.cache
def _reference(name: str) -> dict[str, Any]:
    return {"allOf": [{"$ref": f"#/components/schemas/{name}"}], "default": {}}
