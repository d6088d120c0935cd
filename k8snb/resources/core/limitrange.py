"""LimitRanges: defaults and bounds for what containers, pods and claims ask for.

Models: pkg/apis/core/v1/defaults.go (SetDefaults_LimitRangeItem), pkg/apis/core/validation (ValidateLimitRange), pkg/printers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig
from k8snb.apimachinery.quantity import exact, milli_value
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, qualified_name
from k8snb.resources.common.compute import container_resource_name, may_overcommit, resource_name
from k8snb.resources.common.fill import each, inside, where_given
from k8snb.resources.common.pod_defaults import default_resource_list
from k8snb.resources.discovery import served

Quantities = Mapping[str, str]
TYPES = ("Pod", "Container", "PersistentVolumeClaim")
_LISTS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")


def default(obj: Object) -> Object:
    """For containers: ``max`` is the default limit, the default limit the default request, or else ``min`` is."""
    defaulted: Object = inside(obj, "spec", lambda spec: where_given(spec, "limits", each(_default_item)))
    return defaulted


@once
def _default_item(item: Mapping[str, Any]) -> Any:
    for key in _LISTS:
        item = where_given(item, key, default_resource_list)
    if item.get("type") != "Container":
        return item
    limits = {**(item.get("max") or EMPTY_DICT), **(item.get("default") or EMPTY_DICT)}
    asked = {**(item.get("min") or EMPTY_DICT), **limits, **(item.get("defaultRequest") or EMPTY_DICT)}
    more = {key: FrozenDict(value) for key, value in (("default", limits), ("defaultRequest", asked)) if value and value != item.get(key)}
    return FrozenDict({**item, **more}) if more else item


def validate(obj: Object) -> Errors:
    """Types, names, and that the bounds leave room."""
    errors: Errors = []
    seen: set[str] = set()
    for index, item in enumerate(dig(obj, "spec.limits", ())):
        kind, field = item.get("type", ""), f"spec.limits[{index}]"
        found = _validate_type(kind)
        if kind in seen:
            found.append(duplicate("type", kind))
        seen.add(kind)
        errors += within(field, found + _validate_item(kind, item))
    return errors


def _validate_type(kind: str) -> Errors:
    if wrong := check("type", kind, qualified_name):
        return wrong
    return [] if "/" in kind or kind in TYPES else [invalid("type", kind, "must be a standard limit type or fully qualified")]


def _validate_item(kind: str, item: Mapping[str, Any]) -> Errors:
    rule = container_resource_name if kind in ("Pod", "Container") else resource_name
    lists: dict[str, Quantities] = {key: item.get(key) or EMPTY_DICT for key in _LISTS}
    errors: Errors = []
    if kind == "Pod":
        for key in ("default", "defaultRequest"):
            errors += [forbidden(key, "may not be specified when `type` is 'Pod'")] if lists[key] else []
            lists[key] = EMPTY_DICT
    for key, quantities in lists.items():
        errors += [error for name in sorted(quantities) for error in rule(f"{key}[{name}]", name)]
    if kind == "PersistentVolumeClaim" and "storage" not in lists["min"] and "storage" not in lists["max"]:
        errors.append(required("limits", "either minimum or maximum storage value is required, but neither was provided"))
    for name in sorted({name for quantities in lists.values() for name in quantities}):
        errors += _validate_bounds(name, [lists[key].get(name) for key in _LISTS])
    return errors


def _above(left: str | None, right: str | None) -> bool:
    return left is not None and right is not None and exact(left) > exact(right)


def _validate_bounds(name: str, bounds: list[str | None]) -> Errors:
    most, least, given, asked, ratio = bounds
    rules = (
        (_above(least, most), "min", least, f"min value {least} is greater than max value {most}"),
        (_above(least, asked), "defaultRequest", asked, f"min value {least} is greater than default request value {asked}"),
        (_above(asked, most), "defaultRequest", asked, f"default request value {asked} is greater than max value {most}"),
        (_above(asked, given), "defaultRequest", asked, f"default request value {asked} is greater than default limit value {given}"),
        (_above(least, given), "default", least, f"min value {least} is greater than default value {given}"),
        (_above(given, most), "default", most, f"default value {given} is greater than max value {most}"),
        (_above("1", ratio), "maxLimitRequestRatio", ratio, f"ratio {ratio} is less than 1"),
    )
    errors = [invalid(f"{key}[{name}]", value, why) for broken, key, value, why in rules if broken]
    if ratio is not None and least is not None and most is not None and milli_value(least):
        largest = milli_value(most) / milli_value(least)
        if milli_value(ratio) / 1000 > largest:
            errors.append(invalid(f"maxLimitRequestRatio[{name}]", ratio, f"ratio {ratio} is greater than max/min = {largest:f}"))
    if not may_overcommit(name) and given is not None and asked is not None and exact(given) != exact(asked):
        why = f"default value {given} must equal to defaultRequest value {asked} in {name}"
        errors.append(invalid(f"defaultRequest[{name}]", asked, why))
    return errors


def cells(obj: Object, _now: int) -> list[Any]:
    """One row of ``kubectl get limitranges``; the second column is a time."""
    return [obj["metadata"]["name"], obj["metadata"].get("creationTimestamp")]


EXAMPLE = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "sizes"},
    "spec": {"limits": [{"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "100m"}}]},
}

RESOURCE = served("v1", "LimitRange", default=default, validate=validate, cells=cells, example=EXAMPLE, simulated=True)
