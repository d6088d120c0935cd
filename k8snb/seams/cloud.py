"""The cloud provider: what Kubernetes asks of a cloud, what its network does for a cluster, what it asks of its machines.

Kubernetes knows nothing of any particular cloud. The cloud-controller-manager asks questions through this seam: is there an
instance behind this Node, in which zone, is it switched off? Give this Service an address and send its traffic to these
nodes. The cloud in turn needs a hall full of machines.

    cloud-controller-manager -> Instances, Balancers        the cloud -> Hall        the network -> CloudNetwork

A load balancer stands outside of the nodes. It has a public address; whoever connects there is sent on to one of the nodes
that it believes to be healthy, and there the rules of kube-proxy decide. The cloud says *which* nodes; the network draws one
of them, so that a trace can show all of them without drawing any.

    outside -> 203.0.113.7:80 -> LoadBalancer(nodes=("node-1", "node-3")) -> node-3 -> KUBE-SERVICES ... -> a pod

Health probes of a load balancer are ordinary requests from outside: ``network.dial(node address, port, Source())``, or
``network.http`` of kube-proxy's ``http://NODE:10256/healthz`` and, with ``externalTrafficPolicy: Local``, of
``http://NODE:healthCheckNodePort/healthz``, which answers 503 on a node without an endpoint.

Models: k8s.io/cloud-provider, cloud.go (InstancesV2, LoadBalancer), docs of cloud load balancers with "floating IP" (the address
is kept on the way).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from k8snb.apimachinery.objects import Object


class LoadBalancer(NamedTuple):
    """What stands behind a public address and port: the load balancer's name, and the nodes that it would send to now."""

    name: str
    nodes: tuple[str, ...] = ()  # healthy ones, in a fixed order; empty: whoever connects waits in vain
    node_port: int = 0  # not 0: packets arrive at this port of the node's own address; 0: the public address is kept


class CloudNetwork(Protocol):
    """The load balancers of a cloud. Wired by ``simulation``; a cluster without a cloud has none."""

    def load_balancer(self, address: str, port: int) -> LoadBalancer | None:
        """What listens on that address and port; None where no load balancer does. Only looks: nothing is drawn or counted."""
        ...


class InstanceMetadata(NamedTuple):
    """What the cloud says of the instance behind a Node. ``zone`` is the label's value, such as ``westeurope-1``."""

    provider_id: str
    instance_type: str
    zone: str
    region: str
    addresses: tuple[tuple[str, str], ...]  # (type, address)
    shutdown: bool = False


class Instances(Protocol):
    """The instances of a cloud, by the name of their Node."""

    def instance(self, node: str) -> InstanceMetadata | None:
        """The instance, or None where there is none (any more)."""
        ...


class Frontend(NamedTuple):
    """One port of a load balancer: traffic to ``port`` goes to the nodes, whose health is asked at ``probe_port``.

    ``probe_path`` is empty for a TCP probe, which asks only whether the port accepts a connection.
    """

    port: int
    protocol: str
    node_port: int
    probe_port: int
    probe_path: str = ""


class Ensured(NamedTuple):
    """How far the cloud is with a load balancer: its address, and for how long (µs) it will still be at work; 0: it is done."""

    address: str = ""
    wait: int = 0


class Balancers(Protocol):
    """Making load balancers, by the key of their Service (``namespace/name``)."""

    def ensure(self, service: str, frontends: tuple[Frontend, ...], nodes: tuple[str, ...], *, internal: bool = False) -> Ensured:
        """Make it as it should be."""
        ...

    def delete(self, service: str) -> int:
        """Remove it: for how long (µs) the cloud will still be at work, 0 once nothing is left of it."""
        ...


class Hall(Protocol):
    """The machines of a cloud. Each comes with a kubelet, a container runtime and a kube-proxy."""

    def put_up(self, name: str, manifest: Object) -> None:
        """A new machine is there and starts. ``manifest``: the Node that its kubelet will register."""
        ...

    def take_down(self, name: str) -> None:
        """The machine is gone for good, with everything on it."""
        ...

    def switch(self, name: str, *, on: bool) -> None:
        """Power off (its containers die), or on again."""
        ...
