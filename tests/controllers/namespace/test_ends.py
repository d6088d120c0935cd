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
