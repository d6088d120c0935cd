"""Machines that do not come up: the autoscaler gives them up, lets their pool rest, and asks another one."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster import Cluster
from k8snb.messages import Mistake
from tests.cloud.test_autoscaler import decisions, deployment, messages, running
from tests.cloud.world import growing, node_names


@pytest.fixture(scope="module")
def start() -> Cluster:
    """A pool of one machine that may grow to three; no machine more comes up."""
    cluster = growing()
    cluster.cloud.fail_boots("user")
    cluster.client.create("deployments.apps", deployment(5), "default")
    cluster.run_for(60)
    return cluster


@pytest.fixture
def cluster(start: Cluster) -> Cluster:
    return start.fork()


def status(cluster: Cluster) -> str:
    """What the autoscaler has written down."""
    return str(cluster.get("configmaps", "cluster-autoscaler-status", "kube-system")["data"]["status"])


def machines(cluster: Cluster, state: str) -> int:
    """How many machines of the pool are in a state."""
    return len(cluster.simulation.parts.cloud.azure.instances_of("user", state))


def test_a_machine_is_waited_for_a_quarter_of_an_hour(cluster: Cluster) -> None:
    cluster.run_for(14 * 60 - 60)
    assert (machines(cluster, "Creating"), messages(cluster, "ScaleUpTimedOut")) == (1, set())
    assert "unregistered: 1" in status(cluster)


def test_then_it_is_deleted_and_its_pool_rests(cluster: Cluster) -> None:
    cluster.run_for(15 * 60)
    group = cluster.cloud.node_pools["user"].group
    assert messages(cluster, "ScaleUpTimedOut") == {f"Nodes added to group {group} failed to register within 15m0s"}
    assert (machines(cluster, "Creating"), cluster.cloud.node_pools["user"].machines) == (0, 1)
    assert "pod didn't trigger scale-up: 1 in backoff after failed scale-up" in messages(cluster, "NotTriggerScaleUp")
    assert "status: Backoff" in status(cluster)
    verbs = [verb for verb, _, _ in decisions(cluster)]
    assert verbs[:3] == ["scale up", "scale-up failed", "remove unregistered"]


def test_after_its_rest_the_pool_is_asked_again_and_rests_longer_each_time(cluster: Cluster) -> None:
    cluster.run_for(100 * 60)
    rests = [why for verb, _, why in decisions(cluster) if verb == "scale-up failed"]
    assert rests == ["rests for 5m", "rests for 10m", "rests for 20m", "rests for 30m"]
    assert running(cluster) == 3


def test_once_machines_come_up_again_the_pods_run_and_the_failure_is_forgotten(cluster: Cluster) -> None:
    cluster.run_for(15 * 60)
    cluster.cloud.restore_boots("user")
    cluster.run_for(10 * 60)
    assert running(cluster) == 5
    assert len(node_names(cluster, "user")) == 2
    assert dict(cluster.simulation.parts.cloud.autoscaler.own.provisioning.rests) == {}


def test_a_machine_that_comes_late_but_in_time_is_kept(cluster: Cluster) -> None:
    cluster.run_for(10 * 60)
    cluster.cloud.restore_boots("user")
    cluster.run_for(3 * 60)
    assert running(cluster) == 5
    assert messages(cluster, "ScaleUpTimedOut") == set()


def test_while_one_pool_rests_another_helps(cluster: Cluster) -> None:
    cluster.cloud.node_pools.add("spare", count=1, zones="1")
    cluster.run_for(90)
    cluster.cloud.node_pools.autoscale("spare", 1, 3)
    patch: dict[str, Any] = {"spec": {"template": {"spec": {"nodeSelector": None}}}}
    cluster.client.patch("deployments.apps", "web", patch, "default")
    cluster.client.patch("deployments.apps", "web", {"spec": {"replicas": 14}}, "default")
    cluster.run_for(20 * 60)
    assert len(node_names(cluster, "spare")) > 1
    assert len(node_names(cluster, "user")) == 1


def test_a_zone_that_fails_while_a_machine_boots_there_is_left_for_another(cluster: Cluster) -> None:
    cluster.cloud.restore_boots("user")
    zone = next(one.zone for one in cluster.simulation.parts.cloud.azure.instances_of("user", "Creating"))
    cluster.cloud.fail_zone(zone)
    cluster.run_for(25 * 60)
    made = cluster.simulation.parts.cloud.azure.instances_of("user", "Running")
    assert {one.zone for one in made if one.name in node_names(cluster, "user")} - {zone}, "the new one stands elsewhere"


def test_only_a_pool_that_is_there_can_fail(cluster: Cluster) -> None:
    with pytest.raises(Mistake):
        cluster.cloud.fail_boots("nobody")


def test_a_managed_cluster_begins_with_the_classes_of_aks(cluster: Cluster) -> None:
    lines = cluster.kubectl("get storageclass --no-headers").text.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "azurefile", "azurefile-csi", "azurefile-csi-premium", "azurefile-premium", "default (default)", "managed", "managed-csi",
        "managed-csi-premium", "managed-premium",
    ]  # fmt: skip


def test_a_fork_goes_on_waiting_as_long(cluster: Cluster) -> None:
    other = cluster.fork()
    for one in (cluster, other):
        one.run_for(25 * 60)
    assert other.save() == cluster.save()
