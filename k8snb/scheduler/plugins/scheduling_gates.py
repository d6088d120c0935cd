"""A pod with ``spec.schedulingGates`` waits outside the queue until somebody has removed all of them.

Models: pkg/scheduler/framework/plugins/schedulinggates.
"""

from __future__ import annotations

from k8snb.scheduler.cluster_event import GATES_ELIMINATED, TARGET_POD, Interest, interest
from k8snb.scheduler.diagnosis import Status, unresolvable
from k8snb.scheduler.framework import Cluster, PreEnqueuePlugin
from k8snb.scheduler.podinfo import PodInfo


class SchedulingGates(PreEnqueuePlugin):
    """Keeps gated pods out of the queue."""

    name = "SchedulingGates"

    def pre_enqueue(self, pod: PodInfo, cluster: Cluster) -> Status | None:
        """The reason lists the gates as Go prints a slice."""
        gates = [gate["name"] for gate in pod.pod["spec"].get("schedulingGates") or ()]
        return unresolvable(f"waiting for scheduling gates: [{' '.join(gates)}]") if gates else None

    def interests(self) -> tuple[Interest, ...]:
        """Only the pod itself can lose its gates."""
        return (interest(TARGET_POD, GATES_ELIMINATED),)
