"""Custom resources: the schema of a CustomResourceDefinition as a type, its defaults, and validation against it.

    widgets = structural_type(openapi_v3_schema, object_meta=lookup(OBJECT_META), kind="Widget", api_version="example.com/v1")
    value, warnings = decode_object(widgets, body, ...)        # prunes what is not declared
    value = apply_defaults(widgets, value)
    errors = validate(widgets, value)                          # in the words of the apiextensions server

The type is of the same kind as a built-in one, so patches, server-side apply and ``explain`` work alike. What differs: nothing
is turned into Go structs, so values keep their form, and wrong types are field errors and not refusals to decode.

Models: k8s.io/apiextensions-apiserver/pkg/apiserver/schema (structural schemas, defaulting, pruning, listtype),
pkg/apiserver/validation, k8s.io/kube-openapi/pkg/validation.
Simplified: of the formats only date-time, date, byte, int32 and int64 are checked. Rules in CEL are the caller's
(:mod:`k8snb.resources.apiextensions.rules`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import (
    Errors,
    FieldError,
    duplicate,
    invalid,
    not_supported,
    required,
    too_long,
    too_many,
    type_invalid,
    within,
)
from k8snb.apimachinery.fieldset import item_key
from k8snb.apimachinery.gojson import LAYOUTS, Refused, number, parse_time
from k8snb.apimachinery.gotext import go_json
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, freeze, memo
from k8snb.apimachinery.patterns import PatternError, go
from k8snb.apimachinery.schema import ANY, BOOL, FLOAT64, INT32, INT64, INT_OR_STRING, LIST, MAP, STRING, STRUCT, Field, Type

_SCALARS = {"string": STRING, "integer": INT64, "number": FLOAT64, "boolean": BOOL}
_TYPE_META = ("apiVersion", "kind")


class Rules(NamedTuple):
    """What a custom resource's schema says of a value, beyond its shape. ``default`` is None where there is none."""

    schema: FrozenDict
    default: Any = None

    @property
    def nullable(self) -> bool:
        """Whether null is a value of its own."""
        return bool(self.schema.get("nullable"))


def structural_type(schema: Object, *, object_meta: Type, kind: str, api_version: str) -> Type:
    """The type of a custom resource from its ``openAPIV3Schema``. ``object_meta`` is the type of its metadata."""
    frozen: FrozenDict = freeze(schema)
    declared = _declared(frozen)
    fields = {**declared, **{name: Field(Type(STRING)) for name in _TYPE_META}, "metadata": Field(object_meta)}
    group, _, version = api_version.rpartition("/")
    preserve = bool(frozen.get("x-kubernetes-preserve-unknown-fields"))
    name = f"{'.'.join(reversed(group.split('.')))}.{version}.{kind}"
    kinds = (f"{group}/{version}/{kind}",)
    return Type(STRUCT, name=name, go=f"{version}.{kind}", fields=fields, kinds=kinds, preserve=preserve, rules=Rules(frozen))


def _type(schema: FrozenDict) -> Type:
    rules = Rules(schema, schema.get("default"))
    if schema.get("x-kubernetes-int-or-string"):
        return Type(INT_OR_STRING, rules=rules)
    kind = schema.get("type", "")
    if kind == "array":
        keys = tuple(schema.get("x-kubernetes-list-map-keys", ()))
        item = _type(schema.get("items", EMPTY_DICT))
        return Type(LIST, item=item, relation=schema.get("x-kubernetes-list-type", "atomic"), keys=keys, go=f"[]{item.go}", rules=rules)
    if kind == "object":
        return _object(schema, rules)
    if kind == "integer" and schema.get("format") == "int32":
        return Type(INT32, rules=rules)
    return Type(_SCALARS.get(kind, ANY), preserve=bool(schema.get("x-kubernetes-preserve-unknown-fields")), rules=rules)


def _declared(schema: FrozenDict) -> dict[str, Field]:
    needed = schema.get("required") or ()
    found = schema.get("properties", EMPTY_DICT)
    return {name: Field(_type(part), pointer=True, words=("required",) if name in needed else ()) for name, part in found.items()}


def _object(schema: FrozenDict, rules: Rules) -> Type:
    relation = "atomic" if schema.get("x-kubernetes-map-type") == "atomic" else ""
    values = schema.get("additionalProperties")
    if values is not None and values is not False:
        item = _type(values if isinstance(values, FrozenDict) else EMPTY_DICT)
        return Type(MAP, item=item, relation=relation, go=f"map[string]{item.go}", rules=rules)
    fields = _declared(schema)
    if schema.get("x-kubernetes-embedded-resource"):
        anything = Type(ANY, preserve=True, rules=Rules(EMPTY_DICT))
        fields = {name: Field(anything, pointer=True) for name in (*_TYPE_META, "metadata")} | fields
    preserve = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    return Type(STRUCT, fields=fields, relation=relation, preserve=preserve, go="object", rules=rules)


