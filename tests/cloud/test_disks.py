"""Disks of the cloud: made where their pod is, bound to a zone, counted by machine."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster import Cluster
from tests.cloud.world import managed


def claim(name: str, storage_class: str = "", mode: str = "ReadWriteOnce") -> dict[str, Any]:
    named = {"storageClassName": storage_class} if storage_class else {}
    spec = {"accessModes": [mode], "resources": {"requests": {"storage": "10Gi"}}, **named}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def consumer(name: str, *claims: str, **spec: Any) -> dict[str, Any]:
    volumes = [{"name": one, "persistentVolumeClaim": {"claimName": one}} for one in claims]
    mounts = [{"name": one, "mountPath": f"/{one}"} for one in claims]
    container = {"name": "main", "image": "busybox:1.36", "command": ["sleep", "100000"], "volumeMounts": mounts}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container], "volumes": volumes, **spec}}


@pytest.fixture
def cluster() -> Cluster:
    return managed(3)


def create(cluster: Cluster, *objects: dict[str, Any]) -> None:
    for obj in objects:
        cluster.client.create("pods" if obj["kind"] == "Pod" else "persistentvolumeclaims", obj, "default")


def test_there_is_a_default_class_and_others_by_name(cluster: Cluster) -> None:
    listed = str(cluster.kubectl("get storageclass"))
    assert "default (default)" in listed
    assert "managed-csi " in listed
    assert "WaitForFirstConsumer" in listed


def test_a_disk_is_made_once_its_pod_has_a_node_and_in_that_nodes_zone(cluster: Cluster) -> None:
    create(cluster, claim("data"))
    cluster.run_for(20)
    assert cluster.get("persistentvolumeclaims", "data")["status"]["phase"] == "Pending"
    assert len(cluster.cloud.disks) == 0
    create(cluster, consumer("db", "data"))
    cluster.run_for(40)
    pod = cluster.get("pods", "db")
    assert pod["status"]["phase"] == "Running"
    [disk] = cluster.cloud.disks.values()
    zone = cluster.get("nodes", pod["spec"]["nodeName"])["metadata"]["labels"]["topology.kubernetes.io/zone"]
    assert (disk.segments, list(disk.nodes)) == ((("topology.kubernetes.io/zone", zone),), [pod["spec"]["nodeName"]])
    assert zone in repr(cluster.cloud.disks)


def test_a_pod_whose_disk_is_in_a_dead_zone_waits_for_it(cluster: Cluster) -> None:
    create(cluster, claim("data"), consumer("db", "data"))
    cluster.run_for(40)
    home = cluster.get("pods", "db")["spec"]["nodeName"]
    zone = cluster.cloud.instances[home].zone
    cluster.client.delete("pods", "db", "default", grace=0)
    cluster.run_for(30)
    cluster.cloud.fail_zone(zone)
    cluster.run_for(70)
    create(cluster, consumer("db", "data"))
    cluster.run_for(30)
    assert not cluster.get("pods", "db")["spec"].get("nodeName")
    [said] = [event["message"] for event in cluster.get("events") if event["reason"] == "FailedScheduling"]
    assert "node affinity" in said, said
    cluster.cloud.restore_zone(zone)
    cluster.run_for(90)
    assert cluster.get("pods", "db")["spec"]["nodeName"] == home


def test_a_machine_takes_only_so_many_disks(cluster: Cluster) -> None:
    names = [f"data-{number}" for number in range(5)]
    first = next(iter(cluster.cloud.instances))
    pinned = {"nodeSelector": {"kubernetes.io/hostname": first}}
    create(cluster, *(claim(name, "managed-csi") for name in names), *(consumer(f"db-{name}", name, **pinned) for name in names))
    cluster.run_for(120)
    running = [pod for pod in cluster.get("pods") if pod["status"]["phase"] == "Running"]
    assert len(running) == 4  # Standard_D2s_v5
    assert any("max volume count" in event["message"] for event in cluster.get("events") if event["reason"] == "FailedScheduling")


def test_a_file_share_is_written_from_two_zones_at_once(cluster: Cluster) -> None:
    nodes = list(cluster.cloud.instances)
    create(cluster, claim("shared", "azurefile-csi", "ReadWriteMany"))
    create(cluster, *(consumer(f"web-{n}", "shared", nodeName=nodes[n]) for n in range(2)))
    cluster.run_for(60)
    assert [pod["status"]["phase"] for pod in cluster.get("pods")] == ["Running", "Running"]
    cluster.kubectl("exec web-0 -- sh -c 'echo hello > /shared/note'")
    assert "hello" in str(cluster.kubectl("exec web-1 -- cat /shared/note"))
