"""The autoscaler's loop: every fifteen seconds, read the target's scale, decide, write the scale.

Without metrics it still keeps the number between ``minReplicas`` and ``maxReplicas``; what it cannot do it says in the condition
ScalingActive.

Models: pkg/controller/podautoscaler/horizontal.go (reconcileAutoscaler, computeReplicasForMetrics).
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import find_condition, timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig, freeze, put
from k8snb.client.controller import Controller, Watches, itself
from k8snb.client.informer import key_of
from k8snb.controllers.autoscaler.behavior import Past, calm, remember
from k8snb.controllers.autoscaler.metrics import MetricsApi, MetricsSource, Proposal, Refusal, Target, name_of
from k8snb.resources import RESOURCES
from k8snb.sim.clock import SECOND
from k8snb.sim.state import Shelf

AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
RESYNC = 15 * SECOND
_DISABLED = "scaling is disabled since the replica count of the target is zero"
_ABLE = "the HPA controller was able to get the target's current scale"
_UNABLE = "the HPA controller was unable to get the target's current scale: "


class Limits(NamedTuple):
    """The number that the limits ask for, and why."""

    replicas: int
    reason: str


def limits(spec: Object, current: int) -> Limits | None:
    """What the limits alone say about the current number; None where it is between them.

    >>> limits({"minReplicas": 2, "maxReplicas": 5}, 1)
    Limits(replicas=2, reason='Current number of replicas below Spec.MinReplicas')
    """
    least, most = int(spec.get("minReplicas") or 1), int(spec["maxReplicas"])
    if current > most:
        return Limits(most, "Current number of replicas above Spec.MaxReplicas")
    if current < least:
        return Limits(least, "Current number of replicas below Spec.MinReplicas")
    return None


class HorizontalPodAutoscalerController(Controller):
    """One turn looks at one autoscaler. It is always asked fifteen seconds ahead, so it runs at that pace."""

    name = "horizontalpodautoscaler"
    account = "horizontal-pod-autoscaler"
    watches = (Watches(AUTOSCALERS, itself, RESYNC),)
    source: ClassVar[MetricsSource | None] = None  # None: the metrics API

    def __init__(self, process: Any):
        super().__init__(process)
        self.recorder.component = "horizontal-pod-autoscaler"
        self.client = self.client.with_versions({"autoscaling": "v2"})
        self.api = MetricsApi(self.client)

    def new_state(self) -> Shelf:
        return Shelf()  # key -> Past

    def reconcile(self, key: str) -> None:
        hpa = self.informers[AUTOSCALERS].get(key)
        if hpa is None:
            self.own.pop(key, None)
            return
        self.queue.add_after(key, RESYNC, "the pace of autoscalers", background=True)
        status = dict(hpa.get("status") or EMPTY_DICT)
        try:
            self._adjust(hpa, status)
        finally:
            if freeze(status) != (hpa.get("status") or EMPTY_DICT):
                self.client.update_status(AUTOSCALERS, FrozenDict({**hpa, "status": freeze(status)}))

    def _adjust(self, hpa: Object, status: dict[str, Any]) -> None:
        try:
            resource, scale = self._scale(hpa)
        except ApiError as error:
            self.recorder.event(hpa, "Warning", "FailedGetScale", error.message)
            self._note(status, "AbleToScale", "False", "FailedGetScale", _UNABLE + error.message)
            return
        self._note(status, "AbleToScale", "True", "SucceededGetScale", _ABLE)
        current = scale["spec"].get("replicas", 0)
        wanted = limits(hpa["spec"], current)
        if current == 0 and hpa["spec"].get("minReplicas") != 0:
            self._note(status, "ScalingActive", "False", "ScalingDisabled", _DISABLED)
            _count(status, current, 0, None)
        elif wanted is not None:
            self._rescale(hpa, status, (resource, scale), wanted)
        else:
            self._by_metrics(hpa, status, (resource, scale))

    def _scale(self, hpa: Object) -> tuple[str, Object]:
        """The target's resource and its Scale. Raises ApiError."""
        target, namespace = hpa["spec"]["scaleTargetRef"], hpa["metadata"]["namespace"]
        group = target.get("apiVersion", "v1").rpartition("/")[0]
        resource = next((r.key for r in RESOURCES if (r.group, r.kind) == (group, target["kind"])), None) or self._custom(
            group, target["kind"]
        )
        if resource is None:
            raise ApiError(404, "NotFound", f'no matches for kind "{target["kind"]}" in group "{group}"')
        return resource, self.client.request("get", resource, name=target["name"], namespace=namespace, subresource="scale")

    def _custom(self, group: str, kind: str) -> str | None:
        definitions = self.process.informer("customresourcedefinitions.apiextensions.k8s.io").all()
        found = [d["spec"]["names"]["plural"] for d in definitions if (d["spec"]["group"], d["spec"]["names"]["kind"]) == (group, kind)]
        return f"{found[0]}.{group}" if found else None

    def _rescale(self, hpa: Object, status: dict[str, Any], target: tuple[str, Object], wanted: Limits) -> None:
        resource, scale = target
        current, meta = scale["spec"].get("replicas", 0), scale["metadata"]
        try:
            body = put(scale, "spec.replicas", wanted.replicas)
            self.client.request("update", resource, name=meta["name"], namespace=meta["namespace"], subresource="scale", body=body)
        except ApiError as error:
            message = f"New size: {wanted.replicas}; reason: {wanted.reason}; error: {error.message}"
            self.recorder.event(hpa, "Warning", "FailedRescale", message)
            why = f"the HPA controller was unable to update the target scale: {error.message}"
            self._note(status, "AbleToScale", "False", "FailedUpdateScale", why)
            _count(status, current, status.get("desiredReplicas", 0), None)
            raise
        words = f"the HPA controller was able to update the target scale to {wanted.replicas}"
        self._note(status, "AbleToScale", "True", "SucceededRescale", words)
        self.recorder.event(hpa, "Normal", "SuccessfulRescale", f"New size: {wanted.replicas}; reason: {wanted.reason}")
        _count(status, current, wanted.replicas, None)
        status["lastScaleTime"] = timestamp(self.now)

    def _by_metrics(self, hpa: Object, status: dict[str, Any], target: tuple[str, Object]) -> None:
        """Ask the metrics; where they cannot be trusted to shrink the target, leave it as it is."""
        current, namespace = target[1]["spec"].get("replicas", 0), hpa["metadata"]["namespace"]
        metrics = hpa["spec"].get("metrics") or ()
        about = Target(namespace, dig(target[1], "status.selector", ""), current, hpa["spec"], self.now)
        source = self.source or self.api
        answers = [(source.replicas(metric, about), metric) for metric in metrics]
        refused = [answer for answer, _ in answers if isinstance(answer, Refusal)]
        wanted = [(answer.replicas, name_of(metric)) for answer, metric in answers if isinstance(answer, Proposal)]
        for found in refused:
            self.recorder.event(hpa, "Warning", found.reason, found.message)
        shown = [answer.shown if isinstance(answer, Proposal) else {"type": ""} for answer, _ in answers]
        if not wanted or (refused and max(wanted)[0] < current):
            self._give_up(hpa, status, refused, len(answers))
            _count(status, current, status.get("desiredReplicas", 0), shown)
        else:
            self._follow(hpa, status, target, max(wanted, key=lambda pair: pair[0]))
            status["currentMetrics"] = shown

    def _give_up(self, hpa: Object, status: dict[str, Any], refused: list[Refusal], count: int) -> None:
        if not refused:
            return
        first = refused[0]
        why = f"the HPA was unable to compute the replica count: {first.message}"
        self._note(status, "ScalingActive", "False", first.reason, why)
        message = f"invalid metrics ({len(refused)} invalid out of {count}), first error is: {first.whole}"
        self.recorder.event(hpa, "Warning", "FailedComputeMetricsReplicas", message)

    def _follow(self, hpa: Object, status: dict[str, Any], target: tuple[str, Object], asked: tuple[int, str]) -> None:
        """What the metrics ask for, calmed down."""
        key, current = key_of(hpa), target[1]["spec"].get("replicas", 0)
        desired, name = asked
        past: Past = self.own.get(key) or remember(Past(), self.now, recommended=current)
        outcome = calm(hpa["spec"], current, desired, past, self.now)
        words = f"the HPA was able to successfully calculate a replica count from {name}"
        self._note(status, "ScalingActive", "True", "ValidMetricFound", words)
        self._note(status, "AbleToScale", *outcome.able)
        self._note(status, "ScalingLimited", *outcome.limited)
        _count(status, current, outcome.replicas, None)
        if outcome.replicas != current:
            reason = f"{name} above target" if outcome.replicas > current else "All metrics below target"
            self._rescale(hpa, status, target, Limits(outcome.replicas, reason))
        self.own[key] = remember(past, self.now, recommended=desired, changed=outcome.replicas - current)

    def _note(self, status: dict[str, Any], kind: str, value: str, reason: str, message: str) -> None:
        """Set a condition; its transition time changes only with its status."""
        conditions = list(status.get("conditions") or ())
        old = find_condition(conditions, kind)
        same = old is not None and old["status"] == value
        when = old["lastTransitionTime"] if old is not None and same else timestamp(self.now)
        new = {"type": kind, "status": value, "lastTransitionTime": when, "reason": reason, "message": message}
        if old is None:
            status["conditions"] = [*conditions, new]
        else:
            status["conditions"] = [new if c["type"] == kind else c for c in conditions]


def _count(status: dict[str, Any], current: int, desired: int, metrics: Any) -> None:
    status.pop("currentReplicas", None)
    if current:
        status["currentReplicas"] = current
    status |= {"desiredReplicas": desired, "currentMetrics": metrics}
