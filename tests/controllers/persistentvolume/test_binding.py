"""Claims and volumes: who is bound to whom; and bindings that were interrupted at every step."""

import pytest

from k8snb.apimachinery.meta import condition
from k8snb.apimachinery.objects import freeze
from k8snb.component_helpers.volume_matching import best_match
from tests.controllers.persistentvolume.words import CLAIMS, VOLUMES, claim, phases, put_up, using, volume
from tests.controllers.world import NS, cluster_of, reasons

CLASSES = "storageclasses.storage.k8s.io"


@pytest.fixture
def cluster():
    return cluster_of(2)












def test_the_smallest_volume_that_is_large_enough_is_taken(cluster):
    put_up(cluster, volume("small", "500Mi"), volume("large", "10Gi"), volume("right", "2Gi"), claim())
    assert phases(cluster) == {"data": "Bound", "small": "Available", "large": "Available", "right": "Bound"}
    bound = cluster.get(CLAIMS, "data")
    assert bound["spec"]["volumeName"] == "right"
    assert bound["status"]["capacity"] == {"storage": "2Gi"}


def test_class_mode_and_labels_must_fit(cluster):
    put_up(cluster, volume("classy", storageClassName="fast"), volume("readers", modes=("ReadOnlyMany",)),
           claim(selector={"matchLabels": {"tier": "gold"}}))  # fmt: skip
    assert phases(cluster)["data"] == "Pending"
    gold = volume("gold")
    gold["metadata"]["labels"] = {"tier": "gold"}
    put_up(cluster, gold)
    assert cluster.get(CLAIMS, "data")["spec"]["volumeName"] == "gold"


def test_a_volume_that_is_kept_for_a_claim_goes_to_it_only(cluster):
    put_up(cluster, volume("kept", claimRef={"namespace": NS, "name": "data"}), claim("other"))
    assert phases(cluster) == {"other": "Pending", "kept": "Available"}
    put_up(cluster, claim())
    assert phases(cluster) == {"other": "Pending", "data": "Bound", "kept": "Bound"}


def test_a_claim_may_ask_for_a_volume_by_name_and_be_told_why_not(cluster):
    put_up(cluster, volume("tiny", "1Mi"), claim(volumeName="tiny"))
    assert phases(cluster) == {"data": "Pending", "tiny": "Available"}
    assert "VolumeMismatch" in reasons(cluster, "PersistentVolumeClaim")


def test_pods_wait_for_the_volume(cluster):
    put_up(cluster, claim())
    cluster.client.create("pods", using(), NS)
    cluster.settle()
    assert cluster.get("pods", "app")["status"]["phase"] == "Pending"
    put_up(cluster, volume("late"))
    cluster.run_for(30)
    assert condition(cluster.get("pods", "app"), "PodScheduled")["status"] == "True"


@pytest.mark.parametrize(("policy", "phase"), [("Retain", "Released"), ("Delete", "Failed"), ("Recycle", "Failed")])
def test_when_the_claim_goes_the_policy_decides(cluster, policy, phase):
    put_up(cluster, volume("disk", persistentVolumeReclaimPolicy=policy), claim())
    cluster.client.delete(CLAIMS, "data", NS)
    cluster.settle()
    assert phases(cluster) == {"disk": phase}


def test_why_a_volume_is_not_taken_back_is_told(cluster):
    put_up(cluster, volume("disk", persistentVolumeReclaimPolicy="Recycle"), claim())
    cluster.client.delete(CLAIMS, "data", NS)
    cluster.settle()
    assert cluster.get(VOLUMES, "disk")["status"]["message"] == "No recycler plugin found for the volume!"
    assert reasons(cluster, "PersistentVolume") == ["VolumeFailedRecycle"]


def test_a_released_volume_is_not_given_to_the_next(cluster):
    put_up(cluster, volume("disk"), claim())
    cluster.client.delete(CLAIMS, "data", NS)
    cluster.settle()
    put_up(cluster, claim())
    assert phases(cluster) == {"data": "Pending", "disk": "Released"}




def test_a_volume_that_vanishes_loses_the_claim(cluster):
    put_up(cluster, volume("disk"), claim())
    disk = cluster.get(VOLUMES, "disk")
    cluster.client.update(VOLUMES, freeze({**disk, "metadata": {k: v for k, v in disk["metadata"].items() if k != "finalizers"}}))
    cluster.client.delete(VOLUMES, "disk")
    cluster.settle()
    assert phases(cluster) == {"data": "Lost"}


@pytest.mark.parametrize(
    ("binding", "provisioner", "reason"),
    [
        ("WaitForFirstConsumer", "example.com/disk", "WaitForFirstConsumer"),
        ("Immediate", "example.com/disk", "ExternalProvisioning"),
        ("Immediate", "kubernetes.io/no-provisioner", "ProvisioningFailed"),
    ],
)
def test_what_a_class_says_while_there_is_no_volume(cluster, binding, provisioner, reason):
    made = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": provisioner}
    cluster.client.create(CLASSES, {**made, "volumeBindingMode": binding})
    put_up(cluster, claim(storageClassName="fast"))
    assert phases(cluster) == {"data": "Pending"}
    assert reasons(cluster, "PersistentVolumeClaim") == [reason]


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_interrupted_at_any_write_the_binding_is_completed(cluster, failures):
    put_up(cluster, volume("disk"))
    cluster.faults.api_errors(failures, verb="update")
    cluster.client.create(CLAIMS, claim(), NS)
    cluster.run_for(0.02)
    cluster.faults.stop("kube-controller-manager")
    cluster.run_for(5)
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(30)
    assert phases(cluster) == {"data": "Bound", "disk": "Bound"}


def test_two_claims_and_one_volume_after_a_lost_watch(cluster):
    put_up(cluster, claim("a"), claim("b"))
    cluster.faults.break_watches("kube-controller-manager")
    cluster.client.create(VOLUMES, volume("disk"))
    cluster.run_for(60)
    assert sorted(phases(cluster).values()) == ["Bound", "Bound", "Pending"]


def test_matching_is_pure():
    wanted = freeze({**claim(), "metadata": {"name": "data", "namespace": NS, "uid": "u"}})
    offers = [freeze({**volume(name, size), "status": {"phase": "Available"}}) for name, size in (("b", "3Gi"), ("a", "3Gi"), ("c", "1Mi"))]
    assert best_match(offers, wanted)["metadata"]["name"] == "a"
