"""Where a container sees the volumes of its pod: ``mountPath``, ``subPath``, ``subPathExpr``, ``readOnly``.

A ``subPath`` is one file or directory of the volume, chosen when the container starts. In a volume whose files are made from
objects it is a file of that moment, and stays as it was while the others change: :mod:`.atomic` says why.

Models: pkg/kubelet/kubelet_pods.go (makeMounts), pkg/kubelet/container/helpers.go (ExpandContainerVolumeMounts).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k8snb.apimachinery.objects import Object
from k8snb.kubelet.environment import ConfigError
from k8snb.kubelet.images.files import File, Files, Volume
from k8snb.kubelet.volumes.kinds import MADE_FROM_OBJECTS, kind_of
from k8snb.seams.cri import TMPFS, MountPoint, PodVolume
from k8snb.sim.state import Shelf

if TYPE_CHECKING:
    from k8snb.kubelet.worker import Worker


def make(worker: Worker, container: Object, values: Mapping[str, str]) -> tuple[MountPoint, ...]:
    """The mounts of a container that is about to start. Raises :class:`ConfigError`."""
    if worker.runtime.instant:
        return ()
    return tuple([_make(worker, container, mount, values) for mount in container.get("volumeMounts") or ()])


def _make(worker: Worker, container: Object, mount: Object, values: Mapping[str, str]) -> MountPoint:
    path = mount["mountPath"] if mount["mountPath"].startswith("/") else f"/{mount['mountPath']}"
    expression = mount.get("subPathExpr")
    sub_path = mount.get("subPath") or (_expanded(expression, values) if expression else "")
    point = MountPoint(path, mount["name"], sub_path, bool(mount.get("readOnly")))
    if not sub_path:
        return point
    volume = next((v for v in worker.pod["spec"].get("volumes") or () if v["name"] == mount["name"]), None)
    if volume is not None and kind_of(volume) in MADE_FROM_OBJECTS:
        return _frozen(worker, container, point)
    if not _exists(worker.runtime.volume_files(worker.state.uid, point.volume), sub_path):
        try:
            worker.runtime.make_directory(worker.state.uid, point.volume, sub_path)
        except OSError:
            why = f'failed to create subPath directory for volumeMount "{mount["name"]}" of container "{container["name"]}"'
            raise ConfigError(why) from None
    return point


def _expanded(text: str, values: Mapping[str, str]) -> str:
    names = [match[2] for match in re.finditer(r"\$(\$|\(([^()]*)\))", text) if match[1] != "$"]
    missing = sorted({name for name in names if not values.get(name)})
    if missing:
        raise ConfigError(f"missing value for {', '.join(missing)}")
    return re.sub(r"\$(\$|\(([^()]*)\))", lambda m: "$" if m[1] == "$" else values[m[2]], text)


def _exists(tree: Mapping[str, Any], path: str) -> bool:
    inside = path.strip("/") + "/"
    return path.strip("/") in tree or any(name.startswith(inside) for name in tree)


def _frozen(worker: Worker, container: Object, point: MountPoint) -> MountPoint:
    """A copy of what is at the path now, as a volume of the container's own. What is not there becomes a directory."""
    uid, path = worker.state.uid, point.sub_path.strip("/")
    tree = Shelf(worker.runtime.volume_files(uid, point.volume))
    view = Files(Shelf(), {}, (MountPoint("/v", "v"),), {"v": Volume(tree)})
    last, text, stat = path.rpartition("/")[2], view.read(f"/v/{path}"), view.stat(f"/v/{path}", follow=True)
    if text is not None:
        copy = {last: File(text, stat.mode if stat is not None and stat.kind == "-" else 0o644, worker.now)}
    else:
        texts = {name: view.read(f"/v/{path}/{name}") for name in view.listing(f"/v/{path}")}
        copy = {
            f"{last}/": File("", 0o755, worker.now),
            **{f"{last}/{n}": File(t, 0o644, worker.now) for n, t in texts.items() if t is not None},
        }
    name = f"{point.volume}:{container['name']}:{point.path}"
    worker.runtime.set_volume(uid, name, PodVolume(device=TMPFS, filesystem=TMPFS, read_only=True))
    worker.runtime.write_volume(uid, name, copy)
    return point._replace(volume=name, sub_path=last)
