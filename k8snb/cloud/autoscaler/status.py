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
    unregistered: int = 0  # machines that are no nodes yet
    late: int = 0  # and those that have been none for too long
    rests: bool = False  # it is left alone after a failure


def _counts(groups: Iterable[GroupFacts]) -> dict[str, Any]:
    found = list(groups)
    missing, late, ready = sum(one.unregistered for one in found), sum(one.late for one in found), sum(one.ready for one in found)
    total = sum(one.total for one in found) - missing - late
    registered = {"total": total, "ready": ready, "notStarted": total - ready}
    return {"registered": registered, "longUnregistered": late, "unregistered": missing}


def _directions(found: Iterable[GroupFacts]) -> dict[str, Any]:
    groups = list(found)
    up = "Backoff" if any(one.rests for one in groups) else "InProgress" if any(one.growing for one in groups) else "NoActivity"
    candidates = sum(one.candidates for one in groups)
    down: dict[str, Any] = {"status": "CandidatesPresent", "candidates": candidates} if candidates else {"status": "NoCandidates"}
    return {"scaleUp": {"status": up}, "scaleDown": down}


def document(groups: list[GroupFacts]) -> dict[str, Any]:
    """The status, without the time at which it was written."""
    return {
        "autoscalerStatus": "Running",
        "clusterWide": {"health": {"status": "Healthy", "nodeCounts": _counts(groups)}, **_directions(groups)},
        "nodeGroups": [
            {"name": one.pool.group,
             "health": {"status": "Healthy", "nodeCounts": _counts([one]), "cloudProviderTarget": one.pool.machines,
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
