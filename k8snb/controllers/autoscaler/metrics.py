"""Where an autoscaler's numbers would come from. No metrics server is simulated, so each metric is refused in upstream's words.

Models: pkg/controller/podautoscaler/metrics/client.go, replica_calculator.go, horizontal.go (computeStatusFor*Metric).
Simplified: no metrics API is served; this is what a cluster without one answers.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig

_NO_RESOURCE_API = (
    "unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
)
_NO_CUSTOM_API = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered"
_NO_EXTERNAL_API = "unable to fetch metrics from external metrics API: no external metrics API (external.metrics.k8s.io) registered"


class Refusal(NamedTuple):
    """Why a metric has no value: the reason of the Event and the condition, the sentence, and the sentence one level up."""

    reason: str
    message: str
    whole: str


class MetricsSource(Protocol):
    """What answers for metrics. :class:`NoMetrics` until a metrics server is simulated; a test may bring its own."""

    def replicas(self, metric: Object, namespace: str, current: int) -> int | Refusal:
        """How many replicas one entry of ``spec.metrics`` asks for, with ``current`` running."""


class NoMetrics:
    """A cluster without metrics APIs."""

    def replicas(self, metric: Object, namespace: str, current: int) -> int | Refusal:
        """Always a refusal."""
        return refusal(metric, namespace)


def name_of(metric: Object) -> str:
    """How Events and conditions call a metric."""
    kind = metric["type"]
    source = metric.get(kind[:1].lower() + kind[1:]) or EMPTY_DICT
    if kind not in ("Resource", "ContainerResource"):
        return f"{kind.lower()} metric {dig(source, 'metric.name', '')}"
    percent = dig(source, "target.averageUtilization") is not None
    return f"{source['name']} resource utilization (percentage of request)" if percent else f"{source['name']} resource"


def refusal(metric: Object, namespace: str) -> Refusal:
    """What a cluster without metrics says about one entry of ``spec.metrics``."""
    kind = metric["type"]
    if kind in ("Resource", "ContainerResource"):
        source = metric["resource" if kind == "Resource" else "containerResource"]
        what = "utilization" if dig(source, "target.averageUtilization") is not None else "usage"
        message = f"failed to get {source['name']} {what}: unable to get metrics for resource {source['name']}: {_NO_RESOURCE_API}"
        words = "resource" if kind == "Resource" else "container"
        return Refusal(f"FailedGet{kind}Metric", message, f"failed to get {source['name']} {words} metric value: {message}")
    return _custom(metric, kind, namespace)


def _custom(metric: Object, kind: str, namespace: str) -> Refusal:
    source = metric.get(kind[:1].lower() + kind[1:]) or EMPTY_DICT
    name = dig(source, "metric.name", "")
    if kind == "External":
        message = f"unable to get external metric {namespace}/{name}/nil: {_NO_EXTERNAL_API}"
    elif kind == "Object":
        about = source.get("describedObject") or EMPTY_DICT
        message = f"unable to get metric {name}: {about.get('kind')} on {namespace} {about.get('name')}/{_NO_CUSTOM_API}"
    else:
        message = f"unable to get metric {name}: {_NO_CUSTOM_API}"
    return Refusal(f"FailedGet{kind}Metric", message, f"failed to get {kind.lower()} metric value: {message}")
