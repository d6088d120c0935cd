"""Requests at a fixed rate while a new version is released: none is lost where it is set up well, and exactly which are where not."""

from __future__ import annotations

from collections import Counter

import pytest

from k8snb.cluster import Cluster
from k8snb.seams.cni import NO_ROUTE, REFUSED
from tests.network.test_ingress import ingress, path
from tests.network.worlds import world
from tests.web import BOX, servers

RATE = 20  # requests a second
PROBE = "readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}"
PRESTOP = "lifecycle: {preStop: {sleep: {seconds: 3}}}"


def slow(container: str) -> str:
    """Servers that need three seconds to start, with more lines of their container."""
    return servers(image="k8snb/slow-starter:1", container=f'env: [{{name: STARTUP, value: "3"}}]\n{container}') + BOX


def release(container: str, seconds: int = 30, rate: int = RATE) -> Counter[str]:
    """What came of every request during a release."""
    cluster = world(slow(container))
    cluster.run_for(10)
    cluster.kubectl("set env deployment/web RELEASE=2")
    outcomes: Counter[str] = Counter()
    for _ in range(seconds * rate):
        cluster.run_for(1 / rate)
        response = cluster.http("http://web", "box", timeout=1)
        outcomes[response.error or str(response.status)] += 1
    ready = cluster.get("deployments", "web")["status"]
    assert ready["updatedReplicas"] == ready["readyReplicas"] == 3
    return outcomes


def test_with_a_probe_and_a_pause_before_the_end_nothing_is_lost() -> None:
    assert release(f"{PROBE}\n{PRESTOP}") == {"200": 30 * RATE}


def test_without_the_pause_the_news_of_the_end_comes_too_late() -> None:
    outcomes = release(PROBE)
    assert set(outcomes) <= {"200", REFUSED, NO_ROUTE}
    lost = 30 * RATE - outcomes["200"]
    assert 0 < lost <= 3 * RATE  # three pods, for each at most the second until rules are written again


def test_without_a_probe_users_meet_programs_that_do_not_listen_yet() -> None:
    outcomes = release(PRESTOP)
    assert outcomes[REFUSED] > RATE
    assert outcomes[NO_ROUTE] == 0


def test_the_shares_of_three_backends_are_equal_within_chance() -> None:
    cluster: Cluster = world(slow(PROBE))
    cluster.run_for(10)
    counts = Counter(cluster.http("http://web", "box").backend for _ in range(600))
    assert len(counts) == 3
    assert sum((count - 200) ** 2 / 200 for count in counts.values()) == pytest.approx(0, abs=13.8)  # chi square, p = 0.001


def test_an_ingress_controller_hides_the_late_news_by_trying_elsewhere() -> None:
    cluster = world(slow(PROBE), ingress=True)
    cluster.run_for(10)
    ingress(cluster, path("/", "web"))
    cluster.kubectl("set env deployment/web RELEASE=2")
    statuses: Counter[int] = Counter()
    tried = 0
    for _ in range(30 * RATE):
        cluster.run_for(1 / RATE)
        response = cluster.http("http://shop.example/")
        statuses[response.status] += 1
        tried += sum(hop.what.endswith((REFUSED, NO_ROUTE)) for hop in response.hops)
    assert statuses == {200: 30 * RATE}
    assert tried > 0  # some endpoints had already gone
