"""DaemonSet: a Pod on every node, nodes that come and go, updates with and without surge, and what goes wrong meanwhile."""

import pytest

from k8snb.apimachinery.objects import freeze
from k8snb.controllers.daemonset.plan import Create, Delete, Observed, plan
from tests.controllers.world import NS, cluster_of, images, names, new_image, nodes_of, pods, ready, reasons, workload

DAEMONSETS = "daemonsets.apps"


@pytest.fixture
def cluster():
    return cluster_of(3)


def start(cluster, **spec):
    cluster.client.create(DAEMONSETS, workload("DaemonSet", "agent", **spec), NS)
    cluster.settle()


def status(cluster):
    return cluster.get(DAEMONSETS, "agent")["status"]


def node(name, **spec):
    labels = {"kubernetes.io/hostname": name}
    size = {"cpu": "2", "memory": "4Gi", "pods": "110"}
    meta = {"name": name, "labels": labels}
    return freeze({"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": spec, "status": {"capacity": size, "allocatable": size}})


def test_each_node_has_one_pod_a_cordoned_one_too(cluster):
    cluster.client.patch("nodes", "node-2", {"spec": {"unschedulable": True}})
    start(cluster)
    assert nodes_of(pods(cluster)) == ["node-1", "node-2", "node-3"]
    assert status(cluster)["numberAvailable"] == 3


def test_a_taint_keeps_new_pods_away_and_lets_running_ones_stay(cluster):
    start(cluster)
    cluster.client.patch("nodes", "node-2", {"spec": {"taints": [{"key": "team", "value": "a", "effect": "NoSchedule"}]}})
    cluster.settle()
    assert nodes_of(pods(cluster)) == ["node-1", "node-2", "node-3"]
    assert status(cluster)["numberMisscheduled"] == 1
    cluster.client.delete("pods", next(p["metadata"]["name"] for p in pods(cluster) if p["spec"]["nodeName"] == "node-2"), NS)
    cluster.settle()
    assert nodes_of(pods(cluster)) == ["node-1", "node-3"]


def test_a_node_label_brings_a_pod_and_takes_it_away(cluster):
    start(cluster, template={"metadata": {"labels": {"app": "agent"}},
                             "spec": {"nodeSelector": {"logs": "yes"}, "containers": [{"name": "main", "image": "nginx"}]}})  # fmt: skip
    assert pods(cluster) == []
    cluster.client.patch("nodes", "node-3", {"metadata": {"labels": {"logs": "yes"}}})
    cluster.settle()
    assert nodes_of(pods(cluster)) == ["node-3"]
    cluster.client.patch("nodes", "node-3", {"metadata": {"labels": {"logs": None}}})
    cluster.settle()
    assert pods(cluster) == []


def test_a_rolling_update_takes_one_node_after_another(cluster):
    start(cluster)
    fewest = 3
    cluster.client.patch(DAEMONSETS, "agent", new_image("nginx:1.27"), NS, kind="strategic")
    for _ in range(80):
        cluster.run_for(0.05)
        fewest = min(fewest, ready(pods(cluster)))
    cluster.settle()
    assert set(images(pods(cluster))) == {"nginx:1.27"}
    assert fewest == 2
    assert status(cluster)["updatedNumberScheduled"] == 3


def test_with_surge_no_node_is_ever_without(cluster):
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    start(cluster, updateStrategy=rolling)
    cluster.client.patch(DAEMONSETS, "agent", new_image("nginx:1.27"), NS, kind="strategic")
    covered, most = set(), 0
    for _ in range(80):
        cluster.run_for(0.05)
        alive = [p for p in pods(cluster) if ready([p])]
        covered.add(len(set(nodes_of(alive))))
        most = max(most, len(pods(cluster)))
    cluster.settle()
    assert covered == {3}
    assert most == 4
    assert set(images(pods(cluster))) == {"nginx:1.27"}


def test_on_delete_waits_for_somebody_to_delete_the_pods(cluster):
    start(cluster, updateStrategy={"type": "OnDelete"})
    cluster.client.patch(DAEMONSETS, "agent", new_image("nginx:1.27"), NS, kind="strategic")
    cluster.settle()
    assert set(images(pods(cluster))) == {"nginx:1.26"}
    cluster.client.delete("pods", pods(cluster)[0]["metadata"]["name"], NS)
    cluster.settle()
    assert sorted(images(pods(cluster))) == ["nginx:1.26", "nginx:1.26", "nginx:1.27"]


