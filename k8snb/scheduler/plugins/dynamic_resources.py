"""The place of dynamic resource allocation in the profile, and its sentence.

Its PostFilter runs before preemption and says, for a pod without resource claims, that there is none to deallocate; that
sentence is part of every FailedScheduling event of a real cluster. When a plugin before it has rejected the pod in PreFilter,
it finds no notes of its own and says *not found*.

Models: pkg/scheduler/framework/plugins/dynamicresources.
Simplified: ResourceClaims are not allocated; a pod that has some is scheduled as if it had none.
"""

from __future__ import annotations

from k8snb.scheduler.diagnosis import ERROR, SKIP, Diagnosis, Status, unschedulable
from k8snb.scheduler.framework import Cycle, PostFilterPlugin, PostFilterResult, PreFilterPlugin


class DynamicResources(PreFilterPlugin, PostFilterPlugin):
    """Says its part in PostFilter."""

    name = "DynamicResources"

    def pre_filter(self, cycle: Cycle) -> Status | None:
        """Notes that it was asked; there is nothing to filter."""
        cycle.data[self.name] = ()
        return Status(SKIP)

    def post_filter(self, cycle: Cycle, diagnosis: Diagnosis) -> tuple[PostFilterResult | None, Status | None]:
        """Never makes room."""
        if self.name not in cycle.data:
            return None, Status(ERROR, ("not found",))
        return None, unschedulable("no new claims to deallocate")
