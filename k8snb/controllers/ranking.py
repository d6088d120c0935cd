"""Which Pods would be missed least: the order in which a set that is too large loses its Pods.

Not yet on a node, then Pending, then not ready; then the lowest ``pod-deletion-cost``; then those on nodes that hold most
Pods of the same application; then the one ready for the shortest time, the most restarted, the youngest.

Models: pkg/controller/controller_utils.go, ActivePodsWithRanks.Less (with LogarithmicScaleDown: ages compare by powers of two).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8snb.apimachinery.meta import condition, parse_time
from k8snb.apimachinery.objects import Object
from k8snb.component_helpers.pods import is_pod_ready

COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def deletion_order(pods: Iterable[Object], related_on_node: Mapping[str, int], now: int) -> list[Object]:
    """The Pods, first to go first. Equal ones keep their order."""
    return sorted(pods, key=lambda pod: _rank(pod, related_on_node, now))


def _rank(pod: Object, related_on_node: Mapping[str, int], now: int) -> tuple[Any, ...]:
    spec, status, meta = pod["spec"], pod.get("status") or {}, pod["metadata"]
    ready = is_pod_ready(pod)
    since = condition(pod, "Ready")
    ready_at = parse_time(since["lastTransitionTime"]) if ready and since is not None and since.get("lastTransitionTime") else now
    restarts = max((c.get("restartCount", 0) for c in status.get("containerStatuses") or ()), default=0)
    return (
        bool(spec.get("nodeName")),
        _PHASES.get(status.get("phase", ""), 2),
        ready,
        _cost(meta),
        -related_on_node.get(spec.get("nodeName", ""), 0),
        _age_rank(now - ready_at) if ready else 0,
        -restarts,
        _age_rank(now - parse_time(meta["creationTimestamp"])),
        meta["uid"],
    )


def _cost(meta: Object) -> int:
    try:
        return int((meta.get("annotations") or {}).get(COST, "0"))
    except ValueError:
        return 0


def _age_rank(age: int) -> int:
    """Ages that differ by less than a factor of two count as equal; the younger goes first."""
    return max(age // 1_000_000, 1).bit_length()
