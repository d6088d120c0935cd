"""Pods that no kubelet will finish: of machines that are gone, and of machines that are said to be off."""

import pytest

from k8snb.cluster import Cluster
from tests.controllers.stories import pod, ready, six_on_three
from tests.node_failure.words import OUT_OF_SERVICE


@pytest.fixture
def cluster():
    return six_on_three()


def test_pods_of_a_deleted_node_are_collected(cluster):
    cluster.faults.fail_node("node-2")
    cluster.client.delete("nodes", "node-2")
    cluster.run_for(120)
    assert not [p for p in cluster.get("pods") if p["spec"].get("nodeName") == "node-2"]
    assert ready(cluster) == 6


def test_the_out_of_service_taint_forces_nothing_on_a_node_that_is_ready() -> None:
    cluster = Cluster(nodes=1)
    cluster.client.create(
        "pods", pod("slow", containers=[{"name": "main", "image": "busybox:1.36", "command": ["sleep", "999"]}]), "default"
    )
    cluster.settle()
    cluster.client.patch("nodes", "node-1", {"spec": {"taints": [OUT_OF_SERVICE]}}, kind="strategic")
    cluster.run_for(25)  # long enough for the garbage collector to look: the Pod still has the rest of its thirty seconds
    assert cluster.get("pods", "slow")["status"]["phase"] == "Running"
    cluster.run_for(10)
    assert cluster.get("pods", "slow") is None


def test_a_restart_begins_the_quarantine_of_a_lost_machine_anew(cluster):
    cluster.client.create("pods", pod("lost", nodeName="node-3"), "default")
    cluster.settle()
    cluster.faults.fail_node("node-3")
    cluster.client.delete("nodes", "node-3")
    cluster.run_for(35)
    cluster.faults.stop("kube-controller-manager")
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(40)
    assert cluster.get("pods", "lost") is not None
    cluster.run_for(30)
    assert cluster.get("pods", "lost") is None
