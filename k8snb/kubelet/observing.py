"""What a kubelet sees of its machine: what is left of memory, disk, inodes and process ids.

Models: pkg/kubelet/eviction/helpers.go (makeSignalObservations), pkg/kubelet/stats.
Simplified: the system itself uses a fixed amount of memory, a fixed number of processes and no disk; images and containers lie on the
same disk as everything else; an inode is reserved for every 16 KiB of a disk, and a file of an image is 24 KiB large; there may be as
many processes as Linux allows by its memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.apimachinery.resource import once
from k8snb.component_helpers import resource_amounts
from k8snb.kubelet.node import SYSTEM_MEMORY
from k8snb.kubelet.thresholds import DISK, INODES, MEMORY, PIDS, Observation

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

BYTES_OF_AN_INODE, BYTES_OF_A_FILE = 16 << 10, 24 << 10
BYTES_OF_A_PROCESS = 128 << 10
SYSTEM_PROCESSES, PROCESSES_OF_A_POD = 150, 2  # a pod's sandbox, and what watches over it
EVICTION_MEMORY = 100 << 20  # the part of a machine's memory that is neither reserved for the system nor allocatable


node_amounts = once(resource_amounts)  # of a node, remembered on what its status says


def _amounts(kubelet: Kubelet, kind: str) -> dict[str, int]:
    return node_amounts((kubelet.manifest.get("status") or EMPTY_DICT).get(kind) or EMPTY_DICT)


def capacity_of(kubelet: Kubelet, resource: str) -> int:
    """What the machine has (bytes); 0 where nobody says."""
    return _amounts(kubelet, "capacity").get(resource, 0)


def memory(kubelet: Kubelet) -> Observation:
    """The machine's memory (bytes)."""
    capacity = capacity_of(kubelet, MEMORY)
    return Observation(capacity - SYSTEM_MEMORY - kubelet.runtime.memory() - kubelet.own.foreign.get(MEMORY, 0), capacity)


def _memory_for_pods(kubelet: Kubelet) -> Observation:
    capacity = capacity_of(kubelet, MEMORY)
    for_pods = min(capacity, _amounts(kubelet, "allocatable").get(MEMORY, capacity) + EVICTION_MEMORY)
    return Observation(for_pods - kubelet.runtime.memory(), for_pods)


def disk_used(kubelet: Kubelet) -> int:
    """Bytes on the disk. What containers have written is small, and is counted only where it could matter."""
    images: int = sum(kubelet.runtime.images().values()) + kubelet.own.foreign.get(DISK, 0)
    return images + (kubelet.runtime.written()[0] if 2 * images > capacity_of(kubelet, DISK) else 0)


def _disk(kubelet: Kubelet) -> Observation:
    capacity = capacity_of(kubelet, DISK)
    return Observation(capacity - disk_used(kubelet), capacity)


def _inodes(kubelet: Kubelet) -> Observation:
    capacity = capacity_of(kubelet, DISK) // BYTES_OF_AN_INODE
    used: int = sum(kubelet.runtime.images().values()) // BYTES_OF_A_FILE + kubelet.own.foreign.get(INODES, 0)
    return Observation(capacity - used - (kubelet.runtime.written()[1] if 2 * used > capacity else 0), capacity)


def _processes(kubelet: Kubelet) -> Observation:
    capacity = capacity_of(kubelet, MEMORY) // BYTES_OF_A_PROCESS
    ready = [state for state in kubelet.own.pods.values() if state.sandbox == "ready"]
    running = sum(use.processes for use in kubelet.runtime.node_usage().values())
    used = SYSTEM_PROCESSES + PROCESSES_OF_A_POD * len(ready) + running + kubelet.own.foreign.get(PIDS, 0)
    return Observation(capacity - used, capacity)


_LOOKS: Final[dict[str, Callable[[Kubelet], Observation]]] = {
    "memory.available": memory, "allocatableMemory.available": _memory_for_pods, "nodefs.available": _disk, "imagefs.available": _disk,
    "nodefs.inodesFree": _inodes, "imagefs.inodesFree": _inodes, "pid.available": _processes,
}  # fmt: skip


def observe(kubelet: Kubelet) -> dict[str, Observation]:
    """What is left, by signal, as far as the kubelet has a threshold for it and the machine's capacity is known."""
    looks = {look: look(kubelet) for look in dict.fromkeys(_LOOKS[one.signal] for one in kubelet.settings.thresholds)}
    found = {one.signal: looks[_LOOKS[one.signal]] for one in kubelet.settings.thresholds}
    return {signal: seen for signal, seen in found.items() if seen.capacity}
