"""Volumes that a claim is bound to stay until it is gone."""

import pytest

from tests.controllers.persistentvolume.words import CLAIMS, VOLUMES, claim, put_up, volume
from tests.controllers.world import NS, cluster_of, names


@pytest.fixture
def cluster():
    return cluster_of(2)


def test_a_bound_volume_goes_only_after_its_claim(cluster):
    put_up(cluster, volume("disk"), claim())
    cluster.client.delete(VOLUMES, "disk")
    cluster.run_for(30)
    assert names(cluster, VOLUMES, "") == ["disk"]
    cluster.client.delete(CLAIMS, "data", NS)
    cluster.run_for(30)
    assert names(cluster, VOLUMES, "") == []


def test_a_free_volume_goes_at_once(cluster):
    put_up(cluster, volume("disk"))
    cluster.client.delete(VOLUMES, "disk")
    cluster.settle()
    assert names(cluster, VOLUMES, "") == []


def test_refused_and_restarted_it_lets_go_all_the_same(cluster):
    put_up(cluster, volume("disk"))
    cluster.faults.api_errors(2, verb="update", resource="persistentvolumes")
    cluster.client.delete(VOLUMES, "disk")
    cluster.run_for(0.05)
    cluster.faults.stop("kube-controller-manager")
    cluster.run_for(10)
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(10)
    assert names(cluster, VOLUMES, "") == []
