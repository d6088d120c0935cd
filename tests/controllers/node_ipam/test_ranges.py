"""Ranges of pod addresses: one for each node, and no two the same."""

import pytest

from tests.controllers.node_ipam.scenario import machine, ranges
from tests.controllers.stories import pods, six_on_three


@pytest.fixture
def cluster():
    return six_on_three()


def test_every_node_has_its_own_range_of_pod_addresses(cluster):
    ranges = [n["spec"]["podCIDR"] for n in cluster.get("nodes")]
    assert len(set(ranges)) == 3
    addresses = [p["status"]["podIP"] for p in pods(cluster)]
    assert len(set(addresses)) == 6


def test_after_a_restart_a_gap_is_filled_and_what_is_taken_stays_taken(cluster):
    for name in ("a", "b"):
        cluster.client.create("nodes", machine(name))
    cluster.settle()
    cluster.client.delete("nodes", "a")  # 10.244.3.0/24 is free again, 10.244.4.0/24 is not
    cluster.faults.stop("kube-controller-manager")
    cluster.faults.start("kube-controller-manager")
    for name in ("c", "d"):
        cluster.client.create("nodes", machine(name))
    cluster.settle()
    assert sorted(ranges(cluster)) == [f"10.244.{number}.0/24" for number in (0, 1, 2, 3, 4, 5)]


def test_a_range_that_could_not_be_written_is_not_given_to_two(cluster):
    cluster.faults.api_errors(1, verb="patch", resource="nodes")
    for name in ("a", "b"):
        cluster.client.create("nodes", machine(name))
    cluster.run_for(10)
    assert None not in ranges(cluster)
    assert len(set(ranges(cluster))) == 5
