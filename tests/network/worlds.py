"""What the stories of the network begin with."""

from __future__ import annotations

from typing import Any

from k8snb.cluster import Cluster
from tests.web import WEB


def world(manifest: str = WEB, **options: Any) -> Cluster:
    """A settled cluster of three nodes with that in it."""
    cluster = Cluster(**({"nodes": 3, "seed": 1} | options))
    cluster.apply(manifest)
    cluster.settle(limit=60)
    return cluster


def node_of(cluster: Cluster, pod: str, namespace: str = "default") -> str:
    """The node that a pod runs on."""
    return str(cluster.get("pods", pod, namespace)["spec"]["nodeName"])


def address(cluster: Cluster, node: str) -> str:
    """A node's own address."""
    return str(next(a["address"] for a in cluster.get("nodes", node)["status"]["addresses"] if a["type"] == "InternalIP"))


def patch(cluster: Cluster, spec: dict[str, Any], service: str = "web") -> None:
    """Change a Service and let the rules be written."""
    cluster.client.patch("services", service, {"spec": spec}, "default")
    cluster.settle(limit=30)


def web_pods(cluster: Cluster) -> list[Any]:
    """The pods of the Deployment."""
    return [pod for pod in cluster.get("pods") if pod["metadata"].get("labels", {}).get("app") == "web"]
