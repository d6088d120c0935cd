"""Who asks for a disk to be attached: only whoever has a pod there, one node at a time. (More of disks: ``tests/storage``.)"""

import pytest

from k8snb.cluster import Cluster
from tests.controllers.attachdetach.scenario import on
from tests.storage.world import ATTACHMENTS, attached, claim, messages, put_up, storage_class


@pytest.fixture
def cluster():
    made = Cluster(nodes=3, loud=False)
    put_up(made, storage_class(), claim(storageClassName="fast"), on("node-1", "first"))
    return made


def test_a_volume_is_asked_for_where_its_pod_is_and_given_back_when_that_is_gone(cluster):
    assert attached(cluster) == {"node-1": True}
    cluster.client.delete("pods", "first", "default")
    cluster.run_for(20)
    assert attached(cluster) == {}


def test_restarted_while_a_disk_is_on_its_way_it_asks_neither_twice_nor_elsewhere(cluster):
    cluster.client.delete("pods", "first", "default")
    put_up(cluster, on("node-2", "second"))
    for _ in range(6):
        cluster.run_for(1)
        cluster.faults.stop("kube-controller-manager")
        cluster.faults.start("kube-controller-manager")
        assert len(cluster.get(ATTACHMENTS)) <= 1
    cluster.run_for(60)
    assert attached(cluster) == {"node-2": True}


def test_a_pod_on_another_node_waits_until_a_slow_kubelet_has_let_go(cluster):
    cluster.faults.stop("kubelet/node-1")
    cluster.client.delete("pods", "first", "default", grace=0)
    put_up(cluster, on("node-2", "second"))
    cluster.run_for(20)
    assert attached(cluster) == {"node-1": True}  # the node's volumesInUse still names it
    assert messages(cluster, "FailedAttachVolume")[0].startswith("Multi-Attach error")
    cluster.faults.start("kubelet/node-1")
    cluster.run_for(60)
    assert attached(cluster) == {"node-2": True}
    assert cluster.get("pods", "second")["status"]["phase"] == "Running"
