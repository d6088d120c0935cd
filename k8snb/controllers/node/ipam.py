"""Node IPAM: each node gets a range of Pod addresses, ``10.244.N.0/24``, which stays its own.

Models: pkg/controller/nodeipam/ipam/range_allocator.go. Simplified: the cluster range is 10.244.0.0/16 and, should more than 256
nodes ask, goes on in 10.245.0.0/16 and so forth.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import Object, freeze
from k8snb.client.controller import Controller, Index, Watches


def pod_cidr(number: int) -> str:
    """The range with that number.

    >>> pod_cidr(0), pod_cidr(257)
    ('10.244.0.0/24', '10.245.1.0/24')
    """
    return f"10.{244 + number // 256}.{number % 256}.0/24"


def by_range(node: Object) -> tuple[str, ...]:
    """The range of Pod addresses that a node has."""
    return (node["spec"].get("podCIDR", ""),)


class NodeIpamController(Controller):
    """Gives each node without a range the next free one.

    The counter knows what was given a moment ago and is not in the cache yet; the cache knows what was given before the last start.
    """

    name = "node-ipam"
    account = "node-controller"
    watches = (Watches("nodes"),)
    indexes = (Index("nodes", "range", by_range),)

    def new_state(self) -> dict[str, int]:
        return {"next": 0}

    def reconcile(self, key: str) -> None:
        node = self.informers["nodes"].get(key)
        if node is None or node["spec"].get("podCIDR"):
            return
        while self.informers["nodes"].count("range", pod_cidr(self.own["next"])):
            self.own["next"] += 1
        cidr = pod_cidr(self.own["next"])
        self.own["next"] += 1
        self.client.patch("nodes", key, freeze({"spec": {"podCIDR": cidr, "podCIDRs": [cidr]}}), kind="strategic")
