"""Words for stories about machines."""

from __future__ import annotations

from typing import Any

from k8snb.cluster import Cluster

OUT_OF_SERVICE = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}


def nodes_in(zones: str) -> list[dict[str, Any]]:
    """Machines ``node-1`` ... in zones of one letter each."""
    size = {"cpu": "2", "memory": "4Gi", "pods": "110"}
    return [
        {
            "apiVersion": "v1", "kind": "Node", "status": {"capacity": size, "allocatable": size},
            "metadata": {"name": f"node-{number}", "labels": {"topology.kubernetes.io/zone": zone, "topology.kubernetes.io/region": "r"}},
        }
        for number, zone in enumerate(zones, 1)
    ]  # fmt: skip


def taints(cluster: Cluster, effect: str = "NoExecute") -> dict[str, str]:
    """Taints of that effect by node."""
    return {
        node["metadata"]["name"]: taint["key"].rpartition("/")[2]
        for node in cluster.get("nodes")
        for taint in node["spec"].get("taints") or ()
        if taint["effect"] == effect
    }
