"""The Container Storage Interface: what a storage driver can do, and what Kubernetes asks of it.

A driver makes disks that outlive every pod and every node. Who asks is one of three, and they never meet but at the API server:

    controller side   create, delete, expand            the driver's sidecars (external-provisioner, external-resizer)
                      attach, detach                    external-attacher, for the attach/detach controller
    node side         node_info, stage, files           the kubelet of a node

    claim -> create -> PersistentVolume (handle) -> attach to a node -> stage -> files in a container

What distinguishes drivers is data: a :class:`Traits`. One implementation, :class:`k8snb.storage.disks.Disks`, is enough for
most of them; ``simulation`` decides which drivers a cluster has.

Models: the CSI specification 1.12 (Controller and Node services), csi-lib-utils' gRPC errors.
Simplified: a call answers at once; how long the operation takes stands in the traits, and the caller waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from k8snb.sim.clock import SECOND
from k8snb.sim.state import Shelf

Segments = tuple[tuple[str, str], ...]
"""Where something is, as sorted pairs of topology key and value: ``(("topology.kubernetes.io/zone", "zone-1"),)``."""

SINGLE_WRITER = ("ReadWriteOnce", "ReadWriteOncePod")
EVERYWHERE = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")


class Timing(NamedTuple):
    """How long a driver's operations take (µs)."""

    create: int = SECOND
    delete: int = SECOND
    attach: int = 3 * SECOND // 2
    detach: int = SECOND
    stage: int = SECOND // 10
    expand: int = SECOND


class Traits(NamedTuple):
    """What makes a driver different from others. ``topology``: the node labels that say where a disk can be reached from (none:
    from every node). ``limit``: how many of its volumes one node takes (0: any number). ``attach`` False: nothing is attached."""

    name: str
    topology: tuple[str, ...] = ()
    limit: int = 0
    attach: bool = True
    expands: bool = True
    provisions: bool = True  # it makes volumes for claims
    modes: tuple[str, ...] = SINGLE_WRITER
    filesystem: str = "ext4"
    smallest: int = 1 << 30  # bytes; sizes are rounded up to whole ones
    largest: int = 16 << 40
    timing: Timing = Timing()
    directory: str = ""  # no CSI driver at all: a provisioner that makes directories below this one on the machines
    limits: tuple[tuple[str, int], ...] = ()  # node.kubernetes.io/instance-type -> limit, where it depends on the machine


class Created(NamedTuple):
    """What came of making a disk: its handle, size (bytes) and place; or an ``error`` in gRPC's words."""

    handle: str = ""
    size: int = 0
    segments: Segments = ()
    error: str = ""


class NodeFacts(NamedTuple):
    """A node as a driver sees it: its id there, where it is, how many volumes it takes (0: any number)."""

    id: str
    segments: Segments
    limit: int


class Driver(Protocol):
    """One CSI driver. Operations are idempotent, as CSI asks: done again they give the same answer. ``error`` empty: done."""

    traits: Traits

    def create(self, name: str, size: int, parameters: Mapping[str, str], modes: tuple[str, ...], places: tuple[Segments, ...]) -> Created:
        """CreateVolume: a disk of at least ``size`` bytes in the first of ``places`` where that can be (none given: anywhere)."""
        ...

    def delete(self, handle: str) -> str:
        """DeleteVolume. A disk that is not there is deleted."""
        ...

    def attach(self, handle: str, node: str) -> str:
        """ControllerPublishVolume: make the disk reachable from a node."""
        ...

    def detach(self, handle: str, node: str) -> str:
        """ControllerUnpublishVolume."""
        ...

    def expand(self, handle: str, size: int) -> tuple[int, str]:
        """ControllerExpandVolume: (new size, error)."""
        ...

    def node_info(self, name: str, labels: Mapping[str, str]) -> NodeFacts:
        """NodeGetInfo."""
        ...

    def stage(self, handle: str, node: str) -> str:
        """NodeStageVolume: the disk gets a file system, and the node mounts it."""
        ...

    def files(self, handle: str) -> Shelf | None:
        """What lies on the disk (path -> text, see :mod:`k8snb.kubelet.images.files`): live, shared by all that mount it."""
        ...

    def size(self, handle: str) -> int:
        """Bytes; 0 where there is no such disk."""
        ...


Drivers = Mapping[str, Driver]
