"""A device that a ResourceSlice offers: attributes, capacities, taints, counters, and where it is. Paths are relative to it.

Models: pkg/apis/resource/validation/validation.go (validateDevice and what it calls).
Simplified: of a capacity's request policy only the form is checked, not whether its numbers fit each other; mappings to resources
of the node are not checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, required, too_long, too_many, within
from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain, label_value, one_of, qualified_name
from k8snb.resources.common.pod_scheduling import validate_node_selector
from k8snb.resources.resource_k8s_io.devices import TAINT_EFFECTS, bounded, bounded_set, request_name
from k8snb.resources.resource_k8s_io.names import qualified

MOST_DEVICES, MOST_DEVICES_WITH_MORE, MOST_COUNTER_SETS = 128, 64, 8
_MOST_ATTRIBUTES, _MOST_VALUES, _MOST_COUNTERS, _MOST_TAINTS, _MOST_CONSUMED, _MOST_CONDITIONS = 32, 48, 32, 16, 2, 4
_LONGEST_VALUE = 64
_SINGLE, _LISTS = ("bool", "int", "string", "version"), ("bools", "ints", "strings", "versions")
_PART = r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = re.compile(rf"(0|[1-9]\d*)(\.(0|[1-9]\d*)){{2}}(-{_PART}(\.{_PART})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?", re.ASCII)
_SET = "`perDeviceNodeSelection` is set to true in the ResourceSlice spec"
_PLACE = f"exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when {_SET}"
_NO_PLACE = f"`nodeName`, `nodeSelector` and `allNodes` can only be set if {_SET}"


def has_more(device: Mapping[str, Any]) -> bool:
    """Whether the device has taints, counters or lists, which lowers how many a slice may hold."""
    listed = any(value.get(name) is not None for value in (device.get("attributes") or EMPTY_DICT).values() for name in _LISTS)
    return bool(device.get("taints") or device.get("consumesCounters")) or listed


def validate_device(device: Mapping[str, Any], *, by_itself: bool) -> Errors:
    """The whole device; ``by_itself``: it says where it is, and not its slice."""
    attributes, capacity = device.get("attributes") or EMPTY_DICT, device.get("capacity") or EMPTY_DICT
    errors = request_name("name", device.get("name", ""))
    if (count := len(attributes) + len(capacity)) > _MOST_ATTRIBUTES:
        errors.append(invalid("", count, f"the total number of attributes and capacities must not exceed {_MOST_ATTRIBUTES}"))
    for name, value in attributes.items():
        errors += qualified("attributes", name) + within(f"attributes[{name}]", _validate_attribute(value))
    for name, value in capacity.items():
        errors += qualified("capacity", name) + within(f"capacity[{name}]", _validate_capacity(value, device))
    errors += bounded("taints", device.get("taints") or (), _MOST_TAINTS, _validate_taint)
    consumed = device.get("consumesCounters") or ()
    errors += bounded_set("consumesCounters", consumed, _MOST_CONSUMED, lambda one: validate_counters(one, "counterSet"), "counterSet")
    return errors + _validate_place(device, by_itself=by_itself) + _validate_conditions(device)


@once
def _validate_attribute(value: Mapping[str, Any]) -> Errors:
    given = [name for name in (*_SINGLE, *_LISTS) if value.get(name) is not None]
    errors = [invalid(name, [], "must not be empty if specified") for name in _LISTS if value.get(name) is not None and not value[name]]
    texts = [("string", value.get("string")), *((f"strings[{i}]", text) for i, text in enumerate(value.get("strings") or ()))]
    versions = [("version", value.get("version")), *((f"versions[{i}]", text) for i, text in enumerate(value.get("versions") or ()))]
    for field, text in versions:
        if text is not None and not _VERSION.fullmatch(text):
            errors.append(invalid(field, text, "must be a string compatible with semver.org spec 2.0.0"))
    errors += [too_long(field, _LONGEST_VALUE) for field, text in (*texts, *versions) if text is not None and len(text) > _LONGEST_VALUE]
    if len(given) != 1:
        errors.append(invalid("", dict(value) if given else "", "exactly one value must be specified"))
    return errors


def _validate_capacity(capacity: Mapping[str, Any], device: Mapping[str, Any]) -> Errors:
    policy = capacity.get("requestPolicy")
    if policy is None:
        return []
    if not device.get("allowMultipleAllocations"):
        return [forbidden("requestPolicy", "allowMultipleAllocations must be true")]
    if policy.get("validValues") and policy.get("validRange") is not None:
        words = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
        return [forbidden("requestPolicy", words)]
    missing = [name for name in ("validValues", "validRange") if policy.get(name) and policy.get("default") is None]
    return [required("requestPolicy.default", f"required when {name} is defined") for name in missing]


def _validate_taint(taint: Mapping[str, Any]) -> Errors:
    value, effect = taint.get("value", ""), taint.get("effect", "")
    errors = check("key", taint.get("key", ""), qualified_name) + (check("value", value, label_value) if value else [])
    return errors + (one_of("effect", effect, TAINT_EFFECTS) if effect else [required("effect")])


def validate_counters(counters: Mapping[str, Any], name_field: str) -> Errors:
    """A set of counters, or what a device takes of one."""
    name, held = counters.get(name_field, ""), counters.get("counters") or EMPTY_DICT
    errors = check(name_field, name, dns_label) if name else [required(name_field)]
    if not held:
        return [*errors, required("counters")]
    if len(held) > _MOST_COUNTERS:
        return [*errors, too_many("counters", len(held), _MOST_COUNTERS)]
    return errors + [error for key in held for error in check("counters", key, dns_label)]


def _validate_place(device: Mapping[str, Any], *, by_itself: bool) -> Errors:
    node, selector, everywhere = device.get("nodeName"), device.get("nodeSelector"), device.get("allNodes")
    if not by_itself:
        return [invalid("", None, _NO_PLACE)] if (node, selector, everywhere) != (None, None, None) else []
    errors: Errors = []
    if node is not None:
        errors += check("nodeName", node, dns_subdomain) if node else [invalid("nodeName", node, "must not be empty")]
    errors += within("nodeSelector", validate_node_selector(selector)) if selector is not None else []
    errors += [invalid("allNodes", False, "must be either unset or set to true")] if everywhere is False else []
    present = {"nodeName": bool(node), "nodeSelector": selector is not None, "allNodes": bool(everywhere)}
    given = [f"`{name}`" for name, there in present.items() if there]
    if not given:
        return [*errors, required("", _PLACE)]
    return errors if len(given) == 1 else [*errors, invalid("", "{" + ", ".join(given) + "}", _PLACE)]


def _validate_conditions(device: Mapping[str, Any]) -> Errors:
    """Conditions that a binding waits for, and those that end it: both or neither, and no condition twice."""
    waited, ending = "bindingConditions", "bindingFailureConditions"
    errors: Errors = []
    held = {field: list(device.get(field) or ()) for field in (waited, ending)}
    for field, names in held.items():
        if len(names) > _MOST_CONDITIONS:
            errors.append(too_many(field, len(names), _MOST_CONDITIONS))
            continue
        errors += [error for index, name in enumerate(names) for error in check(f"{field}[{index}]", name, qualified_name)]
        errors += [duplicate(f"{field}[{index}]", name) for index, name in enumerate(names) if name in names[:index]]
    both = f"{ending} must not overlap with {waited}"
    errors += [invalid(f"{ending}[{index}]", name, both) for index, name in enumerate(held[ending]) if name in held[waited]]
    for field, other in ((waited, ending), (ending, waited)):
        errors += [invalid(field, None, f"{field} are required to use {other}")] if held[other] and not held[field] else []
    return errors
