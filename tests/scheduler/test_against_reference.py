"""Random clusters: the scheduler agrees with a straightforward one, and its memory changes no decision."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from k8snb.apimachinery.objects import FrozenDict, put
from tests.scheduler.reference import Reference
from tests.scheduler.world import World, node, pod, spread

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
APPS = st.sampled_from(["web", "db"])
KEYS = st.sampled_from([ZONE, HOST])
EFFECTS = st.sampled_from(["NoSchedule", "NoExecute", "PreferNoSchedule"])


def optional(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """``{}`` or ``{name: a value}``, mostly the former."""
    return st.one_of(st.just({}), st.just({}), values.map(lambda value: {name: value}))


@st.composite
def nodes(draw: st.DrawFn) -> list[FrozenDict]:
    found = []
    for number in range(draw(st.integers(1, 5))):
        taints = st.lists(st.fixed_dictionaries({"key": st.sampled_from("ab"), "effect": EFFECTS}), max_size=2)
        more = draw(optional("taints", taints)) | draw(optional("unschedulable", st.just(True)))
        more["labels"] = draw(optional("disk", st.sampled_from(["ssd", "hdd"])))
        sizes = {"cpu": draw(st.sampled_from(["1", "2"])), "memory": draw(st.sampled_from(["1Gi", "4Gi"])), "pods": "4"}
        found.append(node(f"n{number}", zone=draw(st.sampled_from(["", "z1", "z2"])), **sizes, **more))
    return found


def _required(kind: str, app: str, key: str) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def _preferred(kind: str, app: str, key: str, weight: int) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}
    return {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": weight, "podAffinityTerm": term}]}}


KINDS = st.sampled_from(["podAffinity", "podAntiAffinity"])
AFFINITY = st.one_of(
    st.builds(_required, KINDS, APPS, KEYS),
    st.builds(_preferred, KINDS, APPS, KEYS, st.sampled_from([1, 2, 50])),
)
SPREAD = st.builds(spread, APPS, KEYS, st.sampled_from(["DoNotSchedule", "ScheduleAnyway"]), st.integers(1, 2))


TOLERATION = st.fixed_dictionaries({"key": st.sampled_from("ab"), "operator": st.just("Exists")}, optional={"effect": EFFECTS})
RULES = st.one_of(SPREAD, st.builds(lambda one, other: one + other, SPREAD, SPREAD))


@st.composite
def pods(draw: st.DrawFn, name: str) -> FrozenDict:
    """A pod with any mixture of wishes."""
    more = draw(optional("cpu", st.sampled_from(["100m", "500m", "900m"]))) | draw(optional("memory", st.sampled_from(["300Mi", "900Mi"])))
    more |= draw(optional("ports", st.just([80]))) | draw(optional("nodeSelector", st.just({"disk": "ssd"})))
    more |= draw(optional("tolerations", st.lists(TOLERATION, max_size=2)))
    more |= draw(optional("affinity", AFFINITY)) | draw(optional("topologySpreadConstraints", RULES))
    return pod(name, labels={"app": draw(APPS)}, namespace=draw(st.sampled_from(["default", "default", "other"])), **more)


@st.composite
def neighbours(draw: st.DrawFn, name: str) -> FrozenDict:
    """A pod that is there already: mostly small, often with terms that concern others."""
    more = draw(st.sampled_from([{}, {"cpu": "100m"}, {"memory": "300Mi"}, {"ports": [80]}]))
    more = more | draw(st.one_of(st.just({}), AFFINITY.map(lambda affinity: {"affinity": affinity})))
    return pod(name, labels={"app": draw(st.sampled_from(["web", "web", "db"]))}, **more)


@st.composite
def crowds(draw: st.DrawFn, size: int, of: Any = neighbours) -> list[FrozenDict]:
    return [draw(of(f"p{number}")) for number in range(draw(st.integers(0, size)))]


@settings(max_examples=100, deadline=None)
@given(nodes(), crowds(12), pods("new"), st.data())
def test_it_agrees_with_the_reference(machines: list[FrozenDict], crowd: list[FrozenDict], new: FrozenDict, data: st.DataObject) -> None:
    names = [machine["metadata"]["name"] for machine in machines]
    placed = [put(item, "spec.nodeName", data.draw(st.sampled_from(names))) for item in crowd]
    diagnosis = World(machines, placed).schedule(new).diagnosis
    reference = Reference(machines, placed)
    assert sorted(diagnosis.feasible) == sorted(reference.feasible(new))
    if len(diagnosis.feasible) > 1:
        expected = reference.totals(new, diagnosis.feasible)
        assert diagnosis.totals == expected
        assert expected[diagnosis.selected] == max(expected.values())


HAPPENINGS = st.sampled_from(["pod", "pod", "pod", "leave", "cordon", "label"])


@settings(max_examples=100, deadline=None)
@given(nodes(), crowds(3, pods), st.lists(st.tuples(HAPPENINGS, st.integers(0, 9)), max_size=25))
def test_memory_changes_no_decision(machines: list[FrozenDict], templates: list[FrozenDict], story: list[tuple[str, int]]) -> None:
    """The same story twice, once with the memo and once without: replicas come, pods go, nodes change."""
    templates = templates or [pod("plain", cpu="100m")]
    with_memo, without = World(machines, memo=True), World(machines, memo=False)
    for turn, (what, number) in enumerate(story):
        if what == "pod":
            replica = put(templates[number % len(templates)], "metadata.name", f"r{turn}")
            first, second = with_memo.schedule(replica), without.schedule(replica)
            assert first == second
            for world in (with_memo, without):
                if first.node:
                    world.cache.assume(replica, first.node)
            continue
        for world in (with_memo, without):
            _disturb(world, what, number)


def _disturb(world: World, what: str, number: int) -> None:
    if what == "leave":
        known = list(world.cache.state.pods)
        if known:
            world.cache.remove_pod(known[number % len(known)])
        return
    machines = [info.node for info in world.cache.snapshot().nodes]
    machine = machines[number % len(machines)]
    assert machine is not None
    if what == "cordon":
        machine = put(machine, "spec.unschedulable", not machine["spec"].get("unschedulable"))
    else:
        machine = put(machine, ("metadata", "labels", "disk"), "ssd" if number % 2 else "hdd")
    world.cache.set_node(machine)
