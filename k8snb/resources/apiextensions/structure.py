"""The schema of a custom resource must be *structural*, so that types, pruning and defaults follow from it.

Laws: every value has a type; what stands under allOf, anyOf, oneOf and not only constrains, and speaks only of what is declared
outside of them. Paths are relative to the schema, ``properties[spec].items``.

Models: k8s.io/apiextensions-apiserver pkg/apiserver/schema/{convert,validation,complete}.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict
from k8snb.apimachinery.patterns import PatternError, go

Schema = Mapping[str, Any]

PRESERVE, INT_OR_STRING, EMBEDDED, LIST_TYPE, LIST_KEYS, MAP_TYPE, RULES = (
    f"x-kubernetes-{word}"
    for word in ("preserve-unknown-fields", "int-or-string", "embedded-resource", "list-type", "list-map-keys", "map-type", "validations")
)
LOGIC = ("anyOf", "allOf", "oneOf")
_UNSUPPORTED = ("id", "$schema", "$ref", "patternProperties", "dependencies", "additionalItems", "definitions")
_EITHER = ({"type": "integer"}, {"type": "string"})
_NO_TYPE = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
_ONLY_NAMES = "must not specify anything other than name and generateName, but metadata is implicitly specified"
_NO_PROPERTIES = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
_NOT_IN_LOGIC = (
    ("type", "empty"), ("additionalProperties", "undefined"), ("default", "undefined"), ("title", "empty"), ("description", "empty"),
    ("nullable", "false"), ("externalDocs", "undefined"), (PRESERVE, "false"), (EMBEDDED, "false"), (INT_OR_STRING, "false"),
    (LIST_KEYS, "empty"), (LIST_TYPE, "undefined"), (MAP_TYPE, "undefined"), (RULES, "empty"),
)  # fmt: skip


def schema_or_none(value: Any) -> Schema | None:
    """What stands where a schema or a truth value may stand, when it is a schema."""
    return value if isinstance(value, FrozenDict) else None


def properties(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The declared properties, sorted."""
    for name, part in sorted((schema.get("properties") or EMPTY_DICT).items()):
        yield name, part or EMPTY_DICT


