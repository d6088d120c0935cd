"""Mirrors: Endpoints that somebody wrote by hand, as slices."""

import pytest

from tests.controllers.endpointslicemirroring.words import SLICES, endpoints, mirrors, service
from tests.controllers.world import NS, cluster_of


@pytest.fixture
def cluster():
    return cluster_of(2)


def by_hand(cluster, **labels):
    cluster.client.create("services", service(), NS)
    cluster.client.create("endpoints", endpoints(**labels), NS)
    cluster.settle()


def test_endpoints_written_by_hand_are_mirrored(cluster):
    by_hand(cluster)
    (made,) = mirrors(cluster)
    assert [(e["addresses"], e["conditions"]["ready"]) for e in made["endpoints"]] == [(["192.0.2.1"], True), (["192.0.2.2"], False)]
    cluster.client.patch("endpoints", "db", {"subsets": [{"addresses": [{"ip": "192.0.2.9"}], "ports": [{"port": 5432}]}]}, NS)
    cluster.settle()
    assert [e["addresses"] for e in mirrors(cluster)[0]["endpoints"]] == [["192.0.2.9"]]
    cluster.client.delete("endpoints", "db", NS)
    cluster.settle()
    assert mirrors(cluster) == []


def test_unless_they_ask_to_be_left_out(cluster):
    by_hand(cluster, **{"endpointslice.kubernetes.io/skip-mirror": "true"})
    assert mirrors(cluster) == []


def test_a_mirror_that_somebody_deletes_comes_back_after_an_error(cluster):
    by_hand(cluster)
    cluster.faults.api_errors(1, verb="create", resource="endpointslices")
    cluster.client.delete(SLICES, mirrors(cluster)[0]["metadata"]["name"], NS)
    cluster.settle()
    assert len(mirrors(cluster)) == 1
