"""Deployments: releases, the two promises of a rolling update, pause, undo, deadlines, proportional scaling."""

import pytest

from k8snb.cluster import Cluster
from tests.controllers.stories import deployment, pods, ready, release, said, sizes

STUCK = "nginx:no-such-tag"


@pytest.fixture
def cluster():
    return Cluster(nodes=3)


def make(cluster, **options):
    cluster.client.create("deployments.apps", deployment(**options), "default")
    cluster.settle()


def status(cluster):
    return cluster.get("deployments.apps", "web")["status"]


def condition(cluster, kind):
    return next((c["status"], c["reason"]) for c in status(cluster)["conditions"] if c["type"] == kind)


def rolling(surge, unavailable):
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


def test_a_release_moves_all_replicas_to_a_new_replicaset(cluster):
    make(cluster)
    release(cluster, "nginx:1.27")
    cluster.settle()
    assert sizes(cluster) == [0, 3]
    assert {p["spec"]["containers"][0]["image"] for p in pods(cluster)} == {"nginx:1.27"}
    assert condition(cluster, "Progressing") == ("True", "NewReplicaSetAvailable")


@pytest.mark.parametrize(("surge", "unavailable"), [(1, 0), (0, 1), (2, 1), ("25%", "25%"), ("100%", 0)])
def test_the_two_promises_of_a_rolling_update_hold_at_every_moment(cluster, surge, unavailable):
    replicas = 4
    make(cluster, replicas=replicas, strategy=rolling(surge, unavailable))
    most = replicas + (surge if isinstance(surge, int) else -(-int(surge[:-1]) * replicas // 100))
    least = replicas - (unavailable if isinstance(unavailable, int) else int(unavailable[:-1]) * replicas // 100)
    release(cluster, "nginx:1.27")
    seen = []

    def watch(c):
        seen.append((sum(sizes(c)), ready(c)))
        return status(c).get("updatedReplicas") == replicas and sizes(c)[0] == 0 and ready(c) == replicas

    assert cluster.run_until(watch, 120)
    assert max(total for total, _ in seen) <= most
    assert min(available for _, available in seen) >= least


def test_recreate_ends_everything_old_before_anything_new_begins(cluster):
    make(cluster, strategy={"type": "Recreate"})
    release(cluster, "nginx:1.27")
    images = set()
    cluster.run_until(
        lambda c: images.add(frozenset(p["spec"]["containers"][0]["image"] for p in c.get("pods"))) or (ready(c) == 3 and len(images) > 2),
        60,
    )
    assert frozenset({"nginx:1.26", "nginx:1.27"}) not in images
    assert images >= {frozenset({"nginx:1.26"}), frozenset(), frozenset({"nginx:1.27"})}


def test_a_release_that_cannot_start_stops_before_it_does_harm(cluster):
    make(cluster, replicas=4, progressDeadlineSeconds=30)
    release(cluster, STUCK)
    cluster.run_for(60)
    assert ready(cluster) == 3  # 25 % of four may be unavailable, and not one more
    assert condition(cluster, "Progressing") == ("False", "ProgressDeadlineExceeded")
    assert condition(cluster, "Available") == ("True", "MinimumReplicasAvailable")


def test_undo_makes_the_old_replicaset_the_newest_revision(cluster):
    make(cluster)
    release(cluster, "nginx:1.27")
    cluster.settle()
    release(cluster, "nginx:1.26")
    cluster.settle()
    first = next(rs for rs in cluster.get("replicasets.apps") if rs["spec"]["replicas"])
    notes = first["metadata"]["annotations"]
    assert notes["deployment.kubernetes.io/revision"] == "3"
    assert notes["deployment.kubernetes.io/revision-history"] == "1"
    assert len(cluster.get("replicasets.apps")) == 2


def test_scaling_in_the_middle_of_a_stuck_release_is_spread_in_proportion(cluster):
    cluster = Cluster(nodes=3, runtime="hollow")
    gate = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": "nginx:1.26"}]}}
    make(cluster, replicas=10, template=gate)
    stuck = {
        "spec": {
            "template": {
                "spec": {"readinessGates": [{"conditionType": "example.com/never"}], "containers": [{"name": "app", "image": "nginx:1.27"}]}
            }
        }
    }
    cluster.client.patch("deployments.apps", "web", stuck, "default", kind="strategic")
    cluster.settle()
    assert sizes(cluster) == [8, 5]
    cluster.client.patch("deployments.apps", "web", {"spec": {"replicas": 15}}, "default")
    cluster.settle()
    assert sizes(cluster) == [12, 7]


def test_while_paused_nothing_is_released_but_scaling_works(cluster):
    make(cluster)
    cluster.client.patch("deployments.apps", "web", {"spec": {"paused": True}}, "default")
    release(cluster, "nginx:1.27")
    cluster.settle()
    assert len(cluster.get("replicasets.apps")) == 1
    cluster.client.patch("deployments.apps", "web", {"spec": {"replicas": 5}}, "default")
    cluster.settle()
    assert ready(cluster) == 5
    cluster.client.patch("deployments.apps", "web", {"spec": {"paused": False}}, "default")
    cluster.settle()
    assert sizes(cluster) == [0, 5]


def test_only_so_many_old_revisions_are_kept(cluster):
    make(cluster, revisionHistoryLimit=1)
    for version in ("1.27", "1.25", "1.24"):
        release(cluster, f"nginx:{version}")
        cluster.settle()
    assert sizes(cluster) == [0, 3]


def test_the_events_tell_every_step(cluster):
    make(cluster, strategy=rolling(1, 0))
    release(cluster, "nginx:1.27")
    cluster.settle()
    steps = [message.split(" from ")[1] for message in said(cluster, "ScalingReplicaSet")]
    assert steps == ["0 to 3", "0 to 1", "3 to 2", "1 to 2", "2 to 1", "2 to 3", "1 to 0"]


def test_a_new_deployment_takes_over_what_an_orphaned_one_left(cluster):
    make(cluster)
    cluster.client.delete("deployments.apps", "web", "default", propagation="Orphan")
    cluster.settle()
    before = {p["metadata"]["uid"] for p in pods(cluster)}
    make(cluster)
    assert {p["metadata"]["uid"] for p in pods(cluster)} == before
    assert len(cluster.get("replicasets.apps")) == 1


@pytest.mark.parametrize("moment", [0.01, 0.4, 1.2, 3])
def test_taken_back_while_its_loop_is_away_it_never_asks_for_more_than_it_may(cluster, moment):
    make(cluster, replicas=4, strategy=rolling(1, 0))
    release(cluster, "nginx:1.27")
    cluster.run_for(moment)
    cluster.faults.stop("kube-controller-manager")
    release(cluster, "nginx:1.26")
    cluster.run_for(10)
    cluster.faults.start("kube-controller-manager")
    seen = []
    assert cluster.run_until(lambda c: seen.append((sum(sizes(c)), ready(c))) or (sizes(c)[-1] == 4 and sum(sizes(c)) == 4), 120)
    assert max(total for total, _ in seen) <= 5
    assert min(available for _, available in seen) >= 4
    cluster.settle()
    assert {p["spec"]["containers"][0]["image"] for p in pods(cluster)} == {"nginx:1.26"}


def test_a_new_replicaset_whose_creation_was_not_heard_of_is_found_and_not_taken_for_a_collision(cluster):
    make(cluster)
    cluster.faults.delay_watches("kube-controller-manager", 20, "replicasets.apps")
    release(cluster, "nginx:1.27")
    cluster.run_for(10)  # it tries again, and the API server says that there is one already
    cluster.faults.break_watches("kube-controller-manager")
    cluster.run_for(60)
    assert sizes(cluster) == [0, 3]
    assert "collisionCount" not in status(cluster)
