"""Names, labels, annotations, selectors and ObjectMeta: what every kind is checked for, in Kubernetes' exact words.

Two shapes of function:

* *formats* take a text and give the sentences that say what is wrong with it: ``dns_label("Web")`` -> ``["a lowercase RFC 1123
  label must consist of ..."]``. :func:`check` turns them into field errors.
* *validations* take a value (frozen) and give field errors with paths relative to it: see :mod:`k8snb.apimachinery.errors`.

Models: k8s.io/apimachinery/pkg/util/validation/validation.go, pkg/api/validation/{generic,objectmeta}.go,
pkg/apis/meta/v1/validation/validation.go; pkg/apis/core/validation (standard finalizer names).
Simplified: managedFields are made by the server alone and therefore not validated.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, FieldError, forbidden, invalid, not_supported, quote, required, too_long, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.apimachinery.resource import once

Format = Callable[[str], list[str]]

IMMUTABLE = "field is immutable"
NOT_NEGATIVE = "must be greater than or equal to 0"
ANNOTATIONS_LIMIT = 256 * 1024

_DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS_SUBDOMAIN = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*"
_DNS_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_NAME})?"


def regex_error(words: str, pattern: str, *examples: str) -> str:
    """Go's ``RegexError``: the rule, examples, and the regular expression.

    >>> regex_error("must be lower case", "[a-z]+", "a", "b")
    "must be lower case (e.g. 'a',  or 'b', regex used for validation is '[a-z]+')"
    """
    shown = " or ".join(f"'{example}', " for example in examples)
    prefix = f" (e.g. {shown}" if examples else " ("
    return f"{words}{prefix}regex used for validation is '{pattern}')"


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.ASCII) is not None


def longer(text: str, limit: int, unit: str = "characters") -> list[str]:
    """The sentence for a text of more than ``limit`` bytes."""
    return [f"must be no more than {limit} {unit}"] if len(text.encode()) > limit else []


@functools.lru_cache(maxsize=8192)
def _dns_label(text: str) -> tuple[str, ...]:
    words = (
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
        "with an alphanumeric character"
    )
    if _matches(_DNS_LABEL, text):
        return tuple(longer(text, 63))
    dotted = _matches(_DNS_SUBDOMAIN, text)
    return (*longer(text, 63), "must not contain dots" if dotted else regex_error(words, _DNS_LABEL, "my-name", "123-abc"))


def dns_label(text: str) -> list[str]:
    """A DNS-1123 label: a container, a volume, a namespace."""
    return list(_dns_label(text))


_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)


@functools.lru_cache(maxsize=8192)
def _dns_subdomain(text: str) -> tuple[str, ...]:
    wrong = () if _matches(_DNS_SUBDOMAIN, text) else (regex_error(_SUBDOMAIN_WORDS, _DNS_SUBDOMAIN, "example.com"),)
    return (*longer(text, 253), *wrong)


def dns_subdomain(text: str) -> list[str]:
    """A DNS-1123 subdomain: the name of most objects."""
    return list(_dns_subdomain(text))


def dns_subdomain_with_underscore(text: str) -> list[str]:
    """A subdomain that may hold underscores: DNS search domains."""
    label = "[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?"
    words = (
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-', '_' or '.', and must "
        "start and end with an alphanumeric character"
    )
    pattern = rf"{label}(\.{label})*"
    return longer(text, 253) + ([] if _matches(pattern, text) else [regex_error(words, pattern, "example.com")])


def dns_1035_label(text: str) -> list[str]:
    """A DNS-1035 label: it starts with a letter."""
    words = (
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
        "character, and end with an alphanumeric character"
    )
    return longer(text, 63) + ([] if _matches(_DNS_1035, text) else [regex_error(words, _DNS_1035, "my-name", "abc-123")])


def wildcard_subdomain(text: str) -> list[str]:
    """``*.example.com``."""
    pattern = rf"\*\.{_DNS_SUBDOMAIN}"
    words = (
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
        "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
    )
    return longer(text, 253) + ([] if _matches(pattern, text) else [regex_error(words, pattern, "*.example.com")])


_NAME_WORDS = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
_NAME_ERROR = regex_error(_NAME_WORDS, _NAME, "MyName", "my.name", "123-abc")


@functools.lru_cache(maxsize=8192)
def _qualified_name(text: str) -> tuple[str, ...]:
    prefix, slash, name = text.partition("/")
    if "/" in name:
        return (f"a valid label key {_NAME_ERROR} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",)
    wrong: list[str] = []
    if not slash:
        name = prefix
    elif not prefix:
        wrong.append("prefix part must be non-empty")
    else:
        wrong += [f"prefix part {message}" for message in dns_subdomain(prefix)]
    if not name:
        wrong.append("name part must be non-empty")
    wrong += [f"name part {message}" for message in longer(name, 63, "bytes")]
    return (*wrong, *(() if _matches(_NAME, name) else (f"name part {_NAME_ERROR}",)))


def qualified_name(text: str) -> list[str]:
    """The key of a label or annotation, a resource name, a finalizer: ``[example.com/]MyName``."""
    return list(_qualified_name(text))


def label_value(text: str) -> list[str]:
    """The value of a label."""
    return list(_label_value(text))


@functools.lru_cache(maxsize=8192)
def _label_value(text: str) -> tuple[str, ...]:
    if len(text) < 64 and _matches(_LABEL_VALUE, text):
        return ()
    words = (
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
        "and end with an alphanumeric character"
    )
    wrong = [] if _matches(_LABEL_VALUE, text) else [regex_error(words, _LABEL_VALUE, "MyValue", "my_value", "12345")]
    return (*longer(text, 63, "bytes"), *wrong)


def config_key(text: str) -> list[str]:
    """A key of a ConfigMap or Secret."""
    pattern = "[-._a-zA-Z0-9]+"
    wrong = longer(text, 253)
    if not _matches(pattern, text):
        words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        wrong.append(regex_error(words, pattern, "key.name", "KEY_NAME", "key-name"))
    return wrong + _no_parent_directory(text)


def _no_parent_directory(text: str) -> list[str]:
    if text == ".":
        return ["must not be '.'"]
    if text == "..":
        return ["must not be '..'"]
    return ["must not start with '..'"] if text.startswith("..") else []


def port_name(text: str) -> list[str]:
    """The name of a container's port: at most 15 characters, a letter among them."""
    wrong = longer(text, 15)
    if not _matches("[-a-z0-9]*", text):
        wrong.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        wrong.append("must contain at least one letter (a-z)")
    if "--" in text:
        wrong.append("must not contain consecutive hyphens")
    if text and (text[0] == "-" or text[-1] == "-"):
        wrong.append("must not begin or end with a hyphen")
    return wrong


