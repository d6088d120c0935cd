"""``cluster.scheduler``: a learner's own plugins decide, fail, end, and run again in every future."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster import Cluster
from k8snb.messages import Mistake
from k8snb.scheduler.diagnosis import Status, unschedulable
from k8snb.scheduler.framework import Cycle, FilterPlugin
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.sim.state import digest


class Third:
    """Prefers node-3 above all."""

    def score(self, pod: Any, node: Any) -> int:
        return 100 if node.name == "node-3" else 0


class NotTwo:
    def filter(self, pod: Any, node: Any) -> Any:
        return "node(s) were unlucky" if node.name == "node-2" else node.name != "node-1"


def homes(cluster: Cluster) -> set[str]:
    return {pod["spec"].get("nodeName", "") for pod in cluster.get("pods")}


def replicas(cluster: Cluster, count: int) -> None:
    cluster.kubectl(f"create deployment web --image=nginx --replicas={count}")
    cluster.settle()


def message(cluster: Cluster) -> str:
    said: str = [event["message"] for event in cluster.get("events") if event["reason"] == "FailedScheduling"][-1]
    return said


def test_a_score_plugin_decides_by_its_weight() -> None:
    cluster = Cluster(nodes=3)
    cluster.scheduler.add(Third, weight=50)
    replicas(cluster, 4)
    assert homes(cluster) == {"node-3"}
    assert cluster.scheduler.weights["default-scheduler"]["Third"] == 50
    assert "Third ×50 (yours)" in " ".join(repr(cluster.scheduler).split())


def test_a_function_is_a_score_plugin() -> None:
    def small(pod: Any, node: Any) -> float:
        return 100 - 25 * min(4, len(node.pods)) if node.free["cpu"] > 0 else 0

    cluster = Cluster(nodes=2)
    cluster.scheduler.add(small, weight=9)
    replicas(cluster, 2)
    assert homes(cluster) == {"node-1", "node-2"}


def test_a_filter_plugin_gives_its_reasons() -> None:
    cluster = Cluster(nodes=2)
    cluster.scheduler.add(NotTwo)
    replicas(cluster, 1)
    assert message(cluster).startswith("0/2 nodes are available: 1 node(s) didn't pass NotTwo, 1 node(s) were unlucky.")
    cluster.scheduler.remove("NotTwo")
    cluster.settle()
    assert homes(cluster) < {"node-1", "node-2"}


def test_a_pod_that_it_rejected_is_tried_again_after_any_change() -> None:
    class Labelled:
        def filter(self, pod: Any, node: Any) -> bool:
            return "ok" in node.labels

    cluster = Cluster(nodes=1)
    cluster.scheduler.add(Labelled)
    replicas(cluster, 1)
    cluster.kubectl("label node node-1 ok=yes")
    cluster.settle()
    assert homes(cluster) == {"node-1"}


def test_normalize_brings_points_to_the_scale() -> None:
    class Longest:
        def score(self, pod: Any, node: Any) -> int:
            return 1000 * int(node.name[-1])

        def normalize(self, points: dict[str, int]) -> dict[str, float]:
            return {name: 100 * score / max(points.values()) for name, score in points.items()}

    cluster = Cluster(nodes=3)
    cluster.scheduler.add(Longest, weight=50)
    replicas(cluster, 3)
    assert homes(cluster) == {"node-3"}


def test_a_class_of_the_framework_has_every_extension_point() -> None:
    class OnlyFirst(FilterPlugin):
        name = "OnlyFirst"

        def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
            return None if node.name == "node-1" else unschedulable("node(s) came too late")

    cluster = Cluster(nodes=3)
    cluster.scheduler.add(OnlyFirst)
    replicas(cluster, 2)
    assert homes(cluster) == {"node-1"}


def _raise(_self: Any, pod: Any, node: Any) -> Any:
    return pod["nothing"]


ENDLESS: dict[str, Any] = {}
exec("def filter(self, pod, node):\n    while True: pass", ENDLESS)  # on one line, where tracing sees no line after the first


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"score": _raise}, "running Score plugin: plugin \"Mine\" failed with: KeyError: 'nothing', line "),
        ({"filter": _raise}, "running \"Mine\" filter plugin: KeyError: 'nothing', line "),
        ({"score": lambda self, pod, node: "many"}, "score must return a number from 0 to 100, not 'many'"),
        ({"score": lambda self, pod, node: 101}, "returns an invalid score 101, it should in the range of [0, 100]"),
        ({"score": lambda self, pod, node: float("nan")}, "not nan"),
        ({"filter": lambda self, pod, node: 7}, "filter must return True, False or a reason, not 7"),
        ({"filter": ENDLESS["filter"]}, 'running "Mine" filter plugin: TooManyLines: more than 200000 lines in one call'),
        ({"score": lambda self, pod, node: 1, "normalize": lambda self, points: {}}, "normalize must return a dict with the points"),
        ({"score": lambda self, pod, node: pod.update(x=1) or 1}, "failed with: "),
    ],
)
def test_what_it_raises_is_told_on_the_pod_and_the_cluster_lives_on(members: dict[str, Any], expected: str) -> None:
    cluster = Cluster(nodes=2)
    cluster.scheduler.add(type("Mine", (), members))
    replicas(cluster, 1)
    assert expected in message(cluster)
    assert cluster.scheduler.queue[0].where in ("error backoff", "backoff")
    cluster.scheduler.remove("Mine")
    cluster.settle()
    assert homes(cluster) <= {"node-1", "node-2"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((3,), "is no class"),
        ((type("Empty", (), {}),), "neither score"),
        ((lambda pod: 1,), "must take the pod and the node"),
        ((Third, 0), "A weight is a whole number from 1 to 100, not 0"),
        ((Third, 1, "NodeResourcesFit"), "There is a plugin 'NodeResourcesFit' in the scheduler already"),
        ((Third, 1, "", ("nobody",)), "There is no profile 'nobody'"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_sentence(arguments: tuple[Any, ...], expected: str) -> None:
    cluster = Cluster(nodes=1)
    with pytest.raises(Mistake, match=expected.replace("(", r"\(")):
        cluster.scheduler.add(*arguments)
    assert cluster.simulation.programs == ()


def test_forks_and_rewinds_run_it_too() -> None:
    cluster = Cluster(nodes=3)
    before = cluster.position
    cluster.scheduler.add(Third, weight=50)
    after = cluster.position
    fork = cluster.fork()
    replicas(fork, 3)
    assert homes(fork) == {"node-3"}
    replicas(cluster, 3)
    state = digest(cluster.simulation.root)
    assert digest(fork.simulation.root) == state
    end = cluster.position
    again = cluster.simulation.past(end)
    assert digest(again.root) == state
    cluster.rewind(after)
    replicas(cluster, 3)
    assert homes(cluster) == {"node-3"}
    cluster.rewind(before)
    replicas(cluster, 3)
    assert homes(cluster) == {"node-1", "node-2", "node-3"}


def test_a_file_says_whose_code_is_missing() -> None:
    cluster = Cluster(nodes=1)
    cluster.scheduler.add(Third)
    loaded = Cluster.load(cluster.save())
    assert "Third (Third)" in repr(loaded.controllers)
    assert "Third" not in loaded.scheduler.weights["default-scheduler"]


def test_the_queue_tells_who_waits_and_why() -> None:
    cluster = Cluster(nodes=1)
    assert repr(cluster.scheduler.queue) == "nobody waits"
    cluster.kubectl(["run", "big", "--image=nginx", "--overrides", '{"spec":{"nodeSelector":{"disk":"ssd"}}}'])
    cluster.settle()
    (waiting,) = cluster.scheduler.queue
    assert (waiting.pod, waiting.where, waiting.rejected_by) == ("default/big", "unschedulable", ("NodeAffinity",))