def test_going_back_renumbers_the_old_revision_and_history_is_limited(cluster):
    start(cluster, revisionHistoryLimit=1)
    for image in ("nginx:1.27", "nginx:1.28", "nginx:1.27"):
        cluster.client.patch(DAEMONSETS, "agent", new_image(image), NS, kind="strategic")
        cluster.settle()
    kept = sorted(
        (r["revision"], r["data"]["spec"]["template"]["spec"]["containers"][0]["image"]) for r in cluster.get("controllerrevisions.apps")
    )
    assert kept == [(3, "nginx:1.28"), (4, "nginx:1.27")]


def test_a_failed_pod_is_replaced_with_back_off():
    cluster = cluster_of(1, "hollow-exits")
    spec = {"containers": [{"name": "main", "image": "busybox:1.36"}]}
    start(cluster, template={"metadata": {"labels": {"app": "agent"}}, "spec": spec})
    pod = pods(cluster)[0]
    cluster.client.update_status("pods", freeze({**pod, "status": {**pod["status"], "phase": "Failed"}}))
    cluster.settle()
    assert [p["metadata"]["uid"] != pod["metadata"]["uid"] for p in pods(cluster)] == [True]
    assert "FailedDaemonPod" in reasons(cluster, "DaemonSet")


def test_a_restart_in_the_middle_of_an_update_changes_nothing(cluster):
    start(cluster)
    cluster.client.patch(DAEMONSETS, "agent", new_image("nginx:1.27"), NS, kind="strategic")
    cluster.run_for(0.1)
    cluster.faults.stop("kube-controller-manager")
    cluster.run_for(20)
    cluster.faults.start("kube-controller-manager")
    cluster.settle()
    assert images(pods(cluster)) == ["nginx:1.27"] * 3
    assert nodes_of(pods(cluster)) == ["node-1", "node-2", "node-3"]


def test_refusals_and_lost_watches_delay_but_do_not_double(cluster):
    cluster.faults.api_errors(2, verb="create", resource="pods")
    start(cluster)
    cluster.faults.break_watches("kube-controller-manager")
    cluster.client.delete("pods", pods(cluster)[0]["metadata"]["name"], NS)
    cluster.run_for(60)
    assert nodes_of(pods(cluster)) == ["node-1", "node-2", "node-3"]
    assert "FailedCreate" in reasons(cluster, "DaemonSet")


def test_deleted_with_orphans_and_made_again_it_adopts_pods_and_revisions(cluster):
    start(cluster)
    before = names(cluster, "pods")
    cluster.client.delete(DAEMONSETS, "agent", NS, propagation="Orphan")
    cluster.settle()
    assert names(cluster, "pods") == before
    start(cluster)
    assert names(cluster, "pods") == before
    assert [r["revision"] for r in cluster.get("controllerrevisions.apps")] == [1]


def test_the_plan_is_pure_and_tells_what_comes_next():
    daemonset = freeze(workload("DaemonSet", "agent", updateStrategy={"type": "OnDelete"}))
    tainted = node("b", taints=[{"key": "x", "effect": "NoExecute"}])
    observed = Observed(daemonset, (node("a"), tainted), {}, "hash", 0)
    assert plan(observed) == [Create(("a",))]
    stray = freeze({"metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"nodeName": "b"}, "status": {}})
    assert plan(Observed(daemonset, (tainted,), {"b": [stray]}, "hash", 0)) == [Delete((stray,))]


def test_a_pod_watch_that_is_ten_minutes_late_makes_nothing_twice(cluster):
    cluster.faults.delay_watches("kube-controller-manager", 600, "pods")
    cluster.client.create(DAEMONSETS, workload("DaemonSet", "agent"), NS)
    cluster.run_for(540)
    cluster.client.patch("nodes", "node-2", {"metadata": {"labels": {"disk": "ssd"}}})  # every DaemonSet is looked at
    cluster.run_for(50)
    assert nodes_of(pods(cluster)) == ["node-1", "node-2", "node-3"]
    cluster.run_for(700)
    assert nodes_of(pods(cluster)) == ["node-1", "node-2", "node-3"]
    assert sum(event["reason"] == "SuccessfulCreate" for event in cluster.get("events")) == 3
