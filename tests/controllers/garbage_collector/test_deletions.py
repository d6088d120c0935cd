"""What is deleted with what: three ways to delete an owner."""

import pytest

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


def test_an_owner_that_was_made_anew_while_the_collector_was_away_is_another(cluster):
    note = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}}
    first = cluster.client.create("configmaps", note, "default")
    ref = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": first["metadata"]["uid"]}
    cluster.client.create("configmaps", {**note, "metadata": {"name": "owned", "ownerReferences": [ref]}}, "default")
    cluster.settle()
    cluster.faults.stop("kube-controller-manager")
    cluster.client.delete("configmaps", "owner", "default")
    cluster.client.create("configmaps", note, "default")
    cluster.run_for(10)
    cluster.faults.start("kube-controller-manager")
    cluster.settle()
    assert cluster.get("configmaps", "owned") is None
    assert cluster.get("configmaps", "owner") is not None


def test_a_foreground_deletion_outlives_restarts_and_cut_watches(cluster):
    cluster.client.delete("deployments.apps", "web", "default", propagation="Foreground")
    for _ in range(8):
        cluster.step()
        cluster.faults.stop("kube-controller-manager")
        cluster.faults.start("kube-controller-manager")
        cluster.step()
        cluster.faults.break_watches("kube-controller-manager")
    cluster.settle(limit=120)
    assert kinds_left(cluster) == [0, 0, 0]
