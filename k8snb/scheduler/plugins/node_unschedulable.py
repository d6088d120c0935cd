"""A cordoned node takes no new pods, except those that tolerate the taint of the same meaning.

Models: pkg/scheduler/framework/plugins/nodeunschedulable.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import FrozenDict
from k8snb.component_helpers.taints import tolerates
from k8snb.scheduler.cluster_event import ADD, NODE, TARGET_POD, UPDATE_TAINT, UPDATE_TOLERATION, Change, Interest, interest
from k8snb.scheduler.diagnosis import Status, unresolvable
from k8snb.scheduler.framework import Cycle, FilterPlugin
from k8snb.scheduler.nodeinfo import NodeInfo, node_facts
from k8snb.scheduler.podinfo import PodInfo

TAINT = FrozenDict({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
REASON = "node(s) were unschedulable"


class NodeUnschedulable(FilterPlugin):
    """Filters cordoned nodes."""

    name = "NodeUnschedulable"
    node_local = True

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """DaemonSet pods tolerate the taint, so they pass."""
        if not node.facts.unschedulable or tolerates(cycle.pod.pod["spec"].get("tolerations"), TAINT):
            return None
        return unresolvable(REASON)

    def interests(self) -> tuple[Interest, ...]:
        """A node that comes or is uncordoned."""
        return (interest(NODE, ADD, UPDATE_TAINT, hint=_schedulable), interest(TARGET_POD, UPDATE_TOLERATION))


def _schedulable(_pod: PodInfo, change: Change) -> bool:
    was_closed = change.old is None or node_facts(change.old).unschedulable
    return change.new is not None and was_closed and not node_facts(change.new).unschedulable
