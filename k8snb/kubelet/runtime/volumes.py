"""The volumes of a machine's pods, as files: where the tree behind each is, and how much of it a pod sees.

    own     a shelf of the pod, gone with it                    emptyDir, configMap, secret, projected, downwardAPI
    host    the machine's own files, below a path               hostPath, local; with the logs of its containers
    disk    the files on a disk of a CSI driver                 persistentVolumeClaim, csi
    image   the files of an image, read-only                    image

Only the first two are kept here; a disk is the driver's, and every pod that mounts it sees the same files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from k8snb.apimachinery.meta import micro_timestamp
from k8snb.kubelet.images.files import File, Volume, size_of, text_of
from k8snb.seams.cri import DISK, HOST, IMAGE, TMPFS, ContainerConfig, PodVolume
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
LOGS, POD_LOGS = "var/log/containers", "var/log/pods"
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def fresh_machine() -> Shelf:
    """The files of a machine on which nothing has run yet."""
    return Shelf({**{f"{path}/": File("", 0o755) for path in DIRECTORIES}, "etc/machine-id": "", "etc/os-release": _OS_RELEASE})


_OS_RELEASE = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nID=debian\n'


class ContainerLogs(Mapping[str, str]):
    """The logs of a machine's containers as files, made when somebody reads one: by pod and attempt below ``var/log/pods``, and in one
    directory, ``var/log/containers`` (links upstream, the same files here).

    ``containers()`` gives what each was made from, and its lines with their times.
    """

    def __init__(self, containers: Callable[[], Iterable[tuple[ContainerConfig, Sequence[tuple[int, str]]]]]):
        self._containers = containers

    def __getitem__(self, path: str) -> str:
        for name, lines in self._files():
            if name == path:
                return "".join(f"{micro_timestamp(when)} stdout F {line}\n" for when, line in lines)
        raise KeyError(path)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._files())

    def __len__(self) -> int:
        return sum(1 for _ in self._files())

    def _files(self) -> Iterator[tuple[str, Sequence[tuple[int, str]]]]:
        for config, lines in self._containers():
            yield f"{LOGS}/{config.pod}_{config.namespace}_{config.name}-{config.id.rpartition('/')[2]}.log", lines
            yield f"{POD_LOGS}/{config.namespace}_{config.pod}_{config.pod_uid}/{config.name}/{config.attempt}.log", lines


@dataclass(slots=True)
class VolumesState:
    """What lies on the machine: the pods' own volumes, what each of their volumes is, and the machine's files."""

    own: dict[str, dict[str, Shelf]] = field(default_factory=dict)  # pod uid -> volume -> tree
    mounted: dict[str, Shelf] = field(default_factory=dict)  # pod uid -> volume -> PodVolume
    host: Shelf = field(default_factory=Shelf)  # empty until somebody looks
    in_memory: dict[str, int] = field(default_factory=dict)  # pod uid -> bytes in its memory-backed volumes, where it has any


def _is_scratch(volume: PodVolume) -> bool:
    """Whether containers write into memory there. (The kubelet's own files, of Secrets and so on, are small.)"""
    return bool(volume.device == TMPFS and not volume.read_only)


class Volumes:
    """The operations on a :class:`VolumesState`."""

    def __init__(self, state: VolumesState, drivers: Mapping[str, Driver], images: Any, logs: Mapping[str, str]):
        self.state, self.drivers, self.images, self.logs = state, drivers, images, logs

    def mount(self, uid: str, name: str, volume: PodVolume) -> None:
        """A volume of a pod is there from now on."""
        self.state.mounted.setdefault(uid, Shelf())[name] = volume
        self.state.own.setdefault(uid, {}).setdefault(name, Shelf())
        if _is_scratch(volume):
            self.state.in_memory.setdefault(uid, 0)

    def write(self, uid: str, name: str, tree: Mapping[str, Any]) -> None:
        """Replace what is in a pod's own volume."""
        shelf = self.state.own.setdefault(uid, {}).setdefault(name, Shelf())
        shelf.clear()
        shelf.update(tree)
        if uid in self.state.in_memory:
            self.grown(uid)

    def grown(self, uid: str) -> int:
        """By how many bytes the files in a pod's memory-backed volumes have grown since the last look."""
        names = [name for name, volume in self.state.mounted.get(uid, {}).items() if _is_scratch(volume)]
        total, before = sum(size_of(self.state.own[uid][name]) for name in names), self.state.in_memory[uid]
        self.state.in_memory[uid] = total
        return total - before

    def on_disk(self, uid: str) -> tuple[int, int]:
        """Bytes and files in a pod's own volumes, but for those in memory."""
        in_memory = {name for name, volume in self.state.mounted.get(uid, {}).items() if volume.device == TMPFS}
        trees = [tree for name, tree in self.state.own.get(uid, {}).items() if name not in in_memory]
        return sum(map(size_of, trees)), sum(map(len, trees))

    def forget(self, uid: str) -> None:
        """The pod is gone, and with it what was its own."""
        self.state.own.pop(uid, None)
        self.state.mounted.pop(uid, None)
        self.state.in_memory.pop(uid, None)

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
        return {name: size_of(tree) for name, tree in self.state.own.get(uid, {}).items()}

    def inodes(self, uid: str) -> dict[str, int]:
        """Files in the pod's own volumes."""
        return {name: len(tree) for name, tree in self.state.own.get(uid, {}).items()}

    def _view(self, uid: str, name: str, volume: PodVolume) -> Volume:
        shown = (volume.read_only, volume.device, volume.filesystem, volume.size, volume.limited)
        if volume.kind != HOST:
            return Volume(self._tree(uid, name, volume), "", *shown, NOTHING, volume.mode, volume.group)
        place = volume.place.strip("/")
        sees_logs = not place or any(f"{one}/".startswith(f"{place}/") or f"{place}/".startswith(f"{one}/") for one in (LOGS, POD_LOGS))
        return Volume(self._host(), place, *shown, self.logs if sees_logs else NOTHING, volume.mode, volume.group)

    def _tree(self, uid: str, name: str, volume: PodVolume) -> Shelf:
        if volume.kind == DISK:
            driver = self.drivers.get(volume.driver)
            shelf = driver.files(volume.place) if driver is not None else None
            return shelf if shelf is not None else Shelf()
        if volume.kind == IMAGE:
            return Shelf({path.strip("/"): text for path, text in self.images(volume.place).items()})
        return self.state.own.get(uid, {}).get(name, Shelf())

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
        if key in self.logs:
            return "file"
        if not key or key.startswith(SPARE) or inside in host or any(name.startswith(inside) for name in host):
            return "directory"
        return ""

    def make_on_host(self, path: str, kind: str, now: int) -> None:
        """Make an empty directory or file on the machine."""
        key = path.strip("/")
        self._host()[key if kind == "file" else f"{key}/"] = File("", 0o644 if kind == "file" else 0o755, now)
