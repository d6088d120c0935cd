"""The claims of a pod's volumes, as the plugins about volumes look them up.

Models: component-helpers/storage/ephemeral, component-helpers/storage/volume (helpers.go).
"""

from __future__ import annotations

from k8snb.apimachinery.meta import annotation
from k8snb.apimachinery.objects import FrozenDict, Object
from k8snb.resources.core.persistentvolumeclaim import class_name
from k8snb.scheduler.cluster_event import Change
from k8snb.scheduler.framework import Cluster
from k8snb.scheduler.podinfo import PodInfo

CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
BOUND, SELECTED_NODE = "pv.kubernetes.io/bind-completed", "volume.kubernetes.io/selected-node"


def claim_names(pod: PodInfo) -> list[tuple[str, bool]]:
    """The claims that a pod's volumes need, and whether each is a generic ephemeral volume's own."""
    found = []
    for volume in pod.pod["spec"].get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            found.append((volume["persistentVolumeClaim"]["claimName"], False))
        elif "ephemeral" in volume:
            found.append((f"{pod.name}-{volume['name']}", True))
    return found


def claims_of(pod: PodInfo, cluster: Cluster) -> list[Object]:
    """Those of the pod's claims that exist."""
    found = [cluster.get(CLAIMS, pod.namespace, name) for name, _ in claim_names(pod)]
    return [claim for claim in found if claim is not None]


def is_bound(claim: Object) -> bool:
    """Whether the claim has its volume, and both know it."""
    return bool(claim["spec"].get("volumeName")) and bool(annotation(claim, BOUND))


def class_of(claim: Object, cluster: Cluster) -> FrozenDict | None:
    """The claim's StorageClass."""
    name = class_name(claim)
    found: FrozenDict | None = cluster.get(CLASSES, "", name) if name else None  # type: ignore[assignment]
    return found


def binds_late(claim: Object, cluster: Cluster) -> bool:
    """Whether the scheduler has to find a volume, or a node to make one for."""
    found = class_of(claim, cluster)
    return found is not None and found.get("volumeBindingMode") == "WaitForFirstConsumer" and not claim["spec"].get("volumeName")


def claim_matters(pod: PodInfo, change: Change) -> bool:
    """Queueing hint: the claim that came or changed is one of the pod's."""
    claim = change.new
    if claim is None or claim["metadata"]["namespace"] != pod.namespace:
        return False
    return claim["metadata"]["name"] in {name for name, _ in claim_names(pod)}
