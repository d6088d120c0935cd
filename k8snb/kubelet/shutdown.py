"""A machine that is shut down in good order: the kubelet asks its init system to wait, and ends the pods first.

    "shut down" -> the node is not ready, and takes up no pods
                -> one group of pods after the other, by priority, each with its period: critical ones come last
                -> power off, as soon as the last group has ended or its period is over

Without ``shutdownGracePeriod`` (the default) nobody asks the init system to wait: the machine is off at once, and what ran on it is
found to be lost only by its silence.

Models: pkg/kubelet/nodeshutdown/nodeshutdown_manager_linux.go.
Simplified: a shutdown that has begun is not cancelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.component_helpers import pod_priority
from k8snb.kubelet import heartbeats
from k8snb.kubelet.node import reference
from k8snb.kubelet.state import PodState
from k8snb.sim.clock import SECOND

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

REASON, MESSAGE = "Terminated", "Pod was terminated in response to imminent node shutdown."
REFUSED = ("NodeShutdown", "Pod was rejected as the node is shutting down.")


def init_system(node: str) -> str:
    """Who switches the machine off, among the handlers of the kernel."""
    return f"systemd/{node}"


def begin(kubelet: Kubelet) -> None:
    """The machine is to be shut down."""
    own = kubelet.own
    if not kubelet.settings.shutdown or not kubelet.state.running or own.runtime_lost_at:
        _power_off(kubelet)
    elif not own.shutting_down:
        own.shutting_down = True
        kubelet.recorder.event(reference(kubelet.node_name), "Normal", "Shutdown", "Shutdown manager detected shutdown event")
        heartbeats.report(kubelet)
        _end_group(kubelet, 0)


def look(kubelet: Kubelet) -> None:
    """A pod has ended, or a period is over: is it the next group's turn?"""
    stage, until = kubelet.own.shutdown
    going_on = kubelet.own.shutting_down and stage < len(kubelet.settings.shutdown)
    if going_on and (kubelet.kernel.now >= until or not _group(kubelet, stage)):
        _end_group(kubelet, stage + 1)


def _end_group(kubelet: Kubelet, stage: int) -> None:
    periods = kubelet.settings.shutdown
    while stage < len(periods) and not _group(kubelet, stage):
        stage += 1
    if stage == len(periods):
        _power_off(kubelet)
        return
    period = max(0, periods[stage].seconds) * SECOND
    kubelet.own.shutdown = (stage, kubelet.kernel.now + period)
    kubelet.kernel.after(period, kubelet.name, ("shutdown",), why=f"the period of pods of priority {periods[stage].priority} is over")
    for state in _group(kubelet, stage):
        _end(kubelet, state, periods[stage].seconds)


def _end(kubelet: Kubelet, state: PodState, seconds: int) -> None:
    """End a pod for good, with the period of its group, or less where it asks for less."""
    pod = kubelet.pod_of(state)
    if pod is None or state.terminating or state.evicted:
        return
    own = pod["spec"].get("terminationGracePeriodSeconds", seconds)
    state.evicted, state.operation = (REASON, MESSAGE), None
    state.disruption = ("TerminationByKubelet", MESSAGE)
    state.grace = max(1, min(own, seconds) or own)
    kubelet.sync(state)


def _group(kubelet: Kubelet, stage: int) -> list[PodState]:
    """The pods of a group that have not ended yet."""
    left = [(state, kubelet.pod_of(state)) for state in kubelet.own.pods.values() if state.sandbox != "gone" and not state.rejected]
    return [state for state, pod in left if pod is not None and _stage_of(kubelet, pod_priority(pod)) == stage]


def _stage_of(kubelet: Kubelet, priority: int) -> int:
    """The last group whose priority is not above the pod's."""
    return max((number for number, period in enumerate(kubelet.settings.shutdown) if period.priority <= priority), default=0)


def _power_off(kubelet: Kubelet) -> None:
    kubelet.own.shutdown = (len(kubelet.settings.shutdown), 0)
    kubelet.kernel.after(0, init_system(kubelet.node_name), ("off",), why=f"{kubelet.node_name} is switched off")
