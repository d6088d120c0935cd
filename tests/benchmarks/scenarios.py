"""What is measured. Each scenario is a function of a size that prepares a cluster and gives the work to be timed.

A real control plane on two cores took 5.4 s to create and schedule 1,000 pods, 22.7 s for 5,000, and 1.6 s for a rolling update
of 10 (wall time, containers that start at once). Like is compared with like in the row "hollow": there containers start at once,
too. The faithful kubelet also fetches tokens, mounts volumes, pulls images, starts processes and says what it does in Events.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from k8snb.cluster import Cluster

Work = Callable[[], Any]


class Scenario(NamedTuple):
    """A named measurement at several sizes. ``aim``: seconds at the size of the same position, where one was set."""

    name: str
    sizes: tuple[int, ...]
    prepare: Callable[[int], Work]
    aims: tuple[float | None, ...] = ()


def deployment(replicas: int, image: str = "nginx:1.27", name: str = "web") -> dict[str, Any]:
    """A Deployment of small Pods, so that the nodes have room."""
    container = {"name": "nginx", "image": image, "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}}}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def running(cluster: Cluster, name: str = "web", *, limit: float = 3600) -> None:
    """Run until all replicas of a Deployment are ready and of its present version; AssertionError where that never comes."""

    server = cluster.simulation.parts.server  # asked directly, after every event: it is not the question that is measured
    looked_at: Any = None
    answer = False

    def done(_cluster: Cluster) -> bool:
        nonlocal looked_at, answer
        found = server.stored("deployments.apps", name, "default")
        if found is not looked_at:
            status, wanted = found.get("status", {}), found["spec"]["replicas"]
            seen = status.get("observedGeneration") == found["metadata"]["generation"]
            counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
            looked_at, answer = found, seen and counts == [wanted] * 3
        return answer

    assert cluster.run_until(done, limit), cluster.get("deployments.apps", name)["status"]


def start_cluster(_size: int) -> Work:
    """A cluster of three nodes that is ready for requests."""
    return lambda: Cluster(nodes=3)


def pods_to_running(size: int, runtime: str = "faithful") -> Work:
    """``size`` replicas on one node for each twenty."""
    cluster = Cluster(nodes=max(3, size // 20), runtime=runtime)

    def work() -> None:
        cluster.client.create("deployments.apps", deployment(size), "default")
        running(cluster)

    return work


def rolling_update(size: int) -> Work:
    """A new image for all of ``size`` replicas."""
    cluster = Cluster(nodes=max(3, size // 20))
    cluster.client.create("deployments.apps", deployment(size), "default")
    running(cluster)
    change = {"spec": {"template": {"spec": {"containers": [{"name": "nginx", "image": "nginx:1.26"}]}}}}

    def work() -> None:
        cluster.client.patch("deployments.apps", "web", change, "default", kind="strategic")
        running(cluster)

    return work


def self_heal(size: int) -> Work:
    """One Pod of ``size`` is deleted, and replaced."""
    cluster = Cluster(nodes=max(3, size // 20))
    cluster.client.create("deployments.apps", deployment(size), "default")
    running(cluster)
    cluster.settle()
    victim = cluster.get("pods")[0]["metadata"]["name"]

    def work() -> None:
        cluster.client.delete("pods", victim, "default")
        cluster.settle()
        running(cluster)

    return work


def back_off(size: int) -> Work:
    """``size`` Pods crash in a loop for five simulated minutes."""
    cluster = Cluster(nodes=max(3, size // 20))
    pods = deployment(size)
    pods["spec"]["template"]["spec"]["containers"][0] |= {"image": "busybox:1.36", "command": ["sh", "-c", "sleep 1; exit 1"]}

    def work() -> None:
        cluster.client.create("deployments.apps", pods, "default")
        cluster.run_for(300)

    return work


def step(size: int) -> Work:
    """A hundred reconciles, one at a time, in the middle of a rollout of ``size`` replicas."""
    cluster = Cluster(nodes=max(3, size // 20))
    cluster.client.create("deployments.apps", deployment(size), "default")

    def work() -> None:
        for _ in range(100):
            cluster.step()

    return work


def fork(size: int) -> Work:
    """A second future of a cluster with ``size`` Pods."""
    cluster = Cluster(nodes=max(3, size // 20))
    cluster.client.create("deployments.apps", deployment(size), "default")
    running(cluster)
    return cluster.fork


SCENARIOS = (
    Scenario("cluster ready", (1,), start_cluster, (0.1,)),
    Scenario("pods to Running", (100, 1_000, 10_000), pods_to_running, (None, 1.5, 20.0)),
    Scenario("pods to Running, hollow", (1_000, 10_000), functools.partial(pods_to_running, runtime="hollow"), (1.5, 20.0)),
    Scenario("rolling update", (10, 100), rolling_update, (0.05, None)),
    Scenario("self-heal one pod of", (100, 1_000), self_heal),
    Scenario("5 min of back-off, pods", (10, 100), back_off),
    Scenario("100 steps, replicas", (100, 1_000), step),
    Scenario("fork, pods", (100, 1_000, 10_000), fork),
)
