"""The pod network: every pod has an address of its node's range, and every pod reaches every other, unless something is broken.

Addresses are handed out one after the other and wrap around, as the host-local plugin does, so that one which has just been
given back is not used again at once. A node that has failed answers nobody; one that is cut off reaches only itself.

Models: the ``bridge``, ``host-local`` and ``portmap`` plugins of the Container Network Interface.
Simplified: one IPv4 address a pod.
"""

from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass, field
from typing import NamedTuple

from k8snb.seams.cni import NO_ROUTE, REFUSED, TIMEOUT, Connection, Server, Source
from k8snb.sim.clock import LATENCY
from k8snb.sim.state import Shelf


class Owner(NamedTuple):
    """Whose an address is."""

    node: str
    uid: str
    namespace: str
    pod: str


@dataclass(slots=True)
class CNIState:
    """Addresses by pod and pods by address; the ranges of the nodes; what is broken."""

    owners: Shelf = field(default_factory=Shelf)  # address -> Owner
    addresses: Shelf = field(default_factory=Shelf)  # uid -> address
    pods: Shelf = field(default_factory=Shelf)  # namespace/name -> address
    ranges: Shelf = field(default_factory=Shelf)  # node -> its range, where nobody has given it one
    last: Shelf = field(default_factory=Shelf)  # node -> the number of the address handed out last
    hosts: Shelf = field(default_factory=Shelf)  # a node's own address -> the Owners that share it
    down: Shelf = field(default_factory=Shelf)  # node -> "failed" or "partitioned"
    mapped: Shelf = field(default_factory=Shelf)  # (node, hostPort, protocol) -> (uid, container port)
    tracked: Shelf = field(default_factory=Shelf)  # connections that are kept, see conntrack.py
    resolvers: Shelf = field(default_factory=Shelf)  # namespace/name -> Resolver of a pod that looks names up in a way of its own


@functools.lru_cache(maxsize=4096)
def _bounds(cidr: str) -> tuple[int, int]:
    """The first address of a range as a number, and how many hosts it has room for."""
    network = ipaddress.ip_network(cidr)
    return int(network.network_address), network.num_addresses - 2


