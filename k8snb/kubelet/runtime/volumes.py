"""The volumes of a machine's pods, as files: where the tree behind each is, and how much of it a pod sees.

    own     a shelf of the pod, gone with it                    emptyDir, configMap, secret, projected, downwardAPI
    host    the machine's own files, below a path               hostPath, local
    disk    the files on a disk of a CSI driver                 persistentVolumeClaim, csi
    image   the files of an image, read-only                    image

Only the first two are kept here; a disk is the driver's, and every pod that mounts it sees the same files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from k8snb.kubelet.images.files import File, Volume, text_of
from k8snb.seams.cri import DISK, HOST, IMAGE, PodVolume
from k8snb.seams.csi import Driver
from k8snb.sim.state import Shelf

DEVICES: Final = {
    "run/containerd/containerd.sock": "socket", "var/run/docker.sock": "", "dev/null": "char", "dev/zero": "char", "dev/random": "char",
    "dev/tty": "char", "dev/kmsg": "char", "dev/vda": "block", "dev/vda1": "block",
}  # fmt: skip
"""What is on a machine and is neither a file nor a directory."""

DIRECTORIES: Final = (
    "bin", "boot", "dev", "etc", "etc/kubernetes", "home", "lib", "lib/modules", "mnt", "mnt/disks", "opt", "proc", "root", "run",
    "srv", "sys", "sys/fs/cgroup", "tmp", "usr", "usr/share", "var", "var/lib", "var/lib/docker", "var/lib/docker/containers",
    "var/lib/kubelet", "var/lib/kubelet/pods", "var/log", "var/log/containers", "var/log/pods", "var/run",
)  # fmt: skip
"""The directories of a machine with Linux and a kubelet. Below ``mnt``, every path is one: there a disk is mounted."""

SPARE = "mnt/"


def fresh_machine() -> Shelf:
    """The files of a machine on which nothing has run yet."""
    return Shelf({**{f"{path}/": File("", 0o755) for path in DIRECTORIES}, "etc/machine-id": "", "etc/os-release": _OS_RELEASE})


_OS_RELEASE = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nID=debian\n'


@dataclass(slots=True)
class VolumesState:
    """What lies on the machine: the pods' own volumes, what each of their volumes is, and the machine's files."""

    own: dict[str, dict[str, Shelf]] = field(default_factory=dict)  # pod uid -> volume -> tree
    mounted: dict[str, Shelf] = field(default_factory=dict)  # pod uid -> volume -> PodVolume
    host: Shelf = field(default_factory=Shelf)  # empty until somebody looks


class Volumes:
    """The operations on a :class:`VolumesState`."""

    def __init__(self, state: VolumesState, drivers: Mapping[str, Driver], images: Any):
        self.state, self.drivers, self.images = state, drivers, images

    def mount(self, uid: str, name: str, volume: PodVolume) -> None:
        """A volume of a pod is there from now on."""
        self.state.mounted.setdefault(uid, Shelf())[name] = volume
        self.state.own.setdefault(uid, {}).setdefault(name, Shelf())

    def write(self, uid: str, name: str, tree: Mapping[str, Any]) -> None:
        """Replace what is in a pod's own volume."""
        shelf = self.state.own.setdefault(uid, {}).setdefault(name, Shelf())
        shelf.clear()
        shelf.update(tree)

    def forget(self, uid: str) -> None:
        """The pod is gone, and with it what was its own."""
        self.state.own.pop(uid, None)
        self.state.mounted.pop(uid, None)

    def of(self, uid: str) -> dict[str, Volume]:
        """The volumes of a pod as its containers' files see them."""
        return {name: self._view(uid, name, volume) for name, volume in self.state.mounted.get(uid, {}).items()}

    def files(self, uid: str, name: str) -> dict[str, Any]:
        """The tree of one volume, relative to its root."""
        volume: PodVolume | None = self.state.mounted.get(uid, Shelf()).get(name)
        if volume is None:
            return {}
        seen = self._view(uid, name, volume)
        start = f"{seen.root}/" if seen.root else ""
        return {path[len(start) :]: entry for path, entry in seen.shelf.items() if path.startswith(start)}

    def usage(self, uid: str) -> dict[str, int]:
        """Bytes in the pod's own volumes."""
        return {name: sum(len(text_of(e) or "") for e in tree.values()) for name, tree in self.state.own.get(uid, {}).items()}

    def _view(self, uid: str, name: str, volume: PodVolume) -> Volume:
        shown = (volume.read_only, volume.device, volume.filesystem, volume.size, volume.limited)
        if volume.kind == HOST:
            return Volume(self._host(), volume.place.strip("/"), *shown)
        if volume.kind == DISK:
            driver = self.drivers.get(volume.driver)
            shelf = driver.files(volume.place) if driver is not None else None
            return Volume(shelf if shelf is not None else Shelf(), "", *shown)
        if volume.kind == IMAGE:
            return Volume(Shelf({path.strip("/"): text for path, text in self.images(volume.place).items()}), "", *shown)
        return Volume(self.state.own.get(uid, {}).get(name, Shelf()), "", *shown)

    # -- the machine's own files -------------------------------------------------------------------------------------

    def _host(self) -> Shelf:
        if not self.state.host:
            self.state.host.update(fresh_machine())
        return self.state.host

    def host_kind(self, path: str) -> str:
        """What is at a path of the machine; empty: nothing."""
        key = path.strip("/")
        if key in DEVICES:
            return DEVICES[key]
        host = self._host()
        if text_of(host.get(key)) is not None:
            return "file"
        inside = f"{key}/"
        if not key or key.startswith(SPARE) or inside in host or any(name.startswith(inside) for name in host):
            return "directory"
        return ""

    def make_on_host(self, path: str, kind: str, now: int) -> None:
        """Make an empty directory or file on the machine."""
        key = path.strip("/")
        self._host()[key if kind == "file" else f"{key}/"] = File("", 0o644 if kind == "file" else 0o755, now)
