"""NodeVolumeLimits: a node takes only so many volumes of a CSI driver, as its CSINode says.

Each volume counts once for a node, however many pods there use it. A claim that has no volume yet counts as one.

Models: pkg/scheduler/framework/plugins/nodevolumelimits/csi.go.
Simplified: attachments that no pod of the node accounts for are not counted.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import EMPTY_DICT, dig
from k8snb.component_helpers.csinode import entry_of
from k8snb.scheduler.cluster_event import ADD, ASSIGNED_POD, DELETE, UPDATE, Change, Interest, interest
from k8snb.scheduler.diagnosis import SKIP, Status, unschedulable
from k8snb.scheduler.framework import Cluster, Cycle, FilterPlugin, PreFilterPlugin
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.plugins.volume_claims import VOLUMES, claim_matters, claim_names, claims_of, class_of
from k8snb.scheduler.podinfo import PodInfo, pod_info

TOO_MANY = "node(s) exceed max volume count"
CSINODES = "csinodes.storage.k8s.io"


class NodeVolumeLimits(PreFilterPlugin, FilterPlugin):
    """Rejects nodes that have no place left for the pod's volumes."""

    name = "NodeVolumeLimits"

    def pre_filter(self, cycle: Cycle) -> Status | None:
        """The pod's volumes by driver; Skip where it has none."""
        wanted = volumes_by_driver(cycle.pod, cycle.cluster)
        cycle.data[self.name] = wanted
        return None if wanted else Status(SKIP)

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """Count what is there and what would come."""
        csinode = cycle.cluster.get(CSINODES, "", node.name)
        for driver, volumes in cycle.data[self.name].items():
            limit = dig(entry_of(csinode, driver), "allocatable.count")
            if limit is None:
                continue
            there: set[str] = set()
            for pod in node.infos():
                there |= volumes_by_driver(pod, cycle.cluster).get(driver, set())
            if len(there | volumes) > limit and volumes - there:
                return unschedulable(TOO_MANY)
        return None

    def interests(self) -> tuple[Interest, ...]:
        """A volume less on a node, a node's limits, the pod's own claims."""
        return (
            interest("CSINode", ADD, UPDATE),
            interest(ASSIGNED_POD, DELETE, hint=_had_volumes),
            interest("PersistentVolumeClaim", ADD, UPDATE, hint=claim_matters),
            interest("VolumeAttachment", DELETE),
        )


def volumes_by_driver(pod: PodInfo, cluster: Cluster) -> dict[str, set[str]]:
    """Driver -> the volumes of it that a pod uses, each under a name that is its own."""
    found: dict[str, set[str]] = {}
    for claim in claims_of(pod, cluster):
        volume = cluster.get(VOLUMES, "", claim["spec"].get("volumeName", ""))
        if volume is not None:
            driver, handle = dig(volume, "spec.csi.driver", ""), dig(volume, "spec.csi.volumeHandle", "")
        else:
            driver, handle = (class_of(claim, cluster) or EMPTY_DICT).get("provisioner", ""), f"{pod.namespace}/{claim['metadata']['name']}"
        if driver:
            found.setdefault(driver, set()).add(handle)
    return found


def _had_volumes(_pod: PodInfo, change: Change) -> bool:
    """Queueing hint: the pod that went used claims."""
    return change.old is not None and bool(claim_names(pod_info(change.old)))
