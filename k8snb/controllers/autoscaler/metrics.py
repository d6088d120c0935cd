"""Where an autoscaler's numbers come from: the metrics API, asked as any client asks; and what it says where nobody answers.

Resource metrics (CPU, memory) are served where a metrics server runs. Custom and external metrics are not served by anybody here,
so they are refused as by a cluster without their adapters.

Models: pkg/controller/podautoscaler/metrics/client.go, horizontal.go (computeStatusForResourceMetricGeneric and others).
Simplified: no custom or external metrics API is served.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.client.client import Client
from k8snb.controllers.autoscaler.calculator import Sample, Unknown, by_usage, by_utilization

PODS = "pods.metrics.k8s.io"
_NO_CUSTOM_API = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered"
_NO_EXTERNAL_API = "unable to fetch metrics from external metrics API: no external metrics API (external.metrics.k8s.io) registered"


class Refusal(NamedTuple):
    """Why a metric has no value: the reason of the Event and the condition, the sentence, and the sentence one level up."""

    reason: str
    message: str
    whole: str


class Proposal(NamedTuple):
    """How many replicas a metric asks for, and what ``status.currentMetrics`` says of it."""

    replicas: int
    shown: Object


class Target(NamedTuple):
    """What is scaled: its pods, and how many of them are asked for now. ``spec`` is the autoscaler's."""

    namespace: str
    selector: str
    replicas: int
    spec: Object
    now: int  # µs


class MetricsSource(Protocol):
    """What answers for metrics. A test may bring its own."""

    def replicas(self, metric: Object, target: Target) -> Proposal | Refusal:
        """How many replicas one entry of ``spec.metrics`` asks for."""


class MetricsApi:
    """Asks the API server, under the autoscaler's own account."""

    def __init__(self, client: Client):
        self.client = client.with_versions({"metrics.k8s.io": "v1beta1"})

    def replicas(self, metric: Object, target: Target) -> Proposal | Refusal:
        """How many replicas one entry of ``spec.metrics`` asks for."""
        kind = metric["type"]
        if kind not in ("Resource", "ContainerResource"):
            return _custom(metric, kind, target.namespace)
        source = metric["resource" if kind == "Resource" else "containerResource"]
        try:
            samples = self._samples(source["name"], source.get("container", ""), target)
            pods = self.client.list("pods", target.namespace, labels=target.selector)
            compute = by_utilization if "averageUtilization" in source["target"] else by_usage
            count, current = compute(source, pods, samples, target)
        except Unknown as unknown:
            return _refused(metric, kind, source["name"], str(unknown))
        key = "resource" if kind == "Resource" else "containerResource"
        about = {name: source[name] for name in ("container", "name") if name in source}
        return Proposal(count, {"type": kind, key: {"current": current, **about}})

    def _samples(self, resource: str, container: str, target: Target) -> dict[str, Sample]:
        """Pod name -> what it used, in millicores or bytes. Raises Unknown."""
        problem = f"unable to get metrics for resource {resource}: "
        try:
            found = self.client.list(PODS, target.namespace, labels=target.selector)
        except ApiError as error:
            said = error.message if PODS in error.message else f"{error.message} (get {PODS})"  # clients name what they asked for
            raise Unknown(f"{problem}unable to fetch metrics from resource metrics API: {said}") from None
        if not found:
            raise Unknown(problem + "no metrics returned from resource metrics API")
        return {pod["metadata"]["name"]: Sample.of(pod, resource, container, problem) for pod in found}


def name_of(metric: Object) -> str:
    """How Events and conditions call a metric."""
    kind = metric["type"]
    source = metric.get(kind[:1].lower() + kind[1:]) or EMPTY_DICT
    if kind not in ("Resource", "ContainerResource"):
        return f"{kind.lower()} metric {dig(source, 'metric.name', '')}"
    percent = dig(source, "target.averageUtilization") is not None
    return f"{source['name']} resource utilization (percentage of request)" if percent else f"{source['name']} resource"


def _refused(metric: Object, kind: str, resource: str, why: str) -> Refusal:
    source = metric["resource" if kind == "Resource" else "containerResource"]
    what = "utilization" if dig(source, "target.averageUtilization") is not None else "usage"
    message = f"failed to get {resource} {what}: {why}"
    words = "resource" if kind == "Resource" else "container"
    return Refusal(f"FailedGet{kind}Metric", message, f"failed to get {resource} {words} metric value: {message}")


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
