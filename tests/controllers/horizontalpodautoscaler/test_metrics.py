"""HorizontalPodAutoscaler with a metrics server: it follows real use, and knows whom not to believe."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.apimachinery.meta import timestamp
from k8snb.cluster import Cluster
from k8snb.controllers.autoscaler.calculator import INITIAL_READINESS, Groups, Sample, Unknown, by_usage, by_utilization, group
from k8snb.controllers.autoscaler.metrics import Target
from k8snb.sim.clock import MINUTE, SECOND
from tests.controllers.horizontalpodautoscaler.words import HPAS, WEB, conditions, replicas

NOW = 1_767_300_000 * SECOND
UTILIZATION = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}


def pod(name: str, *, request: str = "100m", ready: bool = True, age: int = 10 * MINUTE, changed: int = 9 * MINUTE, **meta: Any) -> Any:
    ready_now = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": timestamp(NOW - changed)}
    status = {"phase": "Running", "startTime": timestamp(NOW - age), "conditions": [ready_now]}
    container = {"name": "main", "resources": {"requests": {"cpu": request}}}
    return {"metadata": {"name": name, **meta}, "spec": {"containers": [container]}, "status": status}


def used(**amounts: int) -> dict[str, Sample]:
    return {name: Sample(amount, NOW - SECOND, 15 * SECOND) for name, amount in amounts.items()}


def target(replicas: int, **spec: Any) -> Target:
    return Target("default", "app=web", replicas, spec, NOW)


def asked(pods: list[Any], samples: dict[str, Sample], replicas: int | None = None, **spec: Any) -> int:
    return by_utilization(UTILIZATION, pods, samples, target(replicas if replicas is not None else len(pods), **spec))[0]


# -- the arithmetic --------------------------------------------------------------------------------------------------


def test_twice_as_much_as_wanted_asks_for_twice_as_many() -> None:
    assert asked([pod("a"), pod("b")], used(a=100, b=100)) == 4
    assert asked([pod("a"), pod("b")], used(a=10, b=10)) == 1


@pytest.mark.parametrize(("amount", "count"), [(45, 10), (55, 10), (44, 9), (56, 12)])
def test_within_ten_percent_of_the_target_nothing_is_done(amount: int, count: int) -> None:
    names = [f"p{number}" for number in range(10)]
    assert asked([pod(name) for name in names], used(**dict.fromkeys(names, amount))) == count


def test_the_tolerance_may_be_said_in_the_behavior() -> None:
    assert asked([pod("a")], used(a=70), behavior={"scaleUp": {"tolerance": "0.5"}}) == 1
    assert asked([pod("a")], used(a=70), behavior={"scaleDown": {"tolerance": "0.5"}}) == 2


def test_a_missing_pod_uses_nothing_on_the_way_up_and_its_request_on_the_way_down() -> None:
    pods = [pod("a"), pod("b"), pod("c")]
    assert asked(pods, used(a=100, b=100)) == 4  # (100 + 100 + 0) of 300 is 66 %: 66/50 of 3
    assert asked(pods, used(a=10, b=10)) == 3  # (10 + 10 + 100) of 300 is 40 %
    assert asked(pods, used(a=60)) == 3  # up by itself, down with the others: nothing


def test_a_pod_that_has_just_started_does_not_drive_the_number_up() -> None:
    fresh = pod("b", age=60 * SECOND, changed=5 * SECOND)
    assert asked([pod("a"), fresh], used(a=100, b=900)) == 2
    assert asked([pod("a"), pod("b")], used(a=100, b=900)) == 20


def test_pods_sort_into_ready_unready_missing_and_ignored() -> None:
    pods = [
        pod("ready"),
        pod("missing"),
        pod("going", deletionTimestamp=timestamp(NOW)),
        pod("young", ready=False, age=MINUTE, changed=MINUTE),
        pod("never", ready=False, age=10 * MINUTE, changed=10 * MINUTE - INITIAL_READINESS // 2),
        pod("broken", ready=False, changed=MINUTE),
    ]
    samples = used(ready=1, going=1, young=1, never=1, broken=1)
    found = group(pods, samples, "cpu", NOW)
    assert found == Groups(2, frozenset({"young", "never"}), frozenset({"missing"}), frozenset({"going"}))
    assert group(pods, samples, "memory", NOW).unready == frozenset()


def test_a_target_amount_compares_the_average() -> None:
    source = {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "50m"}}
    count, shown = by_usage(source, [pod("a"), pod("b")], used(a=100, b=50), target(2))
    assert (count, shown) == (3, {"averageValue": "75m"})


@pytest.mark.parametrize(
    ("pods", "samples", "why"),
    [
        ([], {}, "no pods returned by selector while calculating replica count"),
        ([pod("a", age=0, ready=False)], used(a=5), "did not receive metrics for targeted pods (pods might be unready)"),
        ([{**pod("a"), "spec": {"containers": [{"name": "main"}]}}], used(a=5), "missing request for cpu in container main of Pod a"),
    ],
)
def test_where_no_number_can_be_worked_out_it_says_why(pods: Any, samples: Any, why: str) -> None:
    with pytest.raises(Unknown, match=why.replace("(", r"\(").replace(")", r"\)")):
        asked(pods, samples)


@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from(["ready", "fresh", "missing"])), min_size=1, max_size=12))
def test_missing_and_fresh_pods_never_push_the_number_further_than_the_others_do(kinds: list[tuple[int, str]]) -> None:
    pods = [pod(f"p{n}", **({"age": MINUTE, "changed": SECOND} if kind == "fresh" else {})) for n, (_, kind) in enumerate(kinds)]
    samples = used(**{f"p{n}": amount for n, (amount, kind) in enumerate(kinds) if kind != "missing"})
    believed = [amount for amount, kind in kinds if kind == "ready"]
    if not believed:
        return
    count, current = asked(pods, samples), len(pods)
    average = sum(believed) * 100 // (100 * len(believed))
    if average > 50:
        assert count >= current or not any(kind != "ready" for _, kind in kinds)
    if average < 50:
        assert count <= current


# -- in a cluster ----------------------------------------------------------------------------------------------------





def test_busy_pods_are_joined_by_others_until_the_limit_and_the_status_says_how_busy() -> None:
    cluster = Cluster(nodes=2, metrics=True, seed=2)
    cluster.apply(WEB)
    cluster.run_for(120)
    assert replicas(cluster) == 5
    status = cluster.get(HPAS, "web")["status"]
    assert status["currentMetrics"][0]["resource"] == {"name": "cpu", "current": {"averageUtilization": 150, "averageValue": "150m"}}
    assert conditions(cluster) == {
        "AbleToScale": ("True", "ReadyForNewScale"),
        "ScalingActive": ("True", "ValidMetricFound"),
        "ScalingLimited": ("True", "TooManyReplicas"),
    }
    messages = [e["message"] for e in cluster.get("events") if e["reason"] == "SuccessfulRescale"]
    assert messages[0].endswith("reason: cpu resource utilization (percentage of request) above target")
    assert "150%/50%" in str(cluster.kubectl("get hpa web"))


def test_idle_pods_go_after_five_minutes_and_not_before() -> None:
    cluster = Cluster(nodes=2, metrics=True, seed=2)
    cluster.apply(WEB.replace('command: [stress, --cpu, "1"]', 'command: [sleep, "100000"]').replace("polinux/stress", "busybox:1.36"))
    cluster.kubectl("scale deployment web --replicas=4")
    cluster.run_for(270)
    assert replicas(cluster) == 4
    assert conditions(cluster)["AbleToScale"] == ("True", "ScaleDownStabilized")
    cluster.run_for(120)
    assert replicas(cluster) == 1
    assert [e["message"] for e in cluster.get("events") if e["reason"] == "SuccessfulRescale"] == [
        "New size: 1; reason: All metrics below target"
    ]  # fmt: skip


def test_it_waits_for_a_metrics_server_that_is_down_and_changes_nothing_meanwhile() -> None:
    cluster = Cluster(nodes=2, metrics=True, seed=2)
    cluster.faults.stop("metrics-server")
    cluster.apply(WEB)
    cluster.run_for(60)
    assert replicas(cluster) == 2
    assert conditions(cluster)["ScalingActive"] == ("False", "FailedGetResourceMetric")
    messages = [e["message"] for e in cluster.get("events") if e["reason"] == "FailedGetResourceMetric"]
    assert "the server is currently unable to handle the request (get pods.metrics.k8s.io)" in messages[0]
    cluster.faults.start("metrics-server")
    cluster.run_for(60)
    assert replicas(cluster) > 2


def test_one_container_alone_may_be_what_counts() -> None:
    cluster = Cluster(nodes=2, metrics=True, seed=2)
    own = "type: ContainerResource, containerResource: {container: main, name"
    cluster.apply(WEB.replace("type: Resource, resource: {name", own))
    cluster.run_for(120)
    assert replicas(cluster) == 5
    shown = cluster.get(HPAS, "web")["status"]["currentMetrics"][0]
    assert shown["containerResource"]["container"] == "main"


def test_a_container_without_a_request_has_no_percentage() -> None:
    cluster = Cluster(nodes=2, metrics=True, seed=2)
    cluster.apply(WEB.replace(", resources: {requests: {cpu: 100m}, limits: {cpu: 150m}}", ""))
    cluster.run_for(60)
    assert replicas(cluster) == 2
    messages = [e["message"] for e in cluster.get("events") if e["reason"] == "FailedGetResourceMetric"]
    assert "missing request for cpu in container main of Pod web-" in messages[-1]


@pytest.mark.parametrize("fault", ["restart", "lost watch"])
def test_after_a_restart_and_after_a_lost_watch_it_goes_on(fault: str) -> None:
    cluster = Cluster(nodes=2, metrics=True, seed=2)
    cluster.apply(WEB)
    cluster.run_for(5)
    if fault == "restart":
        cluster.faults.stop("kube-controller-manager")
        cluster.faults.start("kube-controller-manager")
    else:
        cluster.faults.break_watches("kube-controller-manager")
    cluster.run_for(120)
    assert replicas(cluster) == 5
    assert conditions(cluster)["ScalingActive"] == ("True", "ValidMetricFound")
