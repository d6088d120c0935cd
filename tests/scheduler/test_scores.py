"""The scoring formulae, with the numbers of upstream's own tests and documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from k8snb.apimachinery.objects import FrozenDict, merge
from k8snb.scheduler.cycle import feasible_nodes_to_find
from k8snb.scheduler.diagnosis import Status
from k8snb.scheduler.framework import Cycle, Profile, ScorePlugin, Sight
from k8snb.scheduler.learner import plugin_program, with_programs
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.plugins import DEFAULT_PLUGINS, DEFAULT_PROFILE
from k8snb.scheduler.plugins.allocation import Formula, Weighed, most_allocated, on_shape, requested_to_capacity_ratio
from k8snb.scheduler.plugins.image_locality import ImageLocality
from k8snb.scheduler.plugins.node_resources import NodeResourcesFit
from tests.scheduler.world import World, node, pod, spread

MB = 1024 * 1024


def points(plugin: str, item: FrozenDict, nodes: list[FrozenDict], pods: list[FrozenDict] | tuple[()] = (), **objects: Any) -> list[int]:
    """The points of one plugin for each node, before the weight; 0 where it does not score at all."""
    world = World(nodes, list(pods), **objects)
    diagnosis = world.schedule(item).diagnosis
    weight = {found.name: weight for found, weight in world.framework.score}[plugin]
    if plugin not in diagnosis.score_plugins:
        return [0] * len(nodes)
    column = diagnosis.score_plugins.index(plugin)
    return [diagnosis.scores[found["metadata"]["name"]][column] // weight for found in nodes]


def test_least_allocated() -> None:
    nodes = [node("a", cpu="4", memory="10000"), node("b", cpu="6", memory="10000")]
    assert points("NodeResourcesFit", pod("p", cpu="3", memory="5000"), nodes) == [37, 50]


def test_a_pod_that_asks_for_nothing_counts_as_100m_and_200_mi() -> None:
    nodes = [node("a", cpu="1", memory="2000Mi"), node("b", cpu="1", memory="2000Mi")]
    assert points("NodeResourcesFit", pod("p"), nodes, [pod("silent", on="a")]) == [80, 90]


def test_balanced_allocation_scores_the_change() -> None:
    nodes = [node("a", cpu="4", memory="10000"), node("b", cpu="6", memory="10000")]
    # b is as balanced as before (75). On a, 75 % of cpu stand against 50 % of memory: 50 + (50 + 87 - 100) / 2.
    assert points("NodeResourcesBalancedAllocation", pod("p", cpu="3", memory="5000"), nodes) == [68, 75]


def test_a_pod_that_mends_the_balance_is_welcome() -> None:
    nodes = [node("a", cpu="4", memory="10000"), node("b", cpu="4", memory="10000")]
    lopsided = [pod("much-cpu", on="a", cpu="2")]
    # a goes from (50 %, 0 %), that is 75, to (50 %, 50 %), that is 100; b from 100 to 75.
    assert points("NodeResourcesBalancedAllocation", pod("p", memory="5000"), nodes, lopsided) == [87, 62]


def strategy(formula: Formula, **weights: int) -> Profile:
    fit = NodeResourcesFit(formula=formula, resources=[Weighed(name.replace("_", "/"), weight) for name, weight in weights.items()])
    return replace(DEFAULT_PROFILE, plugins=tuple(fit if plugin.name == fit.name else plugin for plugin in DEFAULT_PLUGINS))


def test_most_allocated() -> None:
    nodes = [node("a", cpu="4", memory="10000"), node("b", cpu="6", memory="10000")]
    asked = pod("p", cpu="3", memory="5000")
    # (75 + 50) / 2 and (50 + 50) / 2; with cpu counting double (2 * 75 + 50) / 3 and 50
    assert points("NodeResourcesFit", asked, nodes, profile=strategy(most_allocated, cpu=1, memory=1)) == [62, 50]
    assert points("NodeResourcesFit", asked, nodes, profile=strategy(most_allocated, cpu=2, memory=1)) == [66, 50]


def test_the_example_of_the_documentation_on_bin_packing() -> None:
    """Resource Bin Packing, "Node scoring": there on a scale of 10, with 5 and 7 as results; here on the scale of 100 that is used."""
    room = {"cpu": "8", "memory": "1Gi"}
    nodes = [node("a", **room, allocatable={"intel/foo": "4"}), node("b", **room, allocatable={"intel/foo": "8"})]

    def asks(name: str, foo: str, memory: str, cpu: str, on: str = "") -> FrozenDict:
        requests = {"intel/foo": foo, "memory": memory, "cpu": cpu}
        return pod(name, on=on, containers=[{"name": "app", "image": "nginx", "resources": {"requests": requests}}])

    used = [asks("one", "1", "256Mi", "1", on="a"), asks("two", "2", "512Mi", "6", on="b")]
    curve = strategy(requested_to_capacity_ratio([(0, 0), (100, 10)]), intel_foo=5, memory=1, cpu=3)
    # a: (5 * 75 + 50 + 3 * 37) / 9; b: (5 * 50 + 75 + 3 * 100) / 9
    assert points("NodeResourcesFit", asks("new", "2", "256Mi", "2"), nodes, used, profile=curve) == [60, 69]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ([(0, 10), (100, 0)], [100, 60, 0]),
        ([(50, 0), (60, 10)], [0, 0, 100]),
        ([(40, 3)], [30, 30, 30]),
        ([(0, 1), (30, 0), (90, 1)], [10, 1, 10]),
    ],
)  # fmt: skip
def test_shapes(shape: list[tuple[int, int]], expected: list[int]) -> None:
    assert [on_shape(shape, utilization) for utilization in (0, 40, 100)] == expected


def test_resources_that_a_pod_does_not_ask_for_do_not_count_unless_every_node_has_them() -> None:
    nodes = [node("a", cpu="4", memory="4000Mi", allocatable={"example.com/gpu": "4"}), node("b", cpu="4", memory="4000Mi")]
    packed = strategy(most_allocated, **{"cpu": 1, "example.com_gpu": 3})
    assert points("NodeResourcesFit", pod("p", cpu="2"), nodes, profile=packed) == [50, 50]


def test_balance_is_no_matter_of_pods_that_ask_for_nothing() -> None:
    assert "NodeResourcesBalancedAllocation" not in World([node("a"), node("b")]).schedule(pod("p")).diagnosis.score_plugins


def test_soft_taints() -> None:
    soft = {"key": "slow", "effect": "PreferNoSchedule"}
    other = {"key": "old", "effect": "PreferNoSchedule"}
    nodes = [node("a"), node("b", taints=[soft]), node("c", taints=[soft, other])]
    assert points("TaintToleration", pod("p"), nodes) == [100, 50, 0]
    tolerant = pod("q", tolerations=[{"operator": "Exists", "effect": "PreferNoSchedule"}])
    assert points("TaintToleration", tolerant, nodes) == [100, 100, 100]


def test_preferred_node_affinity() -> None:
    def prefer(weight: int, key: str) -> dict[str, Any]:
        return {"weight": weight, "preference": {"matchExpressions": [{"key": key, "operator": "Exists"}]}}

    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [prefer(2, "ssd"), prefer(5, "gpu")]}}
    nodes = [node("a", labels={"ssd": "y"}), node("b", labels={"gpu": "y"}), node("c", labels={"ssd": "y", "gpu": "y"}), node("d")]
    assert points("NodeAffinity", pod("p", affinity=affinity), nodes) == [28, 71, 100, 0]


def image(name: str, size: int) -> dict[str, Any]:
    return {"names": [f"gcr.io/{name}"], "sizeBytes": size * MB}


LARGE = [image("40:latest", 40), image("300:latest", 300), image("2000:latest", 2000)]
SMALL = [image("250:latest", 250), image("10:latest", 10)]


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (["40", "250"], [0, 5]),  # 40 MB / 2 is below the threshold; (250/2 - 23) / (2000 - 23)
        (["40", "300"], [7, 0]),  # ((40 + 300)/2 - 23) / (2000 - 23)
        (["10", "2000"], [49, 0]),  # (2000/2 - 23) / (2000 - 23)
    ],
)
def test_image_locality(images: list[str], expected: list[int]) -> None:
    containers = [{"name": name, "image": f"gcr.io/{name}"} for name in images]
    nodes = [node("a", images=LARGE), node("b", images=SMALL)]
    assert points("ImageLocality", pod("p", containers=containers), nodes) == expected


def replicas(counts: dict[str, int]) -> list[FrozenDict]:
    return [pod(f"{name}-{number}", on=name, labels={"app": "web"}) for name, count in counts.items() for number in range(count)]


def test_soft_spread_over_hostnames() -> None:
    nodes = [node(name) for name in "abcd"]
    wanted = pod("p", labels={"app": "web"}, topologySpreadConstraints=spread("web", "kubernetes.io/hostname", "ScheduleAnyway"))
    assert points("PodTopologySpread", wanted, nodes, replicas({"a": 2, "b": 1, "c": 0, "d": 3})) == [20, 60, 100, 0]


def test_pods_of_a_service_are_spread_by_default() -> None:
    service = {"metadata": {"name": "web", "namespace": "default"}, "spec": {"selector": {"app": "web"}}}
    nodes = [node("a", zone="z1"), node("b", zone="z1"), node("c", zone="z2")]
    web = pod("p", labels={"app": "web"})
    crowded = replicas({"a": 3})
    assert points("PodTopologySpread", web, nodes, crowded) == [0, 0, 0]
    # raw: 3 log 5 + 2 + 3 log 4 + 4 = 15 on a, 2 + 3 log 4 + 4 = 10 on b, 2 + 4 = 6 on c
    assert points("PodTopologySpread", web, nodes, crowded, services=[service]) == [40, 73, 100]


def test_preferred_neighbours() -> None:
    def prefer(kind: str, weight: int) -> dict[str, Any]:
        term = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "kubernetes.io/hostname"}
        return {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": weight, "podAffinityTerm": term}]}}

    nodes = [node("a"), node("b"), node("c")]
    others = replicas({"a": 2, "b": 1})
    assert points("InterPodAffinity", pod("near", affinity=prefer("podAffinity", 10)), nodes, others) == [100, 50, 0]
    assert points("InterPodAffinity", pod("far", affinity=prefer("podAntiAffinity", 10)), nodes, others) == [0, 50, 100]


@pytest.mark.parametrize(
    ("nodes", "percentage", "expected"),
    [(10, 0, 10), (99, 50, 99), (1000, 0, 420), (1000, 40, 400), (6000, 0, 300), (6000, 40, 2400), (100, 1, 100)],
)
def test_how_many_feasible_nodes_are_enough(nodes: int, percentage: int, expected: int) -> None:
    assert feasible_nodes_to_find(nodes, percentage) == expected


def test_a_large_cluster_is_searched_round_and_round() -> None:
    world = World([node(f"node-{number}") for number in range(150)])
    first, second = world.schedule(pod("a")).diagnosis, world.schedule(pod("b")).diagnosis
    assert len(first.feasible) == 100
    assert second.feasible[:50] == [f"node-{number}" for number in range(100, 150)]
    assert second.feasible[50:] == [f"node-{number}" for number in range(50)]


def test_nodes_are_listed_zone_by_zone_in_turn() -> None:
    nodes = [node("a1", zone="a"), node("a2", zone="a"), node("a3", zone="a"), node("b1", zone="b"), node("c1", zone="c")]
    assert [info.name for info in World(nodes).cache.snapshot().nodes] == ["a1", "b1", "c1", "a2", "a3"]


def test_equal_totals_are_drawn_from_the_seed() -> None:
    def chosen(seed: int) -> list[str]:
        world = World([node(name) for name in "abc"], seed=seed)
        return [world.schedule(pod(f"p{number}")).node for number in range(12)]

    assert chosen(1) == chosen(1)
    assert set(chosen(1)) == {"a", "b", "c"}
    assert chosen(1) != chosen(2)


class ByRank(ScorePlugin):
    """Points by the place in the list of nodes: so it must see every node, and may not be ``even``."""

    name = "ByRank"
    normalizes = True

    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        return 0

    def normalize(self, cycle: Cycle, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        return list(range(len(nodes)))


class Counting(ScorePlugin):
    """Sees the same in all nodes, and counts how often it is asked."""

    name = "Counting"
    even = True
    asked = 0

    def sight(self, cycle: Cycle) -> Sight:
        return Sight(self.name, lambda node: None)

    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        Counting.asked += 1
        return 7


def test_nodes_that_are_alike_are_scored_as_one() -> None:
    profile = Profile(scheduler_name="even", plugins=(*DEFAULT_PLUGINS, Counting()))
    world = World([node(f"node-{number}") for number in range(90)], [pod("there", cpu="100m", on="node-7")], profile=profile)
    Counting.asked = 0
    diagnosis = world.schedule(pod("new", cpu="100m")).diagnosis
    assert Counting.asked == 2  # node-7 is fuller than the others
    assert len(diagnosis.feasible) == 90
    assert diagnosis.selected != "node-7"


def test_a_plugin_that_does_not_promise_to_be_even_sees_every_node() -> None:
    profile = Profile(scheduler_name="ranked", plugins=(*DEFAULT_PLUGINS, ByRank()))
    world = World([node(f"node-{number}") for number in range(9)], profile=profile)
    diagnosis = world.schedule(pod("new")).diagnosis
    column = diagnosis.score_plugins.index("ByRank")
    assert [row[column] for row in diagnosis.scores.values()] == list(range(9))


def test_a_learners_child_of_a_plugin_is_not_even_for_its_parents_sake() -> None:
    class Named(ImageLocality):
        """Prefers one node by its name."""

        def pre_score(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> Status | None:
            return None

        def score(self, cycle: Cycle, node: NodeInfo) -> int:
            return 100 if node.name == "node-3" else 0

    profile = with_programs(Profile(scheduler_name="named", plugins=DEFAULT_PLUGINS), [plugin_program(Named, name="Named")])
    assert World([node(f"node-{number}") for number in range(9)], profile=profile).schedule(pod("new")).node == "node-3"


def test_a_count_for_spreading_follows_the_pods_that_come_go_and_end() -> None:
    world = World([node(name, cpu="4") for name in "abc"])
    wanted = spread("web", key="kubernetes.io/hostname")

    def placed(name: str) -> str:
        return world.place(pod(name, labels={"app": "web"}, topologySpreadConstraints=wanted))

    def fits() -> list[str]:
        return world.schedule(pod("new", labels={"app": "web"}, topologySpreadConstraints=wanted)).diagnosis.feasible

    first, second = placed("one"), placed("two")
    assert fits() == [third := next(name for name in "abc" if name not in (first, second))]
    one = world.cache.state.pods["default/one"]
    world.cache.add_pod(merge(one, {"metadata": {"labels": {"app": "other"}}}))  # relabelled: it counts no longer
    assert sorted(fits()) == sorted([first, third])
    world.cache.add_pod(one)
    world.cache.add_pod(merge(one, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}))
    assert sorted(fits()) == sorted([first, third])
    world.cache.remove_pod("default/two")
    assert sorted(fits()) == ["a", "b", "c"]
