"""Paths of the machine itself: is there what the pod expects?

Models: pkg/volume/hostpath/host_path.go (checkTypeInternal), pkg/volume/util/hostutil.
"""

from __future__ import annotations

from typing import Final

from k8snb.kubelet.volumes.errors import MountError
from k8snb.seams.cri import Runtime

_TYPES: Final = {
    "Directory": ("directory", "is not a directory"), "DirectoryOrCreate": ("directory", "is not a directory"),
    "File": ("file", "is not a file"), "FileOrCreate": ("file", "is not a file"), "Socket": ("socket", "is not a socket file"),
    "CharDevice": ("char", "is not a character device"), "BlockDevice": ("block", "is not a block device"),
}  # fmt: skip


def check(runtime: Runtime, name: str, path: str, kind: str) -> None:
    """Check what is at a path of the machine, and make it where that was asked for. Raises :class:`MountError`."""
    there = runtime.host_kind(path)
    if not kind:  # nothing is checked; the runtime makes a directory of what is not there
        if not there:
            runtime.make_on_host(path, "directory")
        return
    if kind not in _TYPES:
        raise MountError(name, f"hostPath type check failed: {path} is an invalid volume type")
    wanted, complaint = _TYPES[kind]
    if not there and kind.endswith("OrCreate"):
        if wanted == "file" and runtime.host_kind(path.rpartition("/")[0] or "/") != "directory":
            raise MountError(name, f"open {path}: no such file or directory")
        runtime.make_on_host(path, wanted)
    elif there != wanted:
        raise MountError(name, f"hostPath type check failed: {path} {complaint}")
