"""The rules for the schema of a custom resource: it must be *structural*, so that types, pruning and defaults follow from it.

Laws: every value has a type; what stands under allOf, anyOf, oneOf and not only constrains, and specifies nothing; there are no
references. Paths are relative to the schema, ``properties[spec].items``.

Models: k8s.io/apiextensions-apiserver pkg/apiserver/schema/{structural,validation,kubernetes}.go,
pkg/apis/apiextensions/validation/validation.go (ValidateCustomResourceDefinitionOpenAPISchema).
Rules in CEL: :mod:`k8snb.resources.apiextensions.rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict
from k8snb.apimachinery.patterns import PatternError, go
from k8snb.apimachinery.resource import once
from k8snb.resources.apiextensions.rules import validate_rules

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED = ("definitions", "dependencies", "patternProperties", "additionalItems")
_LOGIC = ("allOf", "anyOf", "oneOf")
_PRESERVE, _INT_OR_STRING, _EMBEDDED = (
    f"x-kubernetes-{word}" for word in ("preserve-unknown-fields", "int-or-string", "embedded-resource")
)
_LIST_TYPE, _LIST_KEYS, _MAP_TYPE = (f"x-kubernetes-{word}" for word in ("list-type", "list-map-keys", "map-type"))
_ONLY_VALUE_RULES = ("description", "type", "default", "title", "nullable", "additionalProperties")
_ROOT_ONLY_NAMES = "must not specify anything other than name and generateName, but metadata is implicitly specified"


@once
def validate_schema(schema: Mapping[str, Any]) -> Errors:
    """A whole ``openAPIV3Schema``."""
    kind = schema.get("type", "")
    errors: Errors = []
    if not kind:
        errors.append(required("type", "must not be empty at the root"))
    elif kind != "object":
        errors.append(invalid("type", kind, "must be object at the root"))
    meta = (schema.get("properties") or EMPTY_DICT).get("metadata")
    if meta is not None and set(meta.get("properties") or ()) - {"name", "generateName"}:
        errors.append(forbidden("properties[metadata]", _ROOT_ONLY_NAMES))
    if schema.get("nullable"):
        errors.append(forbidden("nullable", "nullable cannot be true at the root"))
    return errors + _validate(schema, root=True)


def _validate(schema: Mapping[str, Any], *, root: bool = False) -> Errors:
    errors = [] if root else _validate_type(schema)
    errors += [forbidden(name, f"{name} is not supported") for name in _UNSUPPORTED if schema.get(name)]
    errors += [forbidden("$ref", "$ref is not supported")] if schema.get("$ref") else []
    if schema.get("uniqueItems"):
        errors.append(forbidden("uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"))
    if schema.get("properties") and schema.get("additionalProperties") is not None:
        errors.append(forbidden("additionalProperties", "properties and additionalProperties are mutual exclusive"))
    errors += _validate_array(schema) + _validate_pattern(schema) + _validate_extensions(schema) + validate_rules(schema)
    for name in _LOGIC:
        for index, part in enumerate(schema.get(name) or ()):
            errors += within(f"{name}[{index}]", _validate_value_rule(part or EMPTY_DICT, bool(schema.get(_INT_OR_STRING))))
    if isinstance(schema.get("not"), FrozenDict):
        errors += within("not", _validate_value_rule(schema["not"], False))
    for path, part in _children(schema):
        errors += within(path, _validate(part))
    return errors


def _children(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, part in sorted((schema.get("properties") or EMPTY_DICT).items()):
        yield f"properties[{name}]", part or EMPTY_DICT
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), FrozenDict):
            yield key, schema[key]


def _validate_type(schema: Mapping[str, Any]) -> Errors:
    kind, either = schema.get("type", ""), schema.get(_INT_OR_STRING)
    if kind and kind not in _TYPES:
        return [not_supported("type", kind, _TYPES)]
    if either:
        return [invalid("type", kind, f"must be empty if {_INT_OR_STRING} is true")] if kind else []
    if not kind and not schema.get(_PRESERVE):
        return [required("type", "must not be empty for specified object fields")]
    return []


def _validate_array(schema: Mapping[str, Any]) -> Errors:
    kind, items = schema.get("type"), schema.get("items")
    if kind == "array" and items is None:
        return [required("items", "must be specified")]
    if isinstance(items, list):
        return [forbidden("items", "items must be a schema object and not an array")]
    return []


def _validate_pattern(schema: Mapping[str, Any]) -> Errors:
    try:
        go(schema.get("pattern") or "")
    except PatternError as error:
        return [invalid("pattern", schema["pattern"], f"must be a valid regular expression, but isn't: {error}")]
    return []


def _validate_extensions(schema: Mapping[str, Any]) -> Errors:
    kind, relation, keys = schema.get("type", ""), schema.get(_LIST_TYPE), schema.get(_LIST_KEYS) or ()
    errors: Errors = []
    if schema.get(_PRESERVE) is False:
        errors.append(invalid(_PRESERVE, False, "must be true or undefined"))
    if schema.get(_EMBEDDED):
        errors += [] if kind == "object" else [invalid("type", kind, "must be object if x-kubernetes-embedded-resource is true")]
        if not schema.get("properties") and not schema.get(_PRESERVE):
            errors.append(
                required(
                    "properties", "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
                )
            )
    if relation is not None:
        errors += [] if kind == "array" else [invalid("type", kind, "must be array if x-kubernetes-list-type is specified")]
        if relation not in ("atomic", "set", "map"):
            errors.append(not_supported(_LIST_TYPE, relation, ["atomic", "set", "map"]))
    if keys and relation != "map":
        errors.append(invalid(_LIST_TYPE, relation, "must be map if x-kubernetes-list-map-keys is non-empty"))
    if relation == "map":
        errors += _validate_map_keys(schema, keys)
    if schema.get(_MAP_TYPE) is not None and schema[_MAP_TYPE] not in ("granular", "atomic"):
        errors.append(not_supported(_MAP_TYPE, schema[_MAP_TYPE], ["atomic", "granular"]))
    return errors


def _validate_map_keys(schema: Mapping[str, Any], keys: Any) -> Errors:
    if not keys:
        return [required(_LIST_KEYS, "must not be empty if x-kubernetes-list-type is map")]
    items = schema.get("items") or EMPTY_DICT
    if not isinstance(items, FrozenDict) or items.get("type") != "object":
        found = items.get("type") if isinstance(items, FrozenDict) else None
        return [invalid("items.type", found, f"must be object if parent array's {_LIST_TYPE} is map")]
    known, needed = items.get("properties") or EMPTY_DICT, items.get("required") or ()
    errors: Errors = []
    for index, key in enumerate(keys):
        if key not in known:
            errors.append(invalid(f"{_LIST_KEYS}[{index}]", key, "entries must all be names of item properties"))
        elif known[key].get("default") is None and key not in needed:
            errors.append(
                required(
                    f"items.properties[{key}].default",
                    f"this property is in {_LIST_KEYS}, so it must have a default or be a required property",
                )
            )
    return errors


def _validate_value_rule(schema: Mapping[str, Any], either: bool) -> Errors:
    """What stands under allOf, anyOf, oneOf or not: constraints of values only."""
    errors: Errors = []
    for name in _ONLY_VALUE_RULES:
        if schema.get(name) is not None and not (name == "type" and either):
            errors.append(forbidden(name, "must be empty to be structural" if name != "nullable" else "must be false to be structural"))
    for path, part in _children(schema):
        errors += within(path, _validate_value_rule(part, False)) if path != "additionalProperties" else []
    for name in _LOGIC:
        for index, part in enumerate(schema.get(name) or ()):
            errors += within(f"{name}[{index}]", _validate_value_rule(part or EMPTY_DICT, either))
    return errors


_KNOWN_FORMATS = """
bsonobjectid uri email hostname ipv4 ipv6 cidr mac uuid uuid3 uuid4 uuid5 isbn isbn10 isbn13 creditcard ssn hexcolor rgbcolor byte
password date duration datetime k8sshortname k8slongname
"""
_FORMATS = frozenset(_KNOWN_FORMATS.split())


def unknown_formats(schema: Mapping[str, Any]) -> Iterator[str]:
    """The formats of texts in a schema that the server does not know, and therefore never checks."""
    name = schema.get("format", "")
    if name and schema.get("type") == "string" and name.replace("-", "") not in _FORMATS:
        yield name
    for _, part in _children(schema):
        yield from unknown_formats(part)
    for key in _LOGIC:
        for part in schema.get(key) or ():
            yield from unknown_formats(part or EMPTY_DICT)
