"""Pressure on a node: what the kubelet does before memory or disk are used up, and what Linux does when memory is.

    signal             threshold       condition        what is tried first           what is ranked
    memory.available   < 100Mi         MemoryPressure   nothing                       memory
    nodefs.available   < 10 %          DiskPressure     dead containers, images       disk
    imagefs.available  < 15 %          DiskPressure     dead containers, images       disk     (the same disk here)

Every ten seconds the kubelet looks. While a threshold is met, the node has its condition (and keeps it for five minutes after), takes
up no pods that could make it worse, and one pod after the other is evicted: first those that use more than they asked for, among
them the lower priority first, then whoever is furthest above its request. The pod's phase becomes Failed; nobody restarts it here.

Eviction is slow and fair, the kernel is neither: when memory is used up between two looks, it kills the process with the highest
score at once (:func:`oom_adjustment` is how the kubelet has prepared that). The pod stays; its container ends with 137, OOMKilled.

Independently of all that, a pod is evicted that exceeds a limit of its own on ephemeral storage.

Models: pkg/kubelet/eviction (eviction_manager.go, helpers.go), pkg/kubelet/qos/policy.go, pkg/kubelet/oom.
Simplified: the system itself uses a fixed amount of memory and no disk; inodes and process ids are not counted (there is no default
threshold for the latter); soft thresholds are not configured, as by default; memory that jumps between two looks is noticed with
the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from k8snb.apimachinery import quantity
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.component_helpers import (
    container_limits,
    container_requests,
    pod_limits,
    pod_priority,
    pod_requests,
    qos_class,
    resource_amounts,
)
from k8snb.component_helpers.timing import timing
from k8snb.kubelet import image_gc
from k8snb.kubelet.admission import is_critical
from k8snb.kubelet.node import STATUS_EVENTS, SYSTEM_MEMORY, reference
from k8snb.kubelet.state import APP, RUNNING, SIDECAR, PodState
from k8snb.seams.cri import Usage
from k8snb.sim.clock import SECOND

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

MONITORING, TRANSITION = timing("eviction monitoring"), timing("pressure transition")
MEMORY, DISK = "memory", "ephemeral-storage"
CLEANUP_POLL, CLEANUP_LIMIT = timing("eviction cleanup poll"), timing("eviction cleanup limit")


class Threshold(NamedTuple):
    """What may not be undercut: ``amount`` bytes, or so many ``percent`` of the capacity."""

    signal: str
    resource: str
    condition: str
    amount: int = 0
    percent: int = 0

    def quantity(self, capacity: int) -> int:
        """The threshold in bytes."""
        return self.amount or capacity * self.percent // 100


THRESHOLDS = (
    Threshold("memory.available", MEMORY, "MemoryPressure", amount=100 << 20),
    Threshold("nodefs.available", DISK, "DiskPressure", percent=10),
    Threshold("imagefs.available", DISK, "DiskPressure", percent=15),
)


class Observation(NamedTuple):
    """What is left of a resource, and what there is (bytes)."""

    available: int
    capacity: int


# -- what is seen ----------------------------------------------------------------------------------------------------


def capacity_of(kubelet: Kubelet, resource: str) -> int:
    """What the machine has (bytes); 0 where nobody says."""
    capacity: int = resource_amounts((kubelet.manifest.get("status") or EMPTY_DICT).get("capacity")).get(resource, 0)
    return capacity


def observe(kubelet: Kubelet) -> dict[str, Observation]:
    """What is left of memory and disk, for resources whose capacity is known."""
    used = {MEMORY: SYSTEM_MEMORY + kubelet.runtime.memory() + kubelet.own.foreign.get(MEMORY, 0), DISK: disk_used(kubelet)}
    found = {name: Observation(capacity_of(kubelet, name) - amount, capacity_of(kubelet, name)) for name, amount in used.items()}
    return {name: seen for name, seen in found.items() if seen.capacity}


def disk_used(kubelet: Kubelet) -> int:
    """Bytes on the disk. What containers have written is small, and is counted only where it could matter."""
    images: int = sum(kubelet.runtime.images().values()) + kubelet.own.foreign.get(DISK, 0)
    return images + (kubelet.runtime.written() if 2 * images > capacity_of(kubelet, DISK) else 0)


def met(seen: Mapping[str, Observation]) -> list[Threshold]:
    """The thresholds that are undercut, memory first."""
    return [t for t in THRESHOLDS if t.resource in seen and seen[t.resource].available < t.quantity(seen[t.resource].capacity)]


# -- one look --------------------------------------------------------------------------------------------------------


def look(kubelet: Kubelet) -> bool:
    """What the eviction manager does every ten seconds; whether the node's conditions have changed."""
    if kubelet.runtime.instant or kubelet.own.evicting[0] or kubelet.own.runtime_lost_at:
        return False
    seen = observe(kubelet)
    memory = seen.get(MEMORY)
    if memory is not None:
        _prepare_for_oom(kubelet, memory)
    thresholds = met(seen)
    changed = _note_conditions(kubelet, thresholds)
    if not _evict_over_limit(kubelet) and thresholds:
        _reclaim(kubelet, thresholds[0], seen)
    return changed


