"""The cluster autoscaler: machines for pods that fit nowhere, and no machines for nobody."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster import Cluster
from k8snb.sim.state import digest
from tests.cloud.world import growing, node_names, reasons, taints


def deployment(replicas: int, cpu: str = "600m", name: str = "web", **pod: Any) -> dict[str, Any]:
    container = {"name": "main", "image": "nginx:1.27", "resources": {"requests": {"cpu": cpu}}}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"nodeSelector": {"agentpool": "user"}, "containers": [container], **pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}}  # fmt: skip


@pytest.fixture(scope="module")
def start() -> Cluster:
    return growing()


@pytest.fixture
def cluster(start: Cluster) -> Cluster:
    return start.fork()


def scale(cluster: Cluster, replicas: int, name: str = "web") -> None:
    cluster.client.patch("deployments.apps", name, {"spec": {"replicas": replicas}}, "default")


def messages(cluster: Cluster, reason: str) -> set[str]:
    return {event["message"] for event in cluster.get("events") if event["reason"] == reason}


def running(cluster: Cluster) -> int:
    return sum(pod["status"]["phase"] == "Running" for pod in cluster.get("pods"))


def decisions(cluster: Cluster) -> list[tuple[str, str, str]]:
    records = cluster.simulation.parts.kernel.trace.since(0)
    return [(r.verb, r.subject, r.detail) for r in records if r.kind == "decision" and r.actor == "cluster-autoscaler"]


def test_pods_that_fit_nowhere_bring_machines_and_then_run(cluster: Cluster) -> None:
    cluster.client.create("deployments.apps", deployment(5), "default")
    cluster.run_for(12)
    assert running(cluster) == 3
    group = cluster.cloud.node_pools["user"].group
    assert messages(cluster, "TriggeredScaleUp") == {f"pod triggered scale-up: [{{{group} 1->2 (max: 3)}}]"}
    cluster.run_for(90)
    assert running(cluster) == 5
    assert len(node_names(cluster, "user")) == 2
    [(verb, subject, why)] = decisions(cluster)
    assert (verb, subject) == ("scale up", "user")
    assert why.startswith("1 -> 2 for default/web-")


def test_machines_that_are_on_their_way_are_not_asked_for_twice(cluster: Cluster) -> None:
    cluster.client.create("deployments.apps", deployment(5), "default")
    cluster.run_for(60)
    assert cluster.cloud.node_pools["user"].machines == 2
    assert len(decisions(cluster)) == 1


def test_no_more_machines_than_the_pool_may_have(cluster: Cluster) -> None:
    cluster.client.create("deployments.apps", deployment(20), "default")
    cluster.run_for(150)
    assert len(node_names(cluster, "user")) == 3
    assert running(cluster) == 9
    assert messages(cluster, "NotTriggerScaleUp") == {"pod didn't trigger scale-up: 1 max node group size reached"}
    assert ("no scale-up", "11 pods", "11 max node group size reached") in decisions(cluster)


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        ({"nodeSelector": {"disk": "ssd"}}, "1 node(s) didn't match Pod's node affinity/selector"),
        ({"containers": [{"name": "main", "image": "nginx", "resources": {"requests": {"cpu": "3"}}}]}, "1 Insufficient cpu"),
    ],
)
def test_a_pod_that_no_machine_of_any_pool_would_help_brings_none_and_says_why(cluster: Cluster, pod: dict[str, Any], why: str) -> None:
    cluster.client.create("deployments.apps", deployment(1, **pod), "default")
    cluster.run_for(25)
    assert messages(cluster, "NotTriggerScaleUp") == {f"pod didn't trigger scale-up: {why}"}
    assert cluster.cloud.node_pools["user"].machines == 1


def test_the_expander_least_waste_takes_the_pool_that_fits_best(cluster: Cluster) -> None:
    cluster.cloud.node_pools.add("big", size="Standard_D8s_v5", count=0).autoscale("big", 0, 3)
    cluster.cloud.autoscaler.expander = "least-waste"
    whole = deployment(1, cpu="1500m", nodeSelector={})
    whole["spec"]["replicas"] = 3
    cluster.client.create("deployments.apps", whole, "default")
    cluster.run_for(12)
    assert (cluster.cloud.node_pools["user"].machines, cluster.cloud.node_pools["big"].machines) == (2, 0)


def test_an_imagined_machine_already_carries_what_daemonsets_will_put_there(cluster: Cluster) -> None:
    agent = deployment(1, "1", name="agent")
    agent |= {"kind": "DaemonSet"}
    agent["spec"] = {key: value for key, value in agent["spec"].items() if key != "replicas"}
    cluster.client.create("daemonsets.apps", agent, "default")
    cluster.run_for(5)
    cluster.client.create("deployments.apps", deployment(3), "default")
    cluster.run_for(12)
    assert cluster.cloud.node_pools["user"].machines == 3  # beside the agent there is room for one on each


def test_machines_that_nobody_needs_go_after_ten_minutes(cluster: Cluster) -> None:
    cluster.client.create("deployments.apps", deployment(8), "default")
    cluster.run_for(120)
    assert len(node_names(cluster, "user")) == 3
    scale(cluster, 1)
    cluster.run_for(30)
    assert [taints(cluster, name) for name in node_names(cluster, "user")].count(["DeletionCandidateOfClusterAutoscaler"]) == 3
    assert "unneeded for" in repr(cluster.cloud.autoscaler)
    cluster.run_for(500)
    assert cluster.cloud.node_pools["user"].machines == 3
    cluster.run_for(200)
    assert cluster.cloud.node_pools["user"].machines == 1
    cluster.run_for(120)
    assert len(node_names(cluster, "user")) == 1
    assert running(cluster) == 1
    assert "NodeGroupMinSizeReached" in repr(cluster.cloud.autoscaler)


def two_half_empty(cluster: Cluster, **pod: Any) -> None:
    """Two machines, one of them with a single small pod."""
    spread = {"topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
         "labelSelector": {"matchLabels": {"app": "web"}}}]}  # fmt: skip
    cluster.cloud.node_pools.autoscale("user", on=False)
    cluster.cloud.node_pools.scale("user", 2)
    cluster.run_for(90)
    cluster.client.create("deployments.apps", deployment(2, "200m", **spread, **pod), "default")
    cluster.run_for(5)
    assert len({p["spec"]["nodeName"] for p in cluster.get("pods")}) == 2
    cluster.cloud.node_pools.autoscale("user", 1, 3)


def test_the_pods_of_a_machine_that_goes_are_evicted_and_made_elsewhere(cluster: Cluster) -> None:
    two_half_empty(cluster)
    cluster.run_for(780)
    assert len(cluster.cloud.instances) == 2
    assert running(cluster) == 2
    gone = next(name for verb, name, _ in decisions(cluster) if verb == "scale down")
    assert "ScaleDown" in reasons(cluster, gone)


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        ({"volumes": [{"name": "scratch", "emptyDir": {}}]}, "LocalStorageRequested"),
        ({}, "NotEnoughPdb"),
    ],
)
def test_what_keeps_a_machine_is_said(cluster: Cluster, pod: dict[str, Any], why: str) -> None:
    if why == "NotEnoughPdb":
        spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
        budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}, "spec": spec}
        cluster.client.create("poddisruptionbudgets.policy", budget, "default")
    two_half_empty(cluster, **pod)
    cluster.run_for(780)
    assert len(cluster.cloud.instances) == 3
    assert why in repr(cluster.cloud.autoscaler)


def test_a_pod_that_says_so_is_not_moved_and_one_that_says_the_contrary_is(cluster: Cluster) -> None:
    two_half_empty(cluster, volumes=[{"name": "scratch", "emptyDir": {}}])
    for pod in cluster.get("pods"):
        safe = {"metadata": {"annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}}}
        cluster.client.patch("pods", pod["metadata"]["name"], safe, "default")
    cluster.run_for(60)
    assert "NotSafeToEvictAnnotation" in repr(cluster.cloud.autoscaler)
    for pod in cluster.get("pods"):
        safe = {"metadata": {"annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}}}
        cluster.client.patch("pods", pod["metadata"]["name"], safe, "default")
    cluster.run_for(780)
    assert len(cluster.cloud.instances) == 2


def test_it_restarts_in_the_middle_and_a_fork_goes_the_same_way(cluster: Cluster) -> None:
    cluster.client.create("deployments.apps", deployment(5), "default")
    cluster.run_for(12)
    cluster.faults.stop("cluster-autoscaler")
    cluster.run_for(5)
    cluster.faults.start("cluster-autoscaler")
    other = Cluster.load(cluster.save())
    for one in (cluster, other):
        one.run_for(120)
    assert digest(cluster.simulation.root) == digest(other.simulation.root)
    assert running(cluster) == 5
    assert len(node_names(cluster, "user")) == 2


def test_it_writes_down_what_it_does_for_everybody_to_read(cluster: Cluster) -> None:
    cluster.run_for(25)
    written = cluster.get("configmaps", "cluster-autoscaler-status", "kube-system")
    assert "autoscalerStatus: Running" in written["data"]["status"]
    assert "status: NoActivity" in written["data"]["status"]
    revision = written["metadata"]["resourceVersion"]
    cluster.run_for(60)
    assert cluster.get("configmaps", "cluster-autoscaler-status", "kube-system")["metadata"]["resourceVersion"] == revision
    cluster.client.create("deployments.apps", deployment(5), "default")
    cluster.run_for(25)
    assert "status: InProgress" in cluster.get("configmaps", "cluster-autoscaler-status", "kube-system")["data"]["status"]
