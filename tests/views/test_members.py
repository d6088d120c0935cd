"""The picture of etcd's members: it says who leads, and shows no leader where none can count on a majority."""

import pytest

from k8snb.cluster import Cluster


@pytest.fixture(scope="module")
def running():
    return Cluster(nodes=0, etcd=3)


@pytest.fixture
def cluster(running):
    return running.fork()


def arrows(graph):
    return {(edge.source, edge.target): edge.kind for edge in graph.edges}


def test_writes_go_to_the_leader_and_from_it_to_the_others(cluster):
    leader = cluster.etcd.members().leader
    others = [row.name for row in cluster.etcd.members() if row.name != leader]
    assert arrows(cluster.graph("etcd")) == {("kube-apiserver", leader): "flow", **{(leader, other): "flow" for other in others}}


def test_a_stopped_a_slow_and_a_cut_off_member_are_told_apart(cluster):
    leader = cluster.etcd.members().leader
    first, second = [row.name for row in cluster.etcd.members() if row.name != leader]
    cluster.faults.slow_etcd(first, 0.01)
    cluster.faults.stop(second)
    assert arrows(cluster.graph("etcd")) == {("kube-apiserver", leader): "flow", (leader, first): "weak", (leader, second): "broken"}
    assert [(node.id, node.state) for node in cluster.graph("etcd").nodes if node.kind == "member"] == [
        (row.name, "failed" if row.name == second else "ok") for row in cluster.etcd.members()
    ]


def test_a_leader_that_is_cut_off_or_alone_leads_nobody(cluster):
    leader = cluster.etcd.members().leader
    other = cluster.fork()
    cluster.faults.partition_etcd(leader)
    assert arrows(cluster.graph("etcd")) == {}
    for row in other.etcd.members():
        if row.name != leader:
            other.faults.stop(row.name)
    assert arrows(other.graph("etcd")) == {}
    cluster.run_for(3)
    assert cluster.etcd.members().leader != leader
    assert ("kube-apiserver", cluster.etcd.members().leader) in arrows(cluster.graph("etcd"))


def test_one_member_is_a_picture_too():
    assert arrows(Cluster(nodes=0).graph("etcd")) == {("kube-apiserver", "etcd"): "flow"}
