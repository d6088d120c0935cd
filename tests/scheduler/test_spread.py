"""Spread constraints in all their fields, one story each."""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.objects import FrozenDict
from tests.scheduler.world import UNTOLERATED, World, node, pod, spread

TAINTED = {"taints": [UNTOLERATED]}


def rule(**more: Any) -> list[dict[str, Any]]:
    return [{**spread("web")[0], **more}]


def web(name: str = "new", *, version: str = "", on: str = "", **more: Any) -> FrozenDict:
    return pod(name, labels={"app": "web"} | ({"version": version} if version else {}), on=on, **more)


def placed(constraints: list[dict[str, Any]], nodes: list[FrozenDict], pods: list[FrozenDict], **more: Any) -> list[str]:
    """The nodes on which a new pod of web could run."""
    return World(nodes, pods).schedule(web(topologySpreadConstraints=constraints, **more)).diagnosis.feasible


def test_with_fewer_domains_than_wanted_the_emptiest_counts_as_empty() -> None:
    nodes, pods = [node("a", zone="z1"), node("b", zone="z2")], [web("one", on="a"), web("two", on="b")]
    assert placed(rule(), nodes, pods) == ["a", "b"]
    assert placed(rule(minDomains=2), nodes, pods) == ["a", "b"]
    assert placed(rule(minDomains=3), nodes, pods) == []
    assert placed(rule(minDomains=3), [*nodes, node("c", zone="z3")], pods) == ["c"]


def test_a_zone_that_the_pods_own_selector_excludes_counts_only_if_it_is_told_to() -> None:
    nodes = [node("a", zone="z1", labels={"disk": "ssd"}), node("b", zone="z2")]
    pods = [web("one", on="a")]
    assert placed(rule(), nodes, pods, nodeSelector={"disk": "ssd"}) == ["a"]
    assert placed(rule(nodeAffinityPolicy="Ignore"), nodes, pods, nodeSelector={"disk": "ssd"}) == []


def test_a_tainted_zone_counts_unless_taints_are_honoured() -> None:
    nodes = [node("a", zone="z1"), node("b", zone="z2", **TAINTED)]
    pods = [web("one", on="a")]
    assert placed(rule(), nodes, pods) == []
    assert placed(rule(nodeTaintsPolicy="Honor"), nodes, pods) == ["a"]


def test_with_match_label_keys_only_pods_of_the_same_version_count() -> None:
    nodes = [node("a", zone="z1"), node("b", zone="z2")]
    pods = [web("old-1", version="1", on="a"), web("old-2", version="1", on="a"), web("new-1", version="2", on="b")]

    def feasible(**more: Any) -> list[str]:
        new = web(version="2", topologySpreadConstraints=rule(**more))
        return World(nodes, pods).schedule(new).diagnosis.feasible

    assert feasible() == ["b"]
    assert feasible(matchLabelKeys=["version"]) == ["a"]
    assert feasible(matchLabelKeys=["absent"]) == ["b"]


def test_two_constraints_must_both_hold() -> None:
    nodes = [node("a1", zone="z1"), node("a2", zone="z1"), node("b1", zone="z2")]
    both = [*rule(), *[{**spread("web", key="kubernetes.io/hostname")[0]}]]
    assert placed(both, nodes, [web("one", on="a1")]) == ["b1"]
    assert placed(both, nodes, [web("one", on="a1"), web("two", on="b1")]) == ["a2"]


def test_pods_that_are_leaving_and_pods_of_other_namespaces_do_not_count() -> None:
    nodes = [node("a", zone="z1"), node("b", zone="z2")]
    elsewhere = pod("stranger", labels={"app": "web"}, on="a", namespace="other")
    assert placed(rule(), nodes, [elsewhere]) == ["a", "b"]
