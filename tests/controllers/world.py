"""Manifests and looks at the world that the controllers' stories share."""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.meta import condition_status
from k8snb.cluster import Cluster

NS = "default"


def cluster_of(nodes: Any = 3, runtime: str = "hollow") -> Cluster:
    """A small cluster whose containers start at once."""
    return Cluster(nodes=nodes, runtime=runtime, loud=False)


def template(app: str = "app", image: str = "nginx:1.26", command: list[str] | None = None, **spec: Any) -> dict[str, Any]:
    """A Pod template."""
    container = {"name": "main", "image": image, **({"command": command} if command else {})}
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": [container], **spec}}


def manifest(kind: str, name: str, spec: dict[str, Any], *, version: str = "apps/v1", **meta: Any) -> dict[str, Any]:
    """An object."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **meta}, "spec": spec}


def workload(kind: str, name: str, image: str = "nginx:1.26", **spec: Any) -> dict[str, Any]:
    """A DaemonSet, StatefulSet, ReplicaSet ... whose selector is its own name."""
    own = {"selector": {"matchLabels": {"app": name}}, "template": template(name, image), **spec}
    return manifest(kind, name, own)


def new_image(image: str) -> dict[str, Any]:
    """A strategic merge patch."""
    return {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}}


def names(cluster: Cluster, resource: str, namespace: str = NS) -> list[str]:
    """The names of all objects of a resource, sorted."""
    return sorted(obj["metadata"]["name"] for obj in cluster.get(resource) if obj["metadata"].get("namespace", namespace) == namespace)


def pods(cluster: Cluster, namespace: str = NS) -> list[Any]:
    """The Pods that are not being deleted, by name."""
    alive = [p for p in cluster.get("pods") if p["metadata"]["namespace"] == namespace and "deletionTimestamp" not in p["metadata"]]
    return sorted(alive, key=lambda pod: pod["metadata"]["name"])


def nodes_of(found: list[Any]) -> list[str]:
    """Where Pods are."""
    return sorted(pod["spec"].get("nodeName", "") for pod in found)


def images(found: list[Any]) -> list[str]:
    """What Pods run."""
    return [pod["spec"]["containers"][0]["image"] for pod in found]


def ready(found: list[Any]) -> int:
    """How many are ready."""
    return sum(condition_status(pod, "Ready") == "True" for pod in found)


def reasons(cluster: Cluster, kind: str) -> list[str]:
    """The reasons of the Events about objects of a kind, each once, in order."""
    found = [e for e in cluster.get("events") if e["involvedObject"]["kind"] == kind]
    return list(dict.fromkeys(e["reason"] for e in found))
