"""Connections that a client keeps stay with their endpoint, whatever becomes of the Service, until their server ends them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from k8snb.cluster import Cluster
from k8snb.messages import Mistake
from tests.network.worlds import world

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.27", ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: box}
spec: {containers: [{name: box, image: "busybox:1.36", command: [sleep, "99999"]}]}
"""


@pytest.fixture(scope="module")
def began() -> Cluster:
    return world(WEB)


@pytest.fixture
def cluster(began: Cluster) -> Cluster:
    return began.fork()


def send(cluster: Cluster, count: int, connections: int, **more: Any) -> list[Any]:
    """So many requests, ten a second; each as it came back."""
    load = cluster.load_test("http://web", rate=10, duration=count / 10, from_pod="box", connections=connections, **more)
    return list(load.shots)


def test_one_connection_has_one_backend_and_many_are_spread(cluster: Cluster) -> None:
    assert len({shot.backend for shot in send(cluster, 30, 1)}) == 1
    several = Counter(shot.backend for shot in send(cluster, 60, 12))
    assert len(several) == 3
    assert all(count % 5 == 0 for count in several.values()), "each of the twelve carried five requests, to one backend"


def test_a_backend_that_comes_later_gets_nothing_of_it(cluster: Cluster) -> None:
    before = {shot.backend for shot in send(cluster, 20, 6)}
    load = cluster.load_test("http://web", rate=10, duration=60, from_pod="box", connections=6, wait=False)
    cluster.run_for(5)
    cluster.kubectl("scale deployment web --replicas=8")
    cluster.run_for(55)
    assert len(before) <= 3
    late = {shot.backend for shot in load.shots if shot.at > 30_000_000}
    assert late == {shot.backend for shot in load.shots if shot.at < 3_000_000}


def test_an_endpoint_that_is_taken_out_of_the_service_goes_on_serving_its_connections(cluster: Cluster) -> None:
    load = cluster.load_test("http://web", rate=10, duration=30, from_pod="box", connections=1, wait=False)
    cluster.run_for(3)
    mine = load.shots[0].backend.partition("/")[2]
    cluster.kubectl(f"label pod {mine} app=other --overwrite")
    cluster.run_for(27)
    assert {shot.backend for shot in load.shots} == {f"default/{mine}"}
    assert all(shot.ok for shot in load.shots)
    assert mine not in {shot.backend.partition("/")[2] for shot in send(cluster, 40, 0)}, "new connections go elsewhere"


def test_a_server_that_ends_closes_its_connections_and_the_client_opens_others(cluster: Cluster) -> None:
    load = cluster.load_test("http://web", rate=10, duration=20, from_pod="box", connections=1, wait=False)
    cluster.run_for(3)
    mine = load.shots[0].backend.partition("/")[2]
    cluster.kubectl(f"delete pod {mine} --now")
    cluster.run_for(17)
    assert all(shot.ok for shot in load.shots)
    assert [shot.backend == f"default/{mine}" for shot in load.shots] == sorted(
        (shot.backend == f"default/{mine}" for shot in load.shots), reverse=True
    ), "first the one, then another"
    assert len({shot.backend for shot in load.shots}) == 2


def test_a_restarted_container_is_another_server(cluster: Cluster) -> None:
    send(cluster, 1, 1)
    listed = cluster.trace_packet("box", "http://web")
    (entry,) = [entry for _, entry in listed.kept]
    pod = next(p["metadata"]["name"] for p in cluster.get("pods") if p["status"]["podIP"] == entry.backend)
    cluster.faults.crash_container(pod)
    cluster.run_for(5)
    response = cluster.simulation.http("http://web", pod="box", connection=40_000)
    assert "has closed the connection" in str(response)
    assert response.status == 200


def test_a_lost_machine_closes_nothing_and_the_client_waits(cluster: Cluster) -> None:
    send(cluster, 1, 1)
    (entry,) = [entry for _, entry in cluster.trace_packet("box", "http://web").kept]
    home = {p["metadata"]["name"]: p["spec"]["nodeName"] for p in cluster.get("pods")}
    there = next(p["spec"]["nodeName"] for p in cluster.get("pods") if p["status"]["podIP"] == entry.backend)
    assert there != home["box"], "the seed has put them on different machines"
    cluster.faults.fail_node(there)
    first = cluster.simulation.http("http://web", pod="box", connection=40_000, timeout=1_000_000)
    assert (first.error, first.latency) == ("timed out", 1_000_000)
    assert cluster.trace_packet("box", "http://web").kept == (), "the client has given it up"


def test_the_node_lists_its_connections_and_a_trace_names_those_of_the_client(cluster: Cluster) -> None:
    send(cluster, 4, 2)
    node = cluster.get("pods", "box")["spec"]["nodeName"]
    client, service = cluster.get("pods", "box")["status"]["podIP"], cluster.get("services", "web")["spec"]["clusterIP"]
    lines = repr(cluster.conntrack(node)).splitlines()
    begin = ["ESTABLISHED", f"src={client}", f"dst={service}"]
    assert [line.split()[3:7] for line in lines] == [[*begin, "sport=40000"], [*begin, "sport=40001"]]
    said = str(cluster.trace_packet("box", "http://web"))
    assert "the connection from port 40000 stays with 10.244." in said
    response = cluster.simulation.http("http://web", pod="box", connection=40_000)
    assert "is an established connection: to 10.244." in str(response)
    assert cluster.conntrack("node-2" if node == "node-1" else "node-1") == ""


def test_an_idle_connection_is_forgotten_after_a_day(cluster: Cluster) -> None:
    send(cluster, 1, 1)
    kept = cluster.trace_packet("box", "http://web").kept
    assert len(kept) == 1
    cluster.run_for(86_400)
    assert cluster.trace_packet("box", "http://web").kept == ()


def test_a_fork_keeps_the_same_connections(cluster: Cluster) -> None:
    send(cluster, 20, 3)
    other = cluster.fork()
    for one in (cluster, other):
        one.load_test("http://web", rate=10, duration=5, from_pod="box", connections=3)
    assert other.save() == cluster.save()


def test_too_many_connections_are_one_mistake(cluster: Cluster) -> None:
    with pytest.raises(Mistake, match="from 0 to 1000 connections"):
        send(cluster, 10, 5000)
    with pytest.raises(Mistake, match="no machine"):
        cluster.conntrack("node-9")
