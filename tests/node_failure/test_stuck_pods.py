"""Pods on a dead machine: nobody can say that they have ended, and somebody must decide."""

from __future__ import annotations

from typing import Any

from k8snb.cluster import Cluster
from tests.controllers.stories import pod, ready
from tests.node_failure.words import OUT_OF_SERVICE


def stateful(cluster: Cluster) -> None:
    """A StatefulSet of two Pods, and where they run."""
    container = {"name": "main", "image": "nginx:1.27"}
    spec = {
        "replicas": 2, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
        "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [container]}},
    }  # fmt: skip
    cluster.client.create(
        "statefulsets.apps", {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": spec}, "default"
    )
    cluster.settle()


def test_a_statefulset_does_not_replace_a_pod_of_a_dead_node_until_somebody_says_that_the_machine_is_off() -> None:
    cluster = Cluster(nodes=3)
    stateful(cluster)
    first = cluster.get("pods", "db-0")
    home = first["spec"]["nodeName"]
    cluster.faults.fail_node(home)
    cluster.run_for(900)
    stuck = cluster.get("pods", "db-0")
    assert stuck["metadata"]["uid"] == first["metadata"]["uid"]
    assert "deletionTimestamp" in stuck["metadata"]
    cluster.kubectl(f"taint nodes {home} {OUT_OF_SERVICE['key']}={OUT_OF_SERVICE['value']}:{OUT_OF_SERVICE['effect']}")
    cluster.run_for(40)
    replaced = cluster.get("pods", "db-0")
    assert replaced["metadata"]["uid"] != first["metadata"]["uid"]
    assert replaced["spec"]["nodeName"] != home
    assert ready(cluster, "db") == 2


def test_only_a_forced_deletion_takes_a_pod_of_a_dead_node_out_of_the_api() -> None:
    cluster = Cluster(nodes=2)
    cluster.client.create("pods", pod("web", nodeName="node-2"), "default")
    cluster.settle()
    cluster.faults.partition_node("node-2")
    cluster.kubectl("delete pod web --wait=false")
    cluster.run_for(600)
    assert "deletionTimestamp" in cluster.get("pods", "web")["metadata"]
    cluster.kubectl("delete pod web --force --grace-period=0")
    assert cluster.get("pods", "web") is None
    runtime: Any = cluster.simulation.parts.machines.runtimes["node-2"]
    assert [c.config.pod for c in runtime.state.containers.values() if not c.ended_at] == ["web"]  # nobody has told the machine
    cluster.faults.restore_node("node-2")
    cluster.run_for(60)
    assert not runtime.state.containers
