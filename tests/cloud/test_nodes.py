"""Nodes of a managed cluster: how they come, what the cloud-controller-manager says of them, how they go."""

from __future__ import annotations

import pytest

from k8snb.apimachinery.meta import condition_status
from k8snb.cloud.pools import SHUTDOWN, UNINITIALIZED
from k8snb.cluster import Cluster
from k8snb.sim.state import digest
from tests.cloud.world import managed, node_names, reasons, taints


@pytest.fixture
def cluster() -> Cluster:
    return managed(3)


def test_new_nodes_are_told_what_the_cloud_knows_of_their_machines(cluster: Cluster) -> None:
    nodes = cluster.get("nodes")
    zones = [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes]
    assert zones == ["westeurope-1", "westeurope-2", "westeurope-3"]
    first = nodes[0]
    assert first["spec"]["providerID"].startswith("azure:///subscriptions/")
    assert first["spec"]["providerID"].endswith("/virtualMachines/0")
    assert first["metadata"]["labels"]["node.kubernetes.io/instance-type"] == "Standard_D2s_v5"
    assert first["status"]["addresses"][0] == {"type": "InternalIP", "address": "10.224.0.4"}
    assert first["status"]["allocatable"]["cpu"] == "1900m"
    assert "Synced" in reasons(cluster, first["metadata"]["name"])


def test_until_it_was_initialised_nothing_is_scheduled_on_a_node() -> None:
    cluster = managed(1)
    cluster.faults.stop("cloud-controller-manager")
    cluster.cloud.node_pools.add("user", count=1)
    cluster.run_for(90)
    [node] = node_names(cluster, "user")
    assert taints(cluster, node) == [UNINITIALIZED]
    cluster.faults.start("cloud-controller-manager")
    cluster.run_for(5)
    assert taints(cluster, node) == []


def test_a_pool_grows_by_machines_that_take_their_time_to_boot(cluster: Cluster) -> None:
    cluster.cloud.node_pools.add("user", size="Standard_D4s_v5", count=2, zones="12", labels={"team": "a"}, taints=["team=a:NoSchedule"])
    cluster.run_for(60)
    assert node_names(cluster, "user") == []
    cluster.run_for(30)
    names = node_names(cluster, "user")
    assert len(names) == 2
    assert all(condition_status(cluster.get("nodes", name), "Ready") == "True" for name in names)
    assert [taints(cluster, name) for name in names] == [["team"], ["team"]]
    assert cluster.get("nodes", names[0])["metadata"]["labels"]["team"] == "a"
    assert cluster.get("nodes", names[0])["status"]["capacity"]["cpu"] == "4"


def test_a_pool_shrinks_by_draining_the_newest_machine(cluster: Cluster) -> None:
    cluster.cloud.node_pools.scale("nodepool1", 2)
    cluster.run_for(10)
    assert [one.state for one in cluster.cloud.instances.values()] == ["Running", "Running", "Deleting"]
    cluster.run_for(120)
    assert node_names(cluster) == list(cluster.cloud.instances)
    assert len(node_names(cluster)) == 2


def test_a_machine_that_is_gone_takes_its_node_with_it_once_that_is_not_ready(cluster: Cluster) -> None:
    gone = node_names(cluster)[0]
    cluster.cloud.instances.delete(gone)
    cluster.run_for(30)
    assert gone in node_names(cluster)  # the machine is gone, but nobody has noticed yet
    cluster.run_for(60)
    assert gone not in node_names(cluster)
    assert "DeletingNode" in reasons(cluster, gone)


def test_a_machine_that_is_switched_off_keeps_its_node_with_a_taint(cluster: Cluster) -> None:
    name = node_names(cluster)[0]
    cluster.cloud.instances.stop(name)
    cluster.run_for(70)
    assert SHUTDOWN in taints(cluster, name)
    cluster.cloud.instances.start(name)
    cluster.run_for(30)
    assert SHUTDOWN not in taints(cluster, name)
    assert condition_status(cluster.get("nodes", name), "Ready") == "True"


