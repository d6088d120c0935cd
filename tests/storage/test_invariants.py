"""Whatever happens to pods, nodes and components, these hold: a disk is on one node, nothing is mounted that is not attached, and in
the end everything comes to rest."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snb.cluster import Cluster
from tests.storage.world import claim, create, disks, put_up, storage_class, user_of

NODES = ("node-1", "node-2", "node-3")
ACTIONS = st.one_of(
    st.tuples(st.just("pod"), st.sampled_from(("a", "b", "c")), st.sampled_from(NODES)),
    st.tuples(st.just("delete"), st.sampled_from(("a", "b", "c")), st.just("")),
    st.tuples(st.just("fail"), st.just(""), st.sampled_from(NODES)),
    st.tuples(st.just("restore"), st.just(""), st.sampled_from(NODES)),
    st.tuples(st.just("restart"), st.sampled_from(("csi", "kube-controller-manager", "kube-scheduler")), st.just("")),
    st.tuples(st.just("wait"), st.just(""), st.just("")),
)


def act(cluster: Cluster, action: tuple[str, str, str]) -> None:
    """One thing that somebody does, or that happens."""
    kind, name, node = action
    if kind == "pod" and cluster.get("pods", name) is None:
        create(cluster, user_of(name=name, nodeSelector={"kubernetes.io/hostname": node}, terminationGracePeriodSeconds=2))
    elif kind == "delete" and cluster.get("pods", name) is not None:
        cluster.client.delete("pods", name, "default")
    elif kind == "fail":
        cluster.faults.fail_node(node)
    elif kind == "restore":
        cluster.faults.restore_node(node)
    elif kind == "restart":
        cluster.faults.stop(name)
        cluster.faults.start(name)


def check(cluster: Cluster) -> None:
    """The laws, at this moment."""
    for disk in disks(cluster):
        assert len(disk.nodes) <= 1
    for name, kubelet in cluster.simulation.parts.machines.kubelets.items():
        for unique in kubelet.own.in_use:
            handle = unique.rpartition("^")[2]
            disk = kubelet.drivers["disk.csi.k8snb"].disks[handle]
            failed = not kubelet.state.running
            assert failed or name in disk.nodes, f"{name} has {handle} mounted, which is attached to {disk.nodes}"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(ACTIONS, st.sampled_from((0.05, 0.7, 2.0, 30.0))), max_size=12))
def test_a_disk_is_on_one_node_and_nothing_is_mounted_that_is_not_attached(story):
    cluster = Cluster(nodes=3, loud=False)
    put_up(cluster, storage_class(volumeBindingMode="WaitForFirstConsumer"), claim(storageClassName="fast"))
    for action, pause in story:
        act(cluster, action)
        cluster.run_for(pause)
        check(cluster)
    for node in NODES:
        cluster.faults.restore_node(node)
    cluster.run_for(900)
    check(cluster)
    running = [p for p in cluster.get("pods") if p["status"].get("phase") == "Running"]
    assert len({p["spec"]["nodeName"] for p in running}) <= 1
    attached = {a["spec"]["nodeName"] for a in cluster.get("volumeattachments.storage.k8s.io")}
    homes = {p["spec"]["nodeName"] for p in cluster.get("pods") if p["spec"].get("nodeName")}
    assert attached <= homes
    assert len(attached) == min(1, len(homes))