# --- defaults --------------------------------------------------------------------------------------------------------


def apply_defaults(type_: Type, value: Any) -> Any:
    """The value with the defaults of its schema, frozen; the value itself where none is missing."""
    if type_.rules is None or not isinstance(value, (dict, list)):
        return value
    frozen = freeze(value)
    known = memo(frozen)
    if (type_, apply_defaults) not in known:
        result = _defaulted(type_, frozen)
        known[type_, apply_defaults] = None if result is frozen else result
    return known[type_, apply_defaults] or frozen


def _defaulted(type_: Type, value: Any) -> Any:
    if isinstance(value, list):
        items = [apply_defaults(type_.item, item) if type_.item else item for item in value]
        return FrozenList(items) if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if type_.kind == MAP and type_.item:
        inner = type_.item
        pairs = {key: apply_defaults(inner, item) for key, item in value.items()}
    else:
        pairs = dict(_with_defaults(type_, value))
    same = pairs.keys() == value.keys() and all(pairs[key] is value[key] for key in pairs)
    return value if same else FrozenDict(pairs)


def _with_defaults(type_: Type, value: FrozenDict) -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        field = type_.fields.get(name)
        rules = field.type.rules if field else None
        if field is None or rules is None or item is not None:
            yield name, apply_defaults(field.type, item) if field else item
        elif rules.nullable or rules.default is None:
            yield name, item
    for name, field in type_.fields.items():
        rules = field.type.rules
        if rules is not None and rules.default is not None and (name not in value or (value[name] is None and not rules.nullable)):
            yield name, apply_defaults(field.type, rules.default)


# --- validation ------------------------------------------------------------------------------------------------------


def validate(type_: Type, obj: Object) -> Errors:
    """What is wrong with a custom resource, by its schema; metadata is judged elsewhere.

    Paths are relative to the object. All errors are found, in the order of the fields' names.
    """
    if type_.rules is None:
        return []
    errors = _check(type_.rules.schema, {key: obj[key] for key in obj if key not in (*_TYPE_META, "metadata")}, "")
    return errors + _duplicates(type_, obj, "")


def validate_value(schema: Mapping[str, Any], value: Any) -> Errors:
    """What is wrong with one value, a default for example, by its own schema."""
    return _check(schema, value, "")


def _check(schema: Any, value: Any, path: str) -> Errors:
    """All violations below ``path``, which stands in the messages too and therefore goes down with the walk."""
    wrong = _type_error(schema, value, path)
    if wrong:
        return [wrong]
    if value is None:
        return []
    errors = [error for check in _CHECKS for error in check(schema, value, path)]
    if isinstance(value, dict):
        errors += _check_fields(schema, value, path)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        errors += [error for index, item in enumerate(value) for error in _check(schema["items"], item, f"{path}[{index}]")]
    return errors + _check_combinations(schema, value, path)


def _check_fields(schema: Any, value: dict[str, Any], path: str) -> Errors:
    properties, others = schema.get("properties", EMPTY_DICT), schema.get("additionalProperties")
    errors: Errors = []
    for name in sorted({*value, *schema.get("required", ())}):
        where = f"{path}.{name}" if path else name
        inner = properties.get(name, others)
        if name not in value:
            errors.append(required(where))
        elif isinstance(inner, dict):
            errors += _check(inner, value[name], where)
    return errors


