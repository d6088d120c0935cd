"""ReplicaSets: the number is kept right; whose Pod is whose; and what a stale cache may not do."""

import pytest

from k8snb.apimachinery.objects import freeze
from k8snb.cluster import Cluster
from k8snb.controllers.replicaset import Create, Delete, Observed, plan
from tests.controllers.stories import names, pod, pods, ready, replicaset, said


@pytest.fixture
def cluster():
    return Cluster(nodes=2)


def create(cluster, obj, resource="replicasets.apps"):
    return cluster.client.create(resource, obj, "default")


def test_a_lost_pod_is_replaced(cluster):
    create(cluster, replicaset(3))
    cluster.settle()
    victim = names(pods(cluster))[0]
    cluster.client.delete("pods", victim, "default")
    cluster.settle()
    assert ready(cluster) == 3
    assert victim not in names(pods(cluster))


def test_pods_are_created_in_batches_that_double(cluster):
    create(cluster, replicaset(7))
    cluster.faults.api_errors(1, verb="create", resource="pods")
    cluster.step()
    assert len(pods(cluster)) == 0  # the first batch is one Pod, and it failed: the other six were not tried
    cluster.settle()
    assert len(pods(cluster)) == 7
    assert said(cluster, "FailedCreate") == ["Error creating: Internal error occurred: injected fault"]


def test_a_refused_template_is_told_in_the_status(cluster):
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "1"}}}
    create(cluster, quota, "resourcequotas")
    cluster.settle()
    create(cluster, replicaset(2))
    cluster.settle()
    found = cluster.get("replicasets.apps", "web")["status"]
    assert found["replicas"] == 1
    failure = next(c for c in found["conditions"] if c["type"] == "ReplicaFailure")
    assert failure["reason"] == "FailedCreate"
    assert "exceeded quota: none" in failure["message"]


def test_an_orphan_that_matches_is_adopted_and_counts(cluster):
    create(cluster, pod("stray", {"app": "web"}), "pods")
    cluster.settle()
    create(cluster, replicaset(2))
    cluster.settle()
    assert len(pods(cluster)) == 2
    owner = cluster.get("pods", "stray")["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("ReplicaSet", "web", True)


def test_a_pod_that_leaves_the_selector_is_released_and_replaced(cluster):
    create(cluster, replicaset(2))
    cluster.settle()
    leaver = names(pods(cluster))[0]
    cluster.client.patch("pods", leaver, {"metadata": {"labels": {"app": "debug"}}}, "default")
    cluster.settle()
    assert "ownerReferences" not in cluster.get("pods", leaver)["metadata"]
    assert len(pods(cluster)) == 2


def test_a_turn_that_adopts_or_releases_counts_what_it_has_just_done(cluster):
    create(cluster, replicaset(2))
    cluster.settle()
    leaver = names(pods(cluster))[0]
    for label, then in (("debug", "create"), ("web", "delete")):
        cluster.client.patch("pods", leaver, {"metadata": {"labels": {"app": label}}}, "default")
        told = repr(cluster.step())
        assert "failed" not in told
        assert (told.count(" patch  pods default/"), told.count(f" {then}  pods default/")) == (2, 1)  # the cause, and one of its own
        cluster.settle()


def test_a_pod_of_somebody_else_is_left_alone(cluster):
    create(cluster, replicaset(1, name="mine"))
    create(
        cluster,
        {**replicaset(1, name="other"), "spec": {**replicaset(1, name="other")["spec"], "selector": {"matchLabels": {"app": "other"}}}},
    )
    cluster.settle()
    assert (ready(cluster, "mine"), ready(cluster, "other")) == (1, 1)


def test_a_stale_cache_does_not_make_pods_twice(cluster):
    cluster.faults.delay_watches("kube-controller-manager", 20)
    create(cluster, replicaset(3))
    cluster.run_for(60)
    cluster.client.patch("replicasets.apps", "web", {"spec": {"replicas": 4}}, "default")
    cluster.run_for(100)
    assert len(cluster.get("pods")) == 4
    assert len(said(cluster, "SuccessfulDelete")) == 0


def test_a_restart_in_the_middle_loses_nothing(cluster):
    create(cluster, replicaset(5))
    cluster.step()
    cluster.faults.stop("kube-controller-manager")
    cluster.client.patch("replicasets.apps", "web", {"spec": {"replicas": 2}}, "default")
    cluster.run_for(30)
    assert len(pods(cluster)) == 5  # nobody is there to act
    cluster.faults.start("kube-controller-manager")
    cluster.settle()
    assert ready(cluster) == 2


def test_the_plan_is_pure_and_can_be_asked():
    rs = freeze({"metadata": {"name": "web"}, "spec": {"replicas": 2}})
    assert plan(Observed(rs, active=0)) == [Create(2)]
    assert plan(Observed(rs, active=2)) == []
    waiting = freeze(
        {**pod("new"), "metadata": {"name": "new", "uid": "b", "creationTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Pending"}}
    )
    ready_since = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    status = {"phase": "Running", "conditions": [ready_since]}
    meta = {"name": "old", "uid": "a", "creationTimestamp": "2026-01-01T00:00:00Z"}
    running = freeze({**pod("old", nodeName="node-1"), "metadata": meta, "status": status})
    assert plan(Observed(rs, active=3, pods=(running, running, waiting), now=0)) == [Delete((waiting,))]


def test_what_was_expected_before_a_watch_was_lost_is_found_by_listing_again(cluster):
    cluster.faults.delay_watches("kube-controller-manager", 1000, "pods")
    create(cluster, replicaset(3))
    cluster.run_for(20)
    assert len(pods(cluster)) == 3
    cluster.client.patch("replicasets.apps", "web", {"spec": {"replicas": 4}}, "default")
    cluster.run_for(20)
    assert len(pods(cluster)) == 3  # three creations are still to be seen: until then it does not count
    cluster.faults.break_watches("kube-controller-manager")
    cluster.settle()
    assert ready(cluster) == 4
    assert len(said(cluster, "SuccessfulCreate")) == 4


def test_a_pod_watch_that_is_ten_minutes_late_makes_nothing_twice(cluster):
    cluster.faults.delay_watches("kube-controller-manager", 600, "pods")
    create(cluster, replicaset(3))
    cluster.run_for(540)  # its expectations were given up after five minutes
    cluster.client.patch("replicasets.apps", "web", {"spec": {"replicas": 4}}, "default")
    cluster.run_for(50)
    assert len(pods(cluster)) == 3  # it has not seen the first three yet
    cluster.faults.delay_watches("kube-controller-manager", 0, "pods")
    cluster.run_for(700)
    assert ready(cluster) == len(pods(cluster)) == 4
    assert (len(said(cluster, "SuccessfulCreate")), len(said(cluster, "SuccessfulDelete"))) == (4, 0)


def test_pods_that_went_unseen_while_the_watch_was_late_are_made_again(cluster):
    cluster.faults.delay_watches("kube-controller-manager", 600, "pods")
    create(cluster, replicaset(2))
    cluster.run_for(60)
    cluster.kubectl("delete pods --all --now")
    cluster.faults.delay_watches("kube-controller-manager", 0, "pods")
    cluster.faults.break_watches("kube-controller-manager")  # the list that follows never shows those two
    cluster.run_for(400)
    assert ready(cluster) == len(pods(cluster)) == 2
