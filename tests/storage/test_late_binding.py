"""Claims that bind late: the scheduler chooses a node, and the PersistentVolume controller meets it at the API server."""

import pytest

from k8snb.cluster import Cluster
from tests.storage.world import CLAIMS, VOLUMES, attached, claim, create, disks, messages, phase, put_up, storage_class, user_of

LATE = {"volumeBindingMode": "WaitForFirstConsumer"}
SELECTED = "volume.kubernetes.io/selected-node"


@pytest.fixture
def cluster():
    return Cluster(nodes=3, loud=False)


def local(name, node, size="1Gi", **spec):
    """A disk that one machine has."""
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}]
    whole = {
        "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "local": {"path": f"/mnt/disks/{name}"},
        "storageClassName": "fast", "nodeAffinity": {"required": {"nodeSelectorTerms": terms}}, **spec,
    }  # fmt: skip
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": whole}


def test_nothing_is_made_before_there_is_a_pod(cluster):
    put_up(cluster, storage_class(**LATE), claim(storageClassName="fast"))
    assert (phase(cluster, CLAIMS, "data"), disks(cluster)) == ("Pending", [])
    assert messages(cluster, "WaitForFirstConsumer") == ["waiting for first consumer to be created before binding"]


def test_the_volume_is_made_where_the_pod_will_be(cluster):
    zonal = storage_class(provisioner="zonal.disk.csi.k8snb", **LATE)
    put_up(cluster, zonal, claim(storageClassName="fast"), user_of(nodeSelector={"kubernetes.io/hostname": "node-3"}))
    assert cluster.get("pods", "app")["spec"]["nodeName"] == "node-3"
    assert cluster.get(CLAIMS, "data")["metadata"]["annotations"][SELECTED] == "node-3"
    assert [disk.segments for disk in disks(cluster, "zonal.disk.csi.k8snb")] == [(("topology.kubernetes.io/zone", "zone-3"),)]
    assert phase(cluster, "pods", "app") == "Running"


def test_the_pod_is_bound_only_after_its_claim(cluster):
    put_up(cluster, storage_class(**LATE), claim(storageClassName="fast"))
    create(cluster, user_of())
    cluster.run_for(0.5)
    assert SELECTED in cluster.get(CLAIMS, "data")["metadata"]["annotations"]
    assert "nodeName" not in cluster.get("pods", "app")["spec"]
    cluster.run_for(10)
    assert phase(cluster, "pods", "app") == "Running"


def test_without_a_node_the_claim_says_for_whom_it_waits(cluster):
    put_up(cluster, storage_class(**LATE), claim(storageClassName="fast"), user_of(nodeSelector={"no": "such"}))
    cluster.run_for(20)
    assert messages(cluster, "WaitForPodScheduled") == ["waiting for pod app to be scheduled"]


def test_disks_of_machines_draw_pods_to_them(cluster):
    none = storage_class(provisioner="kubernetes.io/no-provisioner", **LATE)
    put_up(
        cluster, none, local("a", "node-1"), local("b", "node-2"), claim("x", storageClassName="fast"), claim("y", storageClassName="fast")
    )
    put_up(cluster, user_of("x", "one"), user_of("y", "two"))
    nodes = {cluster.get("pods", name)["spec"]["nodeName"] for name in ("one", "two")}
    assert nodes == {"node-1", "node-2"}
    assert {phase(cluster, VOLUMES, name) for name in "ab"} == {"Bound"}


def test_two_pods_at_once_do_not_get_the_same_volume(cluster):
    none = storage_class(provisioner="kubernetes.io/no-provisioner", **LATE)
    put_up(cluster, none, local("only", "node-2"), claim("x", storageClassName="fast"), claim("y", storageClassName="fast"))
    create(cluster, user_of("x", "one"), user_of("y", "two"))
    cluster.run_for(20)
    assert sorted(phase(cluster, "pods", name) for name in ("one", "two")) == ["Pending", "Running"]
    nowhere = "0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind."
    rest = "no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    assert messages(cluster, "FailedScheduling") == [f"{nowhere} {rest}"]
    put_up(cluster, local("another", "node-1"))
    assert {phase(cluster, "pods", name) for name in ("one", "two")} == {"Running"}


