"""ReplicationController: the ReplicaSet loop over another kind."""

import pytest

from k8snb.controllers.registry import CONTROLLERS
from k8snb.resources import RESOURCES
from tests.controllers.world import NS, cluster_of, manifest, names, pods, reasons, template

RCS = "replicationcontrollers"


@pytest.fixture
def cluster():
    return cluster_of(2)


def start(cluster, replicas=3):
    spec = {"replicas": replicas, "selector": {"app": "web"}, "template": template("web")}
    cluster.client.create(RCS, manifest("ReplicationController", "web", spec, version="v1"), NS)
    cluster.settle()


def test_it_keeps_the_number_right(cluster):
    start(cluster)
    assert cluster.get(RCS, "web")["status"]["availableReplicas"] == 3
    cluster.client.delete("pods", names(cluster, "pods")[0], NS)
    cluster.settle()
    assert len(pods(cluster)) == 3
    cluster.client.patch(RCS, "web", {"spec": {"replicas": 1}}, NS)
    cluster.settle()
    assert len(pods(cluster)) == 1
    assert reasons(cluster, "ReplicationController") == ["SuccessfulCreate", "SuccessfulDelete"]


def test_a_pod_whose_label_changes_is_released_and_replaced(cluster):
    start(cluster, 2)
    name = names(cluster, "pods")[0]
    cluster.client.patch("pods", name, {"metadata": {"labels": {"app": "debug"}}}, NS)
    cluster.settle()
    assert len(pods(cluster)) == 3
    assert "ownerReferences" not in cluster.get("pods", name)["metadata"]


def test_deleted_with_orphans_and_made_again_it_adopts_them(cluster):
    start(cluster)
    before = names(cluster, "pods")
    cluster.client.delete(RCS, "web", NS, propagation="Orphan")
    cluster.settle()
    start(cluster)
    assert names(cluster, "pods") == before


def test_restarted_in_the_middle_it_does_not_double(cluster):
    start(cluster, 2)
    cluster.client.patch(RCS, "web", {"spec": {"replicas": 8}}, NS)
    cluster.run_for(0.01)
    cluster.faults.stop("kube-controller-manager")
    cluster.faults.start("kube-controller-manager")
    cluster.settle()
    assert len(pods(cluster)) == 8


def test_a_kind_that_a_controller_works_on_is_not_said_to_lie_idle():
    """A kind without a mark warns that nothing acts on it: that must be true."""
    worked_on = {controller.resource for controller in CONTROLLERS if isinstance(getattr(controller, "resource", None), str)}
    idle = {resource.key for resource in RESOURCES if not resource.simulated}
    assert RCS in worked_on
    assert not worked_on & idle
