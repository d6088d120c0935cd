"""What Linux does when memory is used up: it kills the process with the highest score, at once.

How the kubelet has prepared that says :func:`adjustment`. The pod stays; its container ends with 137, OOMKilled.

Models: pkg/kubelet/qos/policy.go, pkg/kubelet/oom.
Simplified: memory that jumps between two looks of the kubelet is noticed with the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.apimachinery.objects import Object
from k8snb.component_helpers import container_requests, pod_priority, qos_class
from k8snb.component_helpers.timing import timing
from k8snb.kubelet.node import reference
from k8snb.kubelet.observing import memory
from k8snb.kubelet.state import APP, RUNNING, SIDECAR
from k8snb.kubelet.thresholds import MEMORY

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

MONITORING = timing("eviction monitoring")


def adjustment(pod: Object, container: Object, capacity: int) -> int:
    """``oom_score_adj`` of a container: -997 protects, 1000 offers itself. ``capacity``: the machine's memory (bytes).

    >>> adjustment({"metadata": {}, "spec": {"containers": []}}, {}, 1 << 32)
    1000
    """
    if pod_priority(pod) >= 2_000_001_000 or qos_class(pod) == "Guaranteed":
        return -997
    if qos_class(pod) == "BestEffort":
        return 1000
    adjusted = 1000 - 1000 * container_requests(container).get(MEMORY, 0) // capacity
    return min(max(adjusted, 3), 999)


def prepare(kubelet: Kubelet) -> None:
    """Kill at once if there is nothing left; if memory will be used up before the next look, be there at that instant."""
    seen, now = memory(kubelet), kubelet.kernel.now
    if not seen.capacity:
        return
    if seen.available < 0:
        kill(kubelet)
        return
    grown = kubelet.runtime.memory(now + MONITORING) - kubelet.runtime.memory()
    if grown > seen.available:
        kubelet.kernel.after(MONITORING * seen.available // grown + 1, kubelet.name, ("oom",), why="the memory of the node is used up")


def kill(kubelet: Kubelet) -> None:
    """Linux kills processes until there is memory again, the highest score first."""
    while (seen := memory(kubelet)).capacity and seen.available <= 0:
        victim = _victim(kubelet, seen.capacity)
        if victim is None:
            return
        kubelet.recorder.event(reference(kubelet.node_name), "Warning", "SystemOOM", "System OOM encountered")
        kubelet.runtime.oom_kill(victim)


def _victim(kubelet: Kubelet, capacity: int) -> str | None:
    """The id of the container with the highest score; None where nothing runs."""
    best: tuple[int, str] | None = None
    for state in kubelet.own.pods.values():
        pod = kubelet.pod_of(state)
        if pod is None or not any(c.phase == RUNNING for c in state.containers.values()):
            continue
        specs = {c["name"]: c for key in ("initContainers", "containers") for c in pod["spec"].get(key) or ()}
        for name, use in kubelet.runtime.pod_usage(state.uid).items():
            container = state.containers.get(name)
            if container is None or container.kind not in (APP, SIDECAR):
                continue
            score = 1000 * use.memory // capacity + adjustment(pod, specs[name], capacity)
            if best is None or score > best[0]:
                best = (score, container.id)
    return best[1] if best is not None else None
