"""Volumes follow the pods: attach, detach, one node at a time; what happens when a node dies; and growing while in use."""

import pytest

from k8snb.cluster import Cluster
from k8snb.sim.state import digest
from tests.storage.world import CLAIMS, VOLUMES, attached, claim, create, disks, messages, phase, put_up, storage_class, user_of

LATE = {"volumeBindingMode": "WaitForFirstConsumer"}


@pytest.fixture
def cluster():
    return Cluster(nodes=3, loud=False)


def on(node, name="app", **spec):
    """A pod with the claim, on a certain node."""
    return user_of(name=name, nodeSelector={"kubernetes.io/hostname": node}, **spec)


def with_disk(cluster, pod, **more):
    put_up(cluster, storage_class(**more), claim(storageClassName="fast"), pod)


def sh(cluster, script, pod="app"):
    return cluster.kubectl(["exec", pod, "--", "sh", "-c", script]).text


def test_data_outlives_the_pod_and_moves_with_the_next_one(cluster):
    with_disk(cluster, on("node-1"))
    sh(cluster, "echo precious > /data/x")
    cluster.client.delete("pods", "app", "default")
    cluster.run_for(10)
    assert attached(cluster) == {}
    put_up(cluster, on("node-2"))
    assert sh(cluster, "cat /data/x; df /data").startswith("precious\n")
    assert attached(cluster) == {"node-2": True}


def test_the_node_says_what_is_attached_and_in_use(cluster):
    with_disk(cluster, on("node-1"))
    status = cluster.get("nodes", "node-1", "")["status"]
    handle = cluster.get(VOLUMES)[0]["spec"]["csi"]["volumeHandle"]
    name = f"kubernetes.io/csi/disk.csi.k8snb^{handle}"
    assert status["volumesInUse"] == [name]
    assert [item["name"] for item in status["volumesAttached"]] == [name]
    cluster.client.delete("pods", "app", "default")
    cluster.run_for(10)
    status = cluster.get("nodes", "node-1", "")["status"]
    assert "volumesInUse" not in status
    assert "volumesAttached" not in status


def test_two_pods_on_two_nodes_are_one_too_many(cluster):
    with_disk(cluster, on("node-1"))
    put_up(cluster, on("node-2", "other"))
    assert phase(cluster, "pods", "other") == "Pending"
    name = cluster.get(VOLUMES)[0]["metadata"]["name"]
    assert messages(cluster, "FailedAttachVolume") == [f'Multi-Attach error for volume "{name}" Volume is already used by pod(s) app']
    cluster.run_for(130)
    lists = "unmounted volumes=[disk], unattached volumes=[disk], failed to process volumes=[]"
    assert messages(cluster, "FailedMount") == [f"Unable to attach or mount volumes: {lists}: context deadline exceeded"]
    cluster.client.delete("pods", "app", "default")
    cluster.run_for(20)
    assert phase(cluster, "pods", "other") == "Running"


def test_two_pods_on_one_node_share_the_disk(cluster):
    with_disk(cluster, on("node-1"))
    put_up(cluster, on("node-1", "other"))
    sh(cluster, "echo a > /data/x")
    assert sh(cluster, "cat /data/x", "other") == "a\n"
    cluster.client.delete("pods", "app", "default")
    cluster.run_for(10)
    assert attached(cluster) == {"node-1": True}


def test_shared_file_systems_are_on_all_nodes_at_once(cluster):
    shared = claim(storageClassName="fast", accessModes=["ReadWriteMany"])
    put_up(cluster, storage_class(provisioner="file.csi.k8snb"), shared, on("node-1"), on("node-2", "other"))
    sh(cluster, "echo a > /data/x")
    assert sh(cluster, "cat /data/x", "other") == "a\n"
    assert attached(cluster) == {}


def test_a_dead_node_keeps_the_disk_for_six_minutes_after_its_pod_is_gone(cluster):
    with_disk(cluster, on("node-1", tolerations=[{"operator": "Exists"}]))
    sh(cluster, "echo precious > /data/x")
    cluster.faults.fail_node("node-1")
    cluster.run_for(60)
    cluster.client.delete("pods", "app", "default", grace=0)
    create(cluster, on("node-2", "next"))
    cluster.run_for(5 * 60)
    assert phase(cluster, "pods", "next") == "Pending"
    elsewhere = "Volume is already exclusively attached to one node and can't be attached to another"
    assert messages(cluster, "FailedAttachVolume")[0].endswith(elsewhere)
    cluster.run_for(90)
    assert phase(cluster, "pods", "next") == "Running"
    assert sh(cluster, "cat /data/x", "next") == "precious\n"


