"""Every namespace has the certificate of the cluster's authority, as it was issued."""

import pytest

from k8snb.cluster import Cluster
from tests.controllers.root_ca_cert_publisher.scenario import SHOP

MAP = "kube-root-ca.crt"


@pytest.fixture
def cluster():
    made = Cluster(nodes=0)
    made.client.create("namespaces", SHOP)
    made.settle()
    return made


def published(cluster, namespace="shop"):
    return (cluster.get("configmaps", MAP, namespace) or {}).get("data")


def test_all_namespaces_have_the_same_one(cluster):
    found = {namespace["metadata"]["name"]: published(cluster, namespace["metadata"]["name"]) for namespace in cluster.get("namespaces")}
    assert {"default", "kube-system", "shop"} <= set(found)
    assert all(data == published(cluster) for data in found.values())


def test_whoever_writes_into_it_is_put_right(cluster):
    right = published(cluster)
    cluster.client.patch("configmaps", MAP, {"data": {"ca.crt": "mine", "more": "x"}}, "shop")
    cluster.settle()
    assert published(cluster) == right


def test_deleted_and_falsified_while_the_controller_is_away_it_is_right_again_afterwards(cluster):
    right = published(cluster)
    cluster.faults.stop("kube-controller-manager")
    cluster.client.delete("configmaps", MAP, "shop")
    cluster.client.patch("configmaps", MAP, {"data": {"ca.crt": "mine"}}, "default")
    cluster.run_for(30)
    cluster.faults.api_errors(1, verb="create", resource="configmaps")
    cluster.faults.start("kube-controller-manager")
    cluster.settle()
    assert published(cluster) == published(cluster, "default") == right
