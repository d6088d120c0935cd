"""What claims, claim templates and device classes share: requests for devices.

Models: pkg/apis/resource/validation/validation.go, pkg/apis/resource/v1/defaults.go.
Simplified: in CEL, a device has no declared fields; no device is ever allocated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery.cel import BOOL, DYN, CelError, CelUnavailable, compile_expression
from k8snb.apimachinery.errors import Errors, duplicate, invalid, not_supported, required, too_long, too_many, within
from k8snb.apimachinery.objects import EMPTY_DICT, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain
from k8snb.resources.common.fill import each, fill_empty, where_given

MODES = ("All", "ExactCount")
_MOST = 32
_LONGEST_EXPRESSION = 10 * 1024
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
    requests, constraints = devices.get("requests") or (), devices.get("constraints") or ()
    errors = [too_many("requests", len(requests), _MOST)] if len(requests) > _MOST else []
    names: list[str] = []
    for index, request in enumerate(requests):
        errors += within(f"requests[{index}]", _validate_request(request))
        name = request.get("name", "")
        errors += [duplicate(f"requests[{index}].name", name)] if name and name in names else []
        names.append(name)
    names += [f"{r.get('name')}/{s.get('name')}" for r in requests for s in r.get("firstAvailable") or ()]
    for index, constraint in enumerate(constraints):
        errors += within(f"constraints[{index}]", _validate_constraint(constraint, names))
    for index, config in enumerate(devices.get("config") or ()):
        errors += within(f"config[{index}]", _validate_names(config.get("requests") or (), names) + _validate_opaque(config))
    return within("devices", errors)


def _validate_request(request: Mapping[str, Any]) -> Errors:
    name, exactly, first = request.get("name", ""), request.get("exactly"), request.get("firstAvailable") or ()
    errors = check("name", name, dns_label) if name else [required("name")]
    if exactly is None and not first:
        return [*errors, required("", _ONE_OF)]
    if exactly is not None and first:
        return [*errors, invalid("", None, f"{_ONE_OF}, but multiple fields are set")]
    if exactly is not None:
        return errors + within("exactly", _validate_exact(exactly))
    for index, sub in enumerate(first):
        sub_name = sub.get("name", "")
        errors += check(f"firstAvailable[{index}].name", sub_name, dns_label) if sub_name else [required(f"firstAvailable[{index}].name")]
        errors += within(f"firstAvailable[{index}]", _validate_exact(sub))
    return errors


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
    return errors


def validate_selectors(selectors: Sequence[Mapping[str, Any]]) -> Errors:
    """CEL selectors; paths start with an index."""
    errors = [too_many("", len(selectors), _MOST)] if len(selectors) > _MOST else []
    for index, selector in enumerate(selectors):
        if selector.get("cel") is None:
            errors.append(required(f"[{index}].cel"))
        elif not (expression := dig(selector, "cel.expression")):
            errors.append(required(f"[{index}].cel.expression"))
        elif len(expression.encode()) > _LONGEST_EXPRESSION:
            errors.append(too_long(f"[{index}].cel.expression", _LONGEST_EXPRESSION))
        else:
            errors += _validate_expression(f"[{index}].cel.expression", expression)
    return errors


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
    if not given:
        return [*errors, required("", "exactly one of matchAttribute or distinctAttribute is required")]
    text = constraint[given[0]]
    if "/" not in text:
        errors.append(invalid(given[0], text, "a valid C identifier must be prefixed by a domain: must include a domain"))
    return errors


def _validate_names(wanted: Sequence[str], names: list[str]) -> Errors:
    errors = [duplicate(f"requests[{i}]", name) for i, name in enumerate(wanted) if name in wanted[:i]]
    why = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
    return errors + [invalid(f"requests[{i}]", name, why) for i, name in enumerate(wanted) if name not in names]


def _validate_opaque(config: Mapping[str, Any]) -> Errors:
    opaque = config.get("opaque")
    if opaque is None:
        return [required("opaque")]
    driver = opaque.get("driver", "")
    errors = check("opaque.driver", driver, dns_subdomain) if driver else [required("opaque.driver")]
    return errors + ([] if opaque.get("parameters") else [required("opaque.parameters")])


def validate_class_config(configs: Sequence[Mapping[str, Any]]) -> Errors:
    """The configuration of a device class; paths start with an index."""
    return [error for index, config in enumerate(configs) for error in within(f"[{index}]", _validate_opaque(config))]
