"""Sizes of virtual machines, and what of each is left for pods.

A node does not give all that it has: the system and the kubelet keep a share. CPU by a staircase over the number of cores;
memory 20 MB for each pod that the node may hold and 50 MB more, or a quarter of all, whichever is less; and 100Mi below which
the kubelet begins to evict.

Models: the documented node sizes of Azure and "resource reservations" of AKS (from Kubernetes 1.29 on).
Simplified: a choice of sizes; prices, networks and local disks are left out.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from k8snb.apimachinery.objects import FrozenDict

MAX_PODS = 110
EVICTION_MIB = 100
OS_DISK_GIB = 128


class Size(NamedTuple):
    """A size of virtual machine. ``disks``: how many data disks can be attached at once."""

    name: str
    cores: int
    memory: int  # GiB
    disks: int


SIZES: Final[dict[str, Size]] = {
    size.name: size
    for size in (
        Size("Standard_B2s", 2, 4, 4),
        Size("Standard_D2s_v5", 2, 8, 4),
        Size("Standard_D4s_v5", 4, 16, 8),
        Size("Standard_D8s_v5", 8, 32, 16),
        Size("Standard_E2s_v5", 2, 16, 4),
        Size("Standard_E4s_v5", 4, 32, 8),
        Size("Standard_F4s_v2", 4, 8, 8),
        Size("Standard_F8s_v2", 8, 16, 16),
    )
}

_RESERVED_CPU = ((1, 60), (2, 100), (4, 140), (8, 180), (16, 260), (32, 420), (64, 740))  # cores -> millicores


def reserved_cpu(cores: int) -> int:
    """Millicores that the system keeps.

    >>> reserved_cpu(2), reserved_cpu(8)
    (100, 180)
    """
    return next((kept for most, kept in _RESERVED_CPU if cores <= most), _RESERVED_CPU[-1][1])


def reserved_memory(gib: int, pods: int = MAX_PODS) -> int:
    """MiB that the system keeps, without the eviction threshold.

    >>> reserved_memory(8), reserved_memory(32)
    (2048, 2250)
    """
    return min(20 * pods + 50, gib * 1024 // 4)


def capacity(size: Size) -> FrozenDict:
    """``status.capacity`` of a node of this size."""
    return FrozenDict({
        "cpu": str(size.cores), "memory": f"{size.memory}Gi", "pods": str(MAX_PODS), "ephemeral-storage": f"{OS_DISK_GIB}Gi",
    })  # fmt: skip


def allocatable(size: Size) -> FrozenDict:
    """``status.allocatable``: what is left for pods."""
    return FrozenDict({
        **capacity(size), "cpu": f"{size.cores * 1000 - reserved_cpu(size.cores)}m",
        "memory": f"{size.memory * 1024 - reserved_memory(size.memory) - EVICTION_MIB}Mi",
    })  # fmt: skip