def port_number(number: int) -> list[str]:
    """A port that can be listened on."""
    return [] if 1 <= number <= 65535 else [in_range(1, 65535)]


def in_range(low: int, high: int) -> str:
    """Go's ``InclusiveRangeError``."""
    return f"must be between {low} and {high}, inclusive"


def http_header_name(text: str) -> list[str]:
    """The name of an HTTP header."""
    words = "a valid HTTP header must consist of alphanumeric characters or '-'"
    return [] if _matches("[-A-Za-z0-9]+", text) else [regex_error(words, "[-A-Za-z0-9]+", "X-Header-Name")]


def env_var_name(text: str) -> list[str]:
    """The name of an environment variable: printable ASCII without ``=``."""
    if text and all(" " <= char <= "~" and char != "=" for char in text):
        return []
    return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]


def percentage(text: str) -> list[str]:
    """``50%``."""
    words = "a valid percent string must be a numeric string followed by an ending '%'"
    return [] if _matches("[0-9]+%", text) else [regex_error(words, "[0-9]+%", "1%", "93%")]


def check(field: str, text: str, messages: Format) -> Errors:
    """Field errors for a text that breaks a format."""
    wrong = messages(text)
    return [invalid(field, text, message) for message in wrong] if wrong else []


def not_negative(field: str, number: int | None) -> Errors:
    """Field error for a negative number; absent is fine."""
    return [invalid(field, number, NOT_NEGATIVE)] if number is not None and number < 0 else []


def one_of(field: str, value: Any, choices: Iterable[str]) -> Errors:
    """Field error for a value that is none of ``choices``, which are printed in order."""
    return [] if value in choices else [not_supported(field, value, choices)]


def immutable(field: str, new: Any, old: Any) -> Errors:
    """Field error where a value changed that must not."""
    return [] if new == old else [invalid(field, new, IMMUTABLE)]


# Labels, annotations, selectors


@once
def validate_labels(labels: Mapping[str, str]) -> Errors:
    """Every key and value of a map of labels; errors stand at the map itself, as upstream's do."""
    errors: Errors = []
    for key, value in sorted(labels.items()):
        if _qualified_name(key) or _label_value(value):
            errors += [*check("", key, qualified_name), *check("", value, label_value)]
    return errors


@once
def validate_annotations(annotations: Mapping[str, str]) -> Errors:
    """Every key, and the size of all."""
    errors = [invalid("", key, message) for key in sorted(annotations) for message in qualified_name(key.lower())]
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    return errors + ([too_long("", ANNOTATIONS_LIMIT)] if size > ANNOTATIONS_LIMIT else [])



@once
def validate_label_selector(selector: Mapping[str, Any]) -> Errors:
    """A ``LabelSelector``: matchLabels and matchExpressions."""
    errors = within("matchLabels", validate_labels(selector.get("matchLabels") or EMPTY_DICT))
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        errors += within(f"matchExpressions[{index}]", _validate_expression(expression))
    return errors


