"""Stories about the volumes of one pod: it is made from its volumes and mounts, and asked with shell commands."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster import Cluster


class VolumeStory:
    """A cluster with two machines, and pods that are told by their volumes."""

    def __init__(self) -> None:
        self.cluster = Cluster(nodes=2, loud=False)

    def pod(self, name: str = "app", volumes: dict[str, Any] | None = None, mounts: dict[str, Any] | None = None, **spec: Any) -> None:
        """Make a pod on node-1. ``volumes``: name -> source; ``mounts``: path -> volume, or the fields of the mount."""
        shown = [{"mountPath": path, **(m if isinstance(m, dict) else {"name": m})} for path, m in (mounts or {}).items()]
        main = {"name": "main", "image": "busybox:1.36", "command": ["sleep", "100000"], "volumeMounts": shown}
        main.update(spec.pop("container", {}))
        whole = {
            "nodeName": "node-1", "terminationGracePeriodSeconds": 0, "containers": [main, *spec.pop("more", [])],
            "volumes": [{"name": volume, **source} for volume, source in (volumes or {}).items()], **spec,
        }  # fmt: skip
        meta = {"name": name, "labels": {"app": name}}
        self.cluster.client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": whole}, "default")
        self.cluster.run_for(3)

    def config(self, name: str = "conf", **data: str) -> None:
        """Make a ConfigMap, or replace its data."""
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
        if self.cluster.get("configmaps", name) is None:
            self.cluster.client.create("configmaps", body, "default")
        else:
            self.cluster.client.patch("configmaps", name, {"data": data}, "default")

    def sh(self, script: str, pod: str = "app", container: str = "") -> str:
        """What a shell in the pod prints, without kubectl's own word about its exit code."""
        where = ["-c", container] if container else []
        text = self.cluster.kubectl(["exec", pod, *where, "--", "sh", "-c", script]).text
        return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("command terminated"))

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.cluster.run_for(seconds)

    def phase(self, name: str = "app") -> str:
        """The pod's phase; ``gone`` where there is none."""
        found = self.cluster.get("pods", name)
        return str(found["status"]["phase"]) if found is not None else "gone"

    def waiting(self, name: str = "app") -> str:
        """Why its container waits."""
        status = self.cluster.get("pods", name)["status"]["containerStatuses"][0]
        return str(status["state"].get("waiting", {}).get("reason", ""))

    def said(self, reason: str, about: str = "app") -> list[str]:
        """The messages of Events of a reason about an object."""
        return [e["message"] for e in self.cluster.get("events") if e["reason"] == reason and e["involvedObject"]["name"] == about]

    def count(self, reason: str) -> int:
        """How often an Event of a reason was said."""
        return sum(e["count"] for e in self.cluster.get("events") if e["reason"] == reason)


@pytest.fixture
def story() -> VolumeStory:
    return VolumeStory()
