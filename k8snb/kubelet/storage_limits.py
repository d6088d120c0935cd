"""Limits of a pod on what it writes: who exceeds one is evicted, however much room the node has.

    sizeLimit of an emptyDir                  what is in that volume
    limits.ephemeral-storage, of all          the containers' own layers and logs, and the volumes on the node's disk
    limits.ephemeral-storage, of one          that container's layer and log

Models: pkg/kubelet/eviction/eviction_manager.go (localStorageEviction).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.apimachinery import quantity
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.component_helpers import container_limits, pod_limits
from k8snb.kubelet.admission import is_critical
from k8snb.kubelet.state import PodState
from k8snb.kubelet.thresholds import DISK
from k8snb.seams.cri import Usage

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet


def on_disk(kubelet: Kubelet, state: PodState, pod: Object, *, files: bool = False) -> list[int]:
    """The bytes (or the number of ``files``) in each of a pod's local volumes: those that lie on the node's disk and end with the pod."""
    used = kubelet.runtime.volume_inodes(state.uid) if files else kubelet.runtime.volume_usage(state.uid)
    return [used.get(volume["name"], 0) for volume in dig(pod, "spec.volumes", ()) if _is_local(volume)]


def _is_local(volume: Object) -> bool:
    """Whether a volume lies on the disk of the node. Models: pkg/volume/util, IsLocalEphemeralVolume."""
    return "configMap" in volume or ("emptyDir" in volume and (volume["emptyDir"] or EMPTY_DICT).get("medium", "") == "")


def has_disk_limits(pod: Object) -> bool:
    """Whether the pod limits what it writes: then it is measured."""
    if DISK in pod_limits(pod):
        return True
    return any((volume.get("emptyDir") or EMPTY_DICT).get("sizeLimit") for volume in pod["spec"].get("volumes") or ())


def over_limit(kubelet: Kubelet) -> list[tuple[PodState, str]]:
    """The pods that exceed a limit of their own, and what is said about each."""
    found = []
    for uid in list(kubelet.own.measured):
        state = kubelet.own.pods.get(uid)
        pod = kubelet.pod_of(state) if state is not None else None
        if state is None or pod is None or state.sandbox != "ready" or state.evicted or is_critical(pod):
            continue
        why = _over_limit(kubelet, state, pod)
        if why:
            found.append((state, why))
    return found


def _over_limit(kubelet: Kubelet, state: PodState, pod: Object) -> str:
    """Which limit on ephemeral storage the pod exceeds, in upstream's words; empty where none."""
    volumes, usage = kubelet.runtime.volume_usage(state.uid), kubelet.runtime.pod_usage(state.uid)
    for volume in pod["spec"].get("volumes") or ():
        limit = (volume.get("emptyDir") or EMPTY_DICT).get("sizeLimit")
        if limit and 0 < quantity.value(limit) < volumes.get(volume["name"], 0):
            return f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{limit}". '
    limit_of_pod = pod_limits(pod).get(DISK)
    if limit_of_pod is not None and sum(use.disk for use in usage.values()) + sum(on_disk(kubelet, state, pod)) > limit_of_pod:
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {quantity.write(limit_of_pod, 'BinarySI')}. "
    for container in pod["spec"]["containers"]:
        limit_of_container = container_limits(container).get(DISK)
        if limit_of_container is not None and usage.get(container["name"], Usage()).disk > limit_of_container:
            asked = container["resources"]["limits"][DISK]
            return f'Container {container["name"]} exceeded its local ephemeral storage limit "{asked}". '
    return ""
