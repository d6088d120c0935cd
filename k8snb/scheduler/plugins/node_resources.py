"""Does the pod fit, and where does it fit best?

NodeResourcesFit filters by what pods *request* (not by what they use), and scores with a strategy; the default spreads:

    score = mean over cpu and memory of  (allocatable - requested) * 100 / allocatable        (whole numbers, rounded down)

NodeResourcesBalancedAllocation prefers nodes that the pod would make more balanced, where "balanced" means that cpu and memory
are used in like proportion. Since 1.36 it looks at the change; before, at the state afterwards:

    score = 50 + (50 + balance with the pod - balance without it) / 2          balance = (1 - standard deviation of the fractions) * 100

For the strategies a container that requests nothing counts as 100m and 200Mi, or all such pods would go to one node.

Models: pkg/scheduler/framework/plugins/noderesources (fit.go, balanced_allocation.go); the formulae are in ``allocation.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.scheduler.cluster_event import (
    ADD,
    ASSIGNED_POD,
    DELETE,
    NODE,
    SCALE_DOWN,
    TARGET_POD,
    UPDATE_ALLOCATABLE,
    Change,
    Interest,
    interest,
)
from k8snb.scheduler.diagnosis import SKIP, UNRESOLVABLE, UNSCHEDULABLE, Status
from k8snb.scheduler.framework import Cycle, FilterPlugin, PreScorePlugin, ScorePlugin
from k8snb.scheduler.nodeinfo import NodeInfo, node_facts
from k8snb.scheduler.plugins.allocation import CPU_AND_MEMORY, NATIVE, Formula, Weighed, balance_change, least_allocated, shares
from k8snb.scheduler.podinfo import PodInfo, pod_info


class NodeResourcesFit(FilterPlugin, ScorePlugin):
    """Filters by requests, scores by a strategy: ``formula`` over ``resources``.

    ``ignored``: extended resources, and (before the slash) groups of them, that the filter does not look at.
    """

    name = "NodeResourcesFit"
    node_local = True

    def __init__(
        self, *, formula: Formula = least_allocated, resources: Sequence[Weighed] = CPU_AND_MEMORY, ignored: frozenset[str] = frozenset()
    ):
        self.formula, self.resources, self.ignored = formula, tuple(resources), ignored

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """All shortages, not only the first. Where an empty node would be too small, eviction cannot help."""
        reasons, hopeless = self.insufficient(cycle.pod, node)
        return Status(UNRESOLVABLE if hopeless else UNSCHEDULABLE, tuple(reasons)) if reasons else None

    def insufficient(self, pod: PodInfo, node: NodeInfo) -> tuple[list[str], bool]:
        """What the node is short of, as reasons, and whether it would be even if it were empty."""
        allocatable, requested = node.facts.allocatable, node.requested
        reasons = ["Too many pods"] if len(node.pods) + 1 > allocatable.get("pods", 0) else []
        hopeless = False
        for name, amount in pod.requests.items():
            room = allocatable.get(name, 0)
            if amount > room - requested.get(name, 0) and not self._ignores(name):
                reasons.append(f"Insufficient {name}")
                hopeless = hopeless or amount > room
        return reasons, hopeless

    def _ignores(self, name: str) -> bool:
        return name not in NATIVE and (name in self.ignored or name.partition("/")[0] in self.ignored)

    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        """The strategy's points."""
        return self.formula(shares(cycle.pod, node, self.resources))

    def interests(self) -> tuple[Interest, ...]:
        """A pod that goes or shrinks, a node that comes or grows."""
        return (
            interest(ASSIGNED_POD, DELETE, SCALE_DOWN, hint=_frees_resources),
            interest(TARGET_POD, SCALE_DOWN),
            interest(NODE, ADD, UPDATE_ALLOCATABLE, hint=self._node_fits),
        )

    def _node_fits(self, pod: PodInfo, change: Change) -> bool:
        if change.new is None or change.node is None or change.node.node is None:
            return False
        if self.insufficient(pod, change.node)[0]:
            return False
        if change.old is None:
            return True
        before, after = node_facts(change.old).allocatable, node_facts(change.new).allocatable
        return any(after.get(name, 0) > before.get(name, 0) for name in (*pod.requests, "pods"))


class NodeResourcesBalancedAllocation(PreScorePlugin, ScorePlugin):
    """Scores by what the pod would do to the balance between the used fractions of ``resources``."""

    name = "NodeResourcesBalancedAllocation"
    node_local = True

    def __init__(self, *, resources: Sequence[str] = ("cpu", "memory")):
        self.resources = tuple(resources)

    def pre_score(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> Status | None:
        """Skip for pods that request none of it; they would all go to one node."""
        return None if any(cycle.pod.requests.get(name) for name in self.resources) else Status(SKIP)

    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        """From what was really requested, without the assumed minimum of the strategies."""
        allocatable, requested, pod = node.facts.allocatable, node.requested, cycle.pod.requests
        names = [name for name in self.resources if allocatable.get(name) and (name in NATIVE or pod.get(name))]
        before = [requested.get(name, 0) / allocatable[name] for name in names]
        after = [(requested.get(name, 0) + pod.get(name, 0)) / allocatable[name] for name in names]
        return balance_change(before, after)


def _frees_resources(pod: PodInfo, change: Change) -> bool:
    """Something that the pod needs became free, or a place among the node's pods."""
    if change.old is None:
        return False
    freed = pod_info(change.old).requests
    return change.action == DELETE or any(freed.get(name) for name in pod.requests)
