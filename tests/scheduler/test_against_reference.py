"""Random clusters: the scheduler agrees with a straightforward one, and its memory changes no decision."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snb.apimachinery.objects import FrozenDict, put
from k8snb.scheduler.configuration import parse
from k8snb.scheduler.configuration import settings as configuration
from k8snb.scheduler.framework import Profile
from tests.scheduler.reference import Reference
from tests.scheduler.world import World, node, pod, spread

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
APPS = st.sampled_from(["web", "db"])
KEYS = st.sampled_from([ZONE, HOST])
EFFECTS = st.sampled_from(["NoSchedule", "NoExecute", "PreferNoSchedule"])


def optional(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """``{}`` or ``{name: a value}``, mostly the former."""
    return st.one_of(st.just({}), st.just({}), values.map(lambda value: {name: value}))


MB = 2**20
IMAGES = {"nginx": 70 * MB, "huge": 900 * MB}  # bytes


@st.composite
def nodes(draw: st.DrawFn) -> list[FrozenDict]:
    found = []
    for number in range(draw(st.integers(1, 5))):
        taints = st.lists(st.fixed_dictionaries({"key": st.sampled_from("ab"), "effect": EFFECTS}), max_size=2)
        more = draw(optional("taints", taints)) | draw(optional("unschedulable", st.just(True)))
        more["labels"] = draw(optional("disk", st.sampled_from(["ssd", "hdd"])))
        there = draw(st.sampled_from([[], [], ["nginx"], ["huge"], ["huge", "nginx"]]))
        more["images"] = [{"names": [f"{name}:latest"], "sizeBytes": IMAGES[name]} for name in there]
        sizes = {"cpu": draw(st.sampled_from(["1", "2"])), "memory": draw(st.sampled_from(["1Gi", "4Gi"])), "pods": "4"}
        found.append(node(f"n{number}", zone=draw(st.sampled_from(["", "z1", "z2"])), **sizes, **more))
    return found


NAMESPACES = [{"metadata": {"name": name, "labels": {"team": team}}} for name, team in (("default", "a"), ("other", "b"))]
SERVICES = st.sampled_from([[], [{"metadata": {"name": "web", "namespace": "default"}, "spec": {"selector": {"app": "web"}}}]])
KEYED = {"matchLabelKeys": ["version"]}
WHERE = st.sampled_from(
    [{}, {}, {"namespaces": ["other"]}, {"namespaceSelector": {}}, {"namespaceSelector": {"matchLabels": {"team": "b"}}}]
)
WHOSE = st.sampled_from([{}, {}, KEYED, {"mismatchLabelKeys": ["version"]}])


def _term(app: str, key: str, where: dict[str, Any], whose: dict[str, Any]) -> dict[str, Any]:
    return {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key, **where, **whose}


TERM = st.builds(_term, APPS, KEYS, WHERE, WHOSE)


def _required(kind: str, term: dict[str, Any]) -> dict[str, Any]:
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def _preferred(kind: str, term: dict[str, Any], weight: int) -> dict[str, Any]:
    return {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": weight, "podAffinityTerm": term}]}}


KINDS = st.sampled_from(["podAffinity", "podAntiAffinity"])
AFFINITY = st.one_of(st.builds(_required, KINDS, TERM), st.builds(_preferred, KINDS, TERM, st.sampled_from([1, 2, 50])))
EXPRESSION = st.sampled_from([
    {"key": "disk", "operator": "In", "values": ["ssd"]}, {"key": "disk", "operator": "NotIn", "values": ["hdd"]},
    {"key": "disk", "operator": "Exists"}, {"key": ZONE, "operator": "DoesNotExist"},
    {"key": ZONE, "operator": "In", "values": ["z1", "z2"]},
])  # fmt: skip
NODE_TERM = EXPRESSION.map(lambda expression: {"matchExpressions": [expression]})
WISH = st.builds(lambda weight, term: {"weight": weight, "preference": term}, st.sampled_from([1, 10, 100]), NODE_TERM)
NODE_AFFINITY = st.fixed_dictionaries(
    {},
    optional={
        "requiredDuringSchedulingIgnoredDuringExecution": st.lists(NODE_TERM, min_size=1, max_size=2).map(
            lambda terms: {"nodeSelectorTerms": terms}
        ),
        "preferredDuringSchedulingIgnoredDuringExecution": st.lists(WISH, min_size=1, max_size=2),
    },
)
POLICY = st.sampled_from(["Honor", "Ignore"])
PRECISELY = st.fixed_dictionaries(
    {}, optional={"nodeAffinityPolicy": POLICY, "nodeTaintsPolicy": POLICY, "matchLabelKeys": st.just(["version"])}
)


def _rule(rules: list[dict[str, Any]], more: dict[str, Any], domains: int) -> list[dict[str, Any]]:
    hard = {"minDomains": domains} if domains and rules[0]["whenUnsatisfiable"] == "DoNotSchedule" else {}
    return [{**rules[0], **more, **hard}]


PLAIN = st.builds(spread, APPS, KEYS, st.sampled_from(["DoNotSchedule", "ScheduleAnyway"]), st.integers(1, 2))
SPREAD = st.builds(_rule, PLAIN, PRECISELY, st.sampled_from([0, 0, 2, 3]))


TOLERATION = st.fixed_dictionaries({"key": st.sampled_from("ab"), "operator": st.just("Exists")}, optional={"effect": EFFECTS})
RULES = st.one_of(SPREAD, st.builds(lambda one, other: one + other, SPREAD, SPREAD))


SPACES = st.sampled_from(["default", "default", "other"])
LABELS = st.builds(
    lambda app, more: {"app": app} | more, st.sampled_from(["web", "web", "db"]), st.sampled_from([{}, {"version": "1"}, {"version": "2"}])
)


@st.composite
def pods(draw: st.DrawFn, name: str) -> FrozenDict:
    """A pod with any mixture of wishes."""
    more = draw(optional("cpu", st.sampled_from(["100m", "500m", "900m"]))) | draw(optional("memory", st.sampled_from(["300Mi", "900Mi"])))
    more |= draw(optional("ports", st.just([80]))) | draw(optional("nodeSelector", st.just({"disk": "ssd"})))
    more |= draw(optional("tolerations", st.lists(TOLERATION, max_size=2)))
    more |= draw(optional("image", st.sampled_from(["nginx", "huge"]))) | draw(optional("topologySpreadConstraints", RULES))
    wishes = draw(st.one_of(st.just({}), AFFINITY)) | draw(optional("nodeAffinity", NODE_AFFINITY))
    more |= {"affinity": wishes} if wishes else {}
    return pod(name, labels=draw(LABELS), namespace=draw(SPACES), **more)


@st.composite
def neighbours(draw: st.DrawFn, name: str) -> FrozenDict:
    """A pod that is there already: mostly small, often with terms that concern others."""
    more = draw(st.sampled_from([{}, {"cpu": "100m"}, {"memory": "300Mi"}, {"ports": [80]}]))
    more = more | draw(st.one_of(st.just({}), AFFINITY.map(lambda affinity: {"affinity": affinity})))
    return pod(name, labels=draw(LABELS), namespace=draw(SPACES), **more)


@st.composite
def crowds(draw: st.DrawFn, size: int, of: Any = neighbours) -> list[FrozenDict]:
    return [draw(of(f"p{number}")) for number in range(draw(st.integers(0, size)))]


ADDED = {
    "requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "NotIn", "values": ["hdd"]}]}]
    },
    "preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 3, "preference": {"matchExpressions": [{"key": ZONE, "operator": "Exists"}]}}
    ],
}
NO_CHOICE = st.just({})
CHOICES: tuple[dict[str, Any], ...] = ({}, {}, {"most": True}, {"hard": 7}, {"added": ADDED})


def profile(choice: dict[str, Any]) -> Profile:
    """The profile that a KubeSchedulerConfiguration with this choice gives."""
    args = {
        "most": ("NodeResourcesFit", {"scoringStrategy": {"type": "MostAllocated"}}),
        "hard": ("InterPodAffinity", {"hardPodAffinityWeight": choice.get("hard")}),
        "added": ("NodeAffinity", {"addedAffinity": choice.get("added")}),
    }
    found = [{"name": args[key][0], "args": args[key][1]} for key in choice]
    head = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}
    return configuration(parse(head | {"profiles": [{"pluginConfig": found}]})).profiles[0]


class Case(NamedTuple):
    """A cluster, a pod that comes, and what the profile chooses."""

    machines: list[FrozenDict]
    placed: list[FrozenDict]
    new: FrozenDict
    services: list[Any]
    choice: dict[str, Any]


@st.composite
def cases(draw: st.DrawFn, new: Any, *, near: Any, services: Any = SERVICES, choice: Any = NO_CHOICE, machines: Any = None) -> Case:
    """``new``, ``near``: strategies of the pod that comes and of those that are there."""
    made = draw(plain_nodes() if machines is None else machines)
    names = [machine["metadata"]["name"] for machine in made]
    crowd = [put(draw(near(f"p{n}")), "spec.nodeName", draw(st.sampled_from(names))) for n in range(draw(st.integers(0, 10)))]
    return Case(made, crowd, draw(new("new")), draw(services), draw(choice))


def compare(case: Case) -> None:
    """The same nodes are feasible, and each has the same points."""
    world = World(case.machines, case.placed, profile=profile(case.choice), services=case.services, namespaces=NAMESPACES)
    diagnosis = world.schedule(case.new).diagnosis
    reference = Reference(case.machines, case.placed, services=case.services, namespaces=NAMESPACES, **case.choice)
    assert sorted(diagnosis.feasible) == sorted(reference.feasible(case.new))
    if len(diagnosis.feasible) > 1:
        expected = reference.totals(case.new, diagnosis.feasible)
        assert diagnosis.totals == expected
        assert expected[diagnosis.selected] == max(expected.values())


@st.composite
def plain_nodes(draw: st.DrawFn) -> list[FrozenDict]:
    """Roomy nodes, mostly in zones, some tainted: nothing that would end a case before it begins."""
    taint = [{"key": "a", "effect": "NoSchedule"}]
    marks = [(draw(st.sampled_from(["z1", "z1", "z2", "z3", ""])), draw(st.booleans())) for _ in range(draw(st.integers(3, 6)))]
    return [node(f"n{n}", cpu="8", zone=zone, **({"taints": taint} if tainted else {})) for n, (zone, tainted) in enumerate(marks)]


@st.composite
def wishing(draw: st.DrawFn, name: str, field: str, values: Any) -> FrozenDict:
    """A pod that has this field, of one of two applications and two versions."""
    more = {"tolerations": [{"key": "a", "operator": "Exists"}]} if draw(st.booleans()) else {}
    return pod(name, labels=draw(LABELS), namespace=draw(SPACES), **{field: draw(values)}, **more)


@st.composite
def labelled(draw: st.DrawFn, name: str) -> FrozenDict:
    return pod(name, labels=draw(LABELS), namespace=draw(SPACES))


def anybody(name: str) -> Any:
    return neighbours(name)


def with_rules(name: str) -> Any:
    return wishing(name, "topologySpreadConstraints", RULES)


def with_terms(name: str) -> Any:
    return wishing(name, "affinity", AFFINITY)


def with_image(name: str) -> Any:
    return wishing(name, "image", st.sampled_from(["nginx", "huge"]))


def asking(name: str) -> Any:
    return wishing(name, "cpu", st.sampled_from(["100m", "2"]))


WEB = SERVICES.filter(bool)
FOCI = {
    "anything": cases(pods, near=anybody, machines=nodes(), choice=st.sampled_from(CHOICES)),
    "spread constraints": cases(with_rules, near=labelled),
    "terms about other pods": cases(with_terms, near=with_terms),
    "images": cases(with_image, near=labelled, machines=nodes()),
    "spread by default": cases(labelled, near=labelled, services=WEB),
    "what a profile chooses": cases(asking, near=with_terms, choice=st.sampled_from(CHOICES[2:])),
}


@pytest.mark.parametrize("focus", FOCI)
@settings(max_examples=50, deadline=None)
@given(st.data())
def test_it_agrees_with_the_reference(focus: str, data: st.DataObject) -> None:
    compare(data.draw(FOCI[focus]))


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
