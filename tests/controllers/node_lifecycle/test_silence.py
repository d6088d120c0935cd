"""Silent machines: when they are marked, how fast they are given up, and when nobody is."""

from __future__ import annotations

import pytest

from k8snb.cluster import Cluster
from k8snb.controllers.node.zones import FULL, NORMAL, PARTIAL, interval_of, next_states, state_of
from k8snb.sim.clock import SECOND
from tests.controllers.stories import deployment, pods, ready
from tests.node_failure.words import nodes_in, taints


def test_a_silent_node_is_cordoned_off_at_once_and_given_up_with_the_next_look() -> None:
    cluster = Cluster(nodes=3)
    cluster.faults.fail_node("node-2")
    assert cluster.run_until(lambda c: "node-2" in taints(c, "NoSchedule"), 70)
    assert taints(cluster) == {}
    cluster.run_for(6)
    assert taints(cluster) == {"node-2": "unreachable"}


def test_every_taint_says_since_when_it_is_there() -> None:
    cluster = Cluster(nodes=2)
    cluster.kubectl("cordon node-1")
    cluster.settle()
    (taint,) = cluster.get("nodes", "node-1")["spec"]["taints"]
    assert taint == {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-01-01T00:00:02Z"}


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
