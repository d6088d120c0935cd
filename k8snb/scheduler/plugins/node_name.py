"""A pod that names its node may only go there.

Models: pkg/scheduler/framework/plugins/nodename.
"""

from __future__ import annotations

from k8snb.scheduler.cluster_event import ADD, NODE, Interest, interest
from k8snb.scheduler.diagnosis import Status, unresolvable
from k8snb.scheduler.framework import Cycle, FilterPlugin
from k8snb.scheduler.nodeinfo import NodeInfo

REASON = "node(s) didn't match the requested node name"


class NodeName(FilterPlugin):
    """Filters nodes of another name. (A pod that comes with ``nodeName`` set never passes the scheduler anyway.)"""

    name = "NodeName"
    node_local = True

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """None where the pod names no node, or this one."""
        return None if cycle.pod.node_name in ("", node.name) else unresolvable(REASON)

    def interests(self) -> tuple[Interest, ...]:
        """A new node may have the name."""
        return (interest(NODE, ADD),)
