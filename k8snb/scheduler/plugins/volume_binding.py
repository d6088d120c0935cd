"""Volumes decide where a pod can run: its claims must be bound, and their volumes reachable from the node.

Models: pkg/scheduler/framework/plugins/volumebinding.
Simplified: a claim whose class binds late (WaitForFirstConsumer) does not hold the pod back, and no volume is reserved for it;
reserving belongs into this plugin's Reserve and PreBind.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import Object, dig
from k8snb.component_helpers.nodeaffinity import matches_node_selector
from k8snb.scheduler.cluster_event import ADD, NODE, UPDATE, UPDATE_NODE_LABEL, UPDATE_TAINT, Interest, interest
from k8snb.scheduler.diagnosis import SKIP, Status, unresolvable
from k8snb.scheduler.framework import Cluster, Cycle, FilterPlugin, PreFilterPlugin
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import PodInfo

UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
_BOUND = "pv.kubernetes.io/bind-completed"


def claim_names(pod: PodInfo) -> list[tuple[str, bool]]:
    """The claims that a pod's volumes need, and whether each is a generic ephemeral volume's own."""
    found = []
    for volume in pod.pod["spec"].get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            found.append((volume["persistentVolumeClaim"]["claimName"], False))
        elif "ephemeral" in volume:
            found.append((f"{pod.name}-{volume['name']}", True))
    return found


class VolumeBinding(PreFilterPlugin, FilterPlugin):
    """Rejects pods with claims that are missing or unbound, and nodes that a bound volume cannot reach."""

    name = "VolumeBinding"

    def pre_filter(self, cycle: Cycle) -> Status | None:
        """Look up the claims; Skip for pods without any."""
        names = claim_names(cycle.pod)
        if not names:
            return Status(SKIP)
        claims = []
        for name, ephemeral in names:
            claim = cycle.cluster.get("persistentvolumeclaims", cycle.pod.namespace, name)
            if claim is None:
                missing = f'persistentvolumeclaim "{name}" not found'
                waiting = f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
                return unresolvable(waiting if ephemeral else missing)
            if claim["metadata"].get("deletionTimestamp"):
                return unresolvable(f'persistentvolumeclaim "{name}" is being deleted')
            claims.append(claim)
        if any(not _is_bound(claim) and not _binds_late(claim, cycle.cluster) for claim in claims):
            return unresolvable(UNBOUND)
        cycle.data[self.name] = [claim["spec"]["volumeName"] for claim in claims if _is_bound(claim)]
        return None

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """Every bound volume's node affinity must allow the node."""
        for name in cycle.data[self.name]:
            volume = cycle.cluster.get("persistentvolumes", "", name)
            required = dig(volume, "spec.nodeAffinity.required")
            if required is not None and node.node is not None and not matches_node_selector(required, node.node):
                return unresolvable(NODE_CONFLICT)
        return None

    def interests(self) -> tuple[Interest, ...]:
        """Claims, volumes and classes that appear or change; nodes."""
        return (
            interest("PersistentVolumeClaim", ADD, UPDATE),
            interest("PersistentVolume", ADD, UPDATE),
            interest("StorageClass", ADD, UPDATE),
            interest(NODE, ADD, UPDATE_NODE_LABEL, UPDATE_TAINT),
        )


def _is_bound(claim: Object) -> bool:
    return bool(claim["spec"].get("volumeName")) and _BOUND in (claim["metadata"].get("annotations") or {})


def _binds_late(claim: Object, cluster: Cluster) -> bool:
    name = claim["spec"].get("storageClassName")
    found = cluster.get("storageclasses.storage.k8s.io", "", name) if name else None
    return found is not None and found.get("volumeBindingMode") == "WaitForFirstConsumer" and not claim["spec"].get("volumeName")
