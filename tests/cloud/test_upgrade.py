"""Upgrading a node pool: surge, one machine after the other, and budgets that are in the way."""

from __future__ import annotations

from k8snb.cloud.pools import IMAGE
from k8snb.cluster import Cluster
from tests.cloud.world import WEB, managed, node_names, reasons

NEW = "AKSUbuntu-2204gen2containerd-202612.01.0"


def images(cluster: Cluster) -> dict[str, str]:
    return {n["metadata"]["name"]: n["metadata"]["labels"][IMAGE] for n in cluster.get("nodes")}


def ready_pods(cluster: Cluster) -> int:
    return int(cluster.get("deployments.apps", "web")["status"].get("readyReplicas", 0))


def budget(least: int) -> dict[str, object]:
    spec = {"minAvailable": least, "selector": {"matchLabels": {"app": "web"}}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}, "spec": spec}


def begin(least: int) -> Cluster:
    cluster = managed(2)
    cluster.apply(WEB)
    cluster.client.create("poddisruptionbudgets.policy", budget(least), "default")
    cluster.settle()
    cluster.cloud.node_pools.upgrade("nodepool1", NEW)
    return cluster


def test_every_machine_gets_the_new_image_and_the_budget_holds_all_the_time() -> None:
    cluster = begin(2)
    names = node_names(cluster)
    least = 3
    while not cluster.run_until(lambda c: all(image == NEW for image in images(c).values()) and node_names(c) == names, limit=1):
        least = min(least, ready_pods(cluster))
        assert cluster.now < 1_767_225_600_000_000 + 900_000_000
    assert least >= 2
    cluster.run_for(60)
    assert list(cluster.cloud.instances) == names  # the surge machine came and went
    assert ready_pods(cluster) == 3
    assert "Drain" in reasons(cluster, names[0])


def test_a_budget_that_never_allows_an_eviction_stops_it_and_says_who() -> None:
    cluster = begin(3)
    cluster.run_for(300)
    said = repr(cluster.cloud.node_pools)
    assert "upgrade of nodepool1" in said
    assert "waits for default/web-" in said
    assert "violate the pod's disruption budget" in said
    assert sorted(set(images(cluster).values())) == [NEW.replace("2612", "2611"), NEW]  # the surge machine alone is new
    cluster.run_for(1800)
    assert "failed: Drain node" in repr(cluster.cloud.node_pools)
    cluster.run_for(90)
    assert set(images(cluster).values()) == {NEW.replace("2612", "2611")}
    assert not any(node["spec"].get("unschedulable") for node in cluster.get("nodes"))
    assert ready_pods(cluster) == 3


def test_once_the_budget_gives_way_it_goes_on() -> None:
    cluster = begin(3)
    cluster.run_for(300)
    cluster.client.patch("poddisruptionbudgets.policy", "web", {"spec": {"minAvailable": 2}}, "default")
    cluster.run_for(600)
    assert set(images(cluster).values()) == {NEW}
    assert "upgrade of" not in repr(cluster.cloud.node_pools)


def test_the_managing_service_restarts_in_the_middle_and_goes_on() -> None:
    cluster = begin(2)
    cluster.run_for(120)
    cluster.faults.stop("aks")
    cluster.run_for(60)
    cluster.faults.start("aks")
    cluster.run_for(600)
    assert set(images(cluster).values()) == {NEW}
