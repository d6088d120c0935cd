"""Dynamic resource allocation (DRA): devices that a pod claims, and the part of it that shows without any device.

Nothing here publishes devices (ResourceSlices are stored, and no driver writes any). So a pod with ``spec.resourceClaims`` fits
nowhere and says why, as in a cluster without a driver; it is never scheduled as if it had no claims.

Its PostFilter runs before preemption and says that there is no claim to deallocate; that sentence is part of every FailedScheduling
event of a real cluster. When a plugin before it has rejected the pod in PreFilter, it finds no notes of its own and says *not found*.

Models: pkg/scheduler/framework/plugins/dynamicresources.
Simplified: claims are neither allocated nor reserved, and whether they exist is not looked at (upstream keeps a pod whose claim is
missing out of the queue, in silence).
"""

from __future__ import annotations

from k8snb.scheduler.diagnosis import ERROR, SKIP, Diagnosis, Status, unresolvable, unschedulable
from k8snb.scheduler.framework import Cycle, FilterPlugin, PostFilterPlugin, PostFilterResult, PreFilterPlugin
from k8snb.scheduler.nodeinfo import NodeInfo

REASON = "cannot allocate all claims"


class DynamicResources(PreFilterPlugin, FilterPlugin, PostFilterPlugin):
    """Keeps pods with claims away from nodes, which have no devices, and says its part in PostFilter."""

    name = "DynamicResources"

    def pre_filter(self, cycle: Cycle) -> Status | None:
        """Notes that it was asked; without claims there is nothing to filter."""
        cycle.data[self.name] = ()
        return None if cycle.pod.pod["spec"].get("resourceClaims") else Status(SKIP)

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """No node has a device."""
        return unresolvable(REASON)

    def post_filter(self, cycle: Cycle, diagnosis: Diagnosis) -> tuple[PostFilterResult | None, Status | None]:
        """Never makes room."""
        if self.name not in cycle.data:
            return None, Status(ERROR, ("not found",))
        return None, unschedulable("no new claims to deallocate")
