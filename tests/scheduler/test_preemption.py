"""Making room: who has to go, from which node, and what budgets say."""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.objects import FrozenDict, merge
from k8snb.scheduler.cycle import Placement
from k8snb.scheduler.framework import PostFilterResult
from k8snb.scheduler.podinfo import pod_info
from tests.scheduler.world import World, node, pod, three_nodes, with_status


def room(placement: Placement) -> tuple[str, list[str]]:
    """The node where room is made, and the names of the victims."""
    assert isinstance(placement.room, PostFilterResult)
    assert placement.room.victims is not None
    return placement.room.victims.node, [pod_info(victim).name for victim in placement.room.victims.pods]


def budget(allowed: int, app: str = "web") -> dict[str, Any]:
    metadata = {"name": "budget", "namespace": "default"}
    return {"metadata": metadata, "spec": {"selector": {"matchLabels": {"app": app}}}, "status": {"disruptionsAllowed": allowed}}


def started(item: FrozenDict, minute: int) -> FrozenDict:
    return with_status(item, startTime=f"2026-01-01T00:{minute:02}:00Z")


def vip(cpu: str = "600m") -> FrozenDict:
    return pod("vip", cpu=cpu, priority=1000)


def test_only_as_many_as_needed_are_evicted_and_the_least_important_first() -> None:
    lower = [pod("low", on="a", cpu="300m"), pod("lower", on="a", cpu="300m", priority=-5), pod("middle", on="a", cpu="300m", priority=5)]
    assert room(World([node("a")], lower).schedule(vip("300m"))) == ("a", ["lower"])
    assert room(World([node("a")], lower).schedule(vip("600m"))) == ("a", ["low", "lower"])


def test_of_equals_the_one_that_started_last_goes() -> None:
    young, old = started(pod("young", on="a", cpu="500m"), 30), started(pod("old", on="a", cpu="500m"), 10)
    assert room(World([node("a")], [young, old]).schedule(vip("500m"))) == ("a", ["young"])


def test_equal_or_higher_priority_is_safe() -> None:
    world = World([node("a")], [pod("peer", on="a", cpu="1", priority=1000)])
    assert world.schedule(vip()).diagnosis.message.endswith("1 No preemption victims found for incoming pod.")


def test_the_node_with_the_lowest_highest_victim_is_chosen() -> None:
    others = [pod(f"other-{number}", on=f"node-{number}", cpu="1", priority=priority) for number, priority in ((1, 30), (2, 10), (3, 20))]
    assert room(World(three_nodes(), others).schedule(vip())) == ("node-2", ["other-2"])


def test_then_the_one_with_fewer_victims() -> None:
    many = [pod(f"many-{number}", on="node-1", cpu="500m") for number in (1, 2)]
    others = [*many, pod("one", on="node-2", cpu="1"), *[pod(f"two-{number}", on="node-3", cpu="500m") for number in (1, 2)]]
    assert room(World(three_nodes(), others).schedule(vip("900m"))) == ("node-2", ["one"])


def test_before_that_the_smaller_sum_of_priorities_counts() -> None:
    """Each node would lose a pod of priority 10 and one more."""
    sums = {1: (10, 9), 2: (10, 2), 3: (10, 5)}
    others = [pod(f"p-{n}-{p}", on=f"node-{n}", cpu="500m", priority=p) for n, priorities in sums.items() for p in priorities]
    assert room(World(three_nodes(), others).schedule(vip("1"))) == ("node-2", ["p-2-10", "p-2-2"])


def test_last_of_all_the_one_whose_most_important_victims_started_last() -> None:
    others = [started(pod(f"other-{number}", on=f"node-{number}", cpu="1"), minute) for number, minute in ((1, 10), (2, 30), (3, 20))]
    assert room(World(three_nodes(), others).schedule(vip())) == ("node-2", ["other-2"])


def test_a_node_that_nobody_could_use_even_if_it_were_empty_is_not_considered() -> None:
    small, large = node("small", cpu="500m"), node("large")
    others = [pod("cheap", on="small", cpu="400m", priority=-10), pod("dear", on="large", cpu="1", priority=900)]
    assert room(World([small, large], others).schedule(vip())) == ("large", ["dear"])


def test_a_budget_is_respected_where_another_node_will_do() -> None:
    others = [
        pod("guarded", on="node-1", cpu="1", labels={"app": "web"}),
        pod("free", on="node-2", cpu="1", priority=50),
        pod("guarded-2", on="node-3", cpu="1", labels={"app": "web"}),
    ]
    world = World(three_nodes(), others, poddisruptionbudgets=[budget(0)])
    assert room(world.schedule(vip())) == ("node-2", ["free"])


def test_and_violated_where_it_will_not() -> None:
    guarded = pod("guarded", on="node-1", cpu="1", labels={"app": "web"})
    world = World(three_nodes()[:1], [guarded], poddisruptionbudgets=[budget(0)])
    assert room(world.schedule(vip())) == ("node-1", ["guarded"])


def test_protected_pods_are_given_back_first() -> None:
    others = [pod("guarded", on="a", cpu="500m", labels={"app": "web"}), pod("free", on="a", cpu="500m", priority=50)]
    world = World([node("a")], others, poddisruptionbudgets=[budget(0)])
    assert room(world.schedule(vip("500m"))) == ("a", ["free"])


def test_room_that_is_promised_to_a_more_important_pod_is_not_taken() -> None:
    world = World([node("a")])
    world.expected = {"a": [pod("vip", cpu="800m", priority=1000)]}
    assert world.schedule(pod("web", cpu="500m")).diagnosis.message.startswith("0/1 nodes are available: 1 Insufficient cpu.")
    assert world.schedule(pod("boss", cpu="500m", priority=2000)).node == "a"


def test_the_nominated_node_is_tried_first() -> None:
    world = World([node(f"node-{number}") for number in range(3)])
    promised = with_status(vip(), nominatedNodeName="node-2")
    assert world.schedule(promised).node == "node-2"


def test_no_second_eviction_while_the_first_victim_is_still_leaving() -> None:
    leaving = merge(pod("leaving", on="a", cpu="1"), {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    world = World([node("a")], [with_status(leaving, conditions=[condition])])
    message = world.schedule(with_status(vip(), nominatedNodeName="a")).diagnosis.message
    assert message.endswith("preemption: not eligible due to a terminating pod on the nominated node.")


def test_eviction_can_cure_anti_affinity_too() -> None:
    term = {"labelSelector": {"matchLabels": {"app": "noisy"}}, "topologyKey": "kubernetes.io/hostname"}
    quiet = pod("quiet", priority=10, affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}})
    noisy = pod("noisy", on="a", labels={"app": "noisy"})
    assert room(World([node("a")], [noisy]).schedule(quiet)) == ("a", ["noisy"])