def _dotted(number: int) -> str:
    """An IPv4 address as text; one that is made for every pod."""
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class CNI:
    """Implements :class:`k8snb.seams.cni.PodNetwork`."""

    def __init__(self, state: CNIState, server: Server):
        self.state, self.server = state, server

    def attach(self, node: str, uid: str, *, namespace: str, pod: str, cidr: str) -> str:
        """The pod's address: the next free one of the node's range.

        Raises ``RuntimeError`` when the range is used up.
        """
        state = self.state
        if uid in state.addresses:
            return str(state.addresses[uid])
        cidr = cidr or self._own_range(node)
        base, size = _bounds(cidr)
        for step in range(1, size + 1):
            number = (state.last.get(node, 0) + step - 1) % size + 1
            address = _dotted(base + number)
            if number > 1 and address not in state.owners:  # the first one is the node's bridge
                state.last[node] = number
                state.owners[address], state.addresses[uid] = Owner(node, uid, namespace, pod), address
                state.pods[f"{namespace}/{pod}"] = address
                return address
        raise RuntimeError(f"no addresses left in {cidr} of {node}")

    def _own_range(self, node: str) -> str:
        ranges = self.state.ranges
        if node not in ranges:
            number = len(ranges)
            ranges[node] = f"10.{244 + number // 256 % 12}.{number % 256}.0/24"
        return str(ranges[node])

    def attach_host(self, address: str, node: str, uid: str, *, namespace: str, pod: str) -> None:
        """A pod that shares its node's address."""
        others = tuple(owner for owner in self.state.hosts.get(address, ()) if owner.uid != uid)
        self.state.hosts[address] = (*others, Owner(node, uid, namespace, pod))
        self.state.pods[f"{namespace}/{pod}"] = address

    def map_ports(self, node: str, uid: str, ports: tuple[tuple[int, int, str], ...]) -> None:
        """Lead ports of the node (hostPort) to ports of a pod: (port of the node, port of the container, protocol)."""
        for host, container, protocol in ports:
            self.state.mapped[node, host, protocol] = (uid, container)

    def behind(self, node: str, port: int, protocol: str = "TCP") -> tuple[str, int] | None:
        """The pod's address and port behind a port of a node (hostPort)."""
        uid, container = self.state.mapped.get((node, port, protocol), ("", 0))
        address = self.state.addresses.get(uid)
        return (str(address), container) if address else None

    def detach(self, node: str, uid: str) -> None:
        """Give the address back."""
        for key in [key for key, (owner, _) in self.state.mapped.items() if owner == uid]:
            del self.state.mapped[key]
        for shared, owners in self.state.hosts.items():
            if any(owner.uid == uid for owner in owners):
                self.state.hosts[shared] = tuple(owner for owner in owners if owner.uid != uid)
                return
        address = self.state.addresses.pop(uid, None)
        owner = self.state.owners.pop(address, None)
        if owner is not None and self.state.pods.get(f"{owner.namespace}/{owner.pod}") == address:
            del self.state.pods[f"{owner.namespace}/{owner.pod}"]

    def forget(self, node: str) -> None:
        """A machine is gone for good, with all the addresses of its pods."""
        state = self.state
        for uid in [owner.uid for owner in state.owners.values() if owner.node == node]:
            self.detach(node, uid)
        for address, owners in list(state.hosts.items()):
            if any(owner.node == node for owner in owners):
                del state.hosts[address]
        for known in (state.last, state.down):
            known.pop(node, None)

    def owner(self, address: str) -> Owner | None:
        """The pod behind an address."""
        found: Owner | None = self.state.owners.get(address)
        return found

    def source(self, namespace: str, pod: str) -> Source | None:
        """A pod as a client; None where it has no address (yet, or any more)."""
        address = self.state.pods.get(f"{namespace}/{pod}", "")
        owner = self.owner(address) or next((one for one in self.state.hosts.get(address, ()) if one.pod == pod), None)
        return Source(owner.node, namespace, pod, address) if owner else None

    def reaches(self, client: str, node: str) -> bool:
        """Whether packets go from one node to another. The outside (empty) is cut off by a partition, too."""
        down = self.state.down
        if down.get(client) == "failed" or down.get(node) == "failed":
            return False
        return client == node or not (down.get(client) or down.get(node))

    def connect(self, source: Source, address: str, port: int) -> Connection:
        """Open a connection to a pod."""
        owner = self.owner(address) or self._on_host(address, port)
        if owner is None and address in self.state.hosts:
            return Connection(REFUSED, latency=LATENCY["network hop"])
        if owner is None:
            return Connection(NO_ROUTE if address.startswith("10.") else TIMEOUT, latency=LATENCY["network hop"])
        if not self.reaches(source.node, owner.node):
            return Connection(TIMEOUT, owner.node, owner.uid)
        hops = 1 if source.node == owner.node else 2
        error = "" if self.server.listens(owner.node, owner.uid, port) else REFUSED
        return Connection(error, owner.node, owner.uid, hops * LATENCY["network hop"], f"{owner.namespace}/{owner.pod}")

    def _on_host(self, address: str, port: int) -> Owner | None:
        """The pod that listens on a port of a node's own address."""
        owners: tuple[Owner, ...] = self.state.hosts.get(address, ())
        return next((owner for owner in owners if self.server.listens(owner.node, owner.uid, port)), None)

    def fail(self, node: str, kind: str = "failed") -> None:
        """A fault: the node is ``failed`` or ``partitioned``."""
        self.state.down[node] = kind

    def restore(self, node: str) -> None:
        """The node is back."""
        self.state.down.pop(node, None)
