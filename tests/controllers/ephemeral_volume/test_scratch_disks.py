"""Disks that live as long as their pod: who makes the claim, and whose it may not be."""

import pytest

from k8snb.cluster import Cluster
from tests.controllers.ephemeral_volume.words import CLAIMS, with_scratch
from tests.controllers.world import names
from tests.storage.world import claim, put_up, storage_class


@pytest.fixture
def cluster():
    made = Cluster(nodes=2, loud=False)
    put_up(made, storage_class())
    return made


def test_the_claim_is_made_for_the_pod_and_goes_with_it(cluster):
    put_up(cluster, with_scratch())
    owner = cluster.get(CLAIMS, "app-disk")["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Pod", "app", True)
    cluster.client.delete("pods", "app", "default")
    cluster.run_for(30)
    assert names(cluster, CLAIMS) == []


def test_a_claim_of_that_name_that_is_somebody_elses_is_not_used(cluster):
    put_up(cluster, claim("app-disk", storageClassName="fast"), with_scratch())
    cluster.run_for(60)
    assert cluster.get("pods", "app")["status"]["phase"] == "Pending"
    assert "ownerReferences" not in cluster.get(CLAIMS, "app-disk")["metadata"]


def test_refused_and_away_the_claim_comes_late_and_once(cluster):
    cluster.faults.api_errors(5, verb="create", resource="persistentvolumeclaims")
    cluster.client.create("pods", with_scratch(), "default")
    cluster.run_for(0.01)
    cluster.faults.stop("kube-controller-manager")
    cluster.run_for(20)
    assert names(cluster, CLAIMS) == []
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(60)
    assert names(cluster, CLAIMS) == ["app-disk"]
    assert cluster.get("pods", "app")["status"]["phase"] == "Running"
