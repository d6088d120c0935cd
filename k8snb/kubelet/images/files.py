"""The file system of a container: its own layer over the image's files, with the volumes of its pod mounted in it.

A tree of files is a flat :class:`~k8snb.sim.state.Shelf`: path -> entry. An entry is a text (an ordinary file), a :class:`File`
(with mode and time), a :class:`Link`, or None (in a container's own layer: deleted from the image). A path that ends in ``/`` is
a directory that was made; any path with something below it is one, too.

    /etc/config            a mounted volume, whose shelf holds
        ..2026_01_01_00_00_03.118736142/color     File("blue")
        ..data                                    Link("..2026_01_01_00_00_03.118736142")
        color                                     Link("..data/color")

Writing goes where the path leads: into the layer, or into a volume, where others see it. What cannot be read or written says so
as an operating system does: :class:`FileError`.

Who may do what: :mod:`.ownership`. A path leads only through directories that let the user pass.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from k8snb.kubelet.images.ownership import ANYBODY_WRITES, PASS, READ, ROOT, WRITE, Identity, Owned
from k8snb.seams.cri import MountPoint
from k8snb.sim.state import Shelf

MOST_LINKS = 8
BLOCK = 4096


class File(NamedTuple):
    """A file with its permissions and the time of its last change (µs). ``zeros``: so many follow the text; they take room on a disk,
    and none here."""

    text: str
    mode: int = 0o644
    at: int = 0
    zeros: int = 0
    user: int = 0
    group: int = 0


class Link(NamedTuple):
    """A symbolic link; ``target`` is relative to the directory that it is in, or absolute within the same tree."""

    target: str
    at: int = 0


Entry = str | File | Link | None


class FileError(OSError):
    """Something could not be read or written. ``why`` is what a shell prints: ``Read-only file system``."""

    def __init__(self, path: str, why: str):
        super().__init__(f"{path}: {why}")
        self.path, self.why = path, why


class ReadOnlyError(FileError):
    """The volume is mounted read-only, or cannot be written at all."""

    def __init__(self, path: str):
        super().__init__(path, "Read-only file system")


class NoSpaceError(FileError):
    """The volume is full."""

    def __init__(self, path: str):
        super().__init__(path, "No space left on device")


class DeniedError(FileError):
    """Who asks has no right to it."""

    def __init__(self, path: str):
        super().__init__(path, "Permission denied")


class Volume(NamedTuple):
    """A volume as a container's files see it: a tree, or the part of one below ``root``. ``size`` (bytes) 0: as large as the node."""

    shelf: Shelf
    root: str = ""
    read_only: bool = False
    device: str = "/dev/vda1"
    filesystem: str = "ext4"
    size: int = 0
    limited: bool = False  # a write beyond ``size`` fails
    extra: Mapping[str, Entry] = MappingProxyType({})  # files that somebody else keeps writing: seen, never written
    mode: int = 0o755  # of its root
    group: int = 0  # fsGroup


class Stat(NamedTuple):
    """What ``ls -l`` shows: ``kind`` is ``-``, ``d`` or ``l``."""

    kind: str
    size: int
    mode: int
    at: int
    target: str = ""
    user: int = 0
    group: int = 0


class Mounted(NamedTuple):
    """A line of ``mount`` and of ``df``."""

    path: str
    device: str
    filesystem: str
    read_only: bool
    size: int
    used: int


class _Place(NamedTuple):
    """Where a path leads: a shelf, the key in it (without links), the volume it belongs to, and whether it may be written."""

    shelf: Shelf
    key: str
    volume: Volume | None
    writable: bool


def text_of(entry: Entry) -> str | None:
    """The text of a file; None for everything else."""
    if isinstance(entry, File):
        return entry.text + "\0" * entry.zeros if entry.zeros else entry.text
    return entry if isinstance(entry, str) else None


def length_of(entry: Entry) -> int:
    """How many bytes a file holds; 0 for everything else."""
    if isinstance(entry, File):
        return bytes_of(entry.text) + entry.zeros
    return bytes_of(entry) if isinstance(entry, str) else 0


def bytes_of(text: str) -> int:
    """How many bytes a text is: what ``ls`` and a log count."""
    return len(text) if text.isascii() else len(text.encode(errors="surrogateescape"))


def size_of(shelf: Mapping[str, Entry]) -> int:
    """How many bytes the files of a tree hold."""
    return sum(map(length_of, shelf.values()))


