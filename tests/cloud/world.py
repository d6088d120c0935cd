"""What the stories of the managed cluster share."""

from __future__ import annotations

from typing import Any

from k8snb.cluster import Cluster
from tests.web import servers

WEB = servers(service="LoadBalancer")

def managed(nodes: int = 3, **choices: Any) -> Cluster:
    """A managed cluster."""
    return Cluster(nodes=nodes, cloud="aks", seed=1, **choices)


def growing() -> Cluster:
    """A managed cluster with one machine more, in a pool that may grow to three."""
    cluster = managed(1)
    cluster.cloud.node_pools.add("user", count=1, zones="12")
    cluster.run_for(90)
    cluster.cloud.node_pools.autoscale("user", 1, 3)
    return cluster


def node_names(cluster: Cluster, pool: str = "") -> list[str]:
    """The names of the Node objects, of one pool where it is given."""
    return [n["metadata"]["name"] for n in cluster.get("nodes") if pool in ("", n["metadata"]["labels"].get("agentpool"))]


def taints(cluster: Cluster, node: str) -> list[str]:
    """The keys of a Node's taints."""
    return [taint["key"] for taint in cluster.get("nodes", node)["spec"].get("taints", ())]


def reasons(cluster: Cluster, name: str) -> list[str]:
    """The reasons of the Events about one object, in order of their first time."""
    about = [e for e in cluster.get("events") if e["involvedObject"]["name"] == name]
    return [e["reason"] for e in sorted(about, key=lambda e: (e["firstTimestamp"] or "", e["metadata"]["name"]))]


def address(cluster: Cluster, service: str = "web") -> str:
    """The Service's public address; empty while it is pending."""
    ingress = cluster.get("services", service)["status"]["loadBalancer"].get("ingress", ())
    return ingress[0]["ip"] if ingress else ""


def replicas_on(cluster: Cluster) -> dict[str, int]:
    """How many running pods each node has."""
    found: dict[str, int] = {}
    for pod in cluster.get("pods"):
        if pod["status"]["phase"] == "Running":
            found[pod["spec"]["nodeName"]] = found.get(pod["spec"]["nodeName"], 0) + 1
    return found
