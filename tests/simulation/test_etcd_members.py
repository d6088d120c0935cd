"""A cluster over three members of etcd: what an operator sees and breaks. The rules of Raft itself: tests/etcd."""

import pytest

from k8snb.cluster import Cluster
from k8snb.etcd.store import Unavailable
from k8snb.messages import Mistake
from tests.simulation.scenario import deployment, digest


@pytest.fixture(scope="module")
def running():
    cluster = Cluster(nodes=2, etcd=3)
    cluster.client.create("deployments.apps", deployment("web", 2, "nginx:1.27"), "default")
    cluster.settle()
    return cluster


@pytest.fixture
def cluster(running):
    return running.fork()


def test_a_cluster_over_three_members_comes_to_the_same_end(cluster):
    assert cluster.get("deployments.apps", "web")["status"]["readyReplicas"] == 2
    rows = list(cluster.etcd.members())
    assert [row.name for row in rows] == ["etcd-1", "etcd-2", "etcd-3"]
    assert sorted(row.role for row in rows) == ["follower", "follower", "leader"]
    assert {row.applied for row in rows} == {rows[0].log_index}
    assert {row.revision for row in rows} == {cluster.revision}


def test_the_table_of_members_reads_as_etcdctl_prints_it(cluster):
    leader = cluster.etcd.members().leader
    cluster.faults.slow_etcd(next(r.name for r in cluster.etcd.members() if r.role == "follower"), 0.3)
    lines = repr(cluster.etcd.members()).splitlines()
    assert lines[0].split() == ["MEMBER", "ROLE", "LEADER", "RAFT", "TERM", "RAFT", "INDEX", "COMMITTED", "APPLIED", "REVISION", "LINK"]
    assert [line.split()[0] for line in lines[1:4]] == ["etcd-1", "etcd-2", "etcd-3"]
    assert sum("slow" in line for line in lines) == 1
    assert all(leader in line for line in lines[1:4])


def test_one_lost_member_is_survived_with_two_the_api_server_says_etcds_words(cluster):
    cluster.faults.stop(cluster.etcd.members().leader)
    refused = cluster.kubectl("get pods")
    assert "etcdserver: request timed out" in refused.stderr
    cluster.run_for(3)
    assert cluster.kubectl("scale deployment web --replicas=3").ok
    cluster.settle()
    assert cluster.get("deployments.apps", "web")["status"]["readyReplicas"] == 3
    cluster.faults.stop(cluster.etcd.members().leader)
    cluster.run_for(3)
    assert "etcdserver: no leader" in cluster.kubectl("scale deployment web --replicas=4").stderr
    assert "2 nodes, 3 pods" in repr(cluster)
    for row in cluster.etcd.members():
        cluster.faults.start(row.name)
    cluster.run_for(5)
    assert cluster.kubectl("scale deployment web --replicas=4").ok
    cluster.settle()
    assert cluster.get("deployments.apps", "web")["status"]["readyReplicas"] == 4


def test_a_leader_that_is_cut_off_takes_proposals_that_nobody_commits(cluster):
    old = cluster.etcd.members().leader
    cluster.faults.partition_etcd(old)
    assert repr(cluster.etcd.put("/demo/x", "lost", member=old)) == "Error: etcdserver: request timed out"
    assert "proposed  put /demo/x" in repr(cluster.etcd.log(old))
    cluster.run_for(3)
    assert cluster.etcd.put("/demo/x", "kept").error == ""
    assert cluster.etcd.get("/demo/x", member=old) is None, "stale: read from the member that was left behind"
    cluster.faults.restore_etcd(old)
    cluster.run_for(1)
    assert cluster.etcd.get("/demo/x", member=old).value == "kept"
    assert cluster.etcd.members()[old].term > 1


def test_keys_are_held_with_their_revisions_and_ranges_are_tables(cluster):
    key = "/registry/deployments/default/web"
    held = cluster.etcd.get(key)
    assert held.held.mod_revision == int(cluster.get("deployments.apps", "web")["metadata"]["resourceVersion"])
    assert repr(held).splitlines()[0] == f'"Key" : "{key}"'
    pods = cluster.etcd.range("/registry/pods/")
    assert len(pods) == 2
    assert repr(pods).splitlines()[0].split() == ["KEY", "CREATE", "REVISION", "MOD", "REVISION", "VERSION", "LEASE"]
    assert repr(cluster.etcd.range("/nothing/")).startswith("KEY")


def test_stepping_shows_the_next_message(cluster):
    step = cluster.etcd.step()
    assert len(step) == 1
    assert "heartbeat" in repr(step)
    assert len(cluster.etcd.messages(5)) == 5


def test_compaction_is_refused_in_etcds_words_and_otherwise_reaches_every_member(cluster):
    with pytest.raises(ValueError, match="required revision is a future revision"):
        cluster.etcd.compact(10**9)
    cluster.etcd.compact(cluster.revision)
    with pytest.raises(ValueError, match="required revision has been compacted"):
        cluster.etcd.compact(cluster.revision)


def test_wrong_arguments_are_refused_before_anything_happens(cluster):
    inputs = len(cluster.simulation.history.inputs)
    for wrong in (
        lambda: cluster.faults.partition_etcd("etcd-9"), lambda: cluster.faults.stop("etcd"),
        lambda: cluster.faults.lossy_etcd("etcd-1", 101),
        lambda: cluster.etcd.put("/registry/pods/default/x", "1"), lambda: cluster.etcd.get("/x", member="etcd-9"), lambda: Cluster(etcd=2),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"etcd|percentage|/registry/"):
            wrong()
    assert len(cluster.simulation.history.inputs) == inputs


def test_a_single_etcd_can_be_looked_at_too():
    alone = Cluster(nodes=0)
    assert repr(alone.etcd).splitlines()[1].split()[:2] == ["etcd", "leader"]
    assert repr(alone.etcd.put("/demo/x", "1")) == f"OK (revision {alone.revision})"
    assert alone.etcd.get("/demo/x").value == "1"
    assert len(alone.etcd.messages()) == 0
    with pytest.raises(ValueError, match=r"Cluster\(etcd=3\)"):
        alone.faults.partition_etcd("etcd-1")
    alone.faults.stop("etcd")
    with pytest.raises(Unavailable):
        alone.etcd.get("/demo/x")


def test_fork_replay_and_file_agree_over_three_members(cluster):
    leader = cluster.etcd.members().leader
    cluster.faults.partition_etcd(leader)
    cluster.etcd.put("/demo/x", "1", member=leader)
    cluster.kubectl("scale deployment web --replicas=1")
    cluster.run_for(4)
    cluster.kubectl("scale deployment web --replicas=3")
    middle, loaded = cluster.fork(), Cluster.load(cluster.save())
    for one in (cluster, middle, loaded):
        one.faults.restore_etcd(leader)
        one.faults.lossy_etcd("etcd-2", 25)
        one.run_for(20)
    replayed = Cluster._over(cluster.simulation.past(cluster.position))
    assert len({digest(one) for one in (cluster, middle, loaded, replayed)}) == 1


def test_a_member_that_does_not_exist_is_one_sentence(cluster):
    for name in ("etcd-9", 0):
        with pytest.raises(Mistake, match=r"no etcd member .* The members are: etcd-1, etcd-2, etcd-3"):
            cluster.etcd.members()[name]
