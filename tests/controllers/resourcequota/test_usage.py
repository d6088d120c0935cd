"""ResourceQuota: the status tells what is used, and what goes makes room again."""

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.cluster import Cluster
from k8snb.controllers.resource_quota import named_kinds

QUOTAS = "resourcequotas"


@pytest.fixture
def cluster():
    made = Cluster(nodes=0)
    spec = {"hard": {"secrets": "1", "services": "5", "count/deployments.apps": "1"}}
    made.client.create(QUOTAS, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": spec}, "default")
    made.settle()
    return made


def secret(cluster, name):
    cluster.client.create("secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}, "default")


def used(cluster):
    return cluster.client.get(QUOTAS, "team", "default")["status"]["used"]


def test_a_new_quota_counts_what_is_there(cluster):
    assert used(cluster) == {"secrets": "0", "services": "1", "count/deployments.apps": "0"}  # the Service "kubernetes"


def test_what_goes_makes_room(cluster):
    secret(cluster, "one")
    with pytest.raises(ApiError) as error:
        secret(cluster, "two")
    assert error.value.message.endswith("exceeded quota: team, requested: secrets=1, used: secrets=1, limited: secrets=1")
    cluster.client.delete("secrets", "one", "default")
    cluster.settle()
    assert used(cluster)["secrets"] == "0"
    secret(cluster, "two")


def test_the_names_of_a_quota_say_what_to_count():
    names = ["requests.cpu", "pods", "services.nodeports", "requests.storage", "count/jobs.batch", "requests.ephemeral-storage"]
    assert named_kinds(names) == ["pods", "services", "persistentvolumeclaims", "jobs.batch"]


def test_what_goes_while_the_controller_is_away_makes_room_only_when_it_is_back(cluster):
    secret(cluster, "one")
    cluster.settle()
    cluster.faults.stop("kube-controller-manager")
    cluster.client.delete("secrets", "one", "default")
    cluster.run_for(60)
    with pytest.raises(ApiError, match="exceeded quota: team, requested: secrets=1, used: secrets=1, limited: secrets=1"):
        secret(cluster, "two")
    cluster.faults.api_errors(2, verb="update", resource="resourcequotas")
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(30)
    secret(cluster, "two")
    assert used(cluster)["secrets"] == "1"
