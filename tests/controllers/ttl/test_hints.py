"""How long a kubelet may trust what it knows of Secrets: a hint on every node, by the size of the cluster."""

import pytest

from k8snb.controllers.node.ttl import step_after
from tests.controllers.ttl.words import HINT, hints
from tests.controllers.world import cluster_of


@pytest.fixture
def cluster():
    return cluster_of(2)


def test_nodes_of_a_small_cluster_carry_no_delay(cluster):
    cluster.settle()
    assert hints(cluster) == ["0", "0"]


def test_boundaries_overlap():
    assert [step_after(0, nodes) for nodes in (100, 101, 501, 5000)] == [0, 1, 2, 4]
    assert step_after(1, 95) == 1


def test_wiped_off_while_nobody_looks_it_is_written_again(cluster):
    cluster.settle()
    cluster.faults.stop("kube-controller-manager")
    cluster.client.patch("nodes", "node-1", {"metadata": {"annotations": {HINT: None}}})
    cluster.run_for(20)
    assert hints(cluster) == [None, "0"]
    cluster.faults.api_errors(1, verb="patch", resource="nodes")
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(20)
    assert hints(cluster) == ["0", "0"]
