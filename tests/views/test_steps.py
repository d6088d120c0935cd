"""A step as it is told: no cause is told twice."""

from k8snb.cluster import Cluster
from k8snb.sim.trace import Record
from k8snb.views.steps import Step


def record(number, kind, actor, verb, subject, *causes):
    return Record(number, 0, kind, actor, verb, subject, None, causes)


def test_what_began_a_step_is_not_told_again_as_what_happened_meanwhile():
    bound = record(1, "request", "kube-scheduler", "create", "pods/binding default/web")
    acts = record(2, "reconcile", "kube-controller-manager/replicaset", "", "default/web", 1)
    other = record(3, "request", "kubelet/node-1", "update", "pods/status default/web")
    told = repr(Step("reconcile", 0, 1000, (bound, acts, other), {1: bound}.get)).split("\n")
    assert [line for line in told if "pods/binding" in line] == ["    because    kube-scheduler  create  pods/binding default/web"]
    assert told[-1] == "    meanwhile  kubelet/node-1  update  pods/status default/web"


def test_steps_of_a_release_tell_each_cause_once():
    cluster = Cluster(nodes=1)
    cluster.kubectl("create deployment web --image=nginx:1.27 --replicas=2")
    for _ in range(30):
        lines = [line.strip() for line in repr(cluster.step()).split("\n")]
        begins = next((at for at, line in enumerate(lines) if line.startswith("because")), len(lines))
        ends = next((at for at, line in enumerate(lines) if line.startswith(("wrote", "meanwhile"))), len(lines))
        causes = [line.removeprefix("because").strip() for line in lines[begins:ends]]
        rest = [line.removeprefix("meanwhile").removeprefix("wrote").strip() for line in lines[ends:]]
        assert len(causes) == len(set(causes))
        assert not set(causes) & set(rest)


def test_what_was_asked_several_times_is_counted():
    cluster = Cluster(nodes=1)
    cluster.kubectl("create deployment web --image=nginx")
    cluster.settle()
    for replicas in (4, 3, 2):
        cluster.kubectl(f"scale deployment web --replicas={replicas}")
    told = repr(cluster.step())
    assert told.count("kubectl  patch") == 1
    assert "kubectl  patch  deployments.apps/scale default/web  ×3" in told


def test_a_step_in_which_only_heartbeats_were_sent_says_that_nobody_has_anything_to_do():
    cluster = Cluster(nodes=1)
    cluster.run_for(60)
    step = cluster.step()
    nothing, meanwhile = repr(step).split("\n")
    assert nothing == "Nothing happens for 57.5s: nobody has anything to do."
    assert meanwhile == "    meanwhile  kubelet  update  leases.coordination.k8s.io kube-node-lease/node-1  ×6"
    assert not step


def test_the_smallest_step_always_names_its_event():
    cluster = Cluster(nodes=1)
    cluster.kubectl("create deployment web --image=nginx:1.27")
    for _ in range(100):
        head, *lines = repr(cluster.step("event")).split("\n")
        assert head.startswith("one event (")
        assert not lines[0].startswith("    meanwhile")
    cluster.faults.stop("kube-scheduler")
    told = {repr(cluster.step("event")).split("\n")[1] for _ in range(40)}
    assert "  kube-controller-manager  node-lifecycle: * waits" in told
