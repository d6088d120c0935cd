"""A storage driver: disks as data.

A disk has a size, a place and files; it is attached to nodes. It is there before the pod that uses it and after it, whatever
happens to nodes: that is all the difference to a container's own files.

Models: what a cloud's block storage does behind its CSI driver (for example sigs.k8s.io/azuredisk-csi-driver, pkg/azuredisk).
Simplified: disks have no speed and never fail by themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from k8snb.seams.csi import Created, NodeFacts, Segments, Traits
from k8snb.sim.state import Shelf, Tape


@dataclass(slots=True)
class Disk:
    """One disk."""

    name: str
    size: int  # bytes
    segments: Segments
    shared: bool  # several nodes may write at the same time
    files: Shelf = field(default_factory=Shelf)
    nodes: Tape = field(default_factory=Tape)  # where it is attached


@dataclass(slots=True)
class StorageState:
    """All disks of a cluster: driver -> handle -> disk. They outlive pods and nodes; no component ever forgets them."""

    disks: dict[str, dict[str, Disk]] = field(default_factory=dict)


class Disks:
    """Implements :class:`k8snb.seams.csi.Driver` over a :class:`StorageState`, as its traits say."""

    def __init__(self, state: StorageState, traits: Traits):
        self.traits = traits
        self.disks = state.disks.setdefault(traits.name, {})

    def __repr__(self) -> str:
        return f"<Disks {self.traits.name}: {len(self.disks)}>"

    # -- the controller's side ---------------------------------------------------------------------------------------

    def create(self, name: str, size: int, parameters: Mapping[str, str], modes: tuple[str, ...], places: tuple[Segments, ...]) -> Created:
        """A new disk, or the one that was made under this name before."""
        traits = self.traits
        handle = f"{traits.name.split('.')[0]}-{hashlib.sha256(f'{traits.name}/{name}'.encode()).hexdigest()[:16]}"
        if handle in self.disks:
            disk = self.disks[handle]
            return Created(handle, disk.size, disk.segments)
        wrong = [mode for mode in modes if mode not in traits.modes]
        if wrong:
            return Created(error=f"rpc error: code = InvalidArgument desc = Volume capabilities not supported: access mode {wrong[0]}")
        whole = -(-max(size, 1) // traits.smallest) * traits.smallest
        if whole > traits.largest:
            return Created(error=f"rpc error: code = OutOfRange desc = Requested size {size} is more than the limit {traits.largest}")
        segments = tuple(pair for pair in places[0] if pair[0] in traits.topology) if places else ()
        self.disks[handle] = Disk(name, whole, segments, shared="ReadWriteMany" in modes)
        return Created(handle, whole, segments)

    def delete(self, handle: str) -> str:
        """The disk and what lies on it are gone; not while a node has it."""
        disk = self.disks.get(handle)
        if disk is not None and disk.nodes:
            return f"rpc error: code = FailedPrecondition desc = volume {handle} is still attached to node {disk.nodes[0]}"
        self.disks.pop(handle, None)
        return ""

    def attach(self, handle: str, node: str) -> str:
        """One node at a time, unless the disk is shared."""
        disk = self.disks.get(handle)
        if disk is None:
            return _missing(handle)
        if node in disk.nodes:
            return ""
        if disk.nodes and not disk.shared:
            return f"rpc error: code = FailedPrecondition desc = volume {handle} is already attached to node {disk.nodes[0]}"
        disk.nodes.append(node)
        return ""

    def detach(self, handle: str, node: str) -> str:
        """The node has it no longer."""
        disk = self.disks.get(handle)
        if disk is not None and node in disk.nodes:
            disk.nodes.remove(node)
        return ""

    def expand(self, handle: str, size: int) -> tuple[int, str]:
        """Disks only grow."""
        disk = self.disks.get(handle)
        if disk is None:
            return 0, _missing(handle)
        whole = -(-size // self.traits.smallest) * self.traits.smallest
        if whole > self.traits.largest:
            return disk.size, f"rpc error: code = OutOfRange desc = Requested size {size} is more than the limit {self.traits.largest}"
        disk.size = max(disk.size, whole)
        return disk.size, ""

    # -- the node's side ---------------------------------------------------------------------------------------------

    def node_info(self, name: str, labels: Mapping[str, str]) -> NodeFacts:
        """Its place is what its labels say."""
        segments = tuple(sorted((key, labels[key]) for key in self.traits.topology if key in labels))
        kind = labels.get("node.kubernetes.io/instance-type", "")
        return NodeFacts(name, segments, dict(self.traits.limits).get(kind, self.traits.limit))

    def stage(self, handle: str, node: str) -> str:
        """What is not attached cannot be mounted."""
        disk = self.disks.get(handle)
        if disk is None:
            return _missing(handle)
        if self.traits.attach and node not in disk.nodes:
            return f"rpc error: code = Internal desc = volume {handle} is not attached to this node"
        return ""

    def files(self, handle: str) -> Shelf | None:
        """What lies on it."""
        disk = self.disks.get(handle)
        return disk.files if disk is not None else None

    def size(self, handle: str) -> int:
        """Bytes."""
        return self.disks[handle].size if handle in self.disks else 0


def _missing(handle: str) -> str:
    return f"rpc error: code = NotFound desc = volume {handle} not found"
