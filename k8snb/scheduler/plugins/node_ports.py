"""Two pods cannot have the same ``hostPort`` of one address on one node.

Models: pkg/scheduler/framework/plugins/nodeports.
"""

from __future__ import annotations

from collections.abc import Iterable

from k8snb.scheduler.cluster_event import ADD, ASSIGNED_POD, DELETE, NODE, Change, Interest, interest
from k8snb.scheduler.diagnosis import SKIP, Status, unschedulable
from k8snb.scheduler.framework import Cycle, FilterPlugin, PreFilterPlugin
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import PodInfo, Port, pod_info

REASON = "node(s) didn't have free ports for the requested pod ports"
_ANY = "0.0.0.0"


def conflict(wanted: Iterable[Port], used: Iterable[Port]) -> bool:
    """Whether any wanted port is taken: same protocol and number, and the same address or one of them all addresses."""
    taken = list(used)
    return any(
        protocol == other_protocol and port == other_port and (_ANY in (ip, other_ip) or ip == other_ip)
        for ip, protocol, port in wanted
        for other_ip, other_protocol, other_port in taken
    )


class NodePorts(PreFilterPlugin, FilterPlugin):
    """Filters nodes where a host port is taken."""

    name = "NodePorts"
    node_local = True

    def pre_filter(self, cycle: Cycle) -> Status | None:
        """Skip for the many pods without host ports."""
        return None if cycle.pod.ports else Status(SKIP)

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """Evicting the holder of the port would help, so the verdict is resolvable."""
        return unschedulable(REASON) if conflict(cycle.pod.ports, node.ports) else None

    def interests(self) -> tuple[Interest, ...]:
        """A pod with such a port that goes, a node that comes."""
        return (interest(ASSIGNED_POD, DELETE, hint=_frees_port), interest(NODE, ADD))


def _frees_port(pod: PodInfo, change: Change) -> bool:
    return change.old is not None and conflict(pod.ports, pod_info(change.old).ports)
