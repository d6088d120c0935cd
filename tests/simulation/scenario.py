"""One rich scenario, as a program: ``python -m tests.simulation.scenario`` prints a digest of everything that happened.

Used by the determinism tests: run under several hash seeds, forked, and replayed, it must give the same bytes.
"""

from __future__ import annotations

from typing import Any

from k8snb.cluster import Cluster
from k8snb.sim import state

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
}


def deployment(name: str, replicas: int, image: str, **pod: Any) -> dict[str, Any]:
    """A Deployment manifest."""
    container = {"name": "app", "image": image, "resources": {"requests": {"cpu": "100m"}}}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], **pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}}  # fmt: skip


def workload(kind: str, name: str, *, command: list[str] | None = None, version: str = "apps/v1", **spec: Any) -> dict[str, Any]:
    """A manifest of another workload, whose Pods carry ``app: NAME``."""
    container = {"name": "app", "image": "busybox:1.36" if command else "nginx:1.27", **({"command": command} if command else {})}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    if kind == "Job":
        template["spec"]["restartPolicy"] = "OnFailure"  # type: ignore[index]
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": name}, "spec": {"template": template, **spec}}
    whole = {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": whole}


def begin(seed: int = 7) -> Cluster:
    """Three nodes; a Service over a Deployment; a Deployment that crashes; in the middle of a rolling update."""
    cluster = Cluster(nodes=3, seed=seed)
    cluster.client.create("services", SERVICE, "default")
    cluster.client.create("deployments.apps", deployment("web", 4, "nginx:1.26"), "default")
    crash = deployment("crash", 2, "busybox:1.36")
    crash["spec"]["template"]["spec"]["containers"][0]["command"] = ["sh", "-c", "sleep 2; exit 3"]
    cluster.client.create("deployments.apps", crash, "default")
    cluster.settle(limit=30)
    image = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "nginx:1.27"}]}}}}
    cluster.client.patch("deployments.apps", "web", image, "default", kind="strategic")
    cluster.run_for(1.5)
    return cluster


def go_on(cluster: Cluster, *, dead_node: bool) -> Cluster:
    """Scale, delete a Pod, perhaps lose a node, and let six minutes pass."""
    cluster.client.patch("deployments.apps", "web", {"spec": {"replicas": 6}}, "default")
    cluster.run_for(10)
    cluster.client.delete("pods", min(p["metadata"]["name"] for p in cluster.get("pods")), "default")
    if dead_node:
        cluster.faults.fail_node("node-2")
    cluster.run_for(400)
    return cluster


def digest(cluster: Cluster) -> str:
    """A hash over all of the trace and all of the state."""
    return state.digest(cluster.simulation.root)


if __name__ == "__main__":
    print(digest(go_on(begin(), dead_node=True)))
