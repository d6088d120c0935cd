"""What the cluster autoscaler writes down for everybody to read: the ConfigMap ``cluster-autoscaler-status`` in kube-system.

Models: cluster-autoscaler/clusterstate/api (ClusterAutoscalerStatus), clusterstate/utils/status.go.
Simplified: written when something changes, not every ten seconds; probe times are left out; keys are sorted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.yaml_writer import dump
from k8snb.cloud.pools import NodePool

NAME, NAMESPACE = "cluster-autoscaler-status", "kube-system"


class GroupFacts(NamedTuple):
    """One pool: how many machines it has, how many of them are ready, how many candidates to go."""

    pool: NodePool
    total: int
    ready: int
    candidates: int
    growing: bool


def _counts(total: int, ready: int) -> dict[str, Any]:
    registered = {"total": total, "ready": ready, "notStarted": total - ready}
    return {"registered": registered, "longUnregistered": 0, "unregistered": 0}


def _directions(found: Iterable[GroupFacts]) -> dict[str, Any]:
    groups = list(found)
    up = "InProgress" if any(one.growing for one in groups) else "NoActivity"
    candidates = sum(one.candidates for one in groups)
    down: dict[str, Any] = {"status": "CandidatesPresent", "candidates": candidates} if candidates else {"status": "NoCandidates"}
    return {"scaleUp": {"status": up}, "scaleDown": down}


def document(groups: list[GroupFacts]) -> dict[str, Any]:
    """The status, without the time at which it was written."""
    total, ready = sum(one.total for one in groups), sum(one.ready for one in groups)
    return {
        "autoscalerStatus": "Running",
        "clusterWide": {"health": {"status": "Healthy", "nodeCounts": _counts(total, ready)}, **_directions(groups)},
        "nodeGroups": [
            {"name": one.pool.group,
             "health": {"status": "Healthy", "nodeCounts": _counts(one.total, one.ready), "cloudProviderTarget": one.pool.machines,
                        "minSize": one.pool.least, "maxSize": one.pool.most}, **_directions([one])}
            for one in groups
        ],
    }  # fmt: skip


def config_map(found: dict[str, Any], now: int) -> Object:
    """The ConfigMap."""
    head = {"time": timestamp(now), **found}
    note = {"cluster-autoscaler.kubernetes.io/last-updated": timestamp(now)}
    meta = {"name": NAME, "namespace": NAMESPACE, "annotations": note}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"status": dump(head)}}
