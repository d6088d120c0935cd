"""Does the pod fit, and where does it fit best?

NodeResourcesFit filters by what pods *request* (not by what they use), and scores with **LeastAllocated**: the emptier a node
would be afterwards, the better.

    score = mean over cpu and memory of  (allocatable - requested) * 100 / allocatable        (whole numbers, rounded down)

NodeResourcesBalancedAllocation prefers nodes where cpu and memory would be used in like proportion:

    score = (1 - standard deviation of the fractions) * 100

For LeastAllocated a container that requests nothing counts as 100m and 200Mi, or all such pods would go to one node.

Models: pkg/scheduler/framework/plugins/noderesources (fit.go, least_allocated.go, balanced_allocation.go).
Simplified: the strategies MostAllocated and RequestedToCapacityRatio are not offered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from k8snb.scheduler.cluster_event import (
    ADD,
    ASSIGNED_POD,
    DELETE,
    NODE,
    SCALE_DOWN,
    TARGET_POD,
    UPDATE_ALLOCATABLE,
    UPDATE_TAINT,
    Change,
    Interest,
    interest,
)
from k8snb.scheduler.diagnosis import MAX_NODE_SCORE, SKIP, UNRESOLVABLE, UNSCHEDULABLE, Status
from k8snb.scheduler.framework import Cycle, FilterPlugin, PreScorePlugin, ScorePlugin
from k8snb.scheduler.nodeinfo import NodeInfo, node_facts
from k8snb.scheduler.podinfo import PodInfo, pod_info


def insufficient(pod: PodInfo, node: NodeInfo) -> tuple[list[str], bool]:
    """What the node is short of, as reasons, and whether it would be even if it were empty."""
    allocatable, requested = node.facts.allocatable, node.requested
    reasons = ["Too many pods"] if len(node.pods) + 1 > allocatable.get("pods", 0) else []
    hopeless = False
    for name, amount in pod.requests.items():
        room = allocatable.get(name, 0)
        if amount > room - requested.get(name, 0):
            reasons.append(f"Insufficient {name}")
            hopeless = hopeless or amount > room
    return reasons, hopeless


class NodeResourcesFit(FilterPlugin, ScorePlugin):
    """Filters by requests, scores by LeastAllocated."""

    name = "NodeResourcesFit"
    node_local = True

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """All shortages, not only the first. Where an empty node would be too small, eviction cannot help."""
        reasons, hopeless = insufficient(cycle.pod, node)
        return Status(UNRESOLVABLE if hopeless else UNSCHEDULABLE, tuple(reasons)) if reasons else None

    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        """LeastAllocated over cpu and memory with weight 1 each."""
        allocatable = node.facts.allocatable
        wanted = (
            (allocatable.get("cpu", 0), node.non_zero_cpu + cycle.pod.non_zero_cpu),
            (allocatable.get("memory", 0), node.non_zero_memory + cycle.pod.non_zero_memory),
        )
        points = [least_allocated(requested, capacity) for capacity, requested in wanted if capacity]
        return sum(points) // len(points) if points else 0

    def interests(self) -> tuple[Interest, ...]:
        """A pod that goes or shrinks, a node that comes or grows."""
        return (
            interest(ASSIGNED_POD, DELETE, SCALE_DOWN, hint=_frees_resources),
            interest(TARGET_POD, SCALE_DOWN),
            interest(NODE, ADD, UPDATE_ALLOCATABLE, UPDATE_TAINT, hint=_node_fits),
        )


def least_allocated(requested: int, capacity: int) -> int:
    """0..100: the share of the capacity that would be left.

    >>> least_allocated(3000, 4000)
    25
    """
    if capacity == 0 or requested > capacity:
        return 0
    return (capacity - requested) * MAX_NODE_SCORE // capacity


def balanced(fractions: Sequence[float]) -> int:
    """0..100: how alike the fractions are.

    >>> balanced([0.6, 0.25])
    82
    """
    fractions = [min(fraction, 1.0) for fraction in fractions]
    deviation = 0.0
    if len(fractions) == 2:
        deviation = abs((fractions[0] - fractions[1]) / 2)
    elif len(fractions) > 2:
        mean = sum(fractions) / len(fractions)
        deviation = math.sqrt(sum((fraction - mean) ** 2 for fraction in fractions) / len(fractions))
    return int((1 - deviation) * MAX_NODE_SCORE)


class NodeResourcesBalancedAllocation(PreScorePlugin, ScorePlugin):
    """Scores by likeness of the used fractions of cpu and memory."""

    name = "NodeResourcesBalancedAllocation"
    node_local = True

    def pre_score(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> Status | None:
        """Skip for pods that request neither; they would all go to one node."""
        requests = cycle.pod.requests
        return None if requests.get("cpu") or requests.get("memory") else Status(SKIP)

    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        """From what was really requested, without the assumed minimum of LeastAllocated."""
        allocatable, requested, pod = node.facts.allocatable, node.requested, cycle.pod.requests
        names = [name for name in ("cpu", "memory") if allocatable.get(name)]
        return balanced([(requested.get(name, 0) + pod.get(name, 0)) / allocatable[name] for name in names])


def _frees_resources(pod: PodInfo, change: Change) -> bool:
    """Something that the pod needs became free, or a place among the node's pods."""
    if change.old is None:
        return False
    freed = pod_info(change.old).requests
    return change.action == DELETE or any(freed.get(name) for name in pod.requests)


def _node_fits(pod: PodInfo, change: Change) -> bool:
    if change.new is None or change.node is None or change.node.node is None:
        return False
    if insufficient(pod, change.node)[0]:
        return False
    if change.old is None or change.action != UPDATE_ALLOCATABLE:
        return True
    before, after = node_facts(change.old).allocatable, node_facts(change.new).allocatable
    return any(after.get(name, 0) > before.get(name, 0) for name in (*pod.requests, "pods"))
