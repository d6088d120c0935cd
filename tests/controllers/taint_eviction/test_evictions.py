"""Taints with NoExecute: who must go, who may stay for a while, and who is forgiven."""

import pytest

from k8snb.cluster import Cluster
from tests.controllers.stories import pod, said, six_on_three


@pytest.fixture
def cluster():
    return six_on_three()


def test_no_execute_spares_those_that_tolerate_it(cluster):
    tolerant = pod(
        "tolerant",
        nodeName="node-1",
        tolerations=[{"key": "maintenance", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}],
    )
    cluster.client.create("pods", tolerant, "default")
    cluster.client.create("pods", pod("plain", nodeName="node-1"), "default")
    cluster.settle()
    taint = {"spec": {"taints": [{"key": "maintenance", "value": "now", "effect": "NoExecute"}]}}
    cluster.client.patch("nodes", "node-1", taint, kind="strategic")
    cluster.settle(limit=40)
    assert cluster.get("pods", "plain") is None
    assert cluster.get("pods", "tolerant") is not None
    cluster.run_for(100)
    assert cluster.get("pods", "tolerant") is None


def test_who_returns_in_time_hears_that_the_deletion_is_called_off() -> None:
    cluster = Cluster(nodes=2)
    cluster.client.create("pods", pod("web", nodeName="node-2"), "default")
    cluster.client.create("pods", pod("rock", nodeName="node-2", tolerations=[{"operator": "Exists"}]), "default")
    cluster.settle()
    cluster.faults.partition_node("node-2")
    cluster.run_for(120)
    cluster.faults.restore_node("node-2")
    cluster.run_for(30)
    assert said(cluster, "TaintManagerEviction") == ["Cancelling deletion of Pod default/web"]
    cluster.run_for(400)
    assert "deletionTimestamp" not in cluster.get("pods", "web")["metadata"]


def test_a_restart_forgets_how_long_a_pod_was_tolerated_already(cluster):
    toleration = {"key": "maintenance", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
    cluster.client.create("pods", pod("patient", nodeName="node-1", tolerations=[toleration]), "default")
    cluster.settle()
    taint = {"spec": {"taints": [{"key": "maintenance", "value": "now", "effect": "NoExecute"}]}}
    cluster.client.patch("nodes", "node-1", taint, kind="strategic")
    cluster.run_for(45)
    cluster.faults.stop("kube-controller-manager")
    cluster.run_for(60)
    assert "deletionTimestamp" not in cluster.get("pods", "patient")["metadata"]  # nobody is there to evict it
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(50)
    assert "deletionTimestamp" not in cluster.get("pods", "patient")["metadata"]  # the minute begins again: only memory held it
    cluster.run_for(60)
    assert cluster.get("pods", "patient") is None