def test_a_pod_goes_where_its_bound_volume_is_or_nowhere(cluster):
    none = storage_class(provisioner="kubernetes.io/no-provisioner", **LATE)
    put_up(cluster, none, local("a", "node-1"), claim(storageClassName="fast"), user_of())
    cluster.client.delete("pods", "app", "default")
    cluster.run_for(5)
    cluster.kubectl("cordon node-1")
    put_up(cluster, user_of())
    assert messages(cluster, "FailedScheduling")[-1].startswith(
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match PersistentVolume's node affinity."
    )
    cluster.kubectl("uncordon node-1")
    cluster.run_for(10)
    assert cluster.get("pods", "app")["spec"]["nodeName"] == "node-1"


def test_allowed_topologies_narrow_the_nodes(cluster):
    where = [{"matchLabelExpressions": [{"key": "topology.kubernetes.io/zone", "values": ["zone-2"]}]}]
    narrow = storage_class(provisioner="zonal.disk.csi.k8snb", allowedTopologies=where, **LATE)
    put_up(cluster, narrow, claim(storageClassName="fast"), user_of())
    assert cluster.get("pods", "app")["spec"]["nodeName"] == "node-2"


def test_a_driver_that_says_how_much_room_it_has_is_believed(cluster):
    put_up(cluster, storage_class(**LATE))
    cluster.client.patch("csidrivers.storage.k8s.io", "disk.csi.k8snb", {"spec": {"storageCapacity": True}})
    room = {
        "apiVersion": "storage.k8s.io/v1", "kind": "CSIStorageCapacity", "metadata": {"name": "there"}, "storageClassName": "fast",
        "capacity": "10Gi", "nodeTopology": {"matchLabels": {"kubernetes.io/hostname": "node-3"}},
    }  # fmt: skip
    cluster.client.create("csistoragecapacities.storage.k8s.io", room, "default")
    put_up(cluster, claim(storageClassName="fast"), user_of(), claim("big", "100Gi", storageClassName="fast"), user_of("big", "other"))
    assert cluster.get("pods", "app")["spec"]["nodeName"] == "node-3"
    assert "3 node(s) did not have enough free storage" in messages(cluster, "FailedScheduling")[0]
    cluster.client.patch("csistoragecapacities.storage.k8s.io", "there", {"capacity": "200Gi"}, "default")
    cluster.run_for(20)
    assert phase(cluster, "pods", "other") == "Running"


def test_a_node_takes_only_so_many_volumes():
    cluster = Cluster(nodes=1, loud=False)
    cluster.client.create("storageclasses.storage.k8s.io", storage_class(provisioner="pd.csi.storage.gke.io", **LATE))
    cluster.settle()
    for number in range(16):
        create(cluster, claim(f"c{number}", storageClassName="fast"), user_of(f"c{number}", f"p{number}"))
    cluster.run_for(60)
    running = [p for p in cluster.get("pods") if p["status"]["phase"] == "Running"]
    assert len(running) == 15
    assert "1 node(s) exceed max volume count" in messages(cluster, "FailedScheduling")[-1]
    cluster.client.delete("pods", running[0]["metadata"]["name"], "default")
    cluster.run_for(60)
    assert len([p for p in cluster.get("pods") if p["status"]["phase"] == "Running"]) == 15


