"""Making room: what was decided in PostFilter is carried out beside the scheduling cycles, as upstream's asynchronous preemption does.

    cycle: fits nowhere, victims chosen ──> the pod is nominated and waits ──> (a moment later) carry_out:
        lower pods that were promised the node lose the promise; each victim gets DisruptionTarget and is deleted, gracefully

Until that is done the pod is not tried again (DefaultPreemption's PreEnqueue keeps it out). Afterwards it waits for the victims to be
gone like any other unschedulable pod: their deletion is an event that wakes it. When a victim cannot be deleted, it is tried at once.

Models: pkg/scheduler/framework/preemption/executor.go (prepareCandidateAsync, PreemptPod).
Simplified: all victims are deleted at one instant, where upstream deletes the last one after the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import FrozenDict, FrozenList
from k8snb.scheduler import outcome
from k8snb.scheduler.framework import Victims
from k8snb.scheduler.podinfo import PodInfo, pod_info
from k8snb.sim.clock import LATENCY

if TYPE_CHECKING:
    from k8snb.scheduler.scheduler import KubeScheduler

PLUGIN = "DefaultPreemption"


class Eviction(NamedTuple):
    """A preemption under way: for whom, on which node, and who has to go."""

    preemptor: FrozenDict
    node: str
    victims: tuple[FrozenDict, ...]


class Executor:
    """Carries preemptions out. What is under way is part of the scheduler's state."""

    def __init__(self, scheduler: KubeScheduler):
        self.scheduler = scheduler

    def begin(self, preemptor: FrozenDict, victims: Victims, record: int) -> None:
        """Carry it out in a moment. Victims that are leaving already need no second request."""
        staying = tuple(pod for pod in victims.pods if not pod_info(pod).terminating)
        if not staying:
            return
        scheduler, key = self.scheduler, pod_info(preemptor).key
        scheduler.own.preempting[key] = Eviction(preemptor, victims.node, staying)
        why = f"make room on {victims.node} for {key}"
        scheduler.kernel.after(LATENCY["api call"], scheduler.name, ("preempt", key), why=why, causes=(record,))

    def running(self, key: str) -> bool:
        """Whether victims of this pod are still to be deleted."""
        return key in self.scheduler.own.preempting

    def carry_out(self, key: str) -> None:
        """Delete the victims; afterwards the pod may be tried again, at once where something went wrong."""
        scheduler, eviction = self.scheduler, self.scheduler.own.preempting.pop(key, None)
        if eviction is None:
            return
        preemptor = pod_info(eviction.preemptor)
        names = FrozenList([pod_info(pod).key for pod in eviction.victims])
        kernel = scheduler.kernel
        detail = FrozenDict({"selected": "", "message": f"evict {', '.join(names)} from {eviction.node}", "victims": names})
        kernel.causes = (kernel.trace.add(kernel.now, "decision", preemptor.scheduler_name, "preempt", key, detail, kernel.causes),)
        self._clear_promises(eviction.node, preemptor)
        scheduler.queue_of_pods.released(key, at_once=not self._delete_all(eviction, preemptor))

    def _clear_promises(self, node: str, preemptor: PodInfo) -> None:
        """Pods of lower priority that were promised the node may not fit any more; without the promise they look for another."""
        for other in self.scheduler.nominations().get(node, ()):
            if pod_info(other).priority < preemptor.priority:
                self.scheduler.queue_of_pods.nominate(other, "")
                self.scheduler.patch_status(other, None, "")

    def _delete_all(self, eviction: Eviction, preemptor: PodInfo) -> bool:
        for pod in eviction.victims:
            try:
                self._delete(pod, preemptor)
            except ApiError as error:
                if error.code == 404:
                    continue  # gone already
                kernel = self.scheduler.kernel
                kernel.trace.add(kernel.now, "note", self.scheduler.name, "eviction refused", pod_info(pod).key, error.message)
                return False
            self.scheduler.say(preemptor, pod, "Normal", "Preempted", outcome.preempted(preemptor, eviction.node))
        return True

    def _delete(self, victim: FrozenDict, preemptor: PodInfo) -> None:
        """A pod that only waits for permission is refused it; any other is marked and deleted."""
        info = pod_info(victim)
        if self.scheduler.refuse_permission(info.key, "preempted", PLUGIN):
            return
        self.scheduler.patch_status(victim, outcome.disrupted(preemptor), None, strict=True)
        self.scheduler.client.delete("pods", info.name, info.namespace)