def _validate_expression(expression: Mapping[str, Any]) -> Errors:
    operator, values = expression.get("operator", ""), expression.get("values") or ()
    errors: Errors = []
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(required("values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            errors.append(forbidden("values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    else:
        errors.append(invalid("operator", operator, "not a valid selector operator"))
    errors += check("key", expression.get("key", ""), qualified_name)
    for index, value in enumerate(values):
        errors += check(f"values[{index}]", value, label_value)
    return errors


# ObjectMeta

STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")
BANNED_OWNERS = {("v1", "Event"), ("events.k8s.io/v1", "Event")}


def validate_object_meta(meta: Object, *, namespaced: bool, name_format: Format | None = None) -> Errors:
    """``metadata`` of a new object, after its name was generated. Paths are relative to it."""
    formats = name_format or dns_subdomain
    errors: Errors = []
    if generate := meta.get("generateName"):
        errors += check("generateName", generate, lambda text: formats(text.rstrip("-") + "a" if text.endswith("-") else text))
    if name := meta.get("name"):
        errors += check("name", name, formats)
    else:
        errors.append(required("name", "name or generateName is required"))
    errors += _validate_namespace(meta.get("namespace", ""), namespaced)
    return errors + _validate_common(meta)


def _validate_namespace(namespace: str, namespaced: bool) -> Errors:
    if not namespaced:
        return [forbidden("namespace", "not allowed on this type")] if namespace else []
    return check("namespace", namespace, dns_label) if namespace else [required("namespace")]


def _validate_common(meta: Object) -> Errors:
    errors = not_negative("generation", meta.get("generation"))
    for field, validate in () if _COMMON_FIELDS.isdisjoint(meta) else _COMMON:
        given = meta.get(field)
        if given:
            errors += within(field, validate(given))
    return errors


@once
def validate_owner_references(references: list[Mapping[str, Any]]) -> Errors:
    """Every reference is whole, and at most one is the controller."""
    errors: Errors = []
    controllers = [ref.get("name", "") for ref in references if ref.get("controller")]
    for ref in references:
        errors += _validate_owner(ref)
    if len(controllers) > 1:
        why = f'Only one reference can have Controller set to true. Found "true" in references for {controllers[0]} and {controllers[1]}'
        errors.append(invalid("", list(references), why))
    return errors


def _validate_owner(ref: Mapping[str, Any]) -> Errors:
    api_version = ref.get("apiVersion", "")
    errors = [] if api_version.rpartition("/")[2] else [invalid("apiVersion", api_version, "version must not be empty")]
    errors += [invalid(key, "", "must not be empty") for key in ("kind", "name", "uid") if not ref.get(key)]
    if (api_version, ref.get("kind")) in BANNED_OWNERS:
        group, _, version = api_version.rpartition("/")
        errors.append(invalid("", ref, f"{group}/{version}, Kind={ref['kind']} is disallowed from being an owner"))
    return errors


@once
def validate_finalizers(finalizers: list[str]) -> Errors:
    """Names are qualified, or one of the few that Kubernetes itself uses."""
    errors: Errors = []
    for index, name in enumerate(finalizers):
        errors += check("", name, qualified_name)
        if "/" not in name and name not in STANDARD_FINALIZERS:
            errors.append(invalid(f"[{index}]", name, "name is neither a standard finalizer name nor is it fully qualified"))
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        errors.append(invalid("", list(finalizers), "finalizer orphan and foregroundDeletion cannot be both set"))
    return errors


_COMMON: tuple[tuple[str, Callable[[Any], Errors]], ...] = (
    ("labels", validate_labels),
    ("annotations", validate_annotations),
    ("ownerReferences", validate_owner_references),
    ("finalizers", validate_finalizers),
)
_COMMON_FIELDS = frozenset(field for field, _ in _COMMON)


def validate_object_meta_update(new: Object, old: Object) -> Errors:
    """What may not change in ``metadata``, and its ordinary rules."""
    errors: Errors = []
    if old.get("deletionTimestamp"):
        errors += _new_finalizers(new, old)
    for key in ("name", "namespace", "uid"):
        errors += immutable(key, new.get(key, ""), old.get(key, ""))
    for key in ("creationTimestamp", "deletionTimestamp"):
        errors += immutable(key, new.get(key), old.get(key))
    if (grace := new.get("deletionGracePeriodSeconds")) != old.get("deletionGracePeriodSeconds"):
        errors.append(invalid("deletionGracePeriodSeconds", grace, f"{IMMUTABLE}; may only be changed via deletion"))
    if not new.get("resourceVersion"):
        errors.append(invalid("resourceVersion", 0, "must be specified for an update"))
    if new.get("generation", 0) < old.get("generation", 0):
        errors.append(invalid("generation", new.get("generation", 0), "must not be decremented"))
    return errors + _validate_common(new)


def _new_finalizers(new: Object, old: Object) -> list[FieldError]:
    added = [name for name in new.get("finalizers") or () if name not in (old.get("finalizers") or ())]
    if not added:
        return []
    shown = "[]string{" + ", ".join(quote(name) for name in added) + "}"
    return [forbidden("finalizers", f"no new finalizers can be added if the object is being deleted, found new finalizers {shown}")]
