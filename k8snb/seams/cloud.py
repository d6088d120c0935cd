"""What the cloud's network does for a cluster: load balancers, as packets from outside meet them.

A load balancer stands outside of the nodes. It has a public address; whoever connects there is sent on to one of the nodes
that it believes to be healthy, and there the rules of kube-proxy decide. The cloud says *which* nodes; the network draws one
of them, so that a trace can show all of them without drawing any.

    outside -> 203.0.113.7:80 -> LoadBalancer(nodes=("node-1", "node-3")) -> node-3 -> KUBE-SERVICES ... -> a pod

Health probes of a load balancer are ordinary requests from outside: ``network.dial(node address, port, Source())``, or
``network.http`` of kube-proxy's ``http://NODE:10256/healthz`` and, with ``externalTrafficPolicy: Local``, of
``http://NODE:healthCheckNodePort/healthz``, which answers 503 on a node without an endpoint.

Models: pkg/cloudprovider (LoadBalancer), docs of cloud load balancers with "floating IP" (the address is kept on the way).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


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
