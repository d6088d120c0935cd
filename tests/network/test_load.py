"""A load test over virtual time: how many requests, what became of them, how long they took; and that it disturbs nothing else."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from k8snb.cluster import Cluster
from k8snb.messages import set_language
from k8snb.sim.state import digest
from tests.web import WEB


@pytest.fixture(scope="module")
def start() -> Cluster:
    cluster = Cluster(nodes=2, seed=4)
    cluster.apply(WEB)
    cluster.settle(limit=60)
    return cluster


@pytest.fixture
def cluster(start: Cluster) -> Cluster:
    return start.fork()


def test_a_steady_load_on_a_healthy_service_is_answered_by_all_its_pods(cluster: Cluster) -> None:
    before = cluster.now
    load = cluster.load_test("http://web", rate=20, duration=30, from_pod="box")
    assert cluster.now - before == 30_000_000
    assert load.requests == 600
    assert load.outcomes == {"200": 600}
    assert (load.errors, load.error_rate, load.done) == ({}, 0.0, True)
    assert len(load.backends) == 3
    assert min(load.backends.values()) > 150
    assert 0 < load.percentile(50) <= load.percentile(99) < 0.1


def test_errors_are_told_apart_by_kind_and_by_time(cluster: Cluster) -> None:
    load = cluster.load_test("http://web", rate=10, duration=30, from_pod="box", wait=False)
    cluster.run_for(10)
    cluster.client.patch("deployments.apps", "web", {"spec": {"replicas": 0}}, "default")
    cluster.run_for(20)
    assert set(load.errors) <= {"no endpoints", "connection refused", "timed out", "no route to host"}
    assert load.errors["no endpoints"] > 150
    failed = [column.failed for column in load.over_time()]
    assert sum(failed[:10]) == 0
    assert all(failed[15:])


@pytest.mark.parametrize(
    ("shape", "low", "high"),
    [("ramp", slice(0, 5), slice(25, 29)), ("sine", slice(0, 3), slice(13, 17)), ("step", slice(0, 9), slice(11, 19))],
)
def test_the_rate_follows_its_shape(cluster: Cluster, shape: str, low: slice, high: slice) -> None:
    load = cluster.load_test("http://web", rate=(2, 20), duration=30, from_pod="box", shape=shape)
    sent = [column.sent for column in load.over_time()]
    assert max(sent[low]) < min(sent[high])
    assert max(sent) >= 19


def test_a_settle_ends_although_it_goes_on_and_a_step_passes_over_it(cluster: Cluster) -> None:
    load = cluster.load_test("http://web", rate=50, duration=100, from_pod="box", wait=False)
    assert cluster.settle().settled
    assert not [event for event in cluster.pending() if event.component == "load"]
    cluster.kubectl("scale deployment web --replicas=4")
    assert "deployment" in repr(cluster.step())
    assert not load.done
    assert "still going on" in repr(load)


def test_it_is_an_input_so_forks_replays_and_files_send_the_same(cluster: Cluster) -> None:
    before = cluster.position
    load = cluster.load_test("http://web", rate=10, duration=20, from_pod="box", wait=False)
    cluster.run_for(5)
    futures = [cluster, cluster.fork(), Cluster.load(cluster.save())]
    for one in futures:
        one.run_for(20)
    whole = digest(cluster.simulation.root)
    assert [digest(one.simulation.root) for one in futures] == [whole] * 3
    after, requests = cluster.position, load.requests
    assert digest(cluster.simulation.past(after).root) == whole
    assert requests == 200
    cluster.rewind(before)
    assert cluster.simulation.parts.load.state.runs == []


def test_requests_use_cpu_so_that_it_shows_in_the_metrics(cluster: Cluster) -> None:
    measured = Cluster(nodes=2, seed=4, metrics=True)
    measured.apply(WEB)
    measured.settle(limit=60)
    measured.load_test("http://web", rate=200, duration=60, from_pod="box")
    busy = sum(int(line.split()[1].rstrip("m")) for line in str(measured.kubectl("top pods -l app=web --no-headers")).splitlines())
    assert busy > 20


def test_a_client_that_goes_away_is_told_apart_from_a_server_that_does(cluster: Cluster) -> None:
    load = cluster.load_test("http://web", rate=5, duration=60, from_pod="box", wait=False)
    cluster.run_for(10)
    cluster.client.delete("pods", "box", "default", grace=0)
    cluster.run_for(50)
    assert load.errors["no client"] > 90


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"shape": "square"}, "no shape 'square'"),
        ({"rate": 0}, "rate is a number"),
        ({"rate": (5, 2)}, "rate is a number"),
        ({"rate": 500, "duration": 10_000}, "At most 50000"),
        ({"duration": 0}, "rate is a number"),
        ({"url": "http://:1"}, "is not a URL"),
        ({"from_pod": "nobody"}, "nobody"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_nothing_begins(cluster: Cluster, choices: dict[str, object], words: str) -> None:
    before = digest(cluster.simulation.root)
    with pytest.raises(ValueError, match=words):
        cluster.load_test(**{"url": "http://web", "from_pod": "box", **choices})  # type: ignore[arg-type]
    assert digest(cluster.simulation.root) == before


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_picture_is_well_formed_has_words_and_escapes_what_a_learner_wrote(cluster: Cluster, language: str) -> None:
    load = cluster.load_test("http://web/<script>alert(1)</script>?a=1&b=2", rate=5, duration=10, from_pod="box")
    set_language(language)
    try:
        picture = load.svg
        root = ET.fromstring(picture)
        assert root.get("role") == "graphics-document document"
        assert root.get("aria-label")
        assert "<script>" not in picture
        assert load.svg == picture
        assert "html" in repr(load._repr_mimebundle_().keys())
    finally:
        set_language("en")
