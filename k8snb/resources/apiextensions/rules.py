"""``x-kubernetes-validations``: rules in CEL that values of a custom resource must meet, beside the shape of its schema.

    x-kubernetes-validations:
    - rule: self.minReplicas <= self.replicas          each value that the schema stands for is ``self``
      message: replicas must not be below minReplicas
    - rule: self.size >= oldSelf.size                  asked only where there was a value before: a transition

A value that did not change is not refused for what it was accepted with: its breach becomes a warning (ratcheting). Names that CEL cannot
write are escaped (``self.max__dash__size``), and of metadata only the name is seen.

Models: k8s.io/apiextensions-apiserver pkg/apiserver/schema/cel/{compilation,validation}.go, pkg/apis/apiextensions/validation.
Simplified: the fields of an object have no declared types, so one that does not exist is found when an object comes; items of lists that
have no keys have no ``oldSelf``; costs are not estimated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from k8snb.apimachinery.cel import BOOL, DYN, STRING, CelError, CelUnavailable, Program, compile_expression
from k8snb.apimachinery.errors import Errors, FieldError, duplicate, forbidden, invalid, not_supported, required
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, thaw
from k8snb.apimachinery.resource import once
from k8snb.resources.apiextensions.structure import schema_or_none, unstructured

RULES = "x-kubernetes-validations"
NOT_CHECKED = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
_BLOCKING = ("FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid")
_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_SCALARS = {"string": "string", "integer": "int", "boolean": "bool", "number": "double"}
_OPTIONALLY = "cel.bind(oldSelf, existed ? optional.of(was) : optional.none(),\n"
_OLD = re.compile(r"\boldSelf\b")
_LINE_BREAK = re.compile(r"[\n\r]")
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\['([^']+)'\]")
_PATH = re.compile(rf"(?:{_STEP.pattern})+")
_WORDS = "true false null in as break const continue else for function if import let loop package namespace return var void while"
_KEYWORDS = frozenset(_WORDS.split())
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


@once
def validate_expressions(schema: Mapping[str, Any]) -> Errors:
    """The expressions of the rules of one schema, relative to it."""
    errors: Errors = []
    for index, rule in enumerate(schema.get(RULES) or ()):
        field = f"{RULES}[{index}]"
        for name, compiled in (("rule", _compiled), ("messageExpression", _compiled_message)):
            try:
                compiled(schema, rule)
            except CelError as error:
                errors.append(invalid(f"{field}.{name}", _shown_rule(rule), str(error)))
        if rule.get("optionalOldSelf") is not None and not _OLD.search(rule["rule"]):
            errors.append(invalid(f"{field}.optionalOldSelf", rule["optionalOldSelf"], "may not be set if oldSelf is not used in rule"))
    return errors


def _shown_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    names = {"Rule": "rule", "Message": "message", "MessageExpression": "messageExpression", "Reason": "reason", "FieldPath": "fieldPath"}
    shown = {go: rule.get(name, None if name == "reason" else "") for go, name in names.items()}
    return shown | {"OptionalOldSelf": rule.get("optionalOldSelf")}


def _compiled(schema: Mapping[str, Any], rule: Mapping[str, Any]) -> Program:
    words = "compilation failed: {}", "cel expression must evaluate to a bool"
    return _compile(schema, rule, (rule["rule"], BOOL), words)


def _compiled_message(schema: Mapping[str, Any], rule: Mapping[str, Any]) -> Program | None:
    expression = rule.get("messageExpression", "")
    if not expression:
        return None
    words = "messageExpression compilation failed: {}", "messageExpression must evaluate to a string"
    return _compile(schema, rule, (expression, STRING), words)


def _compile(schema: Mapping[str, Any], rule: Mapping[str, Any], wanted: tuple[str, str], words: tuple[str, str]) -> Program:
    """An expression and its type; ``words`` are those of one that does not compile, and of one that is of another type."""
    (expression, type_), (failed, other) = wanted, words
    own = _type(schema)
    optional = rule.get("optionalOldSelf")
    text = f"{_OPTIONALLY}{expression})" if optional else expression
    try:
        program = compile_expression(text, {"self": own} | ({"was": own, "existed": BOOL} if optional else {"oldSelf": own}))
    except CelUnavailable:
        raise
    except CelError as error:
        raise CelError(failed.format(str(error).replace("<input>:2:", "<input>:1:"))) from None
    if program.type != type_:
        raise CelError(other)
    return program


def _type(schema: Mapping[str, Any]) -> str:
    """The type of ``self``, as far as it has one: objects are open."""
    kind = schema.get("type", "")
    inner = schema.get("additionalProperties") if kind == "object" else schema.get("items")
    if kind == "array":
        return f"list<{_type(inner or EMPTY_DICT)}>"
    if kind == "object" and isinstance(inner, FrozenDict):
        return f"map<string, {_type(inner)}>"
    return _SCALARS.get(kind, DYN) if schema.get("nullable") is not True else DYN


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
        if _compiled(schema, rule).evaluate(bound) is True:
            return
    except CelError as error:
        same = "call arguments did not match a supported operator, function or macro signature for rule"
        said = f"'{error}': {same}: {known}" if str(error) == "no such overload" else f"{error} evaluating rule: {known}"
        yield Finding(invalid(path, kind, said), old=False)
        return
    where = path + rule["fieldPath"] if rule.get("fieldPath") else path
    message = _message(schema, rule, bound) or rule.get("message", "").strip() or f"failed rule: {known}"
    yield Finding(_by_reason(rule.get("reason"), where.lstrip("."), kind, message), old=not transition and value == old)


def _bound(schema: Mapping[str, Any], rule: Mapping[str, Any], change: tuple[Any, Any]) -> dict[str, Any]:
    value, old = change
    bound = {"self": _visible(schema, value)}
    if rule.get("optionalOldSelf"):
        return bound | {"existed": old is not None, "was": _visible(schema, old if old is not None else value)}
    return bound | ({} if old is None else {"oldSelf": _visible(schema, old)})


def _message(schema: Mapping[str, Any], rule: Mapping[str, Any], bound: Mapping[str, Any]) -> str:
    """What ``messageExpression`` gives; nothing where it fails, is too long, or has more than one line."""
    try:
        program = _compiled_message(schema, rule)
        message = str(program.evaluate(bound)).strip() if program is not None else ""
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


def escaped(name: str) -> str:
    """A property's name as CEL can write it, or nothing where it cannot.

    >>> [escaped(name) for name in ("size", "max-size", "a.b/c", "namespace", "a__b", "1x")]
    ['size', 'max__dash__size', 'a__dot__b__slash__c', '__namespace__', 'a__underscores__b', '']
    """
    if name in _KEYWORDS:
        return f"__{name}__"
    for written, word in (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")):
        name = name.replace(written, word)
    return name if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) else ""


def _visible(schema: Any, value: Any) -> Any:
    """A value as CEL sees it: ordinary dicts and lists, with names escaped where the schema declares them."""
    if not isinstance(schema, Mapping):
        return thaw(value)
    if isinstance(value, list):
        return [_visible(schema.get("items"), item) for item in value]
    if isinstance(value, dict):
        properties, others = schema.get("properties") or EMPTY_DICT, schema.get("additionalProperties")
        shown = {
            escaped(key) if key in properties or not others else key: _visible(properties.get(key, others), item)
            for key, item in value.items()
        }
        return {key: item for key, item in shown.items() if key}
    return float(value) if schema.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool) else value
