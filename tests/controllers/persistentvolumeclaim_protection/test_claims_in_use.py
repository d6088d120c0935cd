"""Claims that a pod uses stay until it is gone."""

import pytest

from k8snb.apimachinery.objects import freeze
from tests.controllers.persistentvolume.words import CLAIMS, VOLUMES, claim, put_up, using, volume
from tests.controllers.world import NS, cluster_of, names


@pytest.fixture
def cluster():
    return cluster_of(2)








def test_a_claim_in_use_goes_only_after_the_pod(cluster):
    put_up(cluster, volume("disk"), claim())
    cluster.client.create("pods", using(), NS)
    cluster.settle()
    cluster.client.delete(CLAIMS, "data", NS)
    cluster.client.delete(VOLUMES, "disk")
    cluster.run_for(30)
    assert names(cluster, CLAIMS) == ["data"]
    cluster.client.delete("pods", "app", NS)
    cluster.run_for(30)
    assert names(cluster, CLAIMS) == names(cluster, VOLUMES, "") == []


def test_a_pod_that_is_over_uses_nothing(cluster):
    put_up(cluster, volume("disk"), claim())
    cluster.client.create("pods", using(), NS)
    cluster.run_for(10)
    pod = cluster.get("pods", "app")
    cluster.client.update_status("pods", freeze({**pod, "status": {**pod["status"], "phase": "Succeeded"}}))
    cluster.client.delete(CLAIMS, "data", NS)
    cluster.run_for(30)
    assert names(cluster, CLAIMS) == []


def test_a_pod_that_the_cache_does_not_show_yet_is_asked_for(cluster):
    put_up(cluster, volume("disk"), claim())
    cluster.faults.delay_watches("kube-controller-manager", 30, "pods")
    cluster.client.create("pods", using(nodeName="node-1"), NS)
    cluster.client.delete(CLAIMS, "data", NS)
    cluster.run_for(20)
    assert names(cluster, CLAIMS) == ["data"]  # before it lets go it lists the pods once more at the API server


def test_deleted_while_the_controller_is_away_it_goes_when_that_is_back(cluster):
    put_up(cluster, volume("disk"), claim())
    cluster.faults.stop("kube-controller-manager")
    cluster.client.delete(CLAIMS, "data", NS)
    cluster.run_for(60)
    assert names(cluster, CLAIMS) == ["data"]
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(5)
    assert names(cluster, CLAIMS) == []
