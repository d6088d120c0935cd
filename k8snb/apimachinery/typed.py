"""Whether an applied configuration fits its type, in the words of structured-merge-diff.

Server-side apply reads a configuration in a way of its own: not into Go structs but against the schema, so its complaints
differ from those of :mod:`k8snb.apimachinery.decode`:

    .spec.replicas: expected numeric (int or float), got string
    .spec.foo: field not declared in schema
    .spec.template.spec.containers: duplicate entries for key [name="web"]

Models: sigs.k8s.io/structured-merge-diff/v6/typed/validate.go.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.fieldset import item_key, missing_key, printed
from k8snb.apimachinery.gojson import json_name
from k8snb.apimachinery.patch import go_text
from k8snb.apimachinery.schema import ANY, BOOL, BYTES, FLOAT64, INT32, INT64, LIST, MAP, MICROTIME, STRING, STRUCT, TIME, Type

_NUMERIC = (INT32, INT64, FLOAT64)
_TEXT = (STRING, BYTES, TIME, MICROTIME)
NO_KEY = "element {}: associative list with keys has an element that omits key field {} (and doesn't have default value)"
_NAMES = {"bool": "boolean", "array": "list", "object": "map"}


def check(type_: Type, value: Any, path: str = "") -> list[str]:
    """All complaints about a value, each with its path; none if it fits. Null fits everywhere."""
    if value is None or type_.kind == ANY:
        return []
    if type_.kind in (STRUCT, MAP):
        return _check_map(type_, value, path) if isinstance(value, dict) else [f"{path}: expected map, got {_shown(value)}"]
    if type_.kind == LIST:
        return _check_list(type_, value, path) if isinstance(value, list) else [f"{path}: expected list, got {_shown(value)}"]
    return _check_scalar(type_, value, path)


def _shown(value: Any) -> str:
    return f"&{{{go_text(value)}}}"


def _check_scalar(type_: Type, value: Any, path: str) -> list[str]:
    got = _NAMES.get(json_name(value), json_name(value))
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if type_.kind in _NUMERIC and not number:
        return [f"{path}: expected numeric (int or float), got {got}"]
    if type_.kind in _TEXT and not isinstance(value, str):
        return [f"{path}: expected string, got {_shown(value)}"]
    if type_.kind == BOOL and not isinstance(value, bool):
        return [f"{path}: expected boolean, got {_shown(value)}"]
    return [] if not isinstance(value, (dict, list)) else [f"{path}: expected scalar, got {_shown(value)}"]


def _check_map(type_: Type, value: dict[str, Any], path: str) -> list[str]:
    problems: list[str] = []
    for name, item in sorted(value.items()):
        inner = type_.item if type_.kind == MAP else type_.fields[name].type if name in type_.fields else None
        if inner is not None:
            problems += check(inner, item, f"{path}.{name}")
        elif not type_.preserve:
            problems.append(f"{path}.{name}: field not declared in schema")
    return problems


def _check_list(type_: Type, value: list[Any], path: str) -> list[str]:
    if type_.item is None:
        return []
    problems: list[str] = []
    seen: set[str] = set()
    for index, item in enumerate(value):
        step = f"[{index}]"
        if not type_.atomic:
            lacking = missing_key(type_, item)
            if lacking:
                problems.append(f"{path}: {NO_KEY.format(index, quote(lacking))}")
                continue
            key = item_key(type_, item)
            step = printed(key)
            if key in seen:
                problems.append(f"{path}: duplicate entries for key {step}")
            seen.add(key)
        problems += check(type_.item, item, path + step)
    return problems
