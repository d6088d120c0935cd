"""``spec.resources``: what a pod asks for as a whole, beside what its containers ask for.

Models: pkg/apis/core/v1/defaults.go (defaultHugePagePodLimits, defaultPodRequests), pkg/apis/core/validation
(validatePodResources, validatePodResourceConsistency), k8s.io/component-helpers/resource/helpers.go (aggregation).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, within
from k8snb.apimachinery.objects import EMPTY_DICT, freeze
from k8snb.apimachinery.quantity import QuantityError, exact, parse, write
from k8snb.resources.common.compute import POD_LEVEL, is_huge_pages, pod_resource_name, validate_requirements

_Sums = dict[str, Fraction]


def aggregate(spec: Mapping[str, Any], what: str) -> dict[str, str]:
    """The ``requests`` or ``limits`` of all containers together: of init containers, only as much as exceeds the others."""
    total, sidecars, peak = _Sums(), _Sums(), _Sums()
    forms: dict[str, str] = {}
    for container in spec.get("containers") or ():
        _add(total, _asked(container, what, forms))
    for container in spec.get("initContainers") or ():
        asked = _asked(container, what, forms)
        if container.get("restartPolicy") == "Always":
            _add(total, asked)
            _add(sidecars, asked)
            step = dict(sidecars)
        else:
            step = dict(asked)
            _add(step, sidecars)
        peak = {name: max(peak.get(name, Fraction()), step.get(name, Fraction())) for name in {*peak, *step}}
    return {name: write(max(total.get(name, Fraction()), peak.get(name, Fraction())), form) for name, form in forms.items()}


def _asked(container: Mapping[str, Any], what: str, forms: dict[str, str]) -> _Sums:
    listed = (container.get("resources") or EMPTY_DICT).get(what) or EMPTY_DICT
    for name, text in listed.items():
        forms.setdefault(name, parse(text).format)
    return {name: exact(text) for name, text in listed.items()}


def _add(total: _Sums, more: _Sums) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, Fraction()) + amount


def default_pod_level(spec: Mapping[str, Any]) -> Any:
    """Where some of the pod's own resources are given, the others follow: from the containers, then requests from limits."""
    own = spec.get("resources") or EMPTY_DICT
    if not own.get("requests") and not own.get("limits"):
        return spec
    try:
        limits = {n: q for n, q in aggregate(spec, "limits").items() if is_huge_pages(n)} | dict(own.get("limits") or {})
        requests = dict(own.get("requests") or {})
        if limits:
            asked = {name: quantity for name, quantity in aggregate(spec, "requests").items() if name in POD_LEVEL}
            supported = {name: quantity for name, quantity in limits.items() if name in POD_LEVEL or is_huge_pages(name)}
            requests = {**supported, **asked, **requests}
    except QuantityError:
        return spec
    filled = {**own, **({"limits": limits} if limits else {}), **({"requests": requests} if requests else {})}
    return spec if filled == own else freeze({**spec, "resources": filled})


def validate_pod_resources(spec: Mapping[str, Any], claims: Collection[str]) -> Errors:
    """``spec.resources``: what a pod asks for as a whole must have room for its containers."""
    resources = spec["resources"]
    if (spec.get("os") or EMPTY_DICT).get("name") == "windows":
        return [forbidden("resources", "may not be set for a windows pod")]
    errors = [forbidden("claims", "claims may not be set for Resources at pod-level")] if resources.get("claims") is not None else []
    errors += validate_requirements(resources, claims, name_rule=pod_resource_name)
    errors += _room(spec, "requests") + _room(spec, "limits")
    for index, container in enumerate(spec.get("containers") or ()):
        errors += _within_pod_limits(index, (container.get("resources") or EMPTY_DICT).get("limits") or EMPTY_DICT, resources)
    return within("resources", errors)


def _room(spec: Mapping[str, Any], what: str) -> Errors:
    """The pod has at least what its containers have together. Of limits, this holds for huge pages only: others share."""
    own, errors = spec["resources"].get(what) or EMPTY_DICT, []
    for name, total in sorted(aggregate(spec, what).items()):
        if name in own and exact(total) > exact(own[name]) and (what == "requests" or is_huge_pages(name)):
            message = f"must be greater than or equal to aggregate container {what} of {total}"
            errors.append(invalid(f"{what}[{name}]", own[name], message))
    return errors


def _within_pod_limits(index: int, limits: Mapping[str, str], resources: Mapping[str, Any]) -> Errors:
    most = resources.get("limits") or EMPTY_DICT
    return [
        invalid(f"containers[{index}][{name}].limits", limit, f"must be less than or equal to pod limits of {most[name]}")
        for name, limit in sorted(limits.items())
        if name in most and exact(limit) > exact(most[name])
    ]