def test_a_node_that_is_given_up_lets_go_at_once(cluster):
    with_disk(cluster, on("node-1", tolerations=[{"key": "node.kubernetes.io/unreachable", "operator": "Exists"}]))
    cluster.faults.fail_node("node-1")
    cluster.run_for(60)
    cluster.client.delete("pods", "app", "default")
    create(cluster, on("node-2", "next"))
    cluster.run_for(30)
    assert phase(cluster, "pods", "next") == "Pending"
    cluster.kubectl("taint node node-1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
    cluster.run_for(60)
    assert phase(cluster, "pods", "next") == "Running"
    assert attached(cluster) == {"node-2": True}


def test_a_restart_of_the_controller_forgets_nothing_that_matters(cluster):
    with_disk(cluster, on("node-1"))
    cluster.client.delete("pods", "app", "default")
    cluster.run_for(0.1)
    cluster.faults.stop("kube-controller-manager")
    cluster.run_for(30)
    assert attached(cluster) == {"node-1": True}
    cluster.faults.start("kube-controller-manager")
    create(cluster, on("node-2"))
    cluster.run_for(30)
    assert (attached(cluster), phase(cluster, "pods", "app")) == ({"node-2": True}, "Running")


def test_a_lost_watch_of_the_kubelet_does_not_keep_the_pod_waiting_for_ever(cluster):
    put_up(cluster, storage_class(), claim(storageClassName="fast"))
    create(cluster, on("node-1"))
    cluster.run_for(0.3)
    cluster.faults.break_watches("kubelet/node-1")
    cluster.run_for(30)
    assert phase(cluster, "pods", "app") == "Running"


def test_a_disk_grows_while_it_is_used(cluster):
    with_disk(cluster, on("node-1"), allowVolumeExpansion=True)
    cluster.client.patch(CLAIMS, "data", {"spec": {"resources": {"requests": {"storage": "3Gi"}}}}, "default")
    pending = lambda c: [x["type"] for x in c.get(CLAIMS, "data")["status"].get("conditions", ())] == ["FileSystemResizePending"]  # noqa: E731
    assert cluster.run_until(pending, limit=10)
    assert cluster.get(CLAIMS, "data")["status"]["capacity"]["storage"] == "1Gi"
    assert cluster.get(VOLUMES)[0]["spec"]["capacity"]["storage"] == "3Gi"
    cluster.run_for(95)
    found = cluster.get(CLAIMS, "data")
    assert found["status"]["capacity"]["storage"] == "3Gi"
    assert "conditions" not in found["status"]
    assert [disk.size for disk in disks(cluster)] == [3 << 30]
    for reason in ("Resizing", "FileSystemResizeRequired", "FileSystemResizeSuccessful"):
        assert len(messages(cluster, reason)) == 1


def test_a_disk_that_grew_while_nobody_used_it_is_large_for_the_next_pod(cluster):
    put_up(cluster, storage_class(allowVolumeExpansion=True), claim(storageClassName="fast"))
    cluster.client.patch(CLAIMS, "data", {"spec": {"resources": {"requests": {"storage": "3Gi"}}}}, "default")
    cluster.run_for(10)
    put_up(cluster, user_of())
    assert cluster.get(CLAIMS, "data")["status"]["capacity"]["storage"] == "3Gi"
    assert "3.0G" in sh(cluster, "df -h /data")
    assert "4.0K" in sh(cluster, "echo one line > /data/file; df -h /data"), "room is given in blocks"


def test_a_full_disk_is_full(cluster):
    put_up(cluster, storage_class(provisioner="nfs.csi.k8s.io"), claim(size="16", storageClassName="fast"), user_of())
    assert sh(cluster, "echo 0123456789 > /data/a; echo 0123456789 > /data/b").startswith("sh: write error: No space left on device\n")


def test_a_provisioner_of_directories_makes_them_on_the_pods_machine(cluster):
    put_up(cluster, storage_class(provisioner="rancher.io/local-path", **LATE), claim(storageClassName="fast"), on("node-2"))
    sh(cluster, "echo here > /data/x")
    volume = cluster.get(VOLUMES)[0]
    assert volume["spec"]["hostPath"]["path"] == f"/opt/local-path-provisioner/{volume['metadata']['name']}"
    cluster.client.delete("pods", "app", "default")
    cluster.run_for(5)
    put_up(cluster, user_of())
    assert (cluster.get("pods", "app")["spec"]["nodeName"], sh(cluster, "cat /data/x")) == ("node-2", "here\n")
    cluster.client.delete("pods", "app", "default")
    cluster.client.delete(CLAIMS, "data", "default")
    cluster.run_for(20)
    assert cluster.get(VOLUMES) == []


def test_an_ephemeral_claim_lives_as_long_as_its_pod(cluster):
    template = {"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}}
    pod = user_of()
    pod["spec"]["volumes"] = [{"name": "disk", "ephemeral": {"volumeClaimTemplate": template}}]
    put_up(cluster, storage_class(**LATE), pod)
    owned = cluster.get(CLAIMS, "app-disk")
    assert (phase(cluster, "pods", "app"), owned["metadata"]["ownerReferences"][0]["name"]) == ("Running", "app")
    cluster.client.delete("pods", "app", "default")
    cluster.run_for(30)
    assert cluster.get(CLAIMS) == cluster.get(VOLUMES) == disks(cluster) == []


def test_a_claim_that_is_not_bound_is_told_on_the_pod(cluster):
    put_up(cluster, storage_class(**LATE), claim(storageClassName="fast"), user_of(nodeName="node-1"))
    lists = "unmounted volumes=[disk], unattached volumes=[], failed to process volumes=[disk]"
    why = "error processing PVC default/data: PVC is not bound"
    assert messages(cluster, "FailedMount") == [f"Unable to attach or mount volumes: {lists}: {why}"]


def test_storage_forks_and_saves_with_the_cluster(cluster):
    with_disk(cluster, on("node-1"))
    sh(cluster, "echo one > /data/x")
    other = cluster.fork()
    sh(other, "echo two > /data/x")
    assert (sh(cluster, "cat /data/x"), sh(other, "cat /data/x")) == ("one\n", "two\n")
    loaded = Cluster.load(cluster.save())
    assert sh(loaded, "cat /data/x") == "one\n"
    sh(loaded, "echo three > /data/x")
    loaded.client.delete("pods", "app", "default")
    loaded.run_for(20)
    create(loaded, on("node-3"))
    loaded.run_for(20)
    assert sh(loaded, "cat /data/x") == "three\n"


def test_a_machine_that_comes_later_knows_the_drivers(cluster):
    with_disk(cluster, on("node-1"))
    cluster.client.delete("csinodes.storage.k8s.io", "node-3")
    cluster.faults.stop("kubelet/node-3")
    cluster.faults.start("kubelet/node-3")
    cluster.run_for(2)
    found = cluster.get("csinodes.storage.k8s.io", "node-3", "")
    assert [entry["name"] for entry in found["spec"]["drivers"]] == ["disk.csi.k8snb"]


def test_the_past_is_the_same_again(cluster):
    with_disk(cluster, on("node-1"))
    sh(cluster, "echo one > /data/x")
    here = cluster.position
    before = digest(cluster.simulation.root)
    sh(cluster, "echo two > /data/x")
    cluster.client.delete("pods", "app", "default")
    cluster.run_for(30)
    cluster.rewind(here)
    assert digest(cluster.simulation.root) == before
    assert sh(cluster, "cat /data/x") == "one\n"


@pytest.mark.parametrize(("mode", "field", "works"), [("Block", "volumeDevices", True), ("Block", "volumeMounts", False),
                                                       ("Filesystem", "volumeDevices", False)])  # fmt: skip
def test_a_raw_disk_is_a_device_and_a_file_system_is_mounted(cluster, mode, field, works):
    pod = user_of()
    main = pod["spec"]["containers"][0]
    if field == "volumeDevices":
        del main["volumeMounts"]
        main["volumeDevices"] = [{"name": "disk", "devicePath": "/dev/xvda"}]
    put_up(cluster, storage_class(), claim(storageClassName="fast", volumeMode=mode), pod)
    assert phase(cluster, "pods", "app") == ("Running" if works else "Pending")
    if not works:
        assert messages(cluster, "FailedMount")[0].endswith(f"volume disk has volumeMode {mode}, but is specified in {field}")
