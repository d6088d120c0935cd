"""``x-kubernetes-validations``: rules in CEL that values of a custom resource must meet, beside the shape of its schema.

    x-kubernetes-validations:
    - rule: self.minReplicas <= self.replicas          each value that the schema stands for is ``self``
      message: replicas must not be below minReplicas
    - rule: self.size >= oldSelf.size                  asked only where there was a value before: a transition

A rule is checked against the types that the schema declares (:mod:`.declared`), once, when the definition comes; a field that does not
exist is found then. It is asked of plain values, whose types are looked at as it goes. A value that did not change is not refused for what
it was accepted with: its breach becomes a warning (ratcheting).

Models: k8s.io/apiextensions-apiserver pkg/apiserver/schema/cel/{compilation,validation}.go, pkg/apis/apiextensions/validation.
Simplified: items of lists that have no keys have no ``oldSelf``; costs are not estimated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from k8snb.apimachinery.cel import BOOL, DYN, STRING, CelError, CelUnavailable, Program, compile_expression, type_of
from k8snb.apimachinery.errors import Errors, FieldError, duplicate, forbidden, internal, invalid, not_supported, required
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.schema import Type
from k8snb.resources.apiextensions.declared import declared, visible
from k8snb.resources.apiextensions.structure import schema_or_none, unstructured

RULES = "x-kubernetes-validations"
NOT_CHECKED = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
_BLOCKING = ("FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid")
_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_OPTIONALLY = "cel.bind(oldSelf, existed ? optional.of(was) : optional.none(),\n"
_OLD = re.compile(r"\boldSelf\b")
_LINE_BREAK = re.compile(r"[\n\r]")
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\['([^']+)'\]")
_PATH = re.compile(rf"(?:{_STEP.pattern})+")
_NO_TYPE = (
    "internal error: failed to construct type information for x-kubernetes-validations rules: "
    "unable to convert structural schema to CEL declarations"
)
_LONGEST_MESSAGE = 5 * 1024


class Finding(NamedTuple):
    """A rule that a value breaks. ``old`` says that the value broke it before, too, and did not change."""

    error: FieldError
    old: bool


# --- what is wrong with a rule ---------------------------------------------------------------------------------------


@once
def validate_rules(schema: Mapping[str, Any]) -> Errors:
    """The rules of one schema but for their expressions, relative to it."""
    return [error for index, rule in enumerate(schema.get(RULES) or ()) for error in _validate_rule(f"{RULES}[{index}]", rule, schema)]


def _validate_rule(field: str, rule: Mapping[str, Any], schema: Mapping[str, Any]) -> Errors:
    text, message, reason, path = rule.get("rule", "").strip(), rule.get("message", ""), rule.get("reason"), rule.get("fieldPath", "")
    errors: Errors = []
    if not text:
        errors.append(required(f"{field}.rule", "rule is not specified"))
    elif message and not message.strip():
        errors.append(invalid(f"{field}.message", message, "message must be non-empty if specified"))
    elif _LINE_BREAK.search(message.strip()):
        errors.append(invalid(f"{field}.message", message, "message must not contain line breaks"))
    elif _LINE_BREAK.search(text) and not message.strip():
        errors.append(required(f"{field}.message", "message must be specified if rule contains line breaks"))
    if rule.get("messageExpression") and not rule["messageExpression"].strip():
        errors.append(required(f"{field}.messageExpression", "messageExpression must be non-empty if specified"))
    if reason is not None and reason not in _REASONS:
        errors.append(not_supported(f"{field}.reason", reason, _REASONS))
    wrong = [] if path.strip() or not path else ["fieldPath must be non-empty if specified"]
    wrong += ["fieldPath must not contain line breaks"] if _LINE_BREAK.search(path) else []
    wrong += ["fieldPath must be a valid path"] if path and not _leads_somewhere(schema, path) else []
    return errors + [invalid(f"{field}.fieldPath", path, why) for why in wrong]


def _leads_somewhere(schema: Mapping[str, Any], path: str) -> bool:
    """Whether a path like ``.spec.ports['http']`` names a declared field."""
    if unstructured(schema):
        return True  # what cannot be read is somebody else's error
    if not _PATH.fullmatch(path):
        return False
    at: Any = schema
    for step in _STEP.finditer(path):
        inner = (schema_or_none(at.get("items")) or EMPTY_DICT) if at.get("type") == "array" else at
        at = (inner.get("properties") or EMPTY_DICT).get(step[1] or step[2], inner.get("additionalProperties"))
        if schema_or_none(at) is None:
            return at is True
    return True


def validate_expressions(schema: Mapping[str, Any], *, root: bool) -> Errors:
    """The expressions of the rules of one schema, relative to it; ``root``: it is that of the whole resource."""
    return _root_expressions(schema) if root else _expressions(schema)


@once
def _root_expressions(schema: Mapping[str, Any]) -> Errors:
    return _wrong_expressions(schema, declared(schema, root=True)) if schema.get(RULES) else []


@once
def _expressions(schema: Mapping[str, Any]) -> Errors:
    return _wrong_expressions(schema, declared(schema)) if schema.get(RULES) else []


def _wrong_expressions(schema: Mapping[str, Any], own: Type | None) -> Errors:
    if own is None:
        return [internal(RULES, _NO_TYPE)]
    errors: Errors = []
    for index, rule in enumerate(schema[RULES]):
        field = f"{RULES}[{index}]"
        for name, check in (("rule", _check_rule), ("messageExpression", _check_message)):
            try:
                check(rule, own)
            except CelError as error:
                errors.append(invalid(f"{field}.{name}", _shown_rule(rule), str(error)))
        if rule.get("optionalOldSelf") is not None and not _OLD.search(rule["rule"]):
            errors.append(invalid(f"{field}.optionalOldSelf", rule["optionalOldSelf"], "may not be set if oldSelf is not used in rule"))
    return errors


def _shown_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    names = {"Rule": "rule", "Message": "message", "MessageExpression": "messageExpression", "Reason": "reason", "FieldPath": "fieldPath"}
    shown = {go: rule.get(name, None if name == "reason" else "") for go, name in names.items()}
    return shown | {"OptionalOldSelf": rule.get("optionalOldSelf")}


def _check_rule(rule: Mapping[str, Any], own: Type) -> None:
    _check(rule, own, (rule["rule"], BOOL), ("compilation failed: {}", "cel expression must evaluate to a bool"))


def _check_message(rule: Mapping[str, Any], own: Type) -> None:
    words = "messageExpression compilation failed: {}", "messageExpression must evaluate to a string"
    if rule.get("messageExpression"):
        _check(rule, own, (rule["messageExpression"], STRING), words)


def _check(rule: Mapping[str, Any], own: Type, wanted: tuple[str, str], words: tuple[str, str]) -> None:
    """An expression and its type; ``words`` are those of one that does not compile, and of one that is of another type."""
    (expression, type_), (failed, other) = wanted, words
    try:
        found = type_of(_text(rule, expression), _variables(rule, own))
        if found == DYN:
            found = _compiled(rule, expression).type
    except CelUnavailable:
        raise
    except CelError as error:
        raise CelError(failed.format(str(error).replace("<input>:2:", "<input>:1:"))) from None
    if found != type_:
        raise CelError(other)


def _variables(rule: Mapping[str, Any], own: str | Type) -> dict[str, str | Type]:
    return {"self": own, "was": own, "existed": BOOL} if rule.get("optionalOldSelf") else {"self": own, "oldSelf": own}


def _text(rule: Mapping[str, Any], expression: str) -> str:
    return f"{_OPTIONALLY}{expression})" if rule.get("optionalOldSelf") else expression


def _compiled(rule: Mapping[str, Any], expression: str) -> Program:
    """An expression as it is asked: of values of any type."""
    return compile_expression(_text(rule, expression), _variables(rule, DYN))


# --- what is wrong with a value --------------------------------------------------------------------------------------


def judge(schema: Mapping[str, Any], obj: Object, old: Object | None, wrong: Errors) -> list[Finding]:
    """The rules that an object breaks; ``wrong`` is what is wrong with its shape, which may keep rules from being asked."""
    if not has_rules(schema):
        return []
    if any(error.reason in _BLOCKING for error in wrong):
        return [Finding(invalid("<nil>", None, NOT_CHECKED), old=False)]
    return list(_judge(schema, _root(obj), _root(old) if old is not None else None, ""))


def _root(obj: Object) -> dict[str, Any]:
    meta = {key: value for key, value in (obj.get("metadata") or EMPTY_DICT).items() if key in ("name", "generateName")}
    return {**obj, "metadata": meta}


@once
def has_rules(schema: Mapping[str, Any]) -> bool:
    """Whether a rule stands anywhere in a schema."""
    parts = [schema.get("items"), schema.get("additionalProperties"), *(schema.get("properties") or EMPTY_DICT).values()]
    parts += schema.get("allOf") or ()
    return bool(schema.get(RULES)) or any(isinstance(part, FrozenDict) and has_rules(part) for part in parts)


def _judge(schema: Any, value: Any, old: Any, path: str) -> Iterator[Finding]:
    if value is None or not isinstance(schema, FrozenDict) or not has_rules(schema):
        return
    for rule in schema.get(RULES) or ():
        yield from _asked(schema, rule, (value, old), path)
    for part in schema.get("allOf") or ():
        yield from _judge(part, value, old, path)
    for inner, item, before, where in _children(schema, value, old, path):
        yield from _judge(inner, item, before, where)


def _children(schema: Mapping[str, Any], value: Any, old: Any, path: str) -> Iterator[tuple[Any, Any, Any, str]]:
    if isinstance(value, list):
        keys = schema.get("x-kubernetes-list-map-keys") or ()
        before = {_key(item, keys): item for item in old or ()} if keys else {}
        for index, item in enumerate(value):
            yield schema.get("items"), item, before.get(_key(item, keys)) if keys else None, f"{path}[{index}]"
    elif isinstance(value, dict):
        properties, others = schema.get("properties") or EMPTY_DICT, schema.get("additionalProperties")
        was = old if isinstance(old, dict) and schema.get("x-kubernetes-map-type") != "atomic" else EMPTY_DICT
        for name in sorted(value):
            if name in properties:
                yield properties[name], value[name], was.get(name), f"{path}.{name}" if path else name
            else:
                yield others, value[name], was.get(name), f"{path}[{name}]"


def _key(item: Any, keys: Any) -> tuple[Any, ...]:
    return tuple(item.get(key) if isinstance(item, dict) else None for key in keys)


def _asked(schema: Mapping[str, Any], rule: Mapping[str, Any], change: tuple[Any, Any], path: str) -> Iterator[Finding]:
    value, old = change
    transition = _OLD.search(rule["rule"]) is not None
    if transition and old is None and not rule.get("optionalOldSelf"):
        return
    bound = _bound(schema, rule, change)
    kind, known = schema.get("type", ""), (rule.get("message", "") or rule["rule"]).strip()
    try:
        if _compiled(rule, rule["rule"]).evaluate(bound) is True:
            return
    except CelError as error:
        same = "call arguments did not match a supported operator, function or macro signature for rule"
        said = f"'{error}': {same}: {known}" if str(error) == "no such overload" else f"{error} evaluating rule: {known}"
        yield Finding(invalid(path, kind, said), old=False)
        return
    where = path + rule["fieldPath"] if rule.get("fieldPath") else path
    message = _message(rule, bound) or rule.get("message", "").strip() or f"failed rule: {known}"
    yield Finding(_by_reason(rule.get("reason"), where.lstrip("."), kind, message), old=not transition and value == old)


def _bound(schema: Mapping[str, Any], rule: Mapping[str, Any], change: tuple[Any, Any]) -> dict[str, Any]:
    value, old = change
    bound = {"self": visible(schema, value)}
    if rule.get("optionalOldSelf"):
        return bound | {"existed": old is not None, "was": visible(schema, old if old is not None else value)}
    return bound | ({} if old is None else {"oldSelf": visible(schema, old)})


def _message(rule: Mapping[str, Any], bound: Mapping[str, Any]) -> str:
    """What ``messageExpression`` gives; nothing where it fails, is too long, or has more than one line."""
    try:
        expression = rule.get("messageExpression", "")
        message = str(_compiled(rule, expression).evaluate(bound)).strip() if expression else ""
    except CelError:
        return ""
    return "" if "\n" in message or len(message.encode()) > _LONGEST_MESSAGE else message


_BY_REASON: dict[str, Callable[[str, Any, str], FieldError]] = {
    "FieldValueForbidden": lambda field, _, detail: forbidden(field, detail),
    "FieldValueRequired": lambda field, _, detail: required(field, detail),
    "FieldValueDuplicate": lambda field, value, _: duplicate(field, value),
}


def _by_reason(reason: str | None, field: str, value: Any, detail: str) -> FieldError:
    return _BY_REASON.get(reason or "", invalid)(field, value, detail)
