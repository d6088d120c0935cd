"""What state a pod is in, as every component must see it.

    active      neither finished nor on its way out: what a workload controller counts
    ready       its Ready condition is True: what gets traffic
    available   ready for at least minReadySeconds: what a rollout waits for

Models: k8s.io/kubernetes/pkg/api/v1/pod/util.go; pkg/controller/controller_utils.go, IsPodActive.
"""

from __future__ import annotations

from k8snb.apimachinery.meta import condition, is_true, parse_time
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.sim.clock import SECOND

TERMINAL = ("Succeeded", "Failed")


def is_pod_ready(pod: Object) -> bool:
    """Whether the pod's Ready condition is True."""
    return is_true(pod, "Ready")


def ready_transition_time(pod: Object) -> int | None:
    """When the Ready condition last changed, in µs; None where it is unknown."""
    text = (condition(pod, "Ready") or EMPTY_DICT).get("lastTransitionTime")
    return parse_time(text) if text else None


def is_pod_available(pod: Object, min_ready_seconds: int, now: int) -> bool:
    """Whether the pod has been ready for ``min_ready_seconds`` at ``now`` (µs)."""
    if not is_pod_ready(pod):
        return False
    if min_ready_seconds == 0:
        return True
    since = ready_transition_time(pod)
    return since is not None and since + min_ready_seconds * SECOND <= now


def is_pod_terminal(pod: Object) -> bool:
    """Whether all containers have ended for good: phase Succeeded or Failed."""
    return dig(pod, "status.phase") in TERMINAL


def is_pod_terminating(pod: Object) -> bool:
    """Whether somebody asked for the pod's deletion."""
    return pod["metadata"].get("deletionTimestamp") is not None


def is_pod_active(pod: Object) -> bool:
    """Whether a workload controller counts the pod: not finished, not being deleted."""
    return not is_pod_terminal(pod) and not is_pod_terminating(pod)


def pod_priority(pod: Object) -> int:
    """The pod's priority; 0 for a pod that was created before there were any."""
    priority: int = pod["spec"].get("priority") or 0
    return priority
