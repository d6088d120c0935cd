"""HorizontalPodAutoscalers, autoscaling/v2: what is stored. Version 1 is converted, see :mod:`.horizontalpodautoscaler_v1`.

Models: pkg/apis/autoscaling/v2/defaults.go, pkg/apis/autoscaling/validation (ValidateHorizontalPodAutoscaler),
pkg/printers/internalversion (printHorizontalPodAutoscaler, formatHPAMetrics).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, dig, freeze
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import not_negative
from k8snb.resources.autoscaling.hpa_validation import validate_hpa_spec
from k8snb.resources.common.cells import NONE, UNSET, age, some_of
from k8snb.resources.common.fill import fill, inside, where_given
from k8snb.resources.discovery import served

CPU_UTILIZATION = 80
CPU_METRIC = freeze({
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": CPU_UTILIZATION}},
})  # fmt: skip
_BY_PERCENT = {"type": "Percent", "value": 100, "periodSeconds": 15}
SCALE_UP = freeze({
    "stabilizationWindowSeconds": 0, "selectPolicy": "Max",
    "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, _BY_PERCENT],
})  # fmt: skip
SCALE_DOWN = freeze({"selectPolicy": "Max", "policies": [_BY_PERCENT]})
_UNKNOWN = "<unknown>"


def default(obj: Object) -> Object:
    """At least one replica; 80 % of the requested CPU where no metric is named."""
    return inside(obj, "spec", _default_spec)


def _default_spec(spec: Mapping[str, Any]) -> Any:
    spec = fill(spec, {"minReplicas": 1})
    if not spec.get("metrics"):
        spec = FrozenDict({**spec, "metrics": FrozenList([CPU_METRIC])})
    return where_given(spec, "behavior", _default_behavior)


@once
def _default_behavior(behavior: Mapping[str, Any]) -> Any:
    behavior = inside(behavior, "scaleUp", lambda rules: fill(rules, SCALE_UP))
    return inside(behavior, "scaleDown", lambda rules: fill(rules, SCALE_DOWN))


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", validate_hpa_spec(obj.get("spec") or EMPTY_DICT))


def validate_status_update(obj: Object, _old: Object) -> Errors:
    """Counts are not negative."""
    names = ("currentReplicas", "desiredReplicas")
    return [error for name in names for error in not_negative(f"status.{name}", dig(obj, f"status.{name}"))]


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get hpa``."""
    spec, status = obj.get("spec") or EMPTY_DICT, obj.get("status") or EMPTY_DICT
    reference = spec.get("scaleTargetRef") or EMPTY_DICT
    least = spec.get("minReplicas")
    counts = [UNSET if least is None else str(least), spec.get("maxReplicas", 0), status.get("currentReplicas", 0)]
    target = f"{reference.get('kind', '')}/{reference.get('name', '')}"
    return [
        obj["metadata"]["name"],
        target,
        _metrics(spec.get("metrics") or (), status.get("currentMetrics") or ()),
        *counts,
        age(obj, now),
    ]


def _metrics(specs: Any, statuses: Any) -> str:
    if not specs:
        return NONE
    shown = [_metric(spec, statuses[index] if index < len(statuses) else EMPTY_DICT) for index, spec in enumerate(specs)]
    return some_of(shown, total=len(shown), most=2, separator=", ")


def _metric(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    source = {"Resource": "resource", "ContainerResource": "containerResource", "Pods": "pods", "Object": "object", "External": "external"}
    key = source.get(spec.get("type", ""))
    if key is None:
        return "<unknown type>"
    target, current = dig(spec, (key, "target"), EMPTY_DICT), dig(status, (key, "current"), EMPTY_DICT)
    if key in ("resource", "containerResource"):
        name = dig(spec, (key, "name"), "")
        if target.get("averageValue") is not None:
            return f"{name}: {current.get('averageValue', _UNKNOWN)}/{target['averageValue']}"
        used, wanted = current.get("averageUtilization"), target.get("averageUtilization")
        return f"{name}: {_UNKNOWN if used is None else f'{used}%'}/{'<auto>' if wanted is None else f'{wanted}%'}"
    if target.get("averageValue") is not None:
        suffix = "" if key == "pods" else " (avg)"
        return f"{current.get('averageValue', _UNKNOWN)}/{target['averageValue']}{suffix}"
    return f"{current.get('value', _UNKNOWN)}/{target.get('value', '<nil>')}"


EXAMPLE = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "web"},
    "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 5},
}

RESOURCE = served(
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    default=default,
    validate=validate,
    validate_status_update=validate_status_update,
    cells=cells,
    example=EXAMPLE,
    simulated=True,
)
