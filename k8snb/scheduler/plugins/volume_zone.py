"""VolumeZone: a volume with a zone or region on its labels can be used only there. (Newer volumes have a node affinity instead.)

Models: pkg/scheduler/framework/plugins/volumezone/volume_zone.go.
Simplified: for a claim that is not bound the plugin says nothing; VolumeBinding has.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.scheduler.cluster_event import ADD, DELETE, NODE, UPDATE, UPDATE_NODE_LABEL, Interest, interest
from k8snb.scheduler.diagnosis import SKIP, Status, unresolvable
from k8snb.scheduler.framework import Cycle, FilterPlugin, PreFilterPlugin
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.plugins.volume_claims import VOLUMES, claim_matters, claims_of

CONFLICT = "node(s) had no available volume zone"
KEYS = {
    "topology.kubernetes.io/zone": "failure-domain.beta.kubernetes.io/zone",
    "topology.kubernetes.io/region": "failure-domain.beta.kubernetes.io/region",
}  # fmt: skip
"""Labels that say where something is, and what they were called before."""


class VolumeZone(PreFilterPlugin, FilterPlugin):
    """Rejects nodes outside the zones of the pod's volumes."""

    name = "VolumeZone"

    def pre_filter(self, cycle: Cycle) -> Status | None:
        """Collect the places of the pod's volumes; Skip where there are none."""
        found = []
        for claim in claims_of(cycle.pod, cycle.cluster):
            volume = cycle.cluster.get(VOLUMES, "", claim["spec"].get("volumeName", ""))
            labels = (volume["metadata"].get("labels") if volume is not None else None) or EMPTY_DICT
            for key, old in KEYS.items():
                value = labels.get(key) or labels.get(old)
                if value:
                    found.append((key, old, frozenset(value.split("__"))))
        cycle.data[self.name] = found
        return None if found else Status(SKIP)

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """A node that says where it is must be in the right place."""
        labels = node.facts.labels
        if not any(labels.get(name) for pair in KEYS.items() for name in pair):
            return None
        for key, old, values in cycle.data[self.name]:
            if (labels.get(key) or labels.get(old)) not in values:
                return unresolvable(CONFLICT)
        return None

    def interests(self) -> tuple[Interest, ...]:
        """Nodes and volumes that come or change their places."""
        return (
            interest("StorageClass", ADD),
            interest(NODE, ADD, UPDATE_NODE_LABEL),
            interest("PersistentVolumeClaim", ADD, UPDATE, hint=claim_matters),
            interest("PersistentVolume", ADD, UPDATE),
            interest("VolumeAttachment", DELETE),
        )