class Files:
    """What a process sees under ``/``. ``now`` (µs) is the time that changes get; ``read_only``: the container's own layer, too;
    ``who``: the user that the process runs as."""

    def __init__(
        self, layer: Shelf, base: Mapping[str, Entry], mounts: tuple[MountPoint, ...], volumes: Mapping[str, Volume],
        *, now: int = 0, read_only: bool = False, who: Identity = ROOT,
    ):  # fmt: skip
        self.who = who
        self._layer, self._base, self._volumes, self._now, self._read_only = layer, base, volumes, now, read_only
        self._mounts = sorted(mounts, key=lambda mount: -len(mount.path))  # the innermost first

    # -- reading -----------------------------------------------------------------------------------------------------

    def read(self, path: str) -> str | None:
        """The text of a file, or None where there is none. Raises :class:`DeniedError`."""
        place = self._follow(path)
        entry = self._entry(place)
        if entry is not None and not self._lets(place, entry, READ):
            raise DeniedError(path)
        return text_of(entry)

    def content(self, path: str) -> str | None:
        """The text of a file, whoever asks: what a move takes along."""
        return text_of(self._entry(self._follow(path)))

    def links(self, path: str) -> int:
        """How many names there are for what is at a path: of a directory its own, its ``.`` and the ``..`` of each directory in it."""
        stat = self.stat(path)
        if stat is None or stat.kind != "d":
            return 1
        inside = (self.stat(f"{path.rstrip('/')}/{name}") for name in self.seen_by(ROOT).listing(path))
        return 2 + sum(one is not None and one.kind == "d" for one in inside)

    def is_file(self, path: str) -> bool:
        """Whether the path is an ordinary file (or leads to one)."""
        return self.content(path) is not None

    def seen_by(self, who: Identity) -> Files:
        """The same files, for a process of another user."""
        seen = copy.copy(self)
        seen.who = who
        return seen

    def is_directory(self, path: str) -> bool:
        """Whether the path is a directory: made, mounted, or with something inside it."""
        place = self._follow(path)
        if place.key in ("", "/") or place.key + "/" in place.shelf:
            return True
        inside = place.key + "/"
        if any(name.startswith(inside) for name, entry in place.shelf.items() if entry is not None):
            return True
        if place.volume is not None and any(name.startswith(inside) for name in place.volume.extra):
            return True
        below = path.rstrip("/") + "/"
        if any(f"{mount.path.rstrip('/')}/".startswith(below) and self._is_tree(mount) for mount in self._mounts):
            return True
        return place.shelf is self._layer and any(n.startswith(inside) for n in self._base if self._layer.get(n, "") is not None)

    def names(self) -> list[str]:
        """All paths, sorted; directories that were made end in ``/``. What is behind a link to a directory is not repeated."""
        found = {name for name in self._base if self._layer.get(name, "") is not None}
        found |= {name for name, entry in self._layer.items() if entry is not None}
        for mount in self._mounts:
            root = mount.path.rstrip("/")
            found.add(root + "/" if self._is_tree(mount) else root)
            found |= {f"{root}/{name}" for name in self._below(self._mount_place(mount, ""))}
        return sorted(found)

    def listing(self, directory: str) -> list[str]:
        """The names inside a directory, sorted. Raises :class:`DeniedError`."""
        place = self._follow(directory)
        if not self._lets(place, None, READ):
            raise DeniedError(directory)
        found = {name.split("/")[0] for name in self._below(place)}
        prefix = directory.rstrip("/") + "/"
        found |= {
            mount.path[len(prefix) :].split("/")[0] for mount in self._mounts if mount.path.startswith(prefix) and mount.path != prefix
        }
        return sorted(found - {""})

    def stat(self, path: str, *, follow: bool = False) -> Stat | None:
        """What is at a path (a link itself; with ``follow`` what it leads to); None where nothing is."""
        place = self._follow(path, last=follow)
        entry = self._entry(place)
        if isinstance(entry, Link):
            return Stat("l", len(entry.target), 0o777, entry.at, entry.target)
        owned = self._owned(place, entry)
        if entry is not None:
            at = entry.at if isinstance(entry, File) else 0
            return Stat("-", length_of(entry), owned.mode, at, "", owned.user, owned.group)
        found = self.is_directory(path)
        return Stat("d", BLOCK, owned.mode, self._time_of(place), "", owned.user, owned.group) if found else None

    def mounts(self) -> list[Mounted]:
        """What is mounted where, the root first, then by path."""
        found = [Mounted("/", "overlay", "overlay", self._read_only, 0, size_of(self._layer))]
        for mount in sorted(self._mounts):
            volume = self._volumes.get(mount.volume) or Volume(Shelf())
            used = size_of({name: volume.shelf[name] for name in volume.shelf if name.startswith(volume.root)})
            read_only = mount.read_only or volume.read_only
            found.append(Mounted(mount.path, volume.device, volume.filesystem, read_only, volume.size, used))
        return found

    def is_as_built(self, directory: str) -> bool:
        """Whether everything in a directory (``/etc/nginx/``) is as the image has it: nothing was written there, and neither a volume
        nor a link is on the way to it."""
        for mount in self._mounts:
            root = mount.path.rstrip("/") + "/"
            if root.startswith(directory) or directory.startswith(root):
                return False
        return not [name for name in self._layer if name.startswith(directory) or directory.startswith(name + "/")]

    # -- writing -----------------------------------------------------------------------------------------------------

    def write(self, path: str, text: str, append: bool = False, *, zeros: int = 0) -> None:
        """Write a file; ``zeros``: so many behind the text. Raises :class:`FileError`."""
        place = self._writable(path)
        old = self._entry(place)
        self._demand(place, old, path)
        whole = (text_of(old) or "") + text if append else text
        volume = place.volume
        if volume is not None and volume.limited and size_of(volume.shelf) - length_of(old) + bytes_of(whole) + zeros > volume.size:
            raise NoSpaceError(path)
        kept = self._owned(place, old) if old is not None else Owned(0o644, self.who.user, self.who.groups[0])
        place.shelf[place.key] = File(whole, kept.mode, self._now, zeros, kept.user, kept.group)

    def remove(self, path: str) -> bool:
        """Delete a file, a link or an empty directory; False where there is none. Raises :class:`FileError`."""
        place = self._follow(path, last=False)
        if self._entry(place) is None and not self.is_directory(path):
            return False
        if not place.writable:
            raise ReadOnlyError(path)
        self._demand(place, None, path)
        place.shelf.pop(place.key + "/", None)
        if place.shelf is self._layer and place.key in self._base:
            place.shelf[place.key] = None
        else:
            place.shelf.pop(place.key, None)
        return True

    def make_directory(self, path: str) -> None:
        """Remember an empty directory. Raises :class:`FileError`."""
        place = self._writable(path)
        self._demand(place, None, path)
        place.shelf[place.key.rstrip("/") + "/"] = File("", 0o755, self._now, 0, self.who.user, self.who.groups[0])

    def make_link(self, path: str, target: str) -> None:
        """Make a symbolic link. Raises :class:`FileError`."""
        place = self._writable(path, last=False)
        self._demand(place, None, path)
        place.shelf[place.key] = Link(target, self._now)

    def change(self, path: str, *, mode: int | None = None, user: int | None = None, group: int | None = None) -> bool:
        """Give something another mode or owner; False where nothing is. Raises :class:`FileError`: only the owner may, and only root
        gives away."""
        place = self._writable(path)
        entry, stat = self._entry(place), self.stat(path)
        if stat is None:
            return False
        if self.who.user and (self.who.user != stat.user or user is not None):
            raise FileError(path, "Operation not permitted")
        old = self._owned(place, entry)
        owned = (old.mode if mode is None else mode, old.user if user is None else user, old.group if group is None else group)
        key = place.key if entry is not None else place.key.rstrip("/") + "/"
        known = entry if isinstance(entry, File) else File(entry if isinstance(entry, str) else "", at=self._now)
        place.shelf[key] = known._replace(mode=owned[0], user=owned[1], group=owned[2])
        return True

    # -- rights ------------------------------------------------------------------------------------------------------

    def may_read(self, path: str) -> bool:
        """Whether the user may read what is at a path."""
        place = self._follow(path)
        return self._lets(place, self._entry(place), READ)

    def may_write(self, path: str) -> bool:
        """Whether the user may write what is at a path."""
        place = self._follow(path)
        return place.writable and self._lets(place, self._entry(place), WRITE)

    def refusal(self, path: str) -> FileError | None:
        """What making something new at a path would raise; None where it may be made."""
        place = self._follow(path, last=False)
        if not place.writable:
            return ReadOnlyError(path)
        return None if self.who.user == 0 or self._lets(_parent(place), None, WRITE) else DeniedError(path)

    def _lets(self, place: _Place, entry: Entry, right: int) -> bool:
        """Whether the user has a right to what is at a place, and may pass through the directories that lead there."""
        if self.who.user == 0:
            return True
        above, last = _parent(place), place
        while above.key != last.key:
            if not self._owned(above, None).lets(self.who, PASS):
                return False
            above, last = _parent(above), above
        return self._owned(place, entry).lets(self.who, right)

    def _demand(self, place: _Place, old: Entry, path: str) -> None:
        """Raise :class:`DeniedError` unless the user may write what is there, or make something in its directory."""
        if not (self._lets(place, old, WRITE) if old is not None else self._lets(_parent(place), None, WRITE)):
            raise DeniedError(path)

    def _owned(self, place: _Place, entry: Entry) -> Owned:
        """To whom the file or the directory at a place belongs."""
        volume, directory = place.volume, entry is None
        known = entry
        if directory:
            name = place.key.rstrip("/") + "/"
            known = place.shelf.get(name) or (self._base.get(name) if volume is None else None)
        if isinstance(known, File):
            owned = Owned(known.mode, known.user, known.group)
        elif not directory:
            owned = Owned(0o644)
        elif volume is not None:
            owned = Owned(volume.mode)
        else:
            owned = Owned(0o1777 if place.key in ANYBODY_WRITES else 0o755)
        if volume is None:
            return owned
        return owned.shared(volume.group, directory=directory, read_only=volume.read_only)

    # -- where paths lead --------------------------------------------------------------------------------------------

    def _follow(self, path: str, *, last: bool = True) -> _Place:
        """Where a path leads, links followed (the ``last`` part, too, unless that is the question)."""
        path = path.rstrip("/") or "/"
        for mount in self._mounts:
            root = mount.path.rstrip("/")
            if path == root or path.startswith(root + "/"):
                return self._mount_place(mount, path[len(root) :].strip("/"), last=last)
        return _Place(self._layer, _resolve(self._layer, path, last=last), None, not self._read_only)

    def _mount_place(self, mount: MountPoint, inner: str, *, last: bool = True) -> _Place:
        volume = self._volumes.get(mount.volume) or Volume(Shelf())
        key = "/".join(part for part in (volume.root, mount.sub_path.strip("/"), inner) if part)
        return _Place(volume.shelf, _resolve(volume.shelf, key, last=last), volume, not (mount.read_only or volume.read_only))

    def _writable(self, path: str, *, last: bool = True) -> _Place:
        place = self._follow(path, last=last)
        if not place.writable:
            raise ReadOnlyError(path)
        return place

    def _entry(self, place: _Place) -> Entry:
        found: Entry = place.shelf.get(place.key)
        if found is None and place.volume is not None:
            return place.volume.extra.get(place.key)
        if found is None and place.shelf is self._layer and place.key not in place.shelf:
            return self._base.get(place.key)
        return found

    def _below(self, place: _Place) -> Iterator[str]:
        """The paths below a directory, relative to it."""
        prefix = place.key if place.key in ("", "/") else place.key + "/"
        for name, entry in place.shelf.items():
            if name.startswith(prefix) and name != prefix and entry is not None:
                yield name[len(prefix) :]
        for name in place.volume.extra if place.volume is not None else ():
            if name.startswith(prefix):
                yield name[len(prefix) :]
        if place.shelf is self._layer:
            yield from (n[len(prefix) :] for n in self._base if n.startswith(prefix) and self._layer.get(n, "") is not None)

    def _is_tree(self, mount: MountPoint) -> bool:
        """Whether a directory is mounted, and not a single file (as ``subPath`` may do)."""
        place = self._mount_place(mount, "")
        return place.key == "" or text_of(place.shelf.get(place.key)) is None

    def _time_of(self, place: _Place) -> int:
        """A directory's time: its own where it was made, else of the newest thing in it."""
        made = place.shelf.get(place.key.rstrip("/") + "/")
        if isinstance(made, File):
            return made.at
        prefix = place.key if place.key in ("", "/") else place.key + "/"
        inside = (entry for name, entry in place.shelf.items() if name.startswith(prefix))
        return max((entry.at for entry in inside if isinstance(entry, (File, Link))), default=0)


def _parent(place: _Place) -> _Place:
    """The directory in which something is, within its tree."""
    root = place.volume.root if place.volume is not None else "/"
    above = place.key.rpartition("/")[0] or root
    return place._replace(key=above if len(above) >= len(root) else root)


def _resolve(shelf: Shelf, key: str, *, last: bool) -> str:
    """A key without links in it."""
    for _ in range(MOST_LINKS):
        end = key.find("/")
        while end >= 0 or last:
            part = key if end < 0 else key[:end]
            entry = shelf.get(part)
            if isinstance(entry, Link):
                key = _led(part, entry.target) + key[len(part) :]
                break
            if end < 0:
                return key
            end = key.find("/", end + 1)
        else:
            return key
    return key


def _led(link: str, target: str) -> str:
    """Where a link leads."""
    if target.startswith("/"):
        return "/" + target.strip("/")
    above = link.rpartition("/")
    return above[0] + above[1] + target.strip("/")
