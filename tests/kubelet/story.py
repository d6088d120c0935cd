"""A small cluster with one or two machines, and shorthands to read what the kubelet did."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster import Cluster


class Story:
    """A cluster in which pods are made and looked at."""

    def __init__(self, runtime: str = "faithful", nodes: int = 1):
        self.cluster = Cluster(nodes=nodes, runtime=runtime)

    def pod(self, name: str, *command: str, image: str = "busybox:1.36", spec: dict[str, Any] | None = None, **container: Any) -> None:
        """Make a pod of one container."""
        main = {"name": "main", "image": image, **({"command": list(command)} if command else {}), **container}
        self.create({"metadata": {"name": name}, "spec": {"nodeName": "node-1", "containers": [main], **(spec or {})}})

    def create(self, pod: dict[str, Any]) -> None:
        """Make a pod from its manifest."""
        self.cluster.client.create("pods", {"apiVersion": "v1", "kind": "Pod", **pod}, "default")

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.cluster.run_for(seconds)

    def get(self, name: str) -> Any:
        """The pod, or None."""
        return self.cluster.get("pods", name)

    def status(self, name: str) -> Any:
        """The pod's status."""
        return self.get(name)["status"]

    def main(self, name: str, of: str = "containerStatuses") -> Any:
        """The status of the pod's first container."""
        return self.status(name)[of][0]

    def waiting(self, name: str) -> str:
        """Why its first container waits."""
        return str(self.main(name)["state"].get("waiting", {}).get("reason", ""))

    def ready(self, name: str) -> bool:
        """Whether the pod is ready."""
        return any(c["type"] == "Ready" and c["status"] == "True" for c in self.status(name)["conditions"])

    def events(self, name: str, reason: str = "") -> list[str]:
        """What was said about the pod, in order, each as often as it was said first."""
        found = [e for e in self.cluster.get("events") if e["involvedObject"]["name"] == name and reason in ("", e["reason"])]
        return [e["message"] if reason else e["reason"] for e in sorted(found, key=lambda e: e["metadata"]["name"])]

    def writes(self, name: str) -> int:
        """How often a kubelet wrote the pod's status."""
        trace = self.cluster.simulation.parts.kernel.trace.since(0)
        wanted = ("kubelet", "update", f"pods/status default/{name}")
        return sum((record.actor, record.verb, record.subject) == wanted for record in trace)


@pytest.fixture
def story() -> Story:
    """A cluster as it is."""
    return Story()


@pytest.fixture
def hollow() -> Story:
    """One whose containers do nothing."""
    return Story("hollow")
