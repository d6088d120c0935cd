"""Machines that are emptied on purpose: drain, cordon, budgets, and who must be named."""

from __future__ import annotations

from k8snb.cluster import Cluster
from tests.controllers.stories import deployment, pod, pods, ready


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


def test_an_eviction_says_in_the_status_who_ended_the_pod() -> None:
    cluster = Cluster(nodes=1)
    slow = {"containers": [{"name": "main", "image": "busybox:1.36", "command": ["sleep", "999"]}]}
    cluster.client.create("pods", pod("slow", **slow), "default")
    cluster.settle()
    cluster.kubectl("drain node-1 --force --timeout=1s")
    conditions = {c["type"]: c for c in cluster.get("pods", "slow")["status"]["conditions"]}
    target = conditions["DisruptionTarget"]
    assert (target["status"], target["reason"], target["message"]) == ("True", "EvictionByEvictionAPI", "Eviction API: evicting")