def parts(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """All schemas inside a schema, with their paths."""
    for name, part in properties(schema):
        yield f"properties[{name}]", part
    for key in ("items", "additionalProperties", "not"):
        if (inner := schema_or_none(schema.get(key))) is not None:
            yield key, inner
    for key in LOGIC:
        for index, part in enumerate(schema.get(key) or ()):
            yield f"{key}[{index}]", part or EMPTY_DICT


def unstructured(schema: Schema) -> str:
    """Why a schema cannot even be read as a structural one; nothing where it can."""
    for name in _UNSUPPORTED:
        if schema.get(name) not in (None, "", EMPTY_DICT):
            return f"OpenAPIV3Schema '{name.removeprefix('$') if name == '$schema' else name}' is not supported"
    if schema.get(PRESERVE) is False:
        return f"internal error: '{PRESERVE}' must be true or undefined"
    if isinstance(schema.get("items"), list) and schema["items"]:
        return "OpenAPIV3Schema 'items' must be a schema, but is an array"
    return next((why for _, part in parts(schema) if (why := unstructured(part))), "")


def validate_structure(schema: Schema, path: str) -> Errors:
    """What keeps the schema at ``path`` from being structural, sorted as upstream sorts it."""
    return sorted([*within(path, _invariants(schema, "root")), *_complete(schema, schema, path, path)], key=str)


def _invariants(schema: Schema, level: str) -> Errors:
    kind, items, others = schema.get("type", ""), schema_or_none(schema.get("items")), schema.get("additionalProperties")
    errors = [required("items", "must be specified")] if kind == "array" and items is None else []
    errors += within("items", _invariants(items, "item")) if items is not None else []
    for name, part in properties(schema):
        errors += within(f"properties[{name}]", _invariants(part, "field"))
    if others is not None:
        errors += [forbidden("additionalProperties", "must not be used at the root")] if level == "root" else []
        errors += within("additionalProperties", _invariants(others, "field")) if schema_or_none(others) is not None else []
    for name in (PRESERVE, EMBEDDED):
        if schema.get(INT_OR_STRING) and schema.get(name):
            errors.append(invalid(name, True, f"must be false if {INT_OR_STRING} is true"))
    errors += _value_rules(schema, _is_either(schema.get("anyOf")), _is_either(((schema.get("allOf") or [{}])[0] or {}).get("anyOf")))
    return errors + _type(schema, level) + _meta(schema, level)


def _is_either(clauses: Any) -> bool:
    return tuple(dict(clause or {}) for clause in clauses or ()) == _EITHER


def _type(schema: Schema, level: str) -> Errors:
    kind, embedded = schema.get("type", ""), schema.get(EMBEDDED)
    errors: Errors = []
    if embedded and kind != "object":
        why = f"must be object if {EMBEDDED} is true"
        errors.append(invalid("type", kind, why) if kind else required("type", why))
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        errors.append(required("type", _NO_TYPE[level]))
    if embedded and schema.get("additionalProperties") is not None:
        errors.append(forbidden("additionalProperties", f"must not be used if {EMBEDDED} is set"))
    if level == "root" and kind and kind != "object":
        errors.append(invalid("type", kind, "must be object at the root"))
    return errors


def _meta(schema: Schema, level: str) -> Errors:
    declared, errors = schema.get("properties") or EMPTY_DICT, []
    if level == "root" or schema.get(EMBEDDED):
        for name, kind in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
            if name in declared and (declared[name] or EMPTY_DICT).get("type", "") != kind:
                errors.append(invalid(f"properties[{name}].type", (declared[name] or EMPTY_DICT).get("type", ""), f"must be {kind}"))
    if level == "root" and "metadata" in declared and not _names_only(declared["metadata"] or EMPTY_DICT):
        errors.append(forbidden("properties[metadata]", _ONLY_NAMES))
    if schema.get(EMBEDDED) and not schema.get(PRESERVE) and not declared:
        errors.append(required("properties", _NO_PROPERTIES))
    return errors


def _names_only(meta: Schema) -> bool:
    names = set(meta.get("properties") or ())
    ignored = {"type", "default", "externalDocs", "example", *(("properties",) if names <= {"name", "generateName"} else ())}
    return not any(value for key, value in meta.items() if key not in ignored)


def _value_rules(schema: Schema, skip_any: bool, skip_any_of_first: bool) -> Errors:
    errors: Errors = []
    for key in LOGIC:
        for index, part in enumerate(schema.get(key) or () if key != "anyOf" or not skip_any else ()):
            skip = key == "allOf" and not index and skip_any_of_first
            errors += within(f"{key}[{index}]", _nested(part or EMPTY_DICT, skip))
    if (inner := schema_or_none(schema.get("not"))) is not None:
        errors += within("not", _nested(inner, False))
    try:
        go(schema.get("pattern") or "")
    except PatternError as error:
        errors.append(invalid("pattern", schema["pattern"], f"must be a valid regular expression, but isn't: {error}"))
    return errors


def _nested(schema: Schema, skip_any: bool) -> Errors:
    """What stands under allOf, anyOf, oneOf or not: constraints of values only."""
    errors = _value_rules(schema, skip_any, False)
    if (items := schema_or_none(schema.get("items"))) is not None:
        errors += within("items", _nested(items, False))
    for name, part in properties(schema):
        errors += within(f"properties[{name}]", _nested(part, False))
    for name, how in _NOT_IN_LOGIC:
        found = schema.get(name)
        if found if how in ("empty", "false") else found is not None:
            errors.append(forbidden(name, f"must be {how} to be structural"))
    if "metadata" in (schema.get("properties") or ()):
        errors.append(forbidden("properties[metadata]", "must not be specified in a nested context"))
    return errors


def _complete(rules: Schema, schema: Schema | None, where: str, said: str) -> Errors:
    """Of all that stands under ``not``, allOf and so on in ``rules``, at ``said``: is it declared in ``schema``, at ``where``?"""
    errors: Errors = []
    if (inner := schema_or_none(rules.get("not"))) is not None:
        errors += _complete_nested(inner, schema, where, f"{said}.not")
    for key in ("allOf", "anyOf", "oneOf"):
        for index, part in enumerate(rules.get(key) or ()):
            errors += _complete_nested(part or EMPTY_DICT, schema, where, f"{said}.{key}[{index}]")
    return errors


def _complete_nested(rules: Schema, schema: Schema | None, where: str, said: str) -> Errors:
    if schema is None:
        return [required(where, f"because it is defined in {said}")]
    errors = _complete(rules, schema, where, said)
    if (items := schema_or_none(rules.get("items"))) is not None:
        errors += _complete_nested(items, schema_or_none(schema.get("items")), f"{where}.items", f"{said}.items")
    declared = schema.get("properties") or EMPTY_DICT
    for name, part in properties(rules):
        inside = (declared[name] or EMPTY_DICT) if name in declared else None
        errors += _complete_nested(part, inside, f"{where}.properties[{name}]", f"{said}.properties[{name}]")
    return errors
