"""Machines that come back, and machines that are there but cannot run anything."""

from __future__ import annotations

from k8snb.cluster import Cluster
from tests.controllers.stories import deployment, pod, pods, ready, said
from tests.node_failure.words import taints


def test_a_machine_that_comes_back_says_that_it_was_rebooted_and_starts_its_pods_anew() -> None:
    cluster = Cluster(nodes=2)
    cluster.client.create("pods", pod("web", nodeName="node-2"), "default")
    cluster.settle()
    before = cluster.get("nodes", "node-2")["status"]["nodeInfo"]["bootID"]
    cluster.faults.fail_node("node-2")
    cluster.run_for(100)
    cluster.faults.restore_node("node-2")
    cluster.run_for(20)
    boot = cluster.get("nodes", "node-2")["status"]["nodeInfo"]["bootID"]
    assert boot != before
    assert said(cluster, "Rebooted") == [f"Node node-2 has been rebooted, boot id: {boot}"]
    assert "Node node-2 status is now: NodeReady" in said(cluster, "NodeReady")
    status = cluster.get("pods", "web")["status"]["containerStatuses"][0]
    assert (status["restartCount"], "running" in status["state"]) == (1, True)


def test_a_kubelet_without_its_container_runtime_says_itself_that_the_node_is_not_ready() -> None:
    cluster = Cluster(nodes=3)
    cluster.client.create("deployments.apps", deployment(3), "default")
    cluster.settle()
    lost = {p["metadata"]["name"]: p["status"]["podIP"] for p in pods(cluster) if p["spec"]["nodeName"] == "node-2"}
    cluster.faults.stop("containerd/node-2")
    cluster.run_for(25)
    assert taints(cluster, "NoSchedule") == {}
    cluster.run_for(20)
    condition = next(c for c in cluster.get("nodes", "node-2")["status"]["conditions"] if c["type"] == "Ready")
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "KubeletNotReady", "container runtime is down")
    assert (taints(cluster, "NoSchedule"), taints(cluster)) == ({"node-2": "not-ready"}, {"node-2": "not-ready"})
    assert "Node node-2 status is now: NodeNotReady" in said(cluster, "NodeNotReady")
    address = next(iter(lost.values()))
    assert cluster.http(f"http://{address}", from_node="node-1").status == 200  # what runs goes on
    cluster.run_for(330)
    assert ready(cluster) == 3
    assert {p["metadata"]["name"] for p in cluster.get("pods") if "deletionTimestamp" in p["metadata"]} == set(lost)
    cluster.faults.start("containerd/node-2")
    cluster.run_for(20)
    assert not [p for p in cluster.get("pods") if "deletionTimestamp" in p["metadata"]]
    assert (taints(cluster, "NoSchedule"), taints(cluster)) == ({}, {})
    cluster.faults.stop("containerd/node-2")
    cluster.faults.fail_node("node-2")
    cluster.run_for(20)
    cluster.faults.restore_node("node-2")  # a machine that boots starts its runtime, too
    cluster.run_for(60)
    assert taints(cluster, "NoSchedule") == {}
