"""A pod's volumes on its node: mount what is missing, wait for what is not there yet, change what has changed, let go at the end.

Before a pod gets its sandbox, every volume that some container mounts must be mounted. What fails is tried again by itself after
0.5 s, 1 s, 2 s ... at most 2 min 2 s; each time an Event says why. A pod that still waits after 2 min 3 s says what it waits for.

    prepare   ->  0: all mounted       n: look again in n µs (or when the Node says that a volume is attached)
    refresh   ->  files of ConfigMaps, Secrets and fields of the pod that have changed; tokens that have grown old
    release   ->  the pod has ended: its disks may go elsewhere

Models: pkg/kubelet/volumemanager/volume_manager.go (WaitForAttachAndMount), pkg/util/goroutinemap/exponentialbackoff.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.apimachinery.objects import Object
from k8snb.component_helpers.timing import timing
from k8snb.kubelet.state import MountState, PodState
from k8snb.kubelet.volumes import claims, kinds, watching
from k8snb.kubelet.volumes.errors import Attaching, MountError, Unprocessed

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet
    from k8snb.kubelet.worker import Worker

FIRST_RETRY, LONGEST_RETRY = timing("mount back-off, first"), timing("mount back-off, most")
ATTACH_AND_MOUNT_TIMEOUT, SYNC_RETRY = timing("attach and mount"), timing("retry")
WARNING, FAILED = "Warning", "FailedMount"


def used(pod: Object) -> list[Object]:
    """The volumes that some container mounts, or has as a device; the others are nobody's business."""
    spec = pod["spec"]
    everyone = [*(spec.get("initContainers") or ()), *spec["containers"], *(spec.get("ephemeralContainers") or ())]
    given = [item for container in everyone for field in ("volumeMounts", "volumeDevices") for item in container.get(field) or ()]
    names = {item["name"] for item in given}
    return [volume for volume in spec.get("volumes") or () if volume["name"] in names]


def prepare(worker: Worker) -> int:
    """Mount what is missing. 0: everything is there; else how long to wait before the next look (µs)."""
    state, now = worker.state, worker.now
    if worker.runtime.instant or state.mounts_done:
        return 0
    waits, attaching, unprocessed, busy = [], [], {}, 0
    for volume in used(worker.pod):
        mount = state.mounts.setdefault(volume["name"], MountState())
        if mount.mounted:
            continue
        if mount.retry_at > now:
            waits.append(mount.retry_at - now)
            continue
        try:
            busy = max(busy, kinds.mount(worker, volume, mount))
            mount.mounted, mount.delay = True, 0
        except MountError as error:
            waits.append(_back_off(worker, mount, str(error)))
        except Attaching:
            attaching.append(volume["name"])
        except Unprocessed as error:
            unprocessed[volume["name"]] = str(error)
    if not (waits or attaching or unprocessed):
        _all_mounted(worker)
        return busy
    return _wait(worker, waits, attaching, unprocessed)


def _back_off(worker: Worker, mount: MountState, message: str) -> int:
    mount.delay = min(2 * mount.delay, LONGEST_RETRY) if mount.delay else FIRST_RETRY
    mount.retry_at = worker.now + mount.delay
    worker.event(WARNING, FAILED, message)
    return mount.delay


def _all_mounted(worker: Worker) -> None:
    state = worker.state
    state.mounts_done, state.mount_deadline = True, 0
    worker.kubelet.own.attaching.pop(state.uid, None)
    watching.follow(worker.kubelet, state, worker.pod)
    state.refresh_at = _next_renewal(state)


def _wait(worker: Worker, waits: list[int], attaching: list[str], unprocessed: dict[str, str]) -> int:
    """Something is missing: say so when it takes too long, and how long to wait."""
    state, now = worker.state, worker.now
    if attaching:
        worker.kubelet.own.attaching[state.uid] = True
    state.mount_deadline = state.mount_deadline or now + ATTACH_AND_MOUNT_TIMEOUT
    if unprocessed:
        _say_unable(worker, attaching, list(unprocessed), "; ".join(unprocessed.values()))
        waits.append(SYNC_RETRY)
    elif now >= state.mount_deadline:
        _say_unable(worker, attaching, [], "context deadline exceeded")
        state.mount_deadline = now + ATTACH_AND_MOUNT_TIMEOUT
    return min([*waits, state.mount_deadline - now])


def _say_unable(worker: Worker, unattached: list[str], unprocessed: list[str], why: str) -> None:
    lists = (sorted(name for name, m in worker.state.mounts.items() if not m.mounted), sorted(unattached), sorted(unprocessed))
    unmounted, free, failed = (f"[{' '.join(names)}]" for names in lists)
    what = f"unmounted volumes={unmounted}, unattached volumes={free}, failed to process volumes={failed}"
    worker.event(WARNING, FAILED, f"Unable to attach or mount volumes: {what}: {why}")


def refresh(worker: Worker) -> None:
    """The pod is synced again: files made from objects are made anew, and file systems follow disks that have grown."""
    state = worker.state
    if not state.refresh_at or state.refresh_at > worker.now or state.sandbox != "ready":
        return
    for volume in used(worker.pod):
        mount = state.mounts.get(volume["name"])
        if mount is None or not mount.mounted:
            continue
        try:
            if kinds.kind_of(volume) in kinds.MADE_FROM_OBJECTS:
                kinds.write(worker, volume, mount)
            elif mount.unique and "persistentVolumeClaim" in volume:
                claims.grow(worker, claims.find(worker, volume["persistentVolumeClaim"]["claimName"]))
        except MountError as error:  # what is missing now keeps its old files
            worker.event(WARNING, FAILED, str(error))
            mount.renew_at = 0
        except Unprocessed:
            continue
    state.refresh_at = _next_renewal(state)


def _next_renewal(state: PodState) -> int:
    return min([mount.renew_at for mount in state.mounts.values() if mount.renew_at], default=0)


def touched(kubelet: Kubelet, state: PodState, old: Object, new: Object) -> bool:
    """Whether a change of the pod's labels or annotations calls for a sync, and asks for it: fields of the pod may be files."""
    before, meta = old["metadata"], new["metadata"]
    if not state.mounts or (before.get("labels") == meta.get("labels") and before.get("annotations") == meta.get("annotations")):
        return False
    state.refresh_at = kubelet.kernel.now
    return True


def release(kubelet: Kubelet, state: PodState) -> None:
    """The pod runs no more: its volumes are unmounted."""
    kubelet.own.attaching.pop(state.uid, None)
    watching.unfollow(kubelet, state)
    free = [claims.let_go(kubelet, mount.unique, state.uid) for mount in state.mounts.values() if mount.unique]
    for mount in state.mounts.values():
        mount.unique, mount.mounted = "", False
    state.mounts_done = False
    if any(free):
        claims.report(kubelet)


def after_reboot(state: PodState) -> None:
    """Nothing is mounted any more on this machine; what is on its disk is still there."""
    state.mounts_done, state.refresh_at = False, 0
    for mount in state.mounts.values():
        mount.mounted, mount.retry_at = False, 0