def test_a_claim_for_one_pod_admits_one_pod(cluster):
    put_up(cluster, storage_class(), claim(storageClassName="fast", accessModes=["ReadWriteOncePod"]), user_of(), user_of(name="other"))
    phases = [phase(cluster, "pods", name) for name in ("app", "other")]
    assert sorted(phases) == ["Pending", "Running"]
    assert (
        "3 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
        in messages(cluster, "FailedScheduling")[-1]
    )
    winner = ("app", "other")[phases.index("Running")]
    cluster.client.delete("pods", winner, "default")
    cluster.run_for(30)
    assert phase(cluster, "pods", "other" if winner == "app" else "app") == "Running"


def test_volumes_with_zone_labels_are_used_in_their_zone(cluster):
    old = {
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": "old", "labels": {"topology.kubernetes.io/zone": "zone-2"}},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/srv/x"}, "storageClassName": ""},
    }  # fmt: skip
    put_up(cluster, old, claim(storageClassName=""))
    put_up(cluster, user_of())
    assert cluster.get("pods", "app")["spec"]["nodeName"] == "node-2"
    put_up(cluster, user_of(name="lost", nodeSelector={"kubernetes.io/hostname": "node-1"}))
    assert "node(s) had no available volume zone" in messages(cluster, "FailedScheduling")[-1]


def test_a_lost_claim_is_named(cluster):
    put_up(cluster, storage_class(), claim(storageClassName="fast"))
    bound = cluster.get(CLAIMS, "data")
    cluster.client.patch(CLAIMS, "data", {"status": {**bound["status"], "phase": "Lost"}}, "default", subresource="status")
    create(cluster, user_of())
    cluster.run_for(0.2)
    volume = bound["spec"]["volumeName"]
    assert f'persistentvolumeclaim "data" bound to non-existent persistentvolume "{volume}"' in messages(cluster, "FailedScheduling")[0]


@pytest.mark.parametrize("pause", [0.02, 0.3, 1.05, 1.5])
def test_a_scheduler_that_dies_while_it_waits_is_followed_by_one_that_finishes(cluster, pause):
    put_up(cluster, storage_class(**LATE), claim(storageClassName="fast"))
    create(cluster, user_of())
    cluster.run_for(pause)
    cluster.faults.stop("kube-scheduler")
    cluster.run_for(5)
    cluster.faults.start("kube-scheduler")
    cluster.run_for(30)
    assert (phase(cluster, "pods", "app"), len(disks(cluster))) == ("Running", 1)


def test_a_pod_that_is_deleted_while_it_waits_gives_its_volume_back(cluster):
    none = storage_class(provisioner="kubernetes.io/no-provisioner", **LATE)
    put_up(cluster, none, local("only", "node-2"), claim("x", storageClassName="fast"), claim("y", storageClassName="fast"))
    create(cluster, user_of("x", "one"))
    cluster.run_for(0.01)
    cluster.client.delete("pods", "one", "default", grace=0)
    cluster.client.delete(CLAIMS, "x", "default")
    cluster.run_for(30)
    scheduler = cluster.simulation.parts.components["kube-scheduler"]
    assert dict(scheduler.volumes.taken) == dict(scheduler.volumes.plans) == {}


def test_a_driver_without_room_sends_the_pod_to_another_node(cluster):
    put_up(cluster, storage_class(**LATE), claim(storageClassName="fast"))
    driver = cluster.simulation.parts.env.services.drivers["disk.csi.k8snb"]
    made, calls = driver.create, []

    def full(name, size, *rest):
        calls.append(name)
        answer = made(name, size, *rest)
        return answer._replace(error="rpc error: code = ResourceExhausted desc = no room here") if len(calls) == 1 else answer

    driver.create = full
    create(cluster, user_of())
    cluster.run_for(30)
    assert messages(cluster, "ProvisioningFailed")[0].endswith("code = ResourceExhausted desc = no room here")
    assert any('provisioning failed for PVC "data"' in text for text in messages(cluster, "FailedScheduling"))
    assert phase(cluster, "pods", "app") == "Running"
    assert list(attached(cluster).values()) == [True]