def _reclaim(kubelet: Kubelet, first: Threshold, seen: dict[str, Observation]) -> None:
    """Get back what is short: from what nobody uses, where that is enough, else from one pod."""
    kubelet.recorder.event(reference(kubelet.node_name), "Warning", "EvictionThresholdMet", f"Attempting to reclaim {first.resource}")
    if first.resource == DISK:
        image_gc.remove_all_unused(kubelet)
        seen = observe(kubelet)
        if not met(seen):
            return
    for state in ranked(kubelet, first.resource):
        pod = kubelet.pod_of(state)
        if pod is not None and not is_critical(pod):
            evict(kubelet, state, message(pod, first, seen[first.resource], usage_of(kubelet, state)), disruption=True)
            return


def _note_conditions(kubelet: Kubelet, thresholds: list[Threshold]) -> bool:
    """Conditions that hold now, or have held within five minutes; whether they are others than before."""
    own, now = kubelet.own, kubelet.kernel.now
    before = set(own.pressure)
    own.pressure.update({threshold.condition: now for threshold in thresholds})
    for condition, since in list(own.pressure.items()):
        if now - since >= TRANSITION:
            del own.pressure[condition]
    changed = before ^ set(own.pressure)
    for condition in sorted(changed):
        reason = STATUS_EVENTS[condition][condition in own.pressure]
        text = f"Node {kubelet.node_name} status is now: {reason}"
        kubelet.recorder.event(reference(kubelet.node_name), "Normal", reason, text)
    return bool(changed)


# -- who goes --------------------------------------------------------------------------------------------------------


def active(kubelet: Kubelet) -> list[PodState]:
    """The pods in which something runs and which are not on their way out."""
    running = [s for s in kubelet.own.pods.values() if s.sandbox == "ready" and not s.evicted and not s.terminating]
    return [state for state in running if any(c.phase == RUNNING for c in state.containers.values())]


def usage_of(kubelet: Kubelet, state: PodState) -> Mapping[str, Usage]:
    """What the containers of a pod use."""
    return kubelet.runtime.pod_usage(state.uid)


def ranked(kubelet: Kubelet, resource: str) -> list[PodState]:
    """The pods in the order in which they would be evicted."""
    rows = []
    for state in active(kubelet):
        pod = kubelet.pod_of(state)
        if pod is None:
            continue
        over = _used(kubelet, state, resource) - pod_requests(pod).get(resource, 0)
        rows.append(((over <= 0, pod_priority(pod), -over), state))
    return [state for _, state in sorted(rows, key=lambda row: row[0])]


def _used(kubelet: Kubelet, state: PodState, resource: str) -> int:
    uses = usage_of(kubelet, state).values()
    if resource == MEMORY:
        return sum(use.memory for use in uses)
    return sum(use.disk for use in uses) + sum(_on_disk(kubelet, state, kubelet.pod_of(state) or EMPTY_DICT))


def _on_disk(kubelet: Kubelet, state: PodState, pod: Object) -> list[int]:
    """The bytes in each of a pod's local volumes: those that lie on the node's disk and end with the pod."""
    used = kubelet.runtime.volume_usage(state.uid)
    return [used.get(volume["name"], 0) for volume in dig(pod, "spec.volumes", ()) if _is_local(volume)]


def _is_local(volume: Object) -> bool:
    """Whether a volume lies on the disk of the node. Models: pkg/volume/util, IsLocalEphemeralVolume."""
    return "configMap" in volume or ("emptyDir" in volume and (volume["emptyDir"] or EMPTY_DICT).get("medium", "") == "")


def message(pod: Object, threshold: Threshold, seen: Observation, usage: Mapping[str, Usage]) -> str:
    """Why this pod: what was short, and which of its containers use more than they asked for."""
    resource = threshold.resource
    short = f"Threshold quantity: {_bytes(threshold.quantity(seen.capacity))}, available: {_bytes(seen.available)}. "
    blamed = ""
    for container in pod["spec"]["containers"]:
        use = usage.get(container["name"], Usage())
        amount = use.memory if resource == MEMORY else use.disk
        if amount > container_requests(container).get(resource, 0):
            asked = ((container.get("resources") or EMPTY_DICT).get("requests") or EMPTY_DICT).get(resource, "0")
            what = f"was using {_bytes(amount)}, request is {asked}, has larger consumption of {resource}. "
            blamed += f"Container {container['name']} {what}"
    return f"The node was low on resource: {resource}. {short}{blamed}"


def _bytes(amount: int) -> str:
    return quantity.write(amount, "BinarySI")


