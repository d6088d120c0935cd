"""Words for stories about storage: classes, claims, pods that use them, and looks at disks."""

from __future__ import annotations

from typing import Any

from k8snb.cluster import Cluster
from k8snb.storage.disks import Disk

NS = "default"
CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
ATTACHMENTS = "volumeattachments.storage.k8s.io"


def storage_class(name: str = "fast", provisioner: str = "disk.csi.k8snb", **more: Any) -> dict[str, Any]:
    """A StorageClass."""
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, "provisioner": provisioner, **more}


def claim(name: str = "data", size: str = "1Gi", **spec: Any) -> dict[str, Any]:
    """A PersistentVolumeClaim."""
    whole = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": whole}


def user_of(claim: str = "data", name: str = "app", command: str = "sleep 100000", **spec: Any) -> dict[str, Any]:
    """A Pod that has a claim's volume at /data."""
    main = {
        "name": "main", "image": "busybox:1.36", "command": ["sh", "-c", command],
        "volumeMounts": [{"name": "disk", "mountPath": "/data"}],
    }  # fmt: skip
    volumes = [{"name": "disk", "persistentVolumeClaim": {"claimName": claim}}]
    whole = {"containers": [main], "volumes": volumes, "terminationGracePeriodSeconds": 0, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": whole}


RESOURCES = {"StorageClass": CLASSES, "PersistentVolumeClaim": CLAIMS, "PersistentVolume": VOLUMES, "Pod": "pods"}


def create(cluster: Cluster, *objects: dict[str, Any]) -> None:
    """Make objects, without waiting."""
    for obj in objects:
        namespaced = obj["kind"] in ("PersistentVolumeClaim", "Pod")
        cluster.client.create(RESOURCES[obj["kind"]], obj, NS if namespaced else "")


def put_up(cluster: Cluster, *objects: dict[str, Any]) -> None:
    """Make objects, and wait until nothing changes."""
    create(cluster, *objects)
    cluster.settle()


def disks(cluster: Cluster, driver: str = "disk.csi.k8snb") -> list[Disk]:
    """The disks that a driver has."""
    return list(cluster.simulation.parts.env.services.drivers[driver].disks.values())


def messages(cluster: Cluster, reason: str) -> list[str]:
    """What Events of a reason said, in the order in which it was said first."""
    return [e["message"] for e in cluster.get("events") if e["reason"] == reason]


def phase(cluster: Cluster, resource: str, name: str) -> str:
    """The phase of a claim, a volume or a pod."""
    found = cluster.get(resource, name)
    return str(found["status"]["phase"]) if found is not None else "gone"


def attached(cluster: Cluster) -> dict[str, bool]:
    """Node -> whether a volume is attached there, for every wish."""
    return {a["spec"]["nodeName"]: (a.get("status") or {}).get("attached", False) for a in cluster.get(ATTACHMENTS)}
