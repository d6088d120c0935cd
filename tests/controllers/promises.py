"""What holds at every moment of a scenario, whatever goes wrong: each maker gives a check that sees the cluster after every change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from k8snb.cluster import Cluster
from k8snb.component_helpers.pods import is_pod_active, is_pod_ready
from tests.controllers.scenarios import Promise

Maker = Callable[[], Promise]


def at_most(most: int) -> Maker:
    """Never more Pods than that are meant to live."""

    def look(cluster: Cluster) -> None:
        alive = [pod["metadata"]["name"] for pod in cluster.get("pods") if is_pod_active(pod)]
        assert len(alive) <= most, f"{len(alive)} pods where {most} are the most: {alive}"

    return lambda: look


def at_least_ready(least: int) -> Maker:
    """Once there were so many ready Pods, there are never fewer."""

    def make() -> Promise:
        begun = False

        def look(cluster: Cluster) -> None:
            nonlocal begun
            ready = sum(is_pod_active(pod) and is_pod_ready(pod) for pod in cluster.get("pods"))
            begun = begun or ready >= least
            assert not begun or ready >= least, f"{ready} ready pods where {least} are the fewest"

        return look

    return make


def asked_for_at_most(most: int) -> Maker:
    """The sizes of all ReplicaSets together: what a Deployment asks for, ``replicas + maxSurge`` in a release."""

    def look(cluster: Cluster) -> None:
        sizes = [rs["spec"]["replicas"] for rs in cluster.get("replicasets.apps")]
        assert sum(sizes) <= most, f"ReplicaSets of {sizes} where {most} are the most"

    return lambda: look


def one_on_a_node() -> Promise:
    """Never two living Pods on one node: a DaemonSet that does not surge ends the old one first."""

    def look(cluster: Cluster) -> None:
        where = Counter(pod["spec"]["nodeName"] for pod in cluster.get("pods") if is_pod_active(pod) and pod["spec"].get("nodeName"))
        assert not where or max(where.values()) == 1, f"pods by node: {dict(where)}"

    return look


def one_of_a_name() -> Promise:
    """Never containers of two Pods of one name on any machines, whatever the API says: each ordinal of a StatefulSet is one."""

    def look(cluster: Cluster) -> None:
        machines = cluster.simulation.parts.machines.runtimes.values()
        running = {(c.config.pod, c.config.pod_uid) for runtime in machines for c in runtime.state.containers.values() if not c.ended_at}
        names = Counter(name for name, _uid in running)
        assert not names or max(names.values()) == 1, f"running at the same time: {sorted(running)}"

    return look


def in_order(prefix: str) -> Maker:
    """Pods that begin together come in the order of their ordinals: nobody is created while one before is missing."""

    def make() -> Promise:
        known: dict[str, None] = {}

        def look(cluster: Cluster) -> None:
            there = {pod["metadata"]["name"] for pod in cluster.get("pods")}
            for name in sorted(there - known.keys()):
                number = int(name.removeprefix(prefix))
                assert all(f"{prefix}{n}" in there for n in range(number)), f"{name} came before one of its elders: {sorted(there)}"
                known[name] = None

        return look

    return make


def made_once(resource: str) -> Maker:
    """Nothing of one name is made twice, be the first still there or not."""

    def make() -> Promise:
        known: dict[str, str] = {}

        def look(cluster: Cluster) -> None:
            for obj in cluster.get(resource):
                name, uid = obj["metadata"]["name"], obj["metadata"]["uid"]
                assert known.setdefault(name, uid) == uid, f"{resource} {name} was made twice"

        return look

    return make


def counted_right(completions: int) -> Maker:
    """A Job's number of successes never goes back, and never beyond what was asked for."""

    def make() -> Promise:
        best = 0

        def look(cluster: Cluster) -> None:
            nonlocal best
            for job in cluster.get("jobs.batch"):
                now = job["status"].get("succeeded", 0)
                assert best <= now <= completions, f"succeeded went from {best} to {now} of {completions}"
                best = now

        return look

    return make
