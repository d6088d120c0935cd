"""Traces of packets: every way with its share, and nothing changed by looking."""

from __future__ import annotations

import pytest

from k8snb.cluster import Cluster
from k8snb.sim.state import digest
from tests.network.test_ingress import ingress, path
from tests.network.worlds import address, patch, world
from tests.web import WEB


@pytest.fixture(scope="module")
def began() -> Cluster:
    return world(WEB, ingress=True)


@pytest.fixture
def cluster(began: Cluster) -> Cluster:
    return began.fork()


def test_a_trace_shows_all_ways_and_draws_nothing(cluster: Cluster) -> None:
    before, noted = digest(cluster.simulation.root), len(cluster.simulation.history.inputs)
    trace = cluster.trace_packet("box", "http://web")
    text, picture = repr(trace), repr(trace.graph)
    assert (digest(cluster.simulation.root), len(cluster.simulation.history.inputs)) == (before, noted)
    assert [round(way.share, 4) for way in trace.ways] == [0.3333] * 3
    assert text.splitlines()[0] == "box to http://web: 3 ways"
    assert text.count("KUBE-SERVICES > KUBE-SVC-") == text.count("33.3 %") == 3
    assert "33.3 %" in picture
    assert repr(cluster.trace_packet("pod/default/box", "http://web").graph).splitlines()[1:] != []


def test_a_request_takes_one_of_the_ways_of_the_trace(cluster: Cluster) -> None:
    ways = {way.hops for way in cluster.trace_packet("box", "http://web").ways}
    for _ in range(6):
        response = cluster.http("http://web", "box")
        assert response.hops[:-1] in ways


def test_affinity_leaves_one_way(cluster: Cluster) -> None:
    patch(cluster, {"sessionAffinity": "ClientIP"})
    assert len(cluster.trace_packet("box", "http://web").ways) == 3
    backend = cluster.http("http://web", "box").backend
    (only,) = cluster.trace_packet("box", "http://web").ways
    assert only.made.pod == backend


def test_chains_have_the_names_of_the_chosen_form(cluster: Cluster) -> None:
    assert "services > service-" in repr(cluster.trace_packet("box", "http://web", mode="nftables"))


def test_where_a_way_ends_is_told_with_what_decided(cluster: Cluster) -> None:
    assert "ends here: no such name" in repr(cluster.trace_packet("box", "http://wep"))
    cluster.kubectl("scale deployment web --replicas=0")
    cluster.settle(limit=60)
    text = repr(cluster.trace_packet("box", "http://web"))
    assert "has no endpoints" in text
    assert "ends here: no endpoints" in text


def test_from_outside_through_a_node_port_and_through_an_ingress(cluster: Cluster) -> None:
    patch(cluster, {"type": "NodePort"})
    port = cluster.get("services", "web")["spec"]["ports"][0]["nodePort"]
    text = repr(cluster.trace_packet("outside", f"http://{address(cluster, 'node-2')}:{port}"))
    assert "KUBE-NODEPORTS > KUBE-EXT-" in text
    ingress(cluster, path("/", "web"))
    before = digest(cluster.simulation.root)
    trace = cluster.trace_packet("outside", "http://shop.example/cart")
    assert "[Ingress default/shop: shop.example/]" in repr(trace)
    assert len(trace.ways) == 3
    assert digest(cluster.simulation.root) == before
    assert "ends here: 404 Not Found" in repr(
        cluster.trace_packet("node/node-1", f"http://{trace.ways[0].hops[0].what.split()[2].rstrip(',')}/x")
    )


def test_objects_will_do_as_well(cluster: Cluster) -> None:
    box, service, node = cluster.get("pods", "box"), cluster.get("services", "web"), cluster.get("nodes", "node-1")
    assert [way.share for way in cluster.trace_packet(box, service).ways] == [1 / 3] * 3
    web = next(pod for pod in cluster.get("pods") if pod["metadata"].get("labels", {}).get("app") == "web")
    (way,) = cluster.trace_packet(node, web).ways
    assert way.made.pod == f"default/{web['metadata']['name']}"


def test_many_ways_are_counted(cluster: Cluster) -> None:
    cluster.kubectl("scale deployment web --replicas=20")
    cluster.settle(limit=120)
    text = repr(cluster.trace_packet("box", "http://web"))
    assert "and 8 more, 40 % together" in text


def test_a_pod_that_does_not_run_cannot_be_traced(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="no pod default/nobody that runs"):
        cluster.trace_packet("nobody", "http://web")
