"""Words for stories about controllers: make a cluster, put things in, look at what became of them."""

from __future__ import annotations

from typing import Any

from k8snb.cluster import Cluster
from k8snb.component_helpers.pods import is_pod_ready


def deployment(replicas: int = 3, image: str = "nginx:1.26", name: str = "web", **spec: Any) -> dict[str, Any]:
    """A Deployment; ``spec`` adds to its spec."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": image}]}}
    whole = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": whole}


def replicaset(replicas: int = 3, name: str = "web", **spec: Any) -> dict[str, Any]:
    """A ReplicaSet."""
    return {**deployment(replicas, name=name, **spec), "kind": "ReplicaSet"}


def replication_controller(replicas: int = 3, name: str = "web") -> dict[str, Any]:
    """A ReplicationController."""
    spec = {**deployment(replicas, name=name)["spec"], "selector": {"app": name}}
    return {"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": name}, "spec": spec}


def pod(name: str, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A Pod of nginx."""
    whole = {"containers": [{"name": "app", "image": "nginx:1.26"}], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {}}, "spec": whole}


def six_on_three() -> Cluster:
    """Three machines, and six replicas of web on them."""
    made = Cluster(nodes=3)
    made.client.create("deployments.apps", deployment(6), "default")
    made.settle()
    return made


def pods(cluster: Cluster, app: str = "web") -> list[dict[str, Any]]:
    """The living Pods of an application."""
    found = [p for p in cluster.get("pods") if (p["metadata"].get("labels") or {}).get("app") == app]
    return [p for p in found if "deletionTimestamp" not in p["metadata"] and p["status"].get("phase") not in ("Failed", "Succeeded")]


def ready(cluster: Cluster, app: str = "web") -> int:
    """How many of them are ready."""
    return sum(map(is_pod_ready, pods(cluster, app)))


def names(objects: list[dict[str, Any]]) -> list[str]:
    """Their names, sorted."""
    return sorted(obj["metadata"]["name"] for obj in objects)


def sizes(cluster: Cluster) -> list[int]:
    """The sizes of all ReplicaSets, oldest revision first."""
    number = lambda rs: int(rs["metadata"]["annotations"]["deployment.kubernetes.io/revision"])  # noqa: E731
    return [rs["spec"]["replicas"] for rs in sorted(cluster.get("replicasets.apps"), key=number)]


def said(cluster: Cluster, reason: str) -> list[str]:
    """The messages of all Events with that reason, in the order in which they were written."""
    return [e["message"] for e in cluster.get("events") if e["reason"] == reason]


def release(cluster: Cluster, image: str, name: str = "web") -> None:
    """Ask for another image."""
    change = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}}
    cluster.client.patch("deployments.apps", name, change, "default", kind="strategic")
