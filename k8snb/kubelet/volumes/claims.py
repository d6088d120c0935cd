"""The disk behind a claim: from the claim to its PersistentVolume, attached to this node, staged, and mounted.

    claim -> PersistentVolume -> attached (Node.status.volumesAttached) -> in use (volumesInUse) -> staged -> mounted

What the kubelet says to be in use is not detached: that is how the attach/detach controller knows that a volume is still mounted.

Models: pkg/kubelet/volumemanager (populator, reconciler), pkg/volume/csi, pkg/volume/local, operation_generator.go
(GenerateMountVolumeFunc, nodeExpandVolume).
Simplified: what is in use is written into the Node at once (upstream: with its next status); a raw disk (volumeMode Block) is
attached, but its device is no file of the container.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from k8snb.apimachinery import quantity
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import drop_condition
from k8snb.apimachinery.objects import EMPTY_LIST, FrozenDict, Object, dig, drop, put
from k8snb.component_helpers.nodeaffinity import matches_node_selector
from k8snb.kubelet.state import MountState
from k8snb.kubelet.volumes import host_path
from k8snb.kubelet.volumes.errors import Attaching, MountError, Unprocessed
from k8snb.resources.core.persistentvolume import SOURCES
from k8snb.seams.cri import DISK, HOST, PodVolume
from k8snb.seams.csi import Driver
from k8snb.sim.state import Shelf

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet
    from k8snb.kubelet.worker import Worker

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"
NFS = "kubernetes.io/nfs"
_UNKNOWN = (
    "kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: "
    "driver name {} not found in the list of registered CSI drivers"
)


class Found(NamedTuple):
    """A claim and its PersistentVolume."""

    claim: Object
    volume: Object

    @property
    def name(self) -> str:
        """The PersistentVolume's."""
        return str(self.volume["metadata"]["name"])


class Use(NamedTuple):
    """What a pod's volume makes of them."""

    found: Found
    state: MountState
    read_only: bool = False


def find(worker: Worker, name: str) -> Found:
    """A claim of the pod's namespace and its volume. Raises :class:`Unprocessed`."""
    client, namespace = worker.kubelet.client, worker.state.namespace
    start = f"error processing PVC {namespace}/{name}: "
    claim = client.find(CLAIMS, name, namespace)
    if claim is None:
        raise Unprocessed(f'{start}failed to fetch PVC from API server: persistentvolumeclaims "{name}" not found')
    if "deletionTimestamp" in claim["metadata"]:
        raise Unprocessed(f"{start}PVC is being deleted")
    bound = claim["spec"].get("volumeName", "")
    if dig(claim, "status.phase") != "Bound" or not bound:
        raise Unprocessed(f"{start}PVC is not bound")
    volume = client.find(VOLUMES, bound)
    if volume is None:
        raise Unprocessed(f'{start}failed to fetch PV {bound} from API server: persistentvolumes "{bound}" not found')
    return Found(claim, volume)


def mount(worker: Worker, volume: Object, use: Use) -> int:
    """Mount the disk behind a claim; how long it takes (µs)."""
    name, spec = use.found.name, use.found.volume["spec"]
    _check_mode(worker.pod, volume["name"], spec.get("volumeMode", "Filesystem"))
    required = dig(spec, "nodeAffinity.required")
    if required is not None and not matches_node_selector(required, worker.kubelet.node):
        raise MountError(name, "no matching NodeSelectorTerms", "NodeAffinity check")
    if "csi" in spec:
        return _csi(worker, volume, use)
    mounted = _in_tree(worker, name, spec)
    worker.runtime.set_volume(worker.state.uid, volume["name"], mounted._replace(read_only=use.read_only or mounted.read_only))
    return 0


