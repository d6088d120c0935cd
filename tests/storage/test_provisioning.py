"""A claim becomes a disk, and a released volume goes with its disk: the external-provisioner, and what can go wrong."""

import pytest

from k8snb.cluster import Cluster
from tests.storage.world import CLAIMS, VOLUMES, attached, claim, create, disks, messages, phase, put_up, storage_class, user_of


@pytest.fixture
def cluster():
    return Cluster(nodes=2, loud=False)


def test_a_claim_gets_a_disk_of_its_own_and_a_pod_with_it_a_node(cluster):
    put_up(cluster, storage_class(), claim(storageClassName="fast"), user_of())
    bound = cluster.get(CLAIMS, "data")
    volume = cluster.get(VOLUMES, bound["spec"]["volumeName"])
    assert (phase(cluster, CLAIMS, "data"), phase(cluster, "pods", "app")) == ("Bound", "Running")
    assert volume["metadata"]["name"] == f"pvc-{bound['metadata']['uid']}"
    assert volume["spec"]["csi"]["driver"] == "disk.csi.k8snb"
    assert attached(cluster) == {cluster.get("pods", "app")["spec"]["nodeName"]: True}
    assert [disk.size for disk in disks(cluster)] == [1 << 30]


def test_the_words_of_everyone_who_took_part(cluster):
    put_up(cluster, storage_class(), claim(storageClassName="fast"), user_of())
    name = cluster.get(CLAIMS, "data")["spec"]["volumeName"]
    assert messages(cluster, "Provisioning") == ['External provisioner is provisioning volume for claim "default/data"']
    assert messages(cluster, "ProvisioningSucceeded") == [f"Successfully provisioned volume {name}"]
    assert messages(cluster, "SuccessfulAttachVolume") == [f'AttachVolume.Attach succeeded for volume "{name}" ']
    assert messages(cluster, "ExternalProvisioning")[0].startswith(
        "Waiting for a volume to be created either by the external provisioner 'disk.csi.k8snb' or manually by the system administrator."
    )


def test_without_a_class_nothing_of_storage_exists():
    cluster = Cluster(nodes=2)
    for resource in ("storageclasses.storage.k8s.io", "csidrivers.storage.k8s.io", "csinodes.storage.k8s.io"):
        assert cluster.get(resource) == []


def test_a_driver_that_is_not_simulated_leaves_the_claim_waiting(cluster):
    put_up(cluster, storage_class(provisioner="example.com/disk"), claim(storageClassName="fast"))
    assert phase(cluster, CLAIMS, "data") == "Pending"
    assert cluster.get("csidrivers.storage.k8s.io") == []


def test_a_cluster_with_storage_has_a_default_class():
    cluster = Cluster(nodes=1, loud=False, storage=True)
    put_up(cluster, claim(), user_of())
    assert cluster.get(CLAIMS, "data")["spec"]["storageClassName"] == "standard"
    assert phase(cluster, "pods", "app") == "Running"


def test_a_claim_that_was_there_before_the_default_class_gets_it(cluster):
    put_up(cluster, claim())
    default = storage_class(provisioner="disk.csi.k8snb")
    default["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    create(cluster, default)
    cluster.run_for(20)
    assert phase(cluster, CLAIMS, "data") == "Bound"


@pytest.mark.parametrize(("policy", "left"), [("Delete", 0), ("Retain", 1)])
def test_when_the_claim_goes_the_policy_decides_about_the_disk(cluster, policy, left):
    put_up(cluster, storage_class(reclaimPolicy=policy), claim(storageClassName="fast"))
    cluster.client.delete(CLAIMS, "data", "default")
    cluster.run_for(10)
    assert len(disks(cluster)) == len(cluster.get(VOLUMES)) == left


def test_a_disk_is_not_deleted_while_a_node_has_it(cluster):
    put_up(cluster, storage_class(), claim(storageClassName="fast"), user_of())
    cluster.client.delete(CLAIMS, "data", "default")
    cluster.run_for(5)
    assert phase(cluster, CLAIMS, "data") == "Bound"
    cluster.client.delete("pods", "app", "default")
    cluster.run_for(30)
    assert disks(cluster) == cluster.get(VOLUMES) == []


def test_an_access_mode_that_the_driver_cannot_do_is_told(cluster):
    put_up(cluster, storage_class(), claim(storageClassName="fast", accessModes=["ReadWriteMany"]))
    assert phase(cluster, CLAIMS, "data") == "Pending"
    assert messages(cluster, "ProvisioningFailed")[0] == (
        'failed to provision volume with StorageClass "fast": rpc error: code = InvalidArgument desc = '
        "Volume capabilities not supported: access mode ReadWriteMany"
    )


def test_a_restart_in_the_middle_makes_no_second_disk(cluster):
    create(cluster, storage_class(), claim(storageClassName="fast"))
    cluster.run_for(0.5)
    cluster.faults.stop("csi")
    cluster.run_for(5)
    assert phase(cluster, CLAIMS, "data") == "Pending"
    cluster.faults.start("csi")
    cluster.run_for(10)
    assert (phase(cluster, CLAIMS, "data"), len(disks(cluster)), len(cluster.get(VOLUMES))) == ("Bound", 1, 1)


def test_a_refused_write_after_the_disk_was_made_does_not_lose_it(cluster):
    put_up(cluster, storage_class())
    cluster.faults.api_errors(1, verb="create", resource="persistentvolumes")
    create(cluster, claim(storageClassName="fast"))
    cluster.run_for(20)
    assert (phase(cluster, CLAIMS, "data"), len(disks(cluster)), len(cluster.get(VOLUMES))) == ("Bound", 1, 1)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"selector": {"matchLabels": {"tier": "gold"}}}, "claim Selector is not supported"),
        ({"dataSource": {"kind": "PersistentVolumeClaim", "name": "other"}}, "made from a PersistentVolumeClaim"),
    ],
)
def test_what_no_driver_can_do_is_told(cluster, wish, why):
    put_up(cluster, storage_class(), claim(storageClassName="fast", **wish))
    assert phase(cluster, CLAIMS, "data") == "Pending"
    assert messages(cluster, "ProvisioningFailed")[0].endswith(why)
    assert disks(cluster) == []
