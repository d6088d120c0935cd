"""KubeSchedulerConfiguration: what it makes of the profiles, what pods of each profile get, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from k8snb.cluster import Cluster
from k8snb.messages import Mistake
from k8snb.scheduler.configuration import parse, settings
from k8snb.scheduler.framework import Profile, ScorePlugin
from k8snb.scheduler.plugins import DEFAULT_PROFILE
from k8snb.sim.clock import SECOND
from tests.scheduler.world import World, node, pod

HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}


def profile(number: int = 0, **fields: Any) -> Profile:
    return settings(parse(HEAD | {"profiles": [fields]})).profiles[number]


def names(found: Profile, point: str) -> list[str]:
    return dict(found.table())[point]


def weights(found: Profile) -> dict[str, int]:
    return {plugin.name: found.weights.get(plugin.name, 1) for plugin in found.at(ScorePlugin)}


def refused(document: dict[str, Any]) -> list[str]:
    """What is wrong, line by line."""
    with pytest.raises(Mistake) as found:
        settings(parse(document))
    return [line.strip() for line in str(found.value).splitlines()[1:]]


def test_without_profiles_it_is_the_default_scheduler() -> None:
    found = settings(parse(yaml.safe_dump(HEAD)))
    assert [one.scheduler_name for one in found.profiles] == ["default-scheduler"]
    assert found.profiles[0].table() == DEFAULT_PROFILE.table()
    assert weights(found.profiles[0]) == weights(DEFAULT_PROFILE)
    assert (found.initial_backoff, found.max_backoff) == (1 * SECOND, 10 * SECOND)


def test_multi_point_disables_everywhere() -> None:
    found = profile(plugins={"multiPoint": {"disabled": [{"name": "PodTopologySpread"}]}})
    assert "PodTopologySpread" not in {name for _, plugins in found.table() for name in plugins}
    assert names(found, "Filter") == [name for name in names(DEFAULT_PROFILE, "Filter") if name != "PodTopologySpread"]


def test_a_plugin_can_be_disabled_at_one_point_only() -> None:
    found = profile(plugins={"score": {"disabled": [{"name": "TaintToleration"}]}})
    assert "TaintToleration" not in names(found, "Score")
    assert "TaintToleration" in names(found, "Filter")


def test_plugins_named_at_a_point_come_first_and_keep_their_order() -> None:
    found = profile(plugins={"score": {"enabled": [{"name": "ImageLocality", "weight": 9}, {"name": "NodeAffinity"}]}})
    assert names(found, "Score")[:3] == ["ImageLocality", "NodeAffinity", "TaintToleration"]
    assert (weights(found)["ImageLocality"], weights(found)["NodeAffinity"]) == (9, 2)


def test_everything_disabled_but_one() -> None:
    found = profile(plugins={"score": {"disabled": [{"name": "*"}], "enabled": [{"name": "NodeResourcesFit", "weight": 3}]}})
    assert weights(found) == {"NodeResourcesFit": 3}
    assert names(found, "Filter") == names(DEFAULT_PROFILE, "Filter")


def test_arguments_reach_the_plugins() -> None:
    required = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "pool", "operator": "In", "values": ["batch"]}]}]}
    affinity = {"name": "NodeAffinity", "args": {"addedAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}
    world = World([node("a"), node("b", labels={"pool": "batch"})], profile=profile(pluginConfig=[affinity]))
    assert world.place(pod("job")) == "b"
    alone = World([node("a")], profile=profile(pluginConfig=[affinity]))
    assert "1 node(s) didn't match scheduler-enforced node affinity." in alone.place(pod("job"))


def test_default_constraints_hold_for_pods_without_any() -> None:
    hard = [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}]
    args = {"name": "PodTopologySpread", "args": {"defaultingType": "List", "defaultConstraints": hard}}
    service = {"metadata": {"name": "web", "namespace": "default"}, "spec": {"selector": {"app": "web"}}}
    nodes = [node("a", cpu="4"), node("b", unschedulable=True)]
    world = World(nodes, [pod("one", on="a", labels={"app": "web"})], profile=profile(pluginConfig=[args]), services=[service])
    assert "1 node(s) didn't match pod topology spread constraints" in world.place(pod("two", labels={"app": "web"}))
    assert world.place(pod("other")) == "a"


def test_a_configuration_is_refused_with_all_that_is_wrong_in_it() -> None:
    fit = {"scoringStrategy": {"type": "Most", "resources": [{"name": "cpu", "weight": 0}]}, "unknown": 1}
    profiles = [
        {"schedulerName": "a", "pluginConfig": [{"name": "NodeResourcesFit", "args": fit}]},
        {"schedulerName": "a", "plugins": {"filter": {"enabled": [{"name": "PrioritySort"}, {"name": "Nope"}]}}},
        {"plugins": {"bind": {"disabled": [{"name": "*"}]}, "colour": {}}},
    ]
    told = refused({"kind": HEAD["kind"], "apiVersion": "v1", "profiles": profiles, "percentageOfNodesToScore": 101, "extenders": [{}]})
    args = "profiles[0].pluginConfig[0].args"
    starts = [
        'apiVersion: Unsupported value: "v1": supported values: "kubescheduler.config.k8s.io/v1"',
        "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]",
        "extenders: Forbidden: ",
        f"{args}.scoringStrategy.resources[0].weight: Invalid value: 0: resource weight of cpu not in valid range (0, 100]",
        f'{args}.scoringStrategy.type: Unsupported value: "Most": supported values: "LeastAllocated", "MostAllocated", ',
        f"{args}.unknown: unknown field",
        'profiles[1].plugins.filter.enabled[1].name: Unsupported value: "Nope": supported values: ',
        'profiles[1].plugins.filter.enabled[0].name: Invalid value: "PrioritySort": does not extend Filter',
        "profiles[2].plugins.colour: unknown field",
        'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
        "profiles[2].schedulerName: Required value",
        "profiles[2]: at least one bind plugin is needed",
    ]
    missing = [start for start in starts if not any(line.startswith(start.rstrip()) for line in told)]
    assert missing == [], "\n".join(told)
    assert len(told) == len(starts)


@pytest.mark.parametrize(
    ("plugin", "args", "expected"),
    [
        ("InterPodAffinity", {"hardPodAffinityWeight": 101}, "hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]"),
        ("InterPodAffinity", {"hardPodAffinityWeight": "1"}, 'hardPodAffinityWeight: Invalid value: "1": must be of type integer'),
        ("DefaultPreemption", {"minCandidateNodesPercentage": -1},
         "minCandidateNodesPercentage: Invalid value: -1: not in valid range [0, 100]"),
        ("NodeResourcesFit", {"scoringStrategy": {"type": "RequestedToCapacityRatio"}},
         "scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio"),
        ("NodeResourcesFit", {"ignoredResourceGroups": ["a/b"]},
         'ignoredResourceGroups[0]: Invalid value: "a/b": resource group name can\'t contain \'/\''),
        ("NodeResourcesBalancedAllocation", {"resources": [{"name": "cpu", "weight": 2}]},
         "resources[0].weight: Invalid value: 2: must be 1"),
        ("PodTopologySpread", {"defaultConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]},
         'defaultingType: Invalid value: "System": when .defaultConstraints are not empty'),
        ("NodeAffinity", {"addedAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}},
         ("addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: "
          "must have at least one node selector term")),
        ("NodeName", {"colour": "red"}, "colour: unknown field"),
    ],
)  # fmt: skip
def test_wrong_arguments(plugin: str, args: dict[str, Any], expected: str) -> None:
    told = refused(HEAD | {"profiles": [{"pluginConfig": [{"name": plugin, "args": args}]}]})
    assert told == [f"profiles[0].pluginConfig[0].args.{expected}"]


@pytest.mark.parametrize("text", ["", "a: [", "[]", "a: 1\n---\nb: 2\n"])
def test_what_is_no_configuration_at_all(text: str) -> None:
    with pytest.raises(Mistake, match="one YAML document of kind KubeSchedulerConfiguration"):
        parse(text)


TWO = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
- schedulerName: packer
  plugins:
    score: {disabled: [{name: "*"}], enabled: [{name: NodeResourcesFit}]}
  pluginConfig:
  - {name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated}}}
"""