def test_a_zone_without_power_and_with_it_again(cluster: Cluster) -> None:
    cluster.cloud.fail_zone("2")
    cluster.run_for(70)
    assert [condition_status(node, "Ready") for node in cluster.get("nodes")] == ["True", "Unknown", "True"]
    cluster.cloud.node_pools.scale("nodepool1", 4)
    assert list(cluster.cloud.instances.values())[-1].zone == "1"  # not where the power is out
    cluster.cloud.restore_zone("2")
    cluster.run_for(90)
    assert [condition_status(node, "Ready") for node in cluster.get("nodes")] == ["True"] * 4


def test_a_spot_machine_is_drained_within_its_notice_and_taken(cluster: Cluster) -> None:
    cluster.cloud.node_pools.add("spot", count=1, spot=True)
    cluster.run_for(90)
    [name] = node_names(cluster, "spot")
    assert taints(cluster, name) == ["kubernetes.azure.com/scalesetpriority"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "batch", "labels": {"app": "batch"}},
           "spec": {"nodeSelector": {"agentpool": "spot"}, "tolerations": [{"operator": "Exists"}],
                    "containers": [{"name": "main", "image": "nginx:1.27"}]}}  # fmt: skip
    cluster.client.create("pods", pod, "default")
    cluster.run_for(5)
    assert cluster.get("pods", "batch")["spec"]["nodeName"] == name
    cluster.cloud.instances.preempt(name)
    cluster.run_for(10)
    assert "remediator.kubernetes.azure.com/unschedulable" in taints(cluster, name)
    assert cluster.get("pods", "batch") is None
    assert name in cluster.cloud.instances
    cluster.run_for(25)
    assert name not in cluster.cloud.instances
    assert cluster.cloud.node_pools["spot"].machines == 0
    cluster.run_for(70)
    assert name not in node_names(cluster)


def test_machines_come_and_go_the_same_way_in_a_fork_a_replay_and_a_loaded_file(cluster: Cluster) -> None:
    before = cluster.position
    cluster.cloud.node_pools.add("user", count=1)
    cluster.run_for(40)
    futures = [cluster, cluster.fork(), Cluster.load(cluster.save())]
    for one in futures:
        one.run_for(60)
        one.cloud.node_pools.scale("user", 0)
        one.run_for(120)
    after, whole = cluster.position, digest(cluster.simulation.root)
    assert [digest(one.simulation.root) for one in futures] == [whole] * 3
    cluster.rewind(before)
    assert node_names(cluster, "user") == []
    cluster.rewind(before)
    replayed = futures[1].simulation.past(after)
    assert digest(replayed.root) == whole


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda cloud: cloud.node_pools.scale("nope", 1), "no node pool 'nope'"),
        (lambda cloud: cloud.node_pools.add("My-Pool"), "cannot be named"),
        (lambda cloud: cloud.node_pools.add("nodepool1"), "already"),
        (lambda cloud: cloud.node_pools.add("user", size="Huge"), "no size 'Huge'"),
        (lambda cloud: cloud.node_pools.add("user", zones="4"), "no zone"),
        (lambda cloud: cloud.node_pools.add("user", taints=["oops"]), "is no taint"),
        (lambda cloud: cloud.node_pools.add("user", count=-1), "between 0 and"),
        (lambda cloud: cloud.node_pools.add("user", count="2"), "not .2."),
        (lambda cloud: cloud.node_pools.add("user", taints="oops"), ".oops. is no taint"),
        (lambda cloud: cloud.node_pools.autoscale("nodepool1", "1", 3), "least <= most"),
        (lambda cloud: cloud.node_pools.scale("nodepool1", 0), "system pool"),
        (lambda cloud: cloud.node_pools.upgrade("nodepool1", max_surge=0), "at least 1"),
        (lambda cloud: cloud.instances.preempt(next(iter(cloud.instances))), "no spot pool"),
        (lambda cloud: cloud.instances.start(next(iter(cloud.instances))), "not switched off"),
        (lambda cloud: cloud.fail_zone("9"), "no zone"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence_and_changes_nothing(ask, words) -> None:
    cluster = managed(1)
    before = digest(cluster.simulation.root)
    with pytest.raises(ValueError, match=words):
        ask(cluster.cloud)
    assert digest(cluster.simulation.root) == before


def test_a_bare_cluster_has_no_cloud() -> None:
    with pytest.raises(ValueError, match="stands in no cloud"):
        _ = Cluster(nodes=1).cloud
    with pytest.raises(ValueError, match="no cloud 'gcp'"):
        Cluster(nodes=1, cloud="gcp")