def evict(kubelet: Kubelet, state: PodState, why: str, *, disruption: bool = False) -> None:
    """End a pod for good: its containers are stopped with a grace of one second, then its phase is Failed."""
    pod = kubelet.pod_of(state)
    if pod is not None:
        kubelet.recorder.event(pod, "Warning", "Evicted", why)
    state.evicted, state.operation = ("Evicted", why), None
    state.disruption = ("TerminationByKubelet", why) if disruption else None
    state.grace = timing("eviction grace") // SECOND
    kubelet.own.evicting = (state.uid, kubelet.kernel.now + CLEANUP_LIMIT)
    kubelet.sync(state)
    kubelet.kernel.after(CLEANUP_POLL, kubelet.name, ("evicted",), why=f"is {state.key} gone?")


def after_eviction(kubelet: Kubelet) -> bool:
    """Wait until the evicted pod is gone (half a minute at most), then look again at once."""
    uid, until = kubelet.own.evicting
    state = kubelet.own.pods.get(uid)
    if state is not None and state.sandbox != "gone" and kubelet.kernel.now < until:
        kubelet.kernel.after(CLEANUP_POLL, kubelet.name, ("evicted",), why=f"is {state.key} gone?")
        return False
    kubelet.own.evicting = ("", 0)
    return look(kubelet)


# -- limits of the pod itself ----------------------------------------------------------------------------------------


def has_disk_limits(pod: Object) -> bool:
    """Whether the pod limits what it writes: then it is measured."""
    if DISK in pod_limits(pod):
        return True
    return any((volume.get("emptyDir") or EMPTY_DICT).get("sizeLimit") for volume in pod["spec"].get("volumes") or ())


def _evict_over_limit(kubelet: Kubelet) -> bool:
    found = False
    for uid in list(kubelet.own.measured):
        state = kubelet.own.pods.get(uid)
        pod = kubelet.pod_of(state) if state is not None else None
        if state is None or pod is None or state.sandbox != "ready" or state.evicted or is_critical(pod):
            continue
        why = _over_limit(kubelet, state, pod)
        if why:
            evict(kubelet, state, why)
            found = True
    return found


def _over_limit(kubelet: Kubelet, state: PodState, pod: Object) -> str:
    """Which limit on ephemeral storage the pod exceeds, in upstream's words; empty where none."""
    volumes, usage = kubelet.runtime.volume_usage(state.uid), usage_of(kubelet, state)
    for volume in pod["spec"].get("volumes") or ():
        limit = (volume.get("emptyDir") or EMPTY_DICT).get("sizeLimit")
        if limit and 0 < quantity.value(limit) < volumes.get(volume["name"], 0):
            return f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{limit}". '
    limit_of_pod = pod_limits(pod).get(DISK)
    if limit_of_pod is not None and sum(use.disk for use in usage.values()) + sum(_on_disk(kubelet, state, pod)) > limit_of_pod:
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {_bytes(limit_of_pod)}. "
    for container in pod["spec"]["containers"]:
        limit_of_container = container_limits(container).get(DISK)
        if limit_of_container is not None and usage.get(container["name"], Usage()).disk > limit_of_container:
            asked = container["resources"]["limits"][DISK]
            return f'Container {container["name"]} exceeded its local ephemeral storage limit "{asked}". '
    return ""


# -- what the kernel does --------------------------------------------------------------------------------------------


def oom_adjustment(pod: Object, container: Object, capacity: int) -> int:
    """``oom_score_adj`` of a container: -997 protects, 1000 offers itself. ``capacity``: the machine's memory (bytes).

    >>> oom_adjustment({"metadata": {}, "spec": {"containers": []}}, {}, 1 << 32)
    1000
    """
    if pod_priority(pod) >= 2_000_001_000 or qos_class(pod) == "Guaranteed":
        return -997
    if qos_class(pod) == "BestEffort":
        return 1000
    adjusted = 1000 - 1000 * container_requests(container).get(MEMORY, 0) // capacity
    return min(max(adjusted, 3), 999)


def _prepare_for_oom(kubelet: Kubelet, seen: Observation) -> None:
    """Kill at once if there is nothing left; if memory will be used up before the next look, be there at that instant."""
    if seen.available < 0:
        out_of_memory(kubelet)
        return
    now = kubelet.kernel.now
    grown = kubelet.runtime.memory(now + MONITORING) - kubelet.runtime.memory()
    if grown > seen.available:
        kubelet.kernel.after(MONITORING * seen.available // grown + 1, kubelet.name, ("oom",), why="the memory of the node is used up")


def out_of_memory(kubelet: Kubelet) -> None:
    """Linux kills processes until there is memory again, the highest score first."""
    while (seen := observe(kubelet).get(MEMORY)) is not None and seen.available <= 0:
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
        for name, use in usage_of(kubelet, state).items():
            container = state.containers.get(name)
            if container is None or container.kind not in (APP, SIDECAR):
                continue
            score = 1000 * use.memory // capacity + oom_adjustment(pod, specs[name], capacity)
            if best is None or score > best[0]:
                best = (score, container.id)
    return best[1] if best is not None else None
