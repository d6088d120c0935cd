"""Every namespace has its ServiceAccount, without which no pod can be made there."""

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.cluster import Cluster
from tests.controllers.service_account.scenario import SHOP
from tests.controllers.stories import pod, replicaset


@pytest.fixture
def cluster():
    return Cluster(nodes=1)


def account(cluster):
    return cluster.get("serviceaccounts", "default", "shop")


def test_a_new_namespace_gets_one_and_gets_it_again_when_it_is_deleted(cluster):
    cluster.client.create("namespaces", SHOP)
    cluster.settle()
    first = account(cluster)["metadata"]["uid"]
    cluster.client.delete("serviceaccounts", "default", "shop")
    cluster.settle()
    assert account(cluster)["metadata"]["uid"] != first


def test_while_the_controller_is_away_pods_are_refused_and_workloads_wait_for_it(cluster):
    cluster.faults.stop("kube-controller-manager")
    cluster.client.create("namespaces", SHOP)
    cluster.client.create("replicasets.apps", replicaset(1), "shop")
    with pytest.raises(ApiError, match='error looking up service account shop/default: serviceaccount "default" not found'):
        cluster.client.create("pods", pod("web"), "shop")
    cluster.faults.api_errors(1, verb="create", resource="serviceaccounts")
    cluster.faults.start("kube-controller-manager")
    cluster.settle()
    assert account(cluster) is not None
    assert [p["metadata"]["namespace"] for p in cluster.get("pods")] == ["shop"]


def test_a_namespace_that_is_going_gets_none(cluster):
    cluster.client.create("namespaces", {**SHOP, "metadata": {"name": "shop"}, "spec": {}})
    cluster.settle()
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    cluster.client.create("configmaps", held, "shop")
    cluster.client.delete("namespaces", "shop")
    cluster.run_for(60)
    assert account(cluster) is None
    assert cluster.get("namespaces", "shop")["status"]["phase"] == "Terminating"
