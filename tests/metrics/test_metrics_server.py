"""The metrics server: what it serves, how old that is, and what kubectl says with and without it."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apimachinery.duration import parse_duration
from k8snb.cluster import Cluster
from k8snb.sim.state import digest


def pod(name: str, cpu: str = "100m", command: str = "sleep 3600", **labels: str) -> dict[str, Any]:
    container = {"name": "main", "image": "busybox:1.36", "command": ["sh", "-c", command], "resources": {"requests": {"cpu": cpu}}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": {"containers": [container]}}


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(nodes=2, metrics=True, seed=3)
    cluster.client.create("pods", pod("box", app="box"), "default")
    return cluster


def metrics(cluster: Cluster) -> list[str]:
    client = cluster.client.with_versions({"metrics.k8s.io": "v1beta1"})
    return [f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in client.list("pods.metrics.k8s.io")]


def said(cluster: Cluster, line: str) -> str:
    return str(cluster.kubectl(line))


def test_a_new_pod_has_no_metrics_at_first(cluster: Cluster) -> None:
    cluster.run_for(5)
    assert metrics(cluster) == []
    assert "error: metrics not available yet" in said(cluster, "top pods")
    cluster.run_for(30)
    assert metrics(cluster) == ["default/box"]


def test_a_window_is_written_exactly_as_go_writes_lengths_of_time(cluster: Cluster) -> None:
    cluster.run_for(0.123457)
    cluster.client.create("pods", pod("odd"), "default")
    cluster.run_for(17)
    client = cluster.client.with_versions({"metrics.k8s.io": "v1beta1"})
    windows = {one["metadata"]["name"]: parse_duration(one["window"]) for one in client.list("pods.metrics.k8s.io")}
    seen = {name: point.window for (_, name, _), point in cluster.simulation.parts.components["metrics-server"].own.pods.items()}
    assert windows == seen
    assert windows["odd"] % 1000, "not a round number"


def test_top_prints_pods_containers_nodes_and_sums(cluster: Cluster) -> None:
    cluster.run_for(40)
    lines = said(cluster, "top pods").splitlines()
    assert lines[0].split() == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert lines[1].split()[0] == "box"
    assert lines[1].endswith("   ")  # every cell ends with a tab, the last one too
    assert said(cluster, "top pods -A --containers").split("\n")[0].split() == ["NAMESPACE", "POD", "NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert "________" in said(cluster, "top pods --sum")
    nodes = said(cluster, "top nodes").splitlines()
    assert nodes[0].split() == ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]
    assert [line.split()[0] for line in nodes[1:]] == ["node-1", "node-2"]
    assert nodes[1].split()[1].endswith("m")


def test_the_busiest_come_first_when_asked_so(cluster: Cluster) -> None:
    cluster.apply("""
apiVersion: v1
kind: Pod
metadata: {name: heavy, labels: {app: heavy}}
spec: {containers: [{name: stress, image: "polinux/stress", command: [stress, --cpu, "1"]}]}
""")
    cluster.run_for(60)
    assert [line.split()[0] for line in said(cluster, "top pods --no-headers --sort-by=cpu").splitlines()] == ["heavy", "box"]
    assert [line.split()[0] for line in said(cluster, "top pods --no-headers -l app=box").splitlines()] == ["box"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("top pod nope", 'Error from server (NotFound): podmetrics.metrics.k8s.io "default/nope" not found'),
        ("top node nope", 'Error from server (NotFound): nodemetrics.metrics.k8s.io "nope" not found'),
        ("top pods -n kube-public", "No resources found in kube-public namespace."),
        ("top pods --sort-by=age", "error: --sort-by accepts only cpu or memory"),
    ],
)
def test_what_is_not_there_is_said_in_kubectls_words(cluster: Cluster, line: str, words: str) -> None:
    cluster.run_for(40)
    assert said(cluster, line).strip() == words


def test_a_cluster_without_one_says_so_and_has_nothing_of_it() -> None:
    bare = Cluster(nodes=1)
    assert said(bare, "top nodes").strip() == "error: Metrics API not available"
    assert said(bare, "top pods").strip() == "error: Metrics API not available"
    assert bare.get("apiservices.apiregistration.k8s.io", "v1beta1.metrics.k8s.io") is None
    assert not [event for event in bare.simulation.parts.kernel.pending() if event.component == "metrics-server"]


def test_discovery_names_it_and_the_table_form_shows_it(cluster: Cluster) -> None:
    cluster.run_for(40)
    assert "NodeMetrics" in said(cluster, "api-resources --api-group=metrics.k8s.io")
    assert said(cluster, "get apiservice v1beta1.metrics.k8s.io").splitlines()[1].split()[:3] == [
        "v1beta1.metrics.k8s.io", "kube-system/metrics-server", "True",
    ]  # fmt: skip
    assert said(cluster, "get pods.metrics.k8s.io").splitlines()[0].split() == ["NAME", "CPU", "MEMORY", "WINDOW"]


def test_a_dead_node_has_no_metrics_soon_after(cluster: Cluster) -> None:
    cluster.run_for(40)
    home = cluster.get("pods", "box")["spec"]["nodeName"]
    cluster.faults.fail_node(home)
    cluster.run_for(16)
    assert metrics(cluster) == []
    assert f"{home}   <unknown>" in said(cluster, "top nodes")


def test_while_the_process_is_down_the_api_server_says_that_it_cannot(cluster: Cluster) -> None:
    cluster.run_for(40)
    cluster.faults.stop("metrics-server")
    assert "the server is currently unable to handle the request (get pods.metrics.k8s.io)" in said(cluster, "top pods")
    cluster.faults.start("metrics-server")
    cluster.run_for(20)
    assert metrics(cluster) == ["default/box"]


def test_without_its_apiservice_nobody_finds_it_and_with_it_everybody_does_again(cluster: Cluster) -> None:
    cluster.run_for(40)
    service = said(cluster, "get apiservice v1beta1.metrics.k8s.io -o yaml")
    cluster.kubectl("delete apiservice v1beta1.metrics.k8s.io")
    assert "NodeMetrics" not in said(cluster, "api-resources")
    assert said(cluster, "top pods").strip() == "error: Metrics API not available"
    assert "NodeMetrics" not in said(Cluster.load(cluster.save()), "api-resources")
    cluster.kubectl("apply -f -", stdin=service)
    assert "box" in said(cluster, "top pods")


def test_nothing_of_it_can_be_written(cluster: Cluster) -> None:
    cluster.run_for(40)
    assert "the server does not allow this method on the requested resource" in said(cluster, "delete pods.metrics.k8s.io box")


def test_a_fork_and_a_loaded_file_know_the_same(cluster: Cluster) -> None:
    cluster.run_for(40)
    futures = [cluster, cluster.fork(), Cluster.load(cluster.save())]
    for one in futures:
        one.run_for(30)
    assert len({digest(one.simulation.root) for one in futures}) == 1
    assert metrics(futures[2]) == ["default/box"]
