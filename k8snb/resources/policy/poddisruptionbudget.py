"""PodDisruptionBudgets: how many pods of an application may be missing at once because somebody wants it so.

Models: pkg/apis/policy/validation/validation.go, pkg/registry/policy/poddisruptionbudget/strategy.go,
pkg/printers/internalversion (printPodDisruptionBudget).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, not_supported, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.apimachinery.validation import not_negative, validate_label_selector
from k8snb.resources.common.cells import age
from k8snb.resources.common.workload import not_more_than_all, validate_int_or_percent
from k8snb.resources.discovery import served

EVICTION_POLICIES = ("AlwaysAllow", "IfHealthyBudget")


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    errors: Errors = []
    if least is not None and most is not None:
        shown = {"MinAvailable": least, "Selector": spec.get("selector"), "MaxUnavailable": most}
        shown["UnhealthyPodEvictionPolicy"] = spec.get("unhealthyPodEvictionPolicy")
        errors.append(invalid("", shown, "minAvailable and maxUnavailable cannot be both set"))
    for name, value in (("minAvailable", least), ("maxUnavailable", most)):
        if value is not None:
            errors += validate_int_or_percent(name, value) + not_more_than_all(name, value)
    if spec.get("selector") is not None:
        errors += within("selector", validate_label_selector(spec["selector"]))
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in EVICTION_POLICIES:
        errors.append(not_supported("unhealthyPodEvictionPolicy", policy, EVICTION_POLICIES))
    return errors


def validate_status_update(obj: Object, _old: Object) -> Errors:
    """Counts are not negative."""
    status = obj.get("status") or EMPTY_DICT
    names = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    return within("status", [error for name in names for error in not_negative(name, status.get(name))])


def covers(budget: Object, pod: Object) -> bool:
    """Whether a budget of the pod's namespace is about the pod; one without a selector is about none."""
    selector = budget["spec"].get("selector")
    return selector is not None and from_label_selector(selector).matches(pod["metadata"].get("labels"))


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get poddisruptionbudgets``."""
    spec = obj.get("spec") or EMPTY_DICT
    shown = ["N/A" if spec.get(name) is None else str(spec[name]) for name in ("minAvailable", "maxUnavailable")]
    return [obj["metadata"]["name"], *shown, dig(obj, "status.disruptionsAllowed", 0), age(obj, now)]


EXAMPLE = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "web"},
    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
}

RESOURCE = served(
    "policy/v1",
    "PodDisruptionBudget",
    validate=validate,
    validate_status_update=validate_status_update,
    cells=cells,
    counts_generation=True,
    example=EXAMPLE,
    simulated=True,
)
