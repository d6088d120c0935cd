"""Taints: NoSchedule and NoExecute keep a pod away, PreferNoSchedule costs points.

The score counts the PreferNoSchedule taints that the pod does not tolerate; fewest is best.

Models: pkg/scheduler/framework/plugins/tainttoleration.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.component_helpers.taints import find_untolerated_taint, tolerates
from k8snb.scheduler.cluster_event import ADD, NODE, TARGET_POD, UPDATE_TAINT, UPDATE_TOLERATION, Change, Interest, interest
from k8snb.scheduler.diagnosis import Status, unresolvable
from k8snb.scheduler.framework import Cycle, FilterPlugin, ScorePlugin, default_normalize
from k8snb.scheduler.nodeinfo import NodeInfo, node_facts
from k8snb.scheduler.podinfo import PodInfo

REASON = "node(s) had untolerated taint(s)"
_SOFT = "PreferNoSchedule"


class TaintToleration(FilterPlugin, ScorePlugin):
    """Filters by hard taints, scores by soft ones."""

    name = "TaintToleration"
    node_local = True
    normalizes = True
    even = True

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """The reason does not say which taint; since 1.35 upstream leaves that to the message's reader too."""
        untolerated = find_untolerated_taint(node.facts.taints, cycle.pod.pod["spec"].get("tolerations"))
        return unresolvable(REASON) if untolerated is not None else None

    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        """How many soft taints are not tolerated."""
        taints = node.facts.taints
        if not taints:
            return 0
        tolerations = [t for t in cycle.pod.pod["spec"].get("tolerations") or () if t.get("effect") in (None, "", _SOFT)]
        return sum(taint["effect"] == _SOFT and not tolerates(tolerations, taint) for taint in taints)

    def normalize(self, cycle: Cycle, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        """Fewest is best."""
        return default_normalize(scores, reverse=True)

    def interests(self) -> tuple[Interest, ...]:
        """A node that comes or loses a taint; a toleration that the pod gets."""
        return (interest(NODE, ADD, UPDATE_TAINT, hint=_now_tolerated), interest(TARGET_POD, UPDATE_TOLERATION))


def _now_tolerated(pod: PodInfo, change: Change) -> bool:
    tolerations = pod.pod["spec"].get("tolerations")
    if change.new is None or find_untolerated_taint(node_facts(change.new).taints, tolerations) is not None:
        return False
    return change.old is None or find_untolerated_taint(node_facts(change.old).taints, tolerations) is not None
