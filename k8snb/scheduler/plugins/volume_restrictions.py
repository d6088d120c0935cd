"""VolumeRestrictions: a claim for one pod only, and disks that two pods of a node cannot both mount.

Models: pkg/scheduler/framework/plugins/volumerestrictions/volume_restrictions.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from k8snb.apimachinery.objects import Object
from k8snb.scheduler.cluster_event import ADD, ASSIGNED_POD, DELETE, NODE, UPDATE, Change, Interest, interest
from k8snb.scheduler.diagnosis import SKIP, Status, unschedulable
from k8snb.scheduler.framework import Cycle, FilterPlugin, PreFilterPlugin
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.plugins.volume_claims import claim_matters, claim_names, claims_of
from k8snb.scheduler.podinfo import PodInfo, pod_info

ONE_POD = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
DISK_CONFLICT = "node(s) had no available disk"
Same = Callable[[Object, Object], bool]


def _unless_read_only(field: str) -> Same:
    return lambda a, b: a.get(field) == b.get(field) and not (a.get("readOnly") and b.get("readOnly"))


CONFLICTS: Final[dict[str, Same]] = {
    "gcePersistentDisk": _unless_read_only("pdName"),
    "awsElasticBlockStore": lambda a, b: a.get("volumeID") == b.get("volumeID"),
    "iscsi": _unless_read_only("iqn"),
    "rbd": lambda a, b: _unless_read_only("image")(a, b) and bool(set(a.get("monitors") or ()) & set(b.get("monitors") or ())),
}
"""Volumes written into a pod itself, of a kind that one node mounts only once: when two are the same disk."""


class VolumeRestrictions(PreFilterPlugin, FilterPlugin):
    """Rejects nodes where another pod has what this one wants for itself."""

    name = "VolumeRestrictions"

    def pre_filter(self, cycle: Cycle) -> Status | None:
        """Count the pods that use a claim which only one may; Skip where nothing is restricted."""
        alone = {
            c["metadata"]["name"] for c in claims_of(cycle.pod, cycle.cluster) if "ReadWriteOncePod" in (c["spec"].get("accessModes") or ())
        }
        disks = [(kind, volume[kind]) for volume in cycle.pod.pod["spec"].get("volumes") or () for kind in CONFLICTS if kind in volume]
        if not alone and not disks:
            return Status(SKIP)
        others = sum(_uses(pod, cycle.pod, alone) for node in cycle.snapshot.nodes for pod in node.infos()) if alone else 0
        cycle.data[self.name] = {"alone": frozenset(alone), "disks": tuple(disks), "others": others}
        return None

    def add_pod(self, cycle: Cycle, pod: PodInfo, node: NodeInfo) -> None:
        """One more user, perhaps."""
        notes = cycle.data[self.name]
        cycle.data[self.name] = {**notes, "others": notes["others"] + _uses(pod, cycle.pod, notes["alone"])}

    def remove_pod(self, cycle: Cycle, pod: PodInfo, node: NodeInfo) -> None:
        """One user less, perhaps."""
        notes = cycle.data[self.name]
        cycle.data[self.name] = {**notes, "others": notes["others"] - _uses(pod, cycle.pod, notes["alone"])}

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """Nobody else may have the claim anywhere, nor the disk here."""
        notes = cycle.data[self.name]
        for kind, disk in notes["disks"]:
            mounted = (volume[kind] for pod in node.pods for volume in pod["spec"].get("volumes") or () if kind in volume)
            if any(CONFLICTS[kind](disk, other) for other in mounted):
                return unschedulable(DISK_CONFLICT)
        return unschedulable(ONE_POD) if notes["others"] > 0 else None

    def interests(self) -> tuple[Interest, ...]:
        """A pod that gives something up, a claim, a node."""
        return (
            interest(ASSIGNED_POD, DELETE, hint=_gives_up),
            interest(NODE, ADD),
            interest("PersistentVolumeClaim", ADD, UPDATE, hint=claim_matters),
        )


def _uses(pod: PodInfo, asking: PodInfo, alone: set[str] | frozenset[str]) -> int:
    """1 for a pod of the same namespace that uses one of these claims."""
    return int(pod.namespace == asking.namespace and any(name in alone for name, _ in claim_names(pod)))


def _gives_up(pod: PodInfo, change: Change) -> bool:
    """Queueing hint: the pod that went had volumes that this one wants."""
    gone = pod_info(change.old) if change.old is not None else None
    if gone is None:
        return False
    wanted = {name for name, _ in claim_names(pod)}
    if gone.namespace == pod.namespace and any(name in wanted for name, _ in claim_names(gone)):
        return True
    kinds = [{kind for volume in p.pod["spec"].get("volumes") or () for kind in CONFLICTS if kind in volume} for p in (pod, gone)]
    return bool(kinds[0] & kinds[1])
