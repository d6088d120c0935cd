"""Which taints a pod tolerates, and which nodes its selector and affinity allow."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.component_helpers import find_untolerated_taint, matches_node_selector_and_affinity, tolerates

DB = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        ({"key": "dedicated", "operator": "Equal", "value": "db", "effect": "NoSchedule"}, True),
        ({"key": "dedicated", "value": "db"}, True),
        ({"key": "dedicated", "value": "web"}, False),
        ({"key": "dedicated", "operator": "Exists"}, True),
        ({"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"operator": "Exists"}, True),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_toleration(toleration: dict[str, str], tolerated: bool) -> None:
    assert tolerates([toleration], DB) is tolerated


def test_preferred_taints_do_not_keep_a_pod_away() -> None:
    soft = {"key": "slow", "effect": "PreferNoSchedule"}
    assert find_untolerated_taint([soft, DB], []) == DB
    assert find_untolerated_taint([soft], None) is None
    assert find_untolerated_taint([soft], [], ("PreferNoSchedule",)) == soft


NODE = {"metadata": {"name": "node-1", "labels": {"disk": "ssd", "cores": "8"}}}


def pod(selector: dict[str, str] | None = None, terms: list[Any] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {"nodeSelector": selector} if selector else {}
    if terms is not None:
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        spec["affinity"] = {"nodeAffinity": required}
    return {"spec": spec}


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("terms", "matches"),
    [
        ([expression("disk", "In", "ssd", "nvme")], True),
        ([expression("disk", "NotIn", "ssd")], False),
        ([expression("gpu", "NotIn", "a100")], True),
        ([expression("gpu", "Exists")], False),
        ([expression("gpu", "DoesNotExist")], True),
        ([expression("cores", "Gt", "4")], True),
        ([expression("cores", "Lt", "8")], False),
        ([expression("disk", "Gt", "4")], False),
        ([expression("gpu", "Exists"), expression("disk", "Exists")], True),
        ([{}], False),
        ([], False),
        ([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}], True),
        ([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-2"]}]}], False),
    ],
)
def test_required_node_affinity(terms: list[Any], matches: bool) -> None:
    assert matches_node_selector_and_affinity(pod(terms=terms), NODE) is matches


def test_selector_and_affinity_must_both_hold() -> None:
    assert matches_node_selector_and_affinity(pod(), NODE)
    assert matches_node_selector_and_affinity(pod({"disk": "ssd"}), NODE)
    assert not matches_node_selector_and_affinity(pod({"disk": "hdd"}), NODE)
    assert not matches_node_selector_and_affinity(pod({"disk": "ssd"}, [expression("gpu", "Exists")]), NODE)
