"""The garbage collector and custom resources: what a custom object owns goes with it, in all three ways of deleting."""

import pytest

from k8snb.cluster import Cluster

DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: toys.example.com
spec:
  group: example.com
  scope: {scope}
  names: {{plural: toys, singular: toy, kind: Toy}}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"""
TOY = "apiVersion: example.com/v1alpha1\nkind: Toy\nmetadata:\n  name: bear\n"
NOTE = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: note
  ownerReferences:
  - {{apiVersion: example.com/v1alpha1, kind: Toy, name: bear, uid: {uid}, controller: true, blockOwnerDeletion: true}}
"""


def world(scope="Namespaced"):
    cluster = Cluster(nodes=0)
    assert cluster.apply(DEFINITION.format(scope=scope)).ok
    cluster.settle()
    assert cluster.apply(TOY).ok
    return own(cluster)


def own(cluster):
    uid = cluster.kubectl("get toy bear -o jsonpath={.metadata.uid}").stdout
    assert cluster.apply(NOTE.format(uid=uid)).ok
    cluster.settle()
    return cluster


def names(cluster, resource):
    return [obj["metadata"]["name"] for obj in cluster.get(resource) if obj["metadata"]["name"] in ("bear", "note")]


@pytest.mark.parametrize("scope", ["Namespaced", "Cluster"])
def test_what_a_custom_object_owns_stays_with_it_and_goes_with_it(scope):
    cluster = world(scope)
    assert names(cluster, "configmaps") == ["note"], "its owner is there, in a version that is not v1"
    cluster.kubectl("delete toy bear")
    cluster.settle()
    assert names(cluster, "configmaps") == []


def test_in_the_foreground_the_owner_waits_for_what_it_owns():
    cluster = world()
    cluster.kubectl("delete toy bear --cascade=foreground")
    cluster.settle()
    assert names(cluster, "toys.example.com") == names(cluster, "configmaps") == []


def test_an_orphan_keeps_what_it_is_and_loses_its_owner():
    cluster = world()
    cluster.kubectl("delete toy bear --cascade=orphan")
    cluster.settle()
    assert names(cluster, "toys.example.com") == []
    assert "ownerReferences" not in cluster.get("configmaps", "note")["metadata"]


def test_it_holds_after_a_restart_in_a_fork_in_a_loaded_cluster_and_after_lost_watches():
    cluster = world()
    cluster.faults.stop("kube-controller-manager")
    cluster.faults.start("kube-controller-manager")
    cluster.settle()
    for one in (cluster, cluster.fork(), Cluster.load(cluster.save())):
        one.faults.break_watches()
        one.settle()
        one.kubectl("delete toy bear")
        one.settle()
        assert names(one, "configmaps") == []


def test_an_object_that_goes_while_nobody_looks_is_noticed_afterwards():
    cluster = world()
    cluster.faults.stop("kube-controller-manager")
    cluster.kubectl("delete toy bear")
    cluster.faults.start("kube-controller-manager")
    cluster.settle()
    assert names(cluster, "configmaps") == []


def test_a_definition_may_go_and_come_again():
    cluster = world()
    cluster.kubectl("delete crd toys.example.com")
    cluster.settle()
    assert names(cluster, "configmaps") == [], "its objects went with it, and theirs with them"
    quiet = cluster.simulation.root.kernel.processed
    cluster.run_for(30)
    assert cluster.simulation.root.kernel.processed - quiet < 60, "nobody asks again and again for what is not defined any more"
    again = cluster.apply(DEFINITION.format(scope="Namespaced"))
    assert again.ok
    cluster.settle()
    assert cluster.apply(TOY).ok
    own(cluster)
    cluster.kubectl("delete toy bear")
    cluster.settle()
    assert names(cluster, "configmaps") == []


def test_a_namespace_takes_custom_objects_of_any_version_along():
    cluster = world()
    cluster.kubectl("create namespace shop")
    cluster.settle()
    assert cluster.apply(TOY, "-n shop").ok
    cluster.kubectl("delete namespace shop")
    cluster.settle()
    assert cluster.get("namespaces", "shop") is None
    assert len(cluster.get("toys.example.com")) == 1
