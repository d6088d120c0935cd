"""One kind of volume after the other: what it needs, and what the runtime is told.

A function of this table mounts one volume of a pod, and gives how long that takes (µs). It raises
:class:`~.errors.MountError`, :class:`~.errors.Unprocessed` or :class:`~.errors.Attaching` where it cannot be done now.

    emptyDir                                  an empty tree that lives as long as the pod; ``medium: Memory``: as large as the pod's memory
                                              at most, and what is in it counts as memory of who wrote it
    configMap, secret, projected, downwardAPI files made from objects, written atomically
    hostPath                                  the machine's own files, after a check of their type
    persistentVolumeClaim, ephemeral          the disk behind a claim: see :mod:`.claims`
    nfs                                       a directory of a server, the same for all who mount it
    image                                     the files of an image
    csi                                       scratch space, where the driver is simulated
    anything else                             scratch space, and a warning that says so

Models: pkg/volume/{emptydir,hostpath,configmap,secret,projected,downwardapi,nfs,image,csi}.
Simplified: an NFS server is always there; an image volume is there at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from k8snb.apimachinery import quantity
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.component_helpers import pod_limits
from k8snb.kubelet.environment import ConfigError
from k8snb.kubelet.observing import capacity_of
from k8snb.kubelet.state import MountState
from k8snb.kubelet.volumes import atomic, claims, host_path, payload
from k8snb.kubelet.volumes.errors import MountError
from k8snb.seams.cri import HOST, IMAGE, TMPFS, PodVolume
from k8snb.sim.state import Shelf

if TYPE_CHECKING:
    from k8snb.kubelet.worker import Worker

MADE_FROM_OBJECTS: Final = ("configMap", "secret", "projected", "downwardAPI")


def kind_of(volume: Object) -> str:
    """The field of the volume that is given: ``emptyDir``, ``configMap`` ..."""
    for name in volume:
        if name != "name":
            return str(name)
    return "emptyDir"


def mount(worker: Worker, volume: Object, state: MountState) -> int:
    """Mount one volume; how long it takes (µs)."""
    return _KINDS.get(kind_of(volume), _unsimulated)(worker, volume, state)


def group_of(pod: Object) -> int:
    """``fsGroup``: the group that a pod's volumes belong to; 0: none."""
    group: int = (pod["spec"].get("securityContext") or EMPTY_DICT).get("fsGroup") or 0
    return group


def _told(worker: Worker, volume: Object, mounted: PodVolume) -> int:
    worker.runtime.set_volume(worker.state.uid, volume["name"], mounted)
    return 0


def _empty_dir(worker: Worker, volume: Object, _state: MountState) -> int:
    source = volume.get("emptyDir") or {}
    limit = quantity.value(str(source["sizeLimit"])) if source.get("sizeLimit") is not None else 0
    if source.get("medium") != "Memory":
        on_disk = PodVolume(mode=0o777, group=group_of(worker.pod))  # a limit on disk is the eviction manager's business
        return _told(worker, volume, on_disk)
    worker.runtime.write_volume(worker.state.uid, volume["name"], {})  # what was in memory is gone after a reboot
    size = min(filter(None, (limit, _memory_of_pod(worker.pod), capacity_of(worker.kubelet, "memory"))), default=0)
    in_memory = PodVolume(device=TMPFS, filesystem=TMPFS, size=size, limited=bool(size), mode=0o777, group=group_of(worker.pod))
    return _told(worker, volume, in_memory)


def _memory_of_pod(pod: Object) -> int:
    """The memory that a pod may use (bytes), where it or each of its containers says so; else 0."""
    spec = pod["spec"]
    limits = [dig(one, "resources.limits.memory") for one in (*spec["containers"], *(spec.get("initContainers") or ()))]
    return pod_limits(pod).get("memory", 0) if dig(spec, "resources.limits.memory") or all(limits) else 0


def _made(worker: Worker, volume: Object, state: MountState) -> int:
    mounted = PodVolume(device=TMPFS, filesystem=TMPFS, read_only=True, mode=0o777, group=group_of(worker.pod))
    _told(worker, volume, mounted)
    write(worker, volume, state)
    return 0


def write(worker: Worker, volume: Object, state: MountState) -> bool:
    """Make the files of such a volume, and write them if they have changed. Raises :class:`MountError`."""

    def token(source: Object) -> tuple[str, int]:
        account = worker.pod["spec"].get("serviceAccountName") or "default"
        wanted = payload.token_request(source, worker.pod)
        try:
            answer = worker.kubelet.client.create("serviceaccounts", wanted, worker.state.namespace, subresource="token", name=account)
        except ApiError as error:
            raise ConfigError(f"failed to fetch token: {error.message}") from None
        return answer["status"]["token"], payload.expiry(answer, worker.now)

    try:
        made = payload.make(volume, worker.sources(), token, worker.now)
    except ConfigError as error:
        raise MountError(volume["name"], str(error)) from None
    state.renew_at = made.renew_at
    if state.mounted and state.payload == made.files:
        return False
    state.payload = Shelf(made.files)
    tree = atomic.tree(made.files, worker.now, f"{worker.state.uid}/{volume['name']}")
    worker.runtime.write_volume(worker.state.uid, volume["name"], tree)
    return True


def _host_path(worker: Worker, volume: Object, _state: MountState) -> int:
    source = volume["hostPath"]
    host_path.check(worker.runtime, volume["name"], source["path"], source.get("type") or "")
    return _told(worker, volume, PodVolume(HOST, source["path"]))


def _claim(worker: Worker, volume: Object, state: MountState) -> int:
    source = volume.get("persistentVolumeClaim")
    name = source["claimName"] if source else f"{worker.state.name}-{volume['name']}"
    found = claims.find(worker, name)
    read_only = bool(source and source.get("readOnly"))
    return claims.mount(worker, volume, claims.Use(found, state, read_only=read_only))


def _nfs(worker: Worker, volume: Object, _state: MountState) -> int:
    return _told(worker, volume, claims.nfs(worker, volume["nfs"]))


def _image(worker: Worker, volume: Object, _state: MountState) -> int:
    return _told(
        worker, volume, PodVolume(IMAGE, volume["image"].get("reference", ""), device="overlay", filesystem="overlay", read_only=True)
    )


def _inline_csi(worker: Worker, volume: Object, _state: MountState) -> int:
    name = volume["csi"]["driver"]
    if name not in worker.kubelet.drivers:
        why = "kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name {} not found in the list of registered CSI drivers"
        raise MountError(volume["name"], why.format(name))
    return _told(worker, volume, PodVolume(device=name, filesystem="ext4", read_only=bool(volume["csi"].get("readOnly"))))


def _unsimulated(worker: Worker, volume: Object, _state: MountState) -> int:
    kind = kind_of(volume)
    worker.not_simulated(f'volumes of kind {kind}: "{volume["name"]}" is scratch space, which is gone with the pod')
    return _told(worker, volume, PodVolume(mode=0o777, group=group_of(worker.pod)))


_KINDS: Final[dict[str, Callable[[Worker, Object, MountState], int]]] = {
    "emptyDir": _empty_dir, "hostPath": _host_path, "persistentVolumeClaim": _claim, "ephemeral": _claim, "nfs": _nfs, "image": _image,
    "csi": _inline_csi, **dict.fromkeys(MADE_FROM_OBJECTS, _made),
}  # fmt: skip
