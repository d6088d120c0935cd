"""What a cluster does about machines that are lost: how fast it gives them up, what stays stuck, and who may decide to go on."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster import Cluster
from k8snb.controllers.node.zones import FULL, NORMAL, PARTIAL, interval_of, next_states, state_of
from k8snb.sim.clock import SECOND
from tests.controllers.stories import deployment, pod, pods, ready

GONE = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}


def nodes_in(zones: str) -> list[dict[str, Any]]:
    """Machines ``node-1`` ... in zones of one letter each."""
    size = {"cpu": "2", "memory": "4Gi", "pods": "110"}
    return [
        {
            "apiVersion": "v1", "kind": "Node", "status": {"capacity": size, "allocatable": size},
            "metadata": {"name": f"node-{number}", "labels": {"topology.kubernetes.io/zone": zone, "topology.kubernetes.io/region": "r"}},
        }
        for number, zone in enumerate(zones, 1)
    ]  # fmt: skip


def taints(cluster: Cluster, effect: str = "NoExecute") -> dict[str, str]:
    """Taints of that effect by node."""
    return {
        node["metadata"]["name"]: taint["key"].rpartition("/")[2]
        for node in cluster.get("nodes")
        for taint in node["spec"].get("taints") or ()
        if taint["effect"] == effect
    }


def test_a_silent_node_is_cordoned_off_at_once_and_given_up_with_the_next_look() -> None:
    cluster = Cluster(nodes=3)
    cluster.faults.fail_node("node-2")
    assert cluster.run_until(lambda c: "node-2" in taints(c, "NoSchedule"), 70)
    assert taints(cluster) == {}
    cluster.run_for(6)
    assert taints(cluster) == {"node-2": "unreachable"}


def test_the_nodes_of_a_zone_are_given_up_one_every_ten_seconds() -> None:
    cluster = Cluster(nodes=nodes_in("aaaaaa"))
    for number in (1, 2):
        cluster.faults.fail_node(f"node-{number}")
    assert cluster.run_until(lambda c: len(taints(c)) == 1, 70)
    cluster.run_for(9)
    assert len(taints(cluster)) == 1
    cluster.run_for(2)
    assert len(taints(cluster)) == 2


def test_a_small_zone_that_is_mostly_lost_is_left_alone() -> None:
    cluster = Cluster(nodes=nodes_in("aaaab"))
    for number in (1, 2, 3):
        cluster.faults.fail_node(f"node-{number}")
    cluster.run_for(600)
    assert len(taints(cluster, "NoSchedule")) == 3
    assert taints(cluster) == {}


def test_a_zone_that_is_lost_as_a_whole_is_given_up() -> None:
    cluster = Cluster(nodes=nodes_in("aab"))
    for number in (1, 2):
        cluster.faults.fail_node(f"node-{number}")
    cluster.run_for(90)
    assert set(taints(cluster)) == {"node-1", "node-2"}


def test_when_every_node_falls_silent_nobody_is_given_up_until_one_returns() -> None:
    cluster = Cluster(nodes=3)
    cluster.client.create("deployments.apps", deployment(3), "default")
    cluster.settle()
    before = {p["metadata"]["uid"] for p in pods(cluster)}
    for number in (1, 2, 3):
        cluster.faults.partition_node(f"node-{number}")
    cluster.run_for(900)
    assert taints(cluster) == {}
    assert {p["metadata"]["uid"] for p in pods(cluster)} == before
    cluster.faults.restore_node("node-1")
    cluster.run_for(30)
    assert set(taints(cluster)) == {"node-2", "node-3"}
    for number in (2, 3):
        cluster.faults.restore_node(f"node-{number}")
    cluster.run_for(30)
    assert (taints(cluster), taints(cluster, "NoSchedule"), ready(cluster)) == ({}, {}, 3)


def test_a_restarted_controller_gives_every_node_the_whole_grace_period_again() -> None:
    cluster = Cluster(nodes=3)
    cluster.faults.fail_node("node-2")
    cluster.run_for(40)
    cluster.faults.stop("kube-controller-manager")
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(40)
    assert taints(cluster, "NoSchedule") == {}
    cluster.run_for(30)
    assert set(taints(cluster)) == {"node-2"}


@pytest.mark.parametrize(
    ("ready_nodes", "lost", "state"), [(1, 1, NORMAL), (1, 2, NORMAL), (2, 3, PARTIAL), (3, 3, NORMAL), (0, 1, FULL), (5, 0, NORMAL)]
)
def test_the_state_of_a_zone(ready_nodes: int, lost: int, state: str) -> None:
    assert state_of([True] * ready_nodes + [False] * lost) == state


def test_a_large_zone_goes_on_slowly() -> None:
    assert [interval_of(PARTIAL, size) // SECOND for size in (50, 51)] == [0, 100]
    assert next_states({"a": NORMAL}, {"a": [False] * 3}) == ({"a": (FULL, 0)}, True, False)
    assert next_states({"a": FULL, "b": FULL}, {"a": [False], "b": [True]})[1:] == (False, True)


def stateful(cluster: Cluster) -> None:
    """A StatefulSet of two Pods, and where they run."""
    container = {"name": "main", "image": "nginx:1.27"}
    spec = {
        "replicas": 2, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
        "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [container]}},
    }  # fmt: skip
    cluster.client.create(
        "statefulsets.apps", {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": spec}, "default"
    )
    cluster.settle()


def test_a_statefulset_does_not_replace_a_pod_of_a_dead_node_until_somebody_says_that_the_machine_is_off() -> None:
    cluster = Cluster(nodes=3)
    stateful(cluster)
    first = cluster.get("pods", "db-0")
    home = first["spec"]["nodeName"]
    cluster.faults.fail_node(home)
    cluster.run_for(900)
    stuck = cluster.get("pods", "db-0")
    assert stuck["metadata"]["uid"] == first["metadata"]["uid"]
    assert "deletionTimestamp" in stuck["metadata"]
    cluster.kubectl(f"taint nodes {home} {GONE['key']}={GONE['value']}:{GONE['effect']}")
    cluster.run_for(40)
    replaced = cluster.get("pods", "db-0")
    assert replaced["metadata"]["uid"] != first["metadata"]["uid"]
    assert replaced["spec"]["nodeName"] != home
    assert ready(cluster, "db") == 2


def test_the_out_of_service_taint_forces_nothing_on_a_node_that_is_ready() -> None:
    cluster = Cluster(nodes=1)
    cluster.client.create(
        "pods", pod("slow", containers=[{"name": "main", "image": "busybox:1.36", "command": ["sleep", "999"]}]), "default"
    )
    cluster.settle()
    cluster.client.patch("nodes", "node-1", {"spec": {"taints": [GONE]}}, kind="strategic")
    cluster.run_for(25)  # long enough for the garbage collector to look: the Pod still has the rest of its thirty seconds
    assert cluster.get("pods", "slow")["status"]["phase"] == "Running"
    cluster.run_for(10)
    assert cluster.get("pods", "slow") is None


def events(cluster: Cluster, reason: str) -> list[str]:
    """What was said with that reason."""
    return [e["message"] for e in cluster.get("events") if e["reason"] == reason]


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
    assert events(cluster, "Rebooted") == [f"Node node-2 has been rebooted, boot id: {boot}"]
    assert "Node node-2 status is now: NodeReady" in events(cluster, "NodeReady")
    status = cluster.get("pods", "web")["status"]["containerStatuses"][0]
    assert (status["restartCount"], "running" in status["state"]) == (1, True)


def test_a_drain_moves_pods_as_a_budget_allows_and_leaves_daemons() -> None:
    cluster = Cluster(nodes=3)
    cluster.client.create("deployments.apps", deployment(4), "default")
    cluster.kubectl("create poddisruptionbudget web --selector=app=web --min-available=3")
    cluster.settle()
    lost = {p["metadata"]["name"] for p in pods(cluster) if p["spec"]["nodeName"] == "node-1"}
    assert lost
    answer = cluster.kubectl("drain node-1 --ignore-daemonsets")
    assert answer.text.splitlines()[0] == "node/node-1 cordoned"
    assert answer.text.splitlines()[-1] == "node/node-1 drained"
    cluster.settle()
    assert ready(cluster) == 4
    assert not lost & {p["metadata"]["name"] for p in pods(cluster)}
    assert {p["spec"]["nodeName"] for p in pods(cluster)} == {"node-2", "node-3"}
    assert "Ready,SchedulingDisabled" in cluster.kubectl("get nodes").text
    cluster.kubectl("uncordon node-1")
    assert "SchedulingDisabled" not in cluster.kubectl("get nodes").text


def test_a_budget_that_allows_nothing_stops_a_drain() -> None:
    cluster = Cluster(nodes=2)
    cluster.client.create("deployments.apps", deployment(2), "default")
    cluster.kubectl("create poddisruptionbudget web --selector=app=web --min-available=2")
    cluster.settle()
    answer = cluster.kubectl("drain node-1 --ignore-daemonsets --timeout=30s")
    assert "Cannot evict pod as it would violate the pod's disruption budget." in answer.text
    assert "global timeout reached" in answer.text
    assert ready(cluster) == 2


def test_bare_pods_and_pods_with_scratch_space_must_be_named_before_they_are_drained() -> None:
    cluster = Cluster(nodes=2)
    cluster.client.create("pods", pod("bare", nodeName="node-1"), "default")
    cluster.settle()
    assert "cannot delete Pods that declare no controller (use --force to override): default/bare" in cluster.kubectl("drain node-1").text
    assert "pod/bare evicted" in cluster.kubectl("drain node-1 --force").text
    assert cluster.get("pods", "bare") is None


def test_only_a_forced_deletion_takes_a_pod_of_a_dead_node_out_of_the_api() -> None:
    cluster = Cluster(nodes=2)
    cluster.client.create("pods", pod("web", nodeName="node-2"), "default")
    cluster.settle()
    cluster.faults.partition_node("node-2")
    cluster.kubectl("delete pod web --wait=false")
    cluster.run_for(600)
    assert "deletionTimestamp" in cluster.get("pods", "web")["metadata"]
    cluster.kubectl("delete pod web --force --grace-period=0")
    assert cluster.get("pods", "web") is None
    runtime: Any = cluster.simulation.parts.machines.runtimes["node-2"]
    assert [c.config.pod for c in runtime.state.containers.values() if not c.ended_at] == ["web"]  # nobody has told the machine
    cluster.faults.restore_node("node-2")
    cluster.run_for(60)
    assert not runtime.state.containers


def test_an_eviction_says_in_the_status_who_ended_the_pod() -> None:
    cluster = Cluster(nodes=1)
    slow = {"containers": [{"name": "main", "image": "busybox:1.36", "command": ["sleep", "999"]}]}
    cluster.client.create("pods", pod("slow", **slow), "default")
    cluster.settle()
    cluster.kubectl("drain node-1 --force --timeout=1s")
    conditions = {c["type"]: c for c in cluster.get("pods", "slow")["status"]["conditions"]}
    target = conditions["DisruptionTarget"]
    assert (target["status"], target["reason"], target["message"]) == ("True", "EvictionByEvictionAPI", "Eviction API: evicting")


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
    assert "Node node-2 status is now: NodeNotReady" in events(cluster, "NodeNotReady")
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


def test_who_returns_in_time_hears_that_the_deletion_is_called_off() -> None:
    cluster = Cluster(nodes=2)
    cluster.client.create("pods", pod("web", nodeName="node-2"), "default")
    cluster.client.create("pods", pod("rock", nodeName="node-2", tolerations=[{"operator": "Exists"}]), "default")
    cluster.settle()
    cluster.faults.partition_node("node-2")
    cluster.run_for(120)
    cluster.faults.restore_node("node-2")
    cluster.run_for(30)
    assert events(cluster, "TaintManagerEviction") == ["Cancelling deletion of Pod default/web"]
    cluster.run_for(400)
    assert "deletionTimestamp" not in cluster.get("pods", "web")["metadata"]
