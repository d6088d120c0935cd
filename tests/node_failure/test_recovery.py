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


DIALED = (
    "rpc error: code = Unavailable desc = connection error: "
    'desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"'
)


def ready_message(cluster: Cluster, node: str) -> str:
    return next(str(c["message"]) for c in cluster.get("nodes", node)["status"]["conditions"] if c["type"] == "Ready")


def test_after_three_minutes_without_a_list_of_containers_the_node_says_that_too() -> None:
    cluster = Cluster(nodes=1)
    cluster.settle()
    cluster.faults.stop("containerd/node-1")
    cluster.run_for(170)
    assert ready_message(cluster, "node-1") == "container runtime is down"
    assert said(cluster, "ContainerGCFailed") == [DIALED]
    cluster.run_for(30)
    silent = ready_message(cluster, "node-1")
    assert silent.startswith("[container runtime is down, PLEG is not healthy: pleg was last seen active 3m")
    assert silent.endswith("ago; threshold is 3m0s]")
    cluster.run_for(60)
    assert ready_message(cluster, "node-1") == silent  # it is no news any more
    cluster.faults.start("containerd/node-1")
    cluster.run_for(120)
    assert ready_message(cluster, "node-1") == "kubelet is posting ready status"
    event = next(e for e in cluster.get("events") if e["reason"] == "ContainerGCFailed")
    assert event["count"] == 4  # each minute, and none since


def test_in_the_first_half_minute_pods_are_tried_and_the_runtime_refuses() -> None:
    cluster = Cluster(nodes=1)
    cluster.client.create("pods", pod("old"), "default")
    cluster.settle()
    cluster.faults.stop("containerd/node-1")
    cluster.client.create("pods", pod("new"), "default")
    cluster.kubectl("delete pod old --wait=false")
    cluster.run_for(120)
    assert said(cluster, "FailedCreatePodSandBox") == [f"Failed to create pod sandbox: {DIALED}"]
    killed = said(cluster, "FailedKillPod")[0]
    assert killed.startswith('error killing pod: [failed to "KillContainer" for "')
    assert f'with KillPodSandboxError: "{DIALED.replace(chr(34), chr(92) + chr(34))}"]' in killed
    statuses = {p["metadata"]["name"]: p["status"]["phase"] for p in cluster.get("pods")}
    assert statuses == {"old": "Running", "new": "Pending"}
    cluster.faults.start("containerd/node-1")
    cluster.run_for(60)
    assert {p["metadata"]["name"]: p["status"]["phase"] for p in cluster.get("pods")} == {"new": "Running"}


def test_a_kubelet_that_starts_again_says_so() -> None:
    cluster = Cluster(nodes=1)
    cluster.settle()
    assert cluster.get("events") == []
    cluster.faults.stop("kubelet/node-1")
    cluster.run_for(5)
    cluster.faults.start("kubelet/node-1")
    cluster.run_for(10)
    assert [(e["reason"], e["message"]) for e in sorted(cluster.get("events"), key=lambda e: e["metadata"]["name"])] == [
        ("Starting", "Starting kubelet."),
        *((reason, f"Node node-1 status is now: {reason}") for reason in ("NodeHasSufficientMemory", "NodeHasNoDiskPressure")),
        ("NodeHasSufficientPID", "Node node-1 status is now: NodeHasSufficientPID"),
        ("NodeAllocatableEnforced", "Updated Node Allocatable limit across pods"),
    ]
