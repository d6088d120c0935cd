"""What is deleted with what: three ways to delete an owner, and the end of a namespace."""

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.cluster import Cluster
from tests.controllers.stories import deployment, pods, ready


@pytest.fixture
def cluster():
    made = Cluster(nodes=2)
    made.client.create("deployments.apps", deployment(2), "default")
    made.settle()
    return made


def kinds_left(cluster):
    return [len(cluster.get(key)) for key in ("deployments.apps", "replicasets.apps", "pods")]


def test_background_the_owner_goes_first(cluster):
    cluster.client.delete("deployments.apps", "web", "default")
    assert kinds_left(cluster) == [0, 1, 2]
    cluster.settle()
    assert kinds_left(cluster) == [0, 0, 0]


def test_foreground_the_owner_waits_for_what_it_owns(cluster):
    waiting = cluster.client.delete("deployments.apps", "web", "default", propagation="Foreground")
    assert waiting["metadata"]["finalizers"] == ["foregroundDeletion"]
    order = []
    cluster.run_until(lambda c: order.append(tuple(kinds_left(c))) or kinds_left(c) == [0, 0, 0], 120)
    assert all(pods_left == 0 for owner, sets, pods_left in order if not sets)
    assert all(sets == 0 for owner, sets, _ in order if not owner)


def test_orphan_what_was_owned_stays_and_belongs_to_nobody(cluster):
    cluster.client.delete("replicasets.apps", cluster.get("replicasets.apps")[0]["metadata"]["name"], "default", propagation="Orphan")
    cluster.settle()
    assert ready(cluster) == 2  # the Deployment made another ReplicaSet, which adopted them
    cluster.client.delete("deployments.apps", "web", "default", propagation="Orphan")
    cluster.settle()
    assert kinds_left(cluster) == [0, 1, 2]
    assert "ownerReferences" not in cluster.get("replicasets.apps")[0]["metadata"]


def test_an_object_whose_owner_never_existed_is_collected(cluster):
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ghost", "uid": "11111111-2222-4333-8444-555555555555"}
    cluster.client.create(
        "configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "lost", "ownerReferences": [owner]}}, "default"
    )
    cluster.settle()
    assert cluster.get("configmaps", "lost") is None


def test_an_object_with_two_owners_outlives_the_first(cluster):
    refs = []
    for name in ("one", "two"):
        made = cluster.client.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}, "default")
        refs.append({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": made["metadata"]["uid"]})
    shared = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared", "ownerReferences": refs}}
    cluster.client.create("configmaps", shared, "default")
    cluster.client.delete("configmaps", "one", "default")
    cluster.settle()
    assert [ref["name"] for ref in cluster.get("configmaps", "shared")["metadata"]["ownerReferences"]] == ["two"]
    cluster.client.delete("configmaps", "two", "default")
    cluster.settle()
    assert cluster.get("configmaps", "shared") is None


def test_the_collector_finds_after_a_restart_what_it_missed(cluster):
    cluster.faults.stop("kube-controller-manager")
    cluster.client.delete("deployments.apps", "web", "default")
    cluster.run_for(60)
    assert len(pods(cluster)) == 2
    cluster.faults.start("kube-controller-manager")
    cluster.settle()
    assert kinds_left(cluster) == [0, 0, 0]


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
