"""HorizontalPodAutoscaler: limits without metrics, and how a number that metrics ask for is calmed down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.controllers.autoscaler.behavior import TOO_FAST_UP, TOO_FEW, TOO_MANY, WITHIN, Change, Past, Recommendation, calm
from k8snb.controllers.autoscaler.controller import HorizontalPodAutoscalerController
from k8snb.controllers.autoscaler.metrics import Proposal
from k8snb.sim.clock import SECOND
from tests.controllers.world import NS, cluster_of, manifest, reasons, workload

HPAS, DEPLOYMENTS = "horizontalpodautoscalers.autoscaling", "deployments.apps"
NOW = 10_000 * SECOND


@pytest.fixture
def cluster():
    return cluster_of(2)


def start(cluster, replicas=1, target="web", **spec):
    cluster.client.create(DEPLOYMENTS, workload("Deployment", "web", replicas=replicas), NS)
    whole = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}, "minReplicas": 2, "maxReplicas": 5, **spec}
    client = cluster.client.with_versions({"autoscaling": "v2"})
    client.create(HPAS, manifest("HorizontalPodAutoscaler", "web", whole, version="autoscaling/v2"), NS)


def conditions(cluster):
    return {c["type"]: (c["status"], c["reason"]) for c in cluster.get(HPAS, "web")["status"].get("conditions", ())}


def replicas(cluster):
    return cluster.get(DEPLOYMENTS, "web")["spec"]["replicas"]


@pytest.mark.parametrize(("before", "after"), [(1, 2), (9, 5), (3, 3)])
def test_without_metrics_it_keeps_the_limits(cluster, before, after):
    start(cluster, before)
    cluster.run_for(20)
    assert replicas(cluster) == after


def test_and_says_at_its_next_look_what_it_cannot_do(cluster):
    start(cluster)
    cluster.run_for(16)
    assert conditions(cluster) == {"AbleToScale": ("True", "SucceededRescale")}
    cluster.run_for(16)
    assert conditions(cluster) == {"AbleToScale": ("True", "SucceededGetScale"), "ScalingActive": ("False", "FailedGetResourceMetric")}
    assert reasons(cluster, "HorizontalPodAutoscaler") == [
        "SuccessfulRescale", "FailedGetResourceMetric", "FailedComputeMetricsReplicas",
    ]  # fmt: skip


def test_a_target_of_zero_is_left_alone(cluster):
    start(cluster, 0)
    cluster.run_for(20)
    assert replicas(cluster) == 0
    assert conditions(cluster)["ScalingActive"] == ("False", "ScalingDisabled")


def test_a_target_that_is_not_there_is_found_when_it_comes(cluster):
    start(cluster, target="later")
    cluster.run_for(20)
    assert conditions(cluster) == {"AbleToScale": ("False", "FailedGetScale")}
    cluster.client.create(DEPLOYMENTS, workload("Deployment", "later", replicas=1), NS)
    cluster.run_for(20)
    assert cluster.get(DEPLOYMENTS, "later")["spec"]["replicas"] == 2


def test_refusals_and_restarts_only_delay_it(cluster):
    start(cluster)
    cluster.faults.api_errors(1, verb="update", resource="deployments")
    cluster.run_for(16)
    cluster.faults.stop("kube-controller-manager")
    cluster.faults.start("kube-controller-manager")
    cluster.run_for(40)
    assert replicas(cluster) == 2


def test_it_follows_a_metric_up_at_once_and_down_after_five_minutes(cluster, monkeypatch):
    asked = {"replicas": 4}

    class Source:
        def replicas(self, metric, _target):
            return Proposal(asked["replicas"], {"type": metric["type"]})

    monkeypatch.setattr(HorizontalPodAutoscalerController, "source", Source())
    start(cluster, 2)
    cluster.run_for(20)
    assert replicas(cluster) == 4
    asked["replicas"] = 2
    cluster.run_for(200)
    assert replicas(cluster) == 4
    assert conditions(cluster)["AbleToScale"] == ("True", "ScaleDownStabilized")
    cluster.run_for(200)
    assert replicas(cluster) == 2


def spec(least=1, most=100, **behavior):
    return {"minReplicas": least, "maxReplicas": most, "behavior": behavior}


def test_rates_limit_each_period():
    assert calm(spec(), 10, 90, Past(), NOW)[::2] == (20, TOO_FAST_UP)  # doubling
    assert calm(spec(), 20, 90, Past(changes=(Change(NOW - SECOND, 10),)), NOW).replicas == 20  # just doubled
    assert calm(spec(), 1, 90, Past(), NOW).replicas == 5  # four at least
    slow = {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}], "stabilizationWindowSeconds": 0}
    assert calm(spec(scaleDown=slow), 10, 2, Past(), NOW).replicas == 9
    assert calm(spec(scaleDown={"selectPolicy": "Disabled", "stabilizationWindowSeconds": 0}), 10, 2, Past(), NOW).replicas == 10


def test_limits_are_the_last_word():
    quick = {"stabilizationWindowSeconds": 0}
    assert calm(spec(3, 6, scaleDown=quick), 5, 1, Past(), NOW)[::2] == (3, TOO_FEW)
    assert calm(spec(3, 6), 5, 50, Past(), NOW)[::2] == (6, TOO_MANY)
    assert calm(spec(3, 6), 5, 5, Past(), NOW)[::2] == (5, WITHIN)


@given(st.integers(1, 50), st.integers(1, 50), st.lists(st.tuples(st.integers(0, 600), st.integers(1, 50)), max_size=8))
def test_it_never_leaves_the_limits_nor_overshoots_what_was_ever_asked_for(current, desired, asked):
    past = Past(tuple(Recommendation(NOW - seconds * SECOND, count) for seconds, count in asked))
    outcome = calm(spec(1, 50), current, desired, past, NOW)
    everything = [current, desired, *(count for _, count in asked)]
    assert min(everything) <= outcome.replicas <= max(everything)
