"""StatefulSets with disks: claims that stay, pods that find their own again, and what the retention policy deletes."""

import pytest

from k8snb.cluster import Cluster
from tests.storage.world import CLAIMS, VOLUMES, disks


def stateful(replicas=3, **spec):
    """Three databases, each with a disk."""
    mounts = [{"name": "data", "mountPath": "/data"}]
    main = {
        "name": "main",
        "image": "busybox:1.36",
        "command": ["sh", "-c", "hostname >> /data/names; sleep 100000"],
        "volumeMounts": mounts,
    }
    template = {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [main], "terminationGracePeriodSeconds": 5}}
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    whole = {
        "replicas": replicas, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}}, "template": template,
        "volumeClaimTemplates": [claim], **spec,
    }  # fmt: skip
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": whole}


@pytest.fixture
def cluster():
    return Cluster(nodes=3, loud=False, storage=True)


def put_up(cluster, **spec):
    cluster.client.create("statefulsets.apps", stateful(**spec), "default")
    cluster.run_for(60)


def claims(cluster):
    return sorted(found["metadata"]["name"] for found in cluster.get(CLAIMS))


def names(cluster, pod):
    return cluster.kubectl(["exec", pod, "--", "cat", "/data/names"]).text.split()


def test_each_pod_has_a_disk_of_its_own(cluster):
    put_up(cluster)
    assert claims(cluster) == ["data-db-0", "data-db-1", "data-db-2"]
    assert [names(cluster, f"db-{n}") for n in range(3)] == [["db-0"], ["db-1"], ["db-2"]]
    assert len(disks(cluster)) == 3


def test_a_pod_that_moves_to_another_node_finds_its_data(cluster):
    put_up(cluster)
    before = cluster.get("pods", "db-1")["spec"]["nodeName"]
    cluster.kubectl(f"drain {before} --ignore-daemonsets --force --delete-emptydir-data")
    cluster.run_for(60)
    after = cluster.get("pods", "db-1")["spec"]["nodeName"]
    assert after != before
    assert names(cluster, "db-1") == ["db-1", "db-1"]


def test_scaled_down_and_up_again_the_pods_get_their_old_disks(cluster):
    put_up(cluster)
    volume = cluster.get(CLAIMS, "data-db-2")["spec"]["volumeName"]
    cluster.kubectl("scale statefulset db --replicas=1")
    cluster.run_for(60)
    assert claims(cluster) == ["data-db-0", "data-db-1", "data-db-2"]
    cluster.kubectl("scale statefulset db --replicas=3")
    cluster.run_for(60)
    assert cluster.get(CLAIMS, "data-db-2")["spec"]["volumeName"] == volume
    assert names(cluster, "db-2") == ["db-2", "db-2"]


def test_deleted_and_made_again_it_finds_everything(cluster):
    put_up(cluster)
    cluster.kubectl("delete statefulset db")
    cluster.run_for(30)
    assert claims(cluster) == ["data-db-0", "data-db-1", "data-db-2"]
    put_up(cluster)
    assert names(cluster, "db-0") == ["db-0", "db-0"]


@pytest.mark.parametrize(
    ("policy", "after_scale", "after_delete"),
    [
        ({"whenScaled": "Delete"}, ["data-db-0"], ["data-db-0"]),
        ({"whenDeleted": "Delete"}, ["data-db-0", "data-db-1", "data-db-2"], []),
        ({"whenScaled": "Delete", "whenDeleted": "Delete"}, ["data-db-0"], []),
    ],
)
def test_the_retention_policy_decides_what_stays(cluster, policy, after_scale, after_delete):
    put_up(cluster, persistentVolumeClaimRetentionPolicy=policy)
    cluster.kubectl("scale statefulset db --replicas=1")
    cluster.run_for(60)
    assert claims(cluster) == after_scale
    cluster.kubectl("delete statefulset db")
    cluster.run_for(60)
    assert claims(cluster) == after_delete
    assert len(disks(cluster)) == len(cluster.get(VOLUMES)) == len(after_delete)


def test_on_a_dead_node_the_pod_stays_and_its_disk_with_it(cluster):
    put_up(cluster)
    node = cluster.get("pods", "db-0")["spec"]["nodeName"]
    cluster.faults.fail_node(node)
    cluster.run_for(900)
    assert cluster.get("pods", "db-0")["metadata"]["deletionTimestamp"]
    assert cluster.get("pods", "db-0")["spec"]["nodeName"] == node
    cluster.kubectl(f"taint node {node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
    cluster.run_for(90)
    assert cluster.get("pods", "db-0")["spec"]["nodeName"] != node
    assert names(cluster, "db-0") == ["db-0", "db-0"]
