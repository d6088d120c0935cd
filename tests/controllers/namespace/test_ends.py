"""The end of a namespace."""

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.cluster import Cluster
from tests.controllers.stories import deployment


@pytest.fixture
def cluster():
    made = Cluster(nodes=2)
    made.settle()
    return made


def test_a_namespace_is_given_its_defaults_and_takes_everything_along(cluster):
    cluster.client.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    cluster.settle()
    assert cluster.get("serviceaccounts", "default", "shop")
    assert cluster.get("configmaps", "kube-root-ca.crt", "shop")
    cluster.client.create("deployments.apps", deployment(2), "shop")
    cluster.settle()
    cluster.client.delete("namespaces", "shop")
    with pytest.raises(ApiError, match="because it is being terminated"):
        cluster.client.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}}, "shop")
    cluster.run_for(30)  # its loop waits five seconds for servers that have not noticed yet
    assert cluster.get("namespaces", "shop") is None
    assert not [p for p in cluster.get("pods") if p["metadata"]["namespace"] == "shop"]


def test_a_finalizer_holds_a_namespace_and_the_conditions_say_which(cluster):
    cluster.client.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    cluster.client.create("configmaps", held, "shop")
    cluster.client.delete("namespaces", "shop")
    cluster.run_for(15)
    conditions = {c["type"]: c["message"] for c in cluster.get("namespaces", "shop")["status"]["conditions"] if c["status"] == "True"}
    assert conditions["NamespaceFinalizersRemaining"].endswith("example.com/hold in 1 resource instances")
    cluster.client.patch("configmaps", "held", {"metadata": {"finalizers": None}}, "shop")
    cluster.settle(limit=60)
    assert cluster.get("namespaces", "shop") is None


def shop(cluster):
    cluster.client.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    cluster.client.create("deployments.apps", deployment(3), "shop")
    cluster.settle()


def left(cluster):
    keys = ("deployments.apps", "replicasets.apps", "pods", "configmaps", "serviceaccounts", "events")
    return [obj["metadata"]["name"] for key in keys for obj in cluster.get(key) if obj["metadata"]["namespace"] == "shop"]


@pytest.mark.parametrize("after", [0.02, 5.05, 5.5, 8])
def test_an_outage_of_etcd_in_the_middle_leaves_nothing_behind(cluster, after):
    shop(cluster)
    cluster.client.delete("namespaces", "shop")
    cluster.run_for(after)
    cluster.faults.stop("etcd")
    cluster.run_for(40)
    cluster.faults.start("etcd")
    cluster.run_for(120)
    assert cluster.get("namespaces", "shop") is None
    assert left(cluster) == []


def test_a_restart_in_the_middle_goes_on_where_it_was(cluster):
    shop(cluster)
    cluster.client.delete("namespaces", "shop")
    cluster.run_for(5.2)
    for _ in range(5):
        cluster.faults.stop("kube-controller-manager")
        cluster.faults.start("kube-controller-manager")
        cluster.run_for(2)
    cluster.run_for(60)
    assert cluster.get("namespaces", "shop") is None
    assert left(cluster) == []