def run(cluster: Cluster, name: str, scheduler: str) -> str:
    overrides = f'{{"spec":{{"schedulerName":"{scheduler}"}}}}'
    cluster.kubectl(["run", name, "--image=nginx", "--overrides", overrides])
    cluster.settle()
    node_name: str = cluster.get("pods", name)["spec"].get("nodeName", "")
    return node_name


def test_pods_choose_their_scheduler_by_name() -> None:
    cluster = Cluster(nodes=3, scheduler=TWO)
    packed = {run(cluster, f"packed-{number}", "packer") for number in range(4)}
    assert len(packed) == 1
    event = next(e for e in cluster.get("events") if e["reason"] == "Scheduled")
    assert event["source"]["component"] == "packer"
    assert Cluster.load(cluster.save()).scheduler.profiles == cluster.scheduler.profiles


def test_a_pod_of_an_unknown_scheduler_waits_in_silence() -> None:
    cluster = Cluster(nodes=1)
    assert run(cluster, "lost", "nobody") == ""
    assert cluster.get("pods", "lost")["status"]["phase"] == "Pending"
    assert [e for e in cluster.get("events") if e["involvedObject"]["name"] == "lost"] == []
    assert "conditions" not in cluster.get("pods", "lost")["status"]


def test_what_concerns_the_process_alone_is_told_to_have_no_effect() -> None:
    with pytest.warns(UserWarning, match="leaderElection"):
        Cluster(nodes=1, scheduler=HEAD | {"leaderElection": {"leaderElect": False}})


def test_other_back_offs() -> None:
    found = settings(parse(HEAD | {"podInitialBackoffSeconds": 2, "podMaxBackoffSeconds": 5}))
    assert (found.initial_backoff, found.max_backoff) == (2 * SECOND, 5 * SECOND)


def test_the_percentage_may_be_set_for_all_and_for_one() -> None:
    document = HEAD | {
        "percentageOfNodesToScore": 30,
        "profiles": [{"schedulerName": "a"}, {"schedulerName": "b", "percentageOfNodesToScore": 70}],
    }
    assert [one.percentage_of_nodes_to_score for one in settings(parse(document)).profiles] == [30, 70]
    assert replace(DEFAULT_PROFILE).percentage_of_nodes_to_score == 0
