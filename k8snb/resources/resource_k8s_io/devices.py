"""What claims, claim templates and device classes share: requests for devices.

Models: pkg/apis/resource/validation/validation.go, pkg/apis/resource/v1/defaults.go.
Simplified: in CEL, a device has no declared fields; no device is ever allocated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.apimachinery.cel import BOOL, DYN, CelError, CelUnavailable, compile_expression
from k8snb.apimachinery.errors import Errors, duplicate, invalid, not_supported, required, too_long, too_many, within
from k8snb.apimachinery.objects import EMPTY_DICT, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain, label_value, one_of, qualified_name
from k8snb.resources.common.fill import each, fill_empty, where_given
from k8snb.resources.resource_k8s_io.names import driver_name, fully_qualified

MODES = ("All", "ExactCount")
TAINT_EFFECTS = ("NoExecute", "NoSchedule", "None")
_MOST, _MOST_ALTERNATIVES, _MOST_TOLERATIONS = 32, 8, 16
_LONGEST_EXPRESSION = _LONGEST_PARAMETERS = 10 * 1024
Items = Sequence[Mapping[str, Any]]
Rule = Callable[[Mapping[str, Any]], Errors]
_ONE_OF = "exactly one of `exactly` or `firstAvailable` is required"


def default_claim_spec(spec: Mapping[str, Any]) -> Any:
    """One device of each request."""
    return where_given(spec, "devices", lambda devices: where_given(devices, "requests", each(_default_request)))


@once
def _default_request(request: Mapping[str, Any]) -> Any:
    request = where_given(request, "exactly", _default_exact)
    return where_given(request, "firstAvailable", each(_default_exact))


def _default_exact(exact: Mapping[str, Any]) -> Any:
    exact = fill_empty(exact, {"allocationMode": "ExactCount"})
    exact = fill_empty(exact, {"count": 1}) if exact["allocationMode"] == "ExactCount" else exact
    return where_given(exact, "tolerations", each(lambda toleration: fill_empty(toleration, {"operator": "Equal"})))


@once
def validate_claim_spec(spec: Mapping[str, Any]) -> Errors:
    """``devices``: requests, constraints, configuration."""
    devices = spec.get("devices") or EMPTY_DICT
    requests = devices.get("requests") or ()
    names = [request.get("name", "") for request in requests]
    names += [f"{r.get('name')}/{s.get('name')}" for r in requests for s in r.get("firstAvailable") or ()]
    errors = bounded_set("requests", requests, _MOST, _validate_request, "name")
    errors += bounded("constraints", devices.get("constraints") or (), _MOST, lambda constraint: _validate_constraint(constraint, names))
    return within("devices", errors + bounded("config", devices.get("config") or (), _MOST, lambda one: _validate_config(one, names)))


def bounded(field: str, items: Items, most: int, validate: Rule) -> Errors:
    """What is wrong with the items of a list; of a list that is too long only that."""
    if len(items) > most:
        return [too_many(field, len(items), most)]
    return [error for index, item in enumerate(items) for error in within(f"{field}[{index}]", validate(item))]


def bounded_set(field: str, items: Items, most: int, validate: Rule, key: str) -> Errors:
    """As :func:`bounded`; no two items have the same ``key``."""
    errors = bounded(field, items, most, validate)
    if len(items) > most:
        return errors
    known = [item.get(key, "") for item in items]
    return errors + [duplicate(f"{field}[{i}]", item) for i, item in enumerate(items) if known[i] in known[:i]]


def _validate_request(request: Mapping[str, Any]) -> Errors:
    name, exactly, first = request.get("name", ""), request.get("exactly"), request.get("firstAvailable") or ()
    errors = request_name("name", name)
    if exactly is None and not first:
        return [*errors, required("", _ONE_OF)]
    if exactly is not None and first:
        return [*errors, invalid("", None, f"{_ONE_OF}, but multiple fields are set")]
    if exactly is not None:
        return errors + within("exactly", _validate_exact(exactly))
    return errors + bounded_set("firstAvailable", first, _MOST_ALTERNATIVES, _validate_alternative, "name")


def _validate_alternative(sub: Mapping[str, Any]) -> Errors:
    return request_name("name", sub.get("name", "")) + _validate_exact(sub)


def request_name(field: str, name: str) -> Errors:
    """The name of a request, of an alternative in it, or of a device."""
    return check(field, name, dns_label) if name else [required(field)]


def _validate_exact(exact: Mapping[str, Any]) -> Errors:
    name, mode, count = exact.get("deviceClassName", ""), exact.get("allocationMode", ""), exact.get("count", 0)
    errors = check("deviceClassName", name, dns_subdomain) if name else [required("deviceClassName")]
    errors += within("selectors", validate_selectors(exact.get("selectors") or ()))
    if mode == "All":
        errors += [invalid("count", count, "must not be specified when allocationMode is 'All'")] if count else []
    elif mode == "ExactCount":
        errors += [] if count > 0 else [invalid("count", count, "must be greater than zero")]
    else:
        errors.append(not_supported("allocationMode", mode, MODES))
    return errors + bounded("tolerations", exact.get("tolerations") or (), _MOST_TOLERATIONS, _validate_toleration)


def _validate_toleration(toleration: Mapping[str, Any]) -> Errors:
    key, operator, value, effect = (toleration.get(name, "") for name in ("key", "operator", "value", "effect"))
    errors = check("key", key, qualified_name) if key else []
    if operator == "Exists":
        errors += [invalid("value", value, "must be empty for operator `Exists`")] if value else []
    elif operator == "Equal":
        errors += check("value", value, label_value)
    else:
        errors.append(not_supported("operator", operator, ("Equal", "Exists")) if operator else required("operator"))
    return errors + (one_of("effect", effect, TAINT_EFFECTS) if effect else [])


def validate_selectors(selectors: Sequence[Mapping[str, Any]]) -> Errors:
    """CEL selectors; paths start with an index."""
    return bounded("", selectors, _MOST, _validate_selector)


def _validate_selector(selector: Mapping[str, Any]) -> Errors:
    if selector.get("cel") is None:
        return [required("cel")]
    expression = dig(selector, "cel.expression")
    if not expression:
        return [required("cel.expression")]
    if len(expression.encode()) > _LONGEST_EXPRESSION:
        return [too_long("cel.expression", _LONGEST_EXPRESSION)]
    return _validate_expression("cel.expression", expression)


def _validate_expression(field: str, expression: str) -> Errors:
    try:
        type_ = compile_expression(expression, {"device": DYN}).type
    except CelUnavailable as error:
        return [invalid(field, expression, str(error))]
    except CelError as error:
        return [invalid(field, expression, f"compilation failed: {error}")]
    return [] if type_ in (BOOL, DYN) else [invalid(field, expression, f"must evaluate to bool or the unknown type, not {type_}")]


def _validate_constraint(constraint: Mapping[str, Any], names: list[str]) -> Errors:
    errors = _validate_names(constraint.get("requests") or (), names)
    given = [name for name in ("matchAttribute", "distinctAttribute") if constraint.get(name) is not None]
    if not given:  # the words are upstream's, in this case too
        words = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
        return [*errors, required("", words)]
    return errors + fully_qualified(given[0], constraint[given[0]])


def _validate_names(wanted: Sequence[str], names: list[str]) -> Errors:
    if len(wanted) > _MOST:
        return [too_many("requests", len(wanted), _MOST)]
    errors = [e for i, name in enumerate(wanted) for e in _validate_name(f"requests[{i}]", name, names)]
    return errors + [duplicate(f"requests[{i}]", name) for i, name in enumerate(wanted) if name in wanted[:i]]


def _validate_name(field: str, name: str, names: list[str]) -> Errors:
    unknown = invalid(field, name, "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'")
    if name.count("/") > 1:
        return [unknown]
    errors = [error for part in name.split("/") for error in request_name(field, part)]
    return errors if name in names else [*errors, unknown]


def _validate_config(config: Mapping[str, Any], names: list[str]) -> Errors:
    return _validate_names(config.get("requests") or (), names) + _validate_opaque(config)


def _validate_opaque(config: Mapping[str, Any]) -> Errors:
    opaque = config.get("opaque")
    if opaque is None:
        return [required("opaque")]
    return within("opaque", driver_name("driver", opaque.get("driver", "")) + _validate_parameters(opaque.get("parameters")))


def _validate_parameters(parameters: Any) -> Errors:
    """What a driver is told: any JSON object, of a bounded length."""
    if parameters is None:
        return [required("parameters")]
    if not isinstance(parameters, Mapping):
        return [invalid("parameters", "<value omitted>", "must be a valid JSON object")]
    longer = len(json.dumps(parameters, separators=(",", ":"), ensure_ascii=False).encode()) > _LONGEST_PARAMETERS
    return [too_long("parameters", _LONGEST_PARAMETERS)] if longer else []


def validate_class_config(configs: Sequence[Mapping[str, Any]]) -> Errors:
    """The configuration of a device class; paths start with an index."""
    return bounded("", configs, _MOST, _validate_opaque)