def _check_mode(pod: Object, name: str, mode: str) -> None:
    """A file system is mounted, a raw disk is a device. Raises :class:`Unprocessed`."""
    everyone = [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
    for field, wanted in (("volumeMounts", "Filesystem"), ("volumeDevices", "Block")):
        if mode != wanted and any(item["name"] == name for container in everyone for item in container.get(field) or ()):
            raise Unprocessed(f"volume {name} has volumeMode {mode}, but is specified in {field}")


def _in_tree(worker: Worker, name: str, spec: Object) -> PodVolume:
    """A PersistentVolume without a driver."""
    if "hostPath" in spec:
        host_path.check(worker.runtime, name, spec["hostPath"]["path"], spec["hostPath"].get("type") or "")
        return PodVolume(HOST, spec["hostPath"]["path"])
    if "local" in spec:
        if worker.runtime.host_kind(spec["local"]["path"]) != "directory":
            raise MountError(name, f'path "{spec["local"]["path"]}" does not exist', "NewMounter initialization")
        return PodVolume(HOST, spec["local"]["path"], device=f"/dev/{name}")
    if "nfs" in spec:
        return nfs(worker, spec["nfs"])
    kind = next((field for field in SOURCES if field in spec), "unknown")
    worker.not_simulated(f'volumes of kind {kind}: "{name}" is scratch space, which is gone with the pod')
    return PodVolume()


def nfs(worker: Worker, source: Object) -> PodVolume:
    """A directory of an NFS server: the same files for everybody who mounts it."""
    place = f"{source['server']}:{source['path']}"
    handle = worker.kubelet.drivers[NFS].create(place, 1, {}, (), ()).handle
    return PodVolume(DISK, handle, NFS, device=place, filesystem="nfs4", read_only=bool(source.get("readOnly")))


def _csi(worker: Worker, volume: Object, use: Use) -> int:
    source, name, kubelet = use.found.volume["spec"]["csi"], use.found.name, worker.kubelet
    driver = kubelet.drivers.get(source["driver"])
    unique = f"kubernetes.io/csi/{source['driver']}^{source['volumeHandle']}"
    if (driver is None or driver.traits.attach) and not _is_attached(kubelet, unique):
        raise Attaching(volume["name"])
    if driver is None:
        raise MountError(name, _UNKNOWN.format(source["driver"]), "MountDevice")
    modes = use.found.volume["spec"].get("accessModes") or ()
    others = [uid for uid in kubelet.own.in_use.get(unique, ()) if uid != worker.state.uid]
    if others and list(modes) == ["ReadWriteOncePod"]:
        raise MountError(name, "volume uses the ReadWriteOncePod access mode and is already in use by another pod")
    _hold(kubelet, unique, worker.state.uid)
    use.state.unique = unique
    if error := driver.stage(source["volumeHandle"], kubelet.node_name):
        raise MountError(name, error, "MountDevice")
    worker.runtime.set_volume(worker.state.uid, volume["name"], _mounted(worker, driver, source, read_only=use.read_only))
    grow(worker, use.found)
    return driver.traits.timing.stage


def _mounted(worker: Worker, driver: Driver, source: Object, *, read_only: bool) -> PodVolume:
    traits, handle = driver.traits, source["volumeHandle"]
    letter = "bcdefghijklmnopqrstuvwxyz"[(len(worker.kubelet.own.in_use) - 1) % 25]
    device = f"/dev/sd{letter}" if traits.attach else traits.name
    return PodVolume(
        DISK, handle, traits.name, device, source.get("fsType") or traits.filesystem, driver.size(handle), limited=True,
        read_only=read_only or bool(source.get("readOnly")), group=dig(worker.pod, "spec.securityContext.fsGroup", 0),
    )  # fmt: skip


def _is_attached(kubelet: Kubelet, unique: str) -> bool:
    return any(item["name"] == unique for item in dig(kubelet.node, "status.volumesAttached", EMPTY_LIST))


def grow(worker: Worker, found: Found) -> bool:
    """Let the file system follow a disk that has grown, and say so on the claim. False where there is nothing to do."""
    have, wanted = (dig(found.claim, "status.capacity.storage", "0"), dig(found.volume, "spec.capacity.storage", "0"))
    if quantity.exact(have) >= quantity.exact(wanted):
        return False
    status: FrozenDict = put(found.claim["status"], "capacity.storage", wanted)
    left = drop_condition(drop_condition(status.get("conditions") or (), "FileSystemResizePending"), "Resizing")
    status = put(status, "conditions", left) if left else drop(status, "conditions")
    status = drop(drop(status, "allocatedResourceStatuses"), "allocatedResources")
    worker.kubelet.client.update_status(CLAIMS, put(found.claim, "status", status))
    message = f'MountVolume.NodeExpandVolume succeeded for volume "{found.name}" {worker.kubelet.node_name}'
    worker.event("Normal", "FileSystemResizeSuccessful", message)
    return True


# -- volumesInUse ------------------------------------------------------------------------------------------------------


def _hold(kubelet: Kubelet, unique: str, uid: str) -> None:
    users = kubelet.own.in_use.setdefault(unique, Shelf())
    if not users:
        users[uid] = True
        report(kubelet)
    users[uid] = True


def let_go(kubelet: Kubelet, unique: str, uid: str) -> bool:
    """The pod has unmounted the volume; True where it was the last."""
    users = kubelet.own.in_use.get(unique)
    if users is None:
        return False
    users.pop(uid, None)
    if users:
        return False
    del kubelet.own.in_use[unique]
    return True


def report(kubelet: Kubelet) -> None:
    """Write into the Node which attachable volumes are mounted here. What fails is written with the next status."""
    names = sorted(kubelet.own.in_use)
    try:
        kubelet.client.patch("nodes", kubelet.node_name, {"status": {"volumesInUse": names or None}}, subresource="status")
    except ApiError:
        return
