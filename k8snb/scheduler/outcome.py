"""What the scheduler writes: conditions, nominations, and the sentences of its Events. Bodies of requests, as data.

Models: pkg/scheduler/schedule_one.go (handleSchedulingFailure, updatePod), pkg/scheduler/framework/preemption (executor.go).
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.meta import condition, timestamp
from k8snb.apimachinery.objects import Object, dig
from k8snb.scheduler.podinfo import PodInfo

NOTE_LIMIT = 1024  # bytes of an Event's message


def truncated(message: str) -> str:
    """A message that fits into an Event."""
    return message if len(message) <= NOTE_LIMIT else message[: NOTE_LIMIT - 4] + " ..."


def status_patch(pod: Object, wanted: dict[str, Any] | None, nominate: str | None, now: int) -> dict[str, Any]:
    """The patch that gives the pod a condition and a ``nominatedNodeName``; empty where it has them already.

    ``nominate``: "" clears the name, None leaves it as it is.
    """
    status: dict[str, Any] = {}
    changed = wanted is not None and _condition(pod, wanted, now)
    if changed:
        status["conditions"] = [changed]
    if nominate is not None and nominate != dig(pod, "status.nominatedNodeName", ""):
        status["nominatedNodeName"] = nominate or None
    return {"status": status} if status else {}


def _condition(pod: Object, wanted: dict[str, Any], now: int) -> dict[str, Any] | None:
    old = condition(pod, wanted["type"])
    same_status = old is not None and old["status"] == wanted["status"]
    when = old["lastTransitionTime"] if old is not None and same_status else timestamp(now)
    new = {"lastProbeTime": None, "lastTransitionTime": when, "observedGeneration": pod["metadata"].get("generation", 1), **wanted}
    return None if old is not None and {**old, "lastProbeTime": None} == new else new


def unscheduled(reason: str, message: str) -> dict[str, Any]:
    """The PodScheduled condition of a pod that has no node; ``reason`` is Unschedulable or SchedulerError."""
    return {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}


def disrupted(preemptor: PodInfo) -> dict[str, Any]:
    """The DisruptionTarget condition of a victim."""
    message = f"{preemptor.scheduler_name}: preempting to accommodate a higher priority pod"
    return {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": message}


def preempted(preemptor: PodInfo, node: str) -> str:
    """What the Preempted event on a victim says: the preemptor by UID, as upstream."""
    return f"Preempted by pod {preemptor.uid} on node {node}"


def assigned(pod: PodInfo, node: str) -> str:
    """What the Scheduled event says."""
    return f"Successfully assigned {pod.namespace}/{pod.name} to {node}"
