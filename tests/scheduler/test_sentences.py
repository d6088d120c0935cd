"""The sentences of a real scheduler (tests/reference has the recordings they come from)."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apimachinery.objects import FrozenDict
from tests.scheduler.world import UNTOLERATED, World, anti_affinity, node, pod, spread, three_nodes

NOT_HELPFUL = "no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
NO_VICTIMS = "no new claims to deallocate, preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."


def busy(cpu: str = "600m", **more: Any) -> list[FrozenDict]:
    return [pod(f"big-{number}", on=f"node-{number}", cpu=cpu, **more) for number in (1, 2, 3)]


def sentence(item: FrozenDict, pods: list[FrozenDict] | tuple[()] = (), nodes: list[FrozenDict] | None = None, **objects: Any) -> str:
    placement = World(nodes if nodes is not None else three_nodes(), list(pods), **objects).schedule(item)
    assert placement.node == ""
    return placement.diagnosis.message


def test_more_than_any_node_has() -> None:
    expected = f"0/3 nodes are available: 3 Insufficient cpu, 3 Insufficient memory. {NOT_HELPFUL}"
    assert sentence(pod("giant", cpu="2", memory="8Gi")) == expected


def test_more_than_is_left() -> None:
    assert sentence(pod("big", cpu="600m"), busy()) == f"0/3 nodes are available: 3 Insufficient cpu. {NO_VICTIMS}"


def test_taints() -> None:
    tainted = [node(f"node-{number}", taints=[UNTOLERATED]) for number in (1, 2, 3)]
    assert sentence(pod("web"), nodes=tainted) == f"0/3 nodes are available: 3 node(s) had untolerated taint(s). {NOT_HELPFUL}"


def test_anti_affinity() -> None:
    replica = {"labels": {"app": "cache"}, "affinity": anti_affinity("cache")}
    others = [pod(f"cache-{number}", on=f"node-{number}", **replica) for number in (1, 2, 3)]
    expected = f"0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. {NO_VICTIMS}"
    assert sentence(pod("cache-4", **replica), others) == expected


def test_anti_affinity_of_those_who_are_there() -> None:
    others = [pod(f"lonely-{number}", on=f"node-{number}", affinity=anti_affinity("web")) for number in (1, 2, 3)]
    expected = f"0/3 nodes are available: 3 node(s) didn't satisfy existing pods anti-affinity rules. {NO_VICTIMS}"
    assert sentence(pod("web", labels={"app": "web"}), others) == expected


def test_node_selector() -> None:
    expected = f"0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. {NOT_HELPFUL}"
    assert sentence(pod("web", nodeSelector={"disk": "ssd"})) == expected


def test_topology_spread_with_a_cordoned_zone() -> None:
    nodes = [*three_nodes()[:2], node("node-3", zone="zone-3", unschedulable=True)]
    replica = {"labels": {"app": "spread"}, "topologySpreadConstraints": spread("spread")}
    others = [pod(f"spread-{number}", on=f"node-{number % 3 + 1}", **replica) for number in range(8) if number not in (2, 5)]
    placed = [*others, *(pod(f"old-{number}", on="node-3", **replica) for number in (1, 2))]
    expected = (
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match pod topology spread constraints. "
        "no new claims to deallocate, preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, "
        "2 No preemption victims found for incoming pod."
    )
    assert sentence(pod("spread-9", **replica), placed, nodes) == expected


def test_a_cordoned_node_and_two_without_the_label() -> None:
    nodes = [node("node-1", unschedulable=True), *three_nodes()[1:]]
    expected = (
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector. "
        "no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    assert sentence(pod("web", nodeSelector={"disk": "ssd"}), nodes=nodes) == expected


CLAIM = {"metadata": {"name": "data", "namespace": "default"}, "spec": {}}
WANTS_CLAIM = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]


def test_an_unbound_claim_is_told_before_any_node_is_looked_at() -> None:
    said = sentence(pod("db-0", volumes=WANTS_CLAIM), persistentvolumeclaims=[CLAIM])
    assert said == "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"


def test_a_missing_claim() -> None:
    said = sentence(pod("db-0", volumes=WANTS_CLAIM))
    assert said == '0/3 nodes are available: persistentvolumeclaim "data" not found. not found'


def test_preemption_policy_never() -> None:
    said = sentence(pod("polite", cpu="600m", priority=10, preemptionPolicy="Never"), busy())
    tail = "no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never."
    assert said == f"0/3 nodes are available: 3 Insufficient cpu. {tail}"


def test_the_tail_is_absent_where_preemption_succeeds() -> None:
    assert sentence(pod("vip", cpu="600m", priority=10), busy()) == "0/3 nodes are available: 3 Insufficient cpu."


def test_a_pod_of_a_daemon_set_is_only_looked_at_on_its_own_node() -> None:
    field = {"key": "metadata.name", "operator": "In", "values": ["node-1"]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [field]}]}}}
    expected = (
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. "
        "no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, "
        "2 Preemption is not helpful for scheduling."
    )
    assert sentence(pod("agent", cpu="600m", affinity=affinity), busy()) == expected


@pytest.mark.parametrize(
    ("more", "full", "reason"),
    [
        ({"ports": [80]}, {"ports": [80]}, "node(s) didn't have free ports for the requested pod ports"),
        ({"affinity": anti_affinity("db", kind="podAffinity")}, {}, "node(s) didn't match pod affinity rules"),
        ({"topologySpreadConstraints": spread("web", key="rack")}, {},
         "node(s) didn't match pod topology spread constraints (missing required label)"),
    ],
)  # fmt: skip
def test_other_reasons(more: dict[str, Any], full: dict[str, Any], reason: str) -> None:
    others = [pod(f"other-{number}", on=f"node-{number}", **full) for number in (1, 2, 3)]
    assert sentence(pod("web", **more), others).startswith(f"0/3 nodes are available: 3 {reason}. ")


def test_too_many_pods() -> None:
    crowded = [node("node-1", pods="1")]
    assert sentence(pod("web"), [pod("other", on="node-1")], crowded).startswith("0/1 nodes are available: 1 Too many pods. ")


def test_a_pod_that_claims_devices_fits_nowhere_since_nobody_publishes_any() -> None:
    said = sentence(pod("trainer", resourceClaims=[{"name": "gpu", "resourceClaimName": "gpu"}]))
    assert said == f"0/3 nodes are available: 3 cannot allocate all claims. {NOT_HELPFUL}"


def test_no_nodes_at_all() -> None:
    assert sentence(pod("web"), nodes=[]) == "no nodes available to schedule pods"
