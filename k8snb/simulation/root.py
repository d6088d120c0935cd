"""The root of all state: whatever changes while a cluster runs hangs from here."""

from __future__ import annotations

from dataclasses import dataclass, field

from k8snb.apiserver.server import ServerState
from k8snb.client.component import ComponentState
from k8snb.etcd.raft.group import GroupState
from k8snb.etcd.store import StoreState
from k8snb.sim.kernel import KernelState
from k8snb.sim.state import Shelf
from k8snb.simulation.config import Config
from k8snb.simulation.outside import Outside


@dataclass(slots=True)
class Root:
    """The state of a cluster. ``k8snb.sim.state.clone`` of it is a fork, ``encode`` of it is the saved cluster."""

    config: Config
    kernel: KernelState = field(default_factory=KernelState)
    store: StoreState = field(default_factory=StoreState)
    etcd: GroupState | None = None  # the members, where there are several
    server: ServerState = field(default_factory=ServerState)
    components: dict[str, ComponentState] = field(default_factory=dict)
    outside: Outside = field(default_factory=Outside)  # registries, and ports of the learner's machine
    nodes: Shelf = field(default_factory=Shelf)  # machines: node name -> manifest; a machine may be without a Node object
