"""The rules for the schema of a custom resource: what OpenAPI v3 in the server's reading allows, its extensions, defaults that fit.

    errors = validate_schema("spec.validation.openAPIV3Schema", schema)         paths are whole, as some messages name others

That it must be structural, too: :mod:`k8snb.resources.apiextensions.structure`. Rules in CEL:
:mod:`k8snb.resources.apiextensions.rules`.

Models: k8s.io/apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go (validateCustomResourceDefinitionValidation,
ValidateCustomResourceDefinitionOpenAPISchema), pkg/apiserver/schema/defaulting/validation.go.
Simplified: costs of rules are not estimated; defaults inside metadata are not judged, and those of others not by rules in CEL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import Errors, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.apimachinery.structural import validate_value
from k8snb.resources.apiextensions.rules import validate_expressions, validate_rules
from k8snb.resources.apiextensions.structure import (
    EMBEDDED,
    LIST_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    Schema,
    parts,
    properties,
    schema_or_none,
    unstructured,
    validate_structure,
)

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_META = ("apiVersion", "kind", "metadata")
_UNIQUE = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
_ITEM_OF_SET = f"must be atomic as item of a list with {LIST_TYPE}=set"
_NEEDED_KEY = f"this property is in {LIST_KEYS}, so it must have a default or be a required property"
_ROOT_WORDS = """
description type format title maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems
multipleOf required items properties externalDocs example x-kubernetes-preserve-unknown-fields x-kubernetes-validations
"""
_ROOT_WITH_STATUS = tuple(_ROOT_WORDS.split())
_GO_NAMES = {"x-kubernetes-preserve-unknown-fields": "XPreserveUnknownFields", "x-kubernetes-validations": "XValidations"}


def validate_schema(path: str, schema: Schema, *, status: bool = False) -> Errors:
    """A whole ``openAPIV3Schema``, which stands at ``path``; ``status``: of a resource whose status has an endpoint of its own."""
    errors = _root_with_status(path, schema) if status else []
    if schema.get("nullable"):
        errors.append(forbidden(f"{path}.nullable", "nullable cannot be true at the root"))
    unreadable = unstructured(schema)
    misshapen = [] if unreadable else validate_structure(schema, path) or _defaults(path, schema, root=True)
    found = _open_api(schema, _Place(root=True, rules=not unreadable and not misshapen))
    errors += misshapen + within(path, found.errors) + within(path, found.expressions)
    return errors or ([invalid(path, "", unreadable)] if unreadable else [])


def _root_with_status(path: str, schema: Schema) -> Errors:
    if schema.get("type", "object") != "object":
        why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
        return [invalid(f"{path}.type", schema["type"], why)]
    if any(value and name not in _ROOT_WITH_STATUS for name, value in schema.items()):
        names = " ".join(_GO_NAMES.get(name, name[0].upper() + name[1:]) for name in _ROOT_WITH_STATUS)
        why = f"only [{names}] fields are allowed at the root of the schema if the status subresource is enabled"
        return [invalid(path, dict(schema), why)]
    return []


# Defaults


def _defaults(path: str, schema: Schema, *, root: bool = False) -> Errors:
    default, errors = schema.get("default"), []
    if default is not None:
        errors = [] if _pruned(schema, default) else [invalid(f"{path}.default", default, "must not have unknown fields")]
        errors += within(f"{path}.default", validate_value(schema, default))
    if (items := schema_or_none(schema.get("items"))) is not None:
        errors += _defaults(f"{path}.items", items)
    for name, part in properties(schema):
        if name not in _META or not (root or schema.get(EMBEDDED)):
            errors += _defaults(f"{path}.properties[{name}]", part)
    return errors


def _pruned(schema: Schema, value: Any) -> bool:
    """Whether all fields of a value are declared."""
    if isinstance(value, list):
        items = schema_or_none(schema.get("items"))
        return items is None or all(_pruned(items, item) for item in value)
    if not isinstance(value, Mapping):
        return True
    declared, others = schema.get("properties") or EMPTY_DICT, schema.get("additionalProperties")
    known = set(declared) | (set(_META) if schema.get(EMBEDDED) else set())
    if not schema.get(PRESERVE) and not others and not set(value) <= known:
        return False
    inner = schema_or_none(others) or EMPTY_DICT
    return all(_pruned(declared.get(name, inner) or EMPTY_DICT, item) for name, item in value.items() if name in declared or inner)


# What the server's OpenAPI allows


class _Place(NamedTuple):
    """Where in the whole a schema stands, and what that means for it."""

    root: bool = False
    rules: bool = False
    """Whether rules in CEL are looked at."""
    in_meta: bool = False
    no_default: str = ""


class _Found(NamedTuple):
    errors: Errors
    expressions: Errors
    """What is wrong with rules in CEL, which is reported after everything else."""


def _open_api(schema: Schema, place: _Place) -> _Found:
    found = _Found(_one(schema, place), [])
    for path, part, where in _inside(schema, place):
        inner = _open_api(part, where)
        found.errors.extend(within(path, inner.errors))
        found.expressions.extend(within(path, inner.expressions))
    found.errors.extend(_extensions(schema) + validate_rules(schema))
    if not found.errors and place.rules:
        found.expressions.extend(validate_expressions(schema, root=place.root))
    return found


def _one(schema: Schema, place: _Place) -> Errors:
    kind = schema.get("type", "")
    errors = [not_supported("type", kind, _TYPES)] if kind and kind not in _TYPES else []
    if schema.get("default") is not None and place.no_default:
        errors.append(forbidden("default", f"must not be set {place.no_default}"))
    errors += [forbidden(name, f"{name} is not supported") for name in _UNSUPPORTED if schema.get(name) not in (None, "", EMPTY_DICT)]
    if kind == "null":
        errors.append(forbidden("type", "type cannot be set to null, use nullable as an alternative"))
    if isinstance(schema.get("items"), list) and schema["items"]:
        errors.append(forbidden("items", "items must be a schema object and not an array"))
    if place.in_meta and schema.get(EMBEDDED):
        errors.append(forbidden(EMBEDDED, "must not be used inside of resource meta"))
    if schema.get("uniqueItems"):
        errors.append(forbidden("uniqueItems", _UNIQUE))
    if schema.get("properties") and schema.get("additionalProperties") not in (None, True):
        errors.append(forbidden("additionalProperties", "additionalProperties and properties are mutual exclusive"))
    return errors


def _inside(schema: Schema, place: _Place) -> Iterator[tuple[str, Schema, _Place]]:
    inner = place._replace(root=False)
    if (others := schema_or_none(schema.get("additionalProperties"))) is not None:
        why = "inside additionalProperties applying to object metadata"
        yield "additionalProperties", others, inner._replace(no_default=why) if place.in_meta else inner
    for name, part in properties(schema):
        of_meta = name in _META and (place.root or schema.get(EMBEDDED))
        where = inner._replace(in_meta=True) if of_meta else inner
        yield f"properties[{name}]", part, where._replace(no_default=f"in top-level {name}") if of_meta and place.root else where
    logic = inner._replace(rules=False)
    if (refused := schema_or_none(schema.get("not"))) is not None:
        yield "not", refused, logic
    for key in ("allOf", "oneOf", "anyOf"):
        yield from ((f"{key}[{index}]", part or EMPTY_DICT, logic) for index, part in enumerate(schema.get(key) or ()))
    if (item := schema_or_none(schema.get("items"))) is not None:
        yield "items", item, inner
    for index, part in enumerate(schema["items"] if isinstance(schema.get("items"), list) else ()):
        yield f"items[{index}]", schema_or_none(part) or EMPTY_DICT, inner


def _extensions(schema: Schema) -> Errors:
    kind, relation, of_map = schema.get("type", ""), schema.get(LIST_TYPE), schema.get(MAP_TYPE)
    errors = [invalid(PRESERVE, False, "must be true or undefined")] if schema.get(PRESERVE) is False else []
    errors += _of_type("object", kind, MAP_TYPE) if of_map is not None else []
    if of_map not in (None, "atomic", "granular"):
        errors.append(not_supported(MAP_TYPE, of_map, ["atomic", "granular"]))
    if relation is not None and kind != "array":
        errors += _of_type("array", kind, LIST_TYPE)
    elif relation == "set":
        errors += _set_item(schema_or_none(schema.get("items")) or EMPTY_DICT)
    if relation not in (None, "atomic", "set", "map"):
        errors.append(not_supported(LIST_TYPE, relation, ["atomic", "set", "map"]))
    if schema.get(LIST_KEYS) and relation != "map":
        why = f"must be map if {LIST_KEYS} is non-empty"
        errors.append(required(LIST_TYPE, why) if relation is None else invalid(LIST_TYPE, relation, why))
    return errors + (_map_list(schema) if relation == "map" else []) + _keys_and_nulls(schema)


def _of_type(wanted: str, kind: str, name: str) -> Errors:
    why = f"must be {wanted} if {name} is specified"
    return [] if kind == wanted else [invalid("type", kind, why) if kind else required("type", why)]


def _set_item(item: Schema) -> Errors:
    if item.get("type") == "array" and item.get(LIST_TYPE) not in (None, "atomic"):
        return [invalid(f"items.{LIST_TYPE}", item[LIST_TYPE], _ITEM_OF_SET)]
    if item.get("type") == "object" and item.get(MAP_TYPE) != "atomic":
        return [invalid(f"items.{MAP_TYPE}", item.get(LIST_TYPE), _ITEM_OF_SET)]
    return []


def _map_list(schema: Schema) -> Errors:
    keys, item = list(schema.get(LIST_KEYS) or ()), schema_or_none(schema.get("items"))
    errors = [] if keys else [required(LIST_KEYS, f"must not be empty if {LIST_TYPE} is map")]
    if item is None:
        return errors + ([required("items", f"must have a schema if {LIST_TYPE} is map")] if schema.get("items") is None else [])
    kind, declared = item.get("type", ""), item.get("properties") or EMPTY_DICT
    if kind != "object":
        return [*errors, invalid("items.type", kind, f"must be object if parent array's {LIST_TYPE} is map")]
    for index, key in enumerate(keys):
        if key not in declared:
            errors.append(invalid(LIST_KEYS, keys, "entries must all be names of item properties"))
        elif (declared[key] or EMPTY_DICT).get("type") in ("array", "object"):
            errors.append(invalid(f"items.properties[{key}].type", kind, f"must be a scalar type if parent array's {LIST_TYPE} is map"))
        if key in keys[:index]:
            errors.append(invalid(LIST_KEYS, keys, "must not contain duplicate entries"))
    return errors


def _keys_and_nulls(schema: Schema) -> Errors:
    relation, item = schema.get(LIST_TYPE), schema_or_none(schema.get("items"))
    if item is None or relation not in ("set", "map"):
        return []
    errors = [forbidden("items.nullable", f"cannot be nullable when {LIST_TYPE} is {relation}")] if item.get("nullable") else []
    declared, needed = item.get("properties") or EMPTY_DICT, item.get("required") or ()
    for key in schema.get(LIST_KEYS) or () if relation == "map" else ():
        part, path = declared.get(key) or EMPTY_DICT, f"items.properties[{key}]"
        if key in declared and key not in needed and part.get("default") is None:
            errors.append(required(f"{path}.default", _NEEDED_KEY))
        if part.get("nullable"):
            errors.append(forbidden(f"{path}.nullable", f"this property is in {LIST_KEYS}, so it cannot be nullable"))
    return errors


# Formats


_TEXTS = """
bsonobjectid uri email hostname ipv4 ipv6 cidr mac uuid uuid3 uuid4 uuid5 isbn isbn10 isbn13 creditcard ssn hexcolor rgbcolor byte
password date duration datetime quantity k8sshortname k8slongname
"""
_OF_TEXTS = frozenset(_TEXTS.split())
_FORMATS = {"": _OF_TEXTS, "string": _OF_TEXTS, "integer": frozenset({"int32", "int64"}), "number": frozenset({"float", "double"})}


def unknown_formats(schema: Schema) -> Iterator[str]:
    """The formats in a schema that the server does not know for values of the type, and therefore never checks."""
    name, kind = schema.get("format", ""), schema.get("type", "")
    if name and (name.replace("-", "") if kind in ("", "string") else name) not in _FORMATS.get(kind, ()):
        yield name
    for _, part in parts(schema):
        yield from unknown_formats(part)
