"""HorizontalPodAutoscalers, autoscaling/v1: only a CPU percentage has a field; all else travels in annotations.

    spec.targetCPUUtilizationPercentage: 50   <->   spec.metrics: [{type: Resource, resource: {name: cpu, ...}}]

Models: pkg/apis/autoscaling/v1/conversion.go.
Simplified: the annotations hold metrics, behavior, conditions and current metrics in their autoscaling/v2 form, not in the
older one; a reader of version 1 rarely looks at them.
"""

from __future__ import annotations

import json
from typing import Any

from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig, freeze
from k8snb.resources.autoscaling import horizontalpodautoscaler as v2
from k8snb.resources.common.fill import fill, inside
from k8snb.resources.discovery import served

_PREFIX = "autoscaling.alpha.kubernetes.io/"
_SPEC = {"metrics": f"{_PREFIX}metrics", "behavior": f"{_PREFIX}behavior"}
_STATUS = {"conditions": f"{_PREFIX}conditions", "currentMetrics": f"{_PREFIX}current-metrics"}


def default(obj: Object) -> Object:
    """At least one replica; what is measured by default is known after the conversion."""
    return inside(obj, "spec", lambda spec: fill(spec, {"minReplicas": 1}))


def _is_cpu(metric: Any) -> bool:
    return dig(metric, "resource.name") == "cpu" and dig(metric, "resource.target.averageUtilization") is not None


def to_v2(obj: Object) -> Object:
    """The autoscaling/v2 form."""
    annotations = dict(dig(obj, "metadata.annotations", EMPTY_DICT))
    spec, status = dict(obj.get("spec") or EMPTY_DICT), dict(obj.get("status") or EMPTY_DICT)
    carried = {name: _read(annotations.pop(key, "")) for name, key in (_SPEC | _STATUS).items()}
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    metrics = [_cpu(percent)] if percent is not None else []
    spec |= {name: carried[name] for name in ("behavior",) if carried[name] is not None}
    spec["metrics"] = [*metrics, *(carried["metrics"] or ())] or [v2.CPU_METRIC]
    used = status.pop("currentCPUUtilizationPercentage", None)
    current = [] if used is None else [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": used}}}]
    status |= {"currentMetrics": [*current, *(carried["currentMetrics"] or ())] or None}
    status |= {"conditions": carried["conditions"]} if carried["conditions"] else {}
    return _rebuilt(obj, "autoscaling/v2", (annotations, spec, status))


def to_v1(obj: Object) -> Object:
    """The autoscaling/v1 form."""
    annotations = dict(dig(obj, "metadata.annotations", EMPTY_DICT))
    spec, status = dict(obj.get("spec") or EMPTY_DICT), dict(obj.get("status") or EMPTY_DICT)
    metrics, current = list(spec.pop("metrics", ())), list(status.pop("currentMetrics", None) or ())
    cpu = next((metric for metric in metrics if _is_cpu(metric)), None)
    if cpu is not None:
        metrics.remove(cpu)
        spec["targetCPUUtilizationPercentage"] = cpu["resource"]["target"]["averageUtilization"]
    used = next(
        (m for m in current if dig(m, "resource.name") == "cpu" and dig(m, "resource.current.averageUtilization") is not None), None
    )
    if used is not None:
        status["currentCPUUtilizationPercentage"] = used["resource"]["current"]["averageUtilization"]
    carried = {_SPEC["metrics"]: metrics, _SPEC["behavior"]: spec.pop("behavior", None)}
    carried |= {_STATUS["conditions"]: status.pop("conditions", None), _STATUS["currentMetrics"]: current}
    annotations |= {key: json.dumps(value, separators=(",", ":")) for key, value in carried.items() if value}
    return _rebuilt(obj, "autoscaling/v1", (annotations, spec, {"currentReplicas": 0, **status}))


def _cpu(percent: int) -> Any:
    return {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}}


def _read(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def _rebuilt(obj: Object, version: str, parts: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]) -> Object:
    annotations, spec, status = parts
    meta = {key: value for key, value in obj["metadata"].items() if key != "annotations"}
    meta |= {"annotations": annotations} if annotations else {}
    changed: FrozenDict = freeze({**obj, "apiVersion": version, "metadata": meta, "spec": spec, "status": status})
    return changed


EXAMPLE = {
    "apiVersion": "autoscaling/v1",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "web"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "maxReplicas": 5,
        "targetCPUUtilizationPercentage": 50,
    },
}

RESOURCE = served(
    "autoscaling/v1",
    "HorizontalPodAutoscaler",
    storage="v2",
    to_storage=to_v2,
    from_storage=to_v1,
    default=default,
    cells=lambda obj, now: v2.cells(to_v2(obj), now),
    example=EXAMPLE,
    simulated=True,
)
