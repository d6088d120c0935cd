"""A kubelet whose container runtime does not answer, or that has just been started again: what it says, and when.

    0 s      pods that are to begin or to end: tried, refused, said (FailedCreatePodSandBox, FailedKillPod); again every 10 s
    30 s     the node is not ready, "container runtime is down"; from now on the kubelet passes over its pods
    1 min    ContainerGCFailed, and so each minute
    3 min    ... "PLEG is not healthy", too: nobody has listed the containers for so long

What runs goes on; nobody can start it, stop it or ask it.

Models: pkg/kubelet/runtime.go (runtimeErrors), pkg/kubelet/kubelet.go (syncLoop, StartGarbageCollection), pkg/kubelet/pleg/generic.go
(Healthy), pkg/kubelet/container/sync_result.go, pkg/kubelet/kubelet_node_status.go (initialNode).
Simplified: the garbage collection of images, which fails too, says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from k8snb.apimachinery.duration import go_duration
from k8snb.apimachinery.errors import aggregate, quote
from k8snb.apimachinery.objects import Object
from k8snb.component_helpers.timing import timing
from k8snb.kubelet.node import STATUS_EVENTS, reference
from k8snb.kubelet.state import RUNNING, PodState
from k8snb.sim.clock import MINUTE

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

NO_RUNTIME = (
    "rpc error: code = Unavailable desc = connection error: "
    'desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"'
)
COLLECTION = MINUTE


class Problem(NamedTuple):
    """One thing that is wrong with a node; ``more``: what changes from one look to the next."""

    what: str
    more: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.more}" if self.more else self.what


DOWN = Problem("container runtime is down")


def problems(kubelet: Kubelet) -> tuple[Problem, ...]:
    """What is wrong with the runtime; nothing, or not yet, where it is not known for long enough."""
    lost = kubelet.own.runtime_lost_at
    silent = kubelet.kernel.now - lost if lost else 0
    if silent < timing("runtime silence"):
        return ()
    limit = timing("container listing")
    if silent <= limit:
        return (DOWN,)
    unseen = f"pleg was last seen active {go_duration(silent)} ago; threshold is {go_duration(limit)}"
    return DOWN, Problem("PLEG is not healthy", unseen)


def begin(kubelet: Kubelet) -> None:
    """The runtime has gone, or the kubelet has started without one."""
    kubelet.kernel.after(COLLECTION, kubelet.name, ("collect", kubelet.own.runtime_lost_at), why="garbage collection", background=True)


def collect(kubelet: Kubelet, lost_at: int) -> None:
    """The collection of dead containers, which has nobody to ask."""
    if kubelet.own.runtime_lost_at == lost_at:
        kubelet.recorder.event(reference(kubelet.node_name), "Warning", "ContainerGCFailed", NO_RUNTIME)
        begin(kubelet)


def refuse(kubelet: Kubelet, state: PodState) -> None:
    """A turn of a pod's worker that comes to nothing; the next one comes while the node still counts as ready."""
    pod = kubelet.pod_of(state)
    if pod is None or kubelet.kernel.now - kubelet.own.runtime_lost_at >= timing("runtime silence"):
        return
    if state.terminating or pod["metadata"].get("deletionTimestamp"):
        kubelet.recorder.event(pod, "Warning", "FailedKillPod", f"error killing pod: {_not_killed(state)}")
    elif not state.sandbox and state.rejected is None:
        kubelet.recorder.event(pod, "Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {NO_RUNTIME}")
    else:
        return
    kubelet.try_again(state)


def _not_killed(state: PodState) -> str:
    running = [("KillContainer", one.name) for one in state.containers.values() if one.phase == RUNNING]
    failed = [*running, ("KillPodSandbox", state.uid)]
    return aggregate(f'failed to "{action}" for {quote(target)} with {action}Error: {quote(NO_RUNTIME)}' for action, target in failed)


def say_started(kubelet: Kubelet) -> None:
    """What a kubelet says of its node when it starts again. (Of its first start a cluster that is new says nothing.)"""
    node: Object = reference(kubelet.node_name)
    kubelet.recorder.event(node, "Normal", "Starting", "Starting kubelet.")
    for condition, reasons in STATUS_EVENTS.items():
        reason = reasons[condition in kubelet.own.pressure]
        kubelet.recorder.event(node, "Normal", reason, f"Node {kubelet.node_name} status is now: {reason}")
    kubelet.recorder.event(node, "Normal", "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods")
