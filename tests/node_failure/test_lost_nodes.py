"""Nodes: a dead one is noticed, its Pods are evicted after their toleration, and come back elsewhere."""

import pytest

from tests.controllers.stories import pods, ready, said, six_on_three


@pytest.fixture
def cluster():
    return six_on_three()


def node(cluster, name="node-2"):
    return cluster.get("nodes", name)


def ready_condition(cluster):
    return next(c for c in node(cluster)["status"]["conditions"] if c["type"] == "Ready")


def test_a_dead_node_is_noticed_after_the_grace_period_and_not_before(cluster):
    cluster.faults.fail_node("node-2")
    cluster.run_for(35)
    assert ready_condition(cluster)["status"] == "True"
    cluster.run_for(30)
    assert (ready_condition(cluster)["status"], ready_condition(cluster)["reason"]) == ("Unknown", "NodeStatusUnknown")
    assert {(t["key"], t["effect"]) for t in node(cluster)["spec"]["taints"]} == {
        ("node.kubernetes.io/unreachable", "NoSchedule"), ("node.kubernetes.io/unreachable", "NoExecute"),
    }  # fmt: skip


def test_its_pods_live_on_for_five_minutes_and_are_then_replaced(cluster):
    lost = [p["metadata"]["name"] for p in pods(cluster) if p["spec"]["nodeName"] == "node-2"]
    cluster.faults.fail_node("node-2")
    cluster.run_for(300)
    assert set(lost) <= {p["metadata"]["name"] for p in pods(cluster)}
    cluster.run_for(100)
    assert not set(lost) & {p["metadata"]["name"] for p in pods(cluster)}
    assert ready(cluster) == 6
    assert {p["spec"]["nodeName"] for p in pods(cluster)} == {"node-1", "node-3"}
    stuck = [p for p in cluster.get("pods") if p["metadata"]["name"] in lost]
    assert len(stuck) == len(lost)  # Terminating for ever: nobody on node-2 can say that they have ended
    assert len(said(cluster, "TaintManagerEviction")) == len(lost)


def test_a_node_that_comes_back_in_time_keeps_its_pods(cluster):
    before = {p["metadata"]["uid"] for p in pods(cluster)}
    cluster.faults.partition_node("node-2")
    cluster.run_for(120)
    assert ready(cluster) < 6
    cluster.faults.restore_node("node-2")
    cluster.run_for(60)
    assert ready(cluster) == 6
    assert {p["metadata"]["uid"] for p in pods(cluster)} == before
    assert not node(cluster)["spec"].get("taints")


def test_a_node_that_comes_back_late_finishes_what_was_deleted_meanwhile(cluster):
    cluster.faults.partition_node("node-2")
    cluster.run_for(420)
    assert [p for p in cluster.get("pods") if "deletionTimestamp" in p["metadata"]]
    cluster.faults.restore_node("node-2")
    cluster.run_for(90)
    assert not [p for p in cluster.get("pods") if "deletionTimestamp" in p["metadata"]]
    assert ready(cluster) == 6








def test_an_outage_of_the_api_server_is_not_taken_for_the_death_of_all_nodes(cluster):
    cluster.faults.stop("kube-apiserver")
    cluster.run_for(120)
    cluster.faults.start("kube-apiserver")
    cluster.run_for(60)
    assert [c["status"] for n in cluster.get("nodes") for c in n["status"]["conditions"] if c["type"] == "Ready"] == ["True"] * 3
    assert ready(cluster) == 6
    assert not said(cluster, "NodeNotReady")