def json_type(value: Any) -> str:
    """What OpenAPI calls the type of a value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "integer" if float(value).is_integer() else "number"
    names = {type(None): "null", str: "string"}
    return names.get(type(value)) or ("array" if isinstance(value, list) else "object")


def _type_error(schema: Any, value: Any, path: str) -> FieldError | None:
    got = json_type(value)
    if value is None and (schema.get("nullable") or not (schema.get("type") or schema.get("x-kubernetes-int-or-string"))):
        return None
    wanted = "integer,string" if schema.get("x-kubernetes-int-or-string") else schema.get("type", "")
    if not wanted or got in wanted.split(",") or (wanted == "number" and got == "integer"):
        return None
    return type_invalid(path, got, f'{path} in body must be of type {wanted}: "{got}"')


def _enum(schema: Any, value: Any, path: str) -> Errors:
    allowed = schema.get("enum")
    if not allowed or any(value == one and json_type(value) == json_type(one) for one in allowed):
        return []
    return [not_supported(path, value, [_choice(one) for one in allowed])]


def _choice(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(number(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else go_json(value)


def _numbers(schema: Any, value: Any, path: str) -> Errors:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return []
    low, high, step = schema.get("minimum"), schema.get("maximum"), schema.get("multipleOf")
    texts = []
    if low is not None and (value <= low if schema.get("exclusiveMinimum") else value < low):
        texts.append(f"should be greater than {'' if schema.get('exclusiveMinimum') else 'or equal to '}{number(low)}")
    if high is not None and (value >= high if schema.get("exclusiveMaximum") else value > high):
        texts.append(f"should be less than {'' if schema.get('exclusiveMaximum') else 'or equal to '}{number(high)}")
    if step and value % step:
        texts.append(f"should be a multiple of {number(step)}")
    return [invalid(path, value, f"{path} in body {text}") for text in texts]


def _strings(schema: Any, value: Any, path: str) -> Errors:
    if not isinstance(value, str):
        return []
    errors: Errors = []
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        errors.append(too_long(path, schema["maxLength"]))
    if len(value) < schema.get("minLength", 0):
        errors.append(invalid(path, value, f"{path} in body should be at least {schema['minLength']} chars long"))
    if "pattern" in schema and not _matches(schema["pattern"], value):
        errors.append(invalid(path, value, f"{path} in body should match '{schema['pattern']}'"))
    form = schema.get("format", "")
    if form in _FORMATS and not _FORMATS[form](value):
        errors.append(invalid(path, value, f'{path} in body must be of type {form}: "{value}"'))
    return errors


def _matches(pattern: str, value: str) -> bool:
    try:
        return go(pattern).search(value) is not None
    except PatternError:  # a definition with such a pattern is not accepted
        return True


def _is_time(value: str, rest: str = "") -> bool:
    try:
        parse_time(value + rest, LAYOUTS["time"])
    except Refused:
        return False
    return True


_FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": _is_time,
    "date": lambda value: _is_time(value, "T00:00:00Z"),
    "byte": lambda value: len(value) % 4 == 0 and re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", value) is not None,
}


_MANY = ((list, "Items", "items"), (dict, "Properties", "properties"))


def _counts(schema: Any, value: Any, path: str) -> Errors:
    """How many things a list or a map may hold."""
    errors: Errors = []
    for type_, name, words in _MANY:
        if not isinstance(value, type_):
            continue
        if f"max{name}" in schema and len(value) > schema[f"max{name}"]:
            errors.append(too_many(path, len(value), schema[f"max{name}"]))
        if len(value) < schema.get(f"min{name}", 0):
            errors.append(invalid(path, len(value), f"{path} in body should have at least {schema[f'min{name}']} {words}"))
    return errors


_CHECKS = (_enum, _numbers, _strings, _counts)


def _check_combinations(schema: Any, value: Any, path: str) -> Errors:
    def valid(part: Any) -> bool:
        return not _check(part, value, path)

    errors: Errors = [error for part in schema.get("allOf", ()) for error in _check(part, value, path)]
    if "anyOf" in schema and not any(valid(part) for part in schema["anyOf"]):
        errors.append(invalid(path, value, f'"{path}" must validate at least one schema (anyOf)'))
    fits = sum(valid(part) for part in schema.get("oneOf", ()))
    if "oneOf" in schema and fits != 1:
        found = f"Found {fits} valid alternatives" if fits else "Found none valid"
        errors.append(invalid(path, value, f'"{path}" must validate one and only one schema (oneOf). {found}'))
    if "not" in schema and valid(schema["not"]):
        errors.append(invalid(path, value, f'"{path}" must not validate the schema (not)'))
    return errors


def _duplicates(type_: Type, value: Any, path: str) -> Errors:
    """Items that occur twice in a list that is a set or has keys."""
    errors: Errors = []
    if isinstance(value, list) and type_.item is not None:
        seen: set[str] = set()
        for index, item in enumerate(value):
            key = "" if type_.atomic else item_key(type_, item)
            if key in seen and key:
                shown = {name: item.get(name) for name in sorted(type_.keys)} if type_.keys else item
                errors.append(duplicate(f"[{index}]", shown))
            seen.add(key)
            errors += _duplicates(type_.item, item, f"[{index}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            inner = type_.item if type_.kind == MAP else type_.fields[name].type if name in type_.fields else None
            if inner is not None and inner.rules is not None:
                errors += _duplicates(inner, item, name)
    return within(path, errors)
