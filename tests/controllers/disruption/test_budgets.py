"""Disruption: what a budget allows, who may be evicted; and Pods that stay, owners that do not say, a controller that was away."""

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import freeze
from k8snb.controllers.disruption import Observed, new_status
from tests.controllers.disruption.words import BUDGETS, budget, evict, status
from tests.controllers.world import NS, cluster_of, manifest, pods, reasons, template, workload


@pytest.fixture
def cluster():
    return cluster_of(3)


def put_up(cluster, **spec):
    cluster.client.create(BUDGETS, budget(**spec), NS)
    cluster.settle()


def web(cluster, replicas=4):
    cluster.client.create("deployments.apps", workload("Deployment", "web", replicas=replicas), NS)
    cluster.settle()






@pytest.mark.parametrize(
    ("spec", "counts"),
    [
        ({"minAvailable": 3}, (4, 3, 4, 1)),
        ({"minAvailable": "50%"}, (4, 2, 4, 2)),
        ({"maxUnavailable": 1}, (4, 3, 4, 1)),
        ({"maxUnavailable": "30%"}, (4, 2, 4, 2)),  # rounded up
        ({"maxUnavailable": 9}, (4, 0, 4, 4)),
        ({"minAvailable": 4}, (4, 4, 4, 0)),
    ],
)
def test_what_is_allowed(cluster, spec, counts):
    web(cluster)
    put_up(cluster, **spec)
    assert status(cluster) == counts


def test_percentages_are_of_what_the_deployment_wants_not_of_what_there_is(cluster):
    web(cluster)
    put_up(cluster, minAvailable="50%")
    for pod in pods(cluster)[:2]:
        cluster.client.delete("pods", pod["metadata"]["name"], NS)
    cluster.run_for(0.01)
    assert cluster.get(BUDGETS, "web")["status"]["desiredHealthy"] == 2


def test_evictions_take_what_is_allowed_and_then_have_to_wait(cluster):
    web(cluster)
    put_up(cluster, minAvailable=3)
    first, second, *_ = [pod["metadata"]["name"] for pod in pods(cluster)]
    evict(cluster, first)
    with pytest.raises(ApiError, match="violate the pod's disruption budget"):
        evict(cluster, second)
    cluster.settle()  # its replacement is ready
    evict(cluster, second)


def test_an_evicted_pod_that_stays_is_given_up_after_two_minutes(cluster):
    web(cluster)
    put_up(cluster, minAvailable=3)
    now = cluster.get(BUDGETS, "web")
    noted = {**now["status"], "disruptedPods": {pods(cluster)[0]["metadata"]["name"]: "2026-01-01T00:00:10Z"}}
    cluster.client.update_status(BUDGETS, freeze({**now, "status": noted}))
    cluster.run_for(20)
    assert status(cluster) == (4, 3, 3, 0)
    cluster.run_for(140)
    assert status(cluster) == (4, 3, 4, 1)
    assert "NotDeleted" in reasons(cluster, "Pod")


def test_pods_that_nobody_manages_are_not_expected(cluster):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone", "labels": {"app": "web"}}, "spec": template()["spec"]}
    cluster.client.create("pods", pod, NS)
    put_up(cluster, maxUnavailable=1)
    assert status(cluster) == (0, 0, 1, 0)
    assert "UnmanagedPods" in reasons(cluster, "PodDisruptionBudget")


def test_owners_that_do_not_scale_make_it_safe_and_say_so(cluster):
    cluster.client.create("daemonsets.apps", workload("DaemonSet", "web"), NS)
    cluster.settle()
    put_up(cluster, maxUnavailable=1)
    found = cluster.get(BUDGETS, "web")["status"]
    assert found["disruptionsAllowed"] == 0
    assert [(c["reason"], c["message"]) for c in found["conditions"]] == [
        ("SyncFailed", "daemonsets.apps does not implement the scale subresource")
    ]


def test_a_budget_over_nothing_allows_nothing(cluster):
    put_up(cluster, minAvailable=1)
    assert status(cluster) == (0, 1, 0, 0)
    assert "NoPods" in reasons(cluster, "PodDisruptionBudget")


def test_away_and_cut_off_it_catches_up(cluster):
    web(cluster)
    put_up(cluster, minAvailable=2)
    cluster.faults.stop("kube-controller-manager")
    cluster.client.delete("pods", pods(cluster)[0]["metadata"]["name"], NS)
    cluster.run_for(5)
    cluster.faults.start("kube-controller-manager")
    cluster.faults.api_errors(2, verb="update", resource="poddisruptionbudgets")
    cluster.run_for(30)
    assert status(cluster) == (4, 2, 4, 2)


def test_the_status_is_a_pure_function():
    pdb = freeze(manifest("PodDisruptionBudget", "web", {"minAvailable": 1}, version="policy/v1"))
    ready = [{"type": "Ready", "status": "True"}]
    made = tuple(freeze({"metadata": {"name": n}, "spec": {}, "status": {"conditions": ready}}) for n in ("a", "b", "c"))
    assert new_status(Observed(pdb, made, 3, 0))["disruptionsAllowed"] == 2
