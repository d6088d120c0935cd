"""Validation in the client: what kubectl does itself with a ``List``, for the server has no way to judge one.

Single objects are judged by the server (``fieldValidation=Strict``). A ``List`` is no resource, so kubectl falls back to the way of old
clients: it compares each item with the server's OpenAPI document, and tells everything that it finds at once:

    ValidationError(Pod.spec): unknown field "container" in io.k8s.api.core.v1.PodSpec

Numbers do as text, text does not as a number; nobody looks at what text says. Items of unknown kinds are passed over.

Models: k8s.io/kubectl/pkg/validation/schema.go, pkg/util/openapi; k8s.io/kube-openapi/pkg/util/proto/validation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.schema import ANY, BOOL, FLOAT64, INT32, INT64, LIST, MAP, STRUCT, Type
from k8snb.kubectl.schemas import type_of

_EXPECTED = {INT32: "integer", INT64: "integer", FLOAT64: "number", BOOL: "boolean", LIST: "array", MAP: "map", STRUCT: "map"}
_SUITS = {"integer": {"number"}, "number": {"number"}, "boolean": {"boolean"}, "string": {"string", "number", "boolean"}}


def wrong_items(items: Any) -> list[str]:
    """What is wrong with the items of a List, in the order in which kubectl finds it. Those that say no kind are judged elsewhere."""
    found: list[str] = []
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and isinstance(item.get("kind"), str) and isinstance(item.get("apiVersion"), str):
            type_ = type_of(item["apiVersion"], item["kind"])
            found += [] if type_ is None else _compared(item, type_, type_.name, item["kind"])
    return found


def _compared(value: Any, type_: Type, schema: str, path: str) -> Iterator[str]:
    """The complaints about one value. ``schema`` is where its type is declared, ``path`` where it stands."""
    if type_.kind == ANY:
        return
    expected, actual = _EXPECTED.get(type_.kind, "string"), _kind_of(value)
    if actual not in _SUITS.get(expected, {expected}):
        yield f"ValidationError({path}): invalid type for {type_.name or schema}: got {quote(actual)}, expected {quote(expected)}"
    elif type_.kind == STRUCT:
        yield from _struct(value, type_, path)
    elif type_.kind in (LIST, MAP) and type_.item is not None:
        for key, item in enumerate(value) if type_.kind == LIST else sorted(value.items()):
            where = f"{path}[{key}]" if type_.kind == LIST else f"{path}.{key}"
            if item is None:
                yield f'unknown object type "nil" in {quote(where)}'
            else:
                yield from _compared(item, type_.item, schema, where)


def _struct(value: Mapping[str, Any], type_: Type, path: str) -> Iterator[str]:
    for key, item in sorted(value.items()):
        field = type_.fields.get(key)
        if item is None or key in ("apiVersion", "kind"):
            continue
        if field is None:
            yield f"ValidationError({path}): unknown field {quote(key)} in {type_.name}"
        else:
            yield from _compared(item, field.type, f"{type_.name}.{key}", f"{path}.{key}")
    for key, field in sorted(type_.fields.items()):
        if field.required and value.get(key) is None:
            yield f"ValidationError({path}): missing required field {quote(key)} in {type_.name}"


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "array" if isinstance(value, list) else "map" if isinstance(value, dict) else "string"
