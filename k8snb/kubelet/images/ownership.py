"""Who owns a file, and who may do what with it: users and groups as numbers, the nine bits of a mode.

    owner's bits, if it is the owner; else the group's, if it is in the group; else everybody's.   root may do everything.

A file in a volume with a group of its own (``fsGroup``) belongs to that group, which may do what the owner may.

Models: Linux' discretionary access control; pkg/volume/volume_linux.go (SetVolumeOwnership).
Simplified: whether a file may be executed is not asked. A server that gives up root when it starts (Redis, PostgreSQL) goes on
writing as root.
"""

from __future__ import annotations

from typing import NamedTuple

READ, WRITE, PASS = 4, 2, 1
ANYBODY_WRITES = ("/tmp", "/var/tmp", "/dev/shm")


class Identity(NamedTuple):
    """A process' user and its groups; the first one is the group of what it creates."""

    user: int = 0
    groups: tuple[int, ...] = (0,)


ROOT = Identity()


class Owned(NamedTuple):
    """To whom something belongs, and its mode."""

    mode: int
    user: int = 0
    group: int = 0

    def shared(self, group: int, *, directory: bool, read_only: bool) -> Owned:
        """The same in a volume whose group is ``group`` (0: it has none)."""
        if not group:
            return self
        return Owned(self.mode | (0o440 if read_only else 0o660) | (0o2110 if directory else 0), self.user, group)

    def lets(self, who: Identity, right: int) -> bool:
        """Whether somebody may read it, write it, or (a directory) pass through it."""
        if who.user == 0:
            return True
        shift = 6 if who.user == self.user else 3 if self.group in who.groups else 0
        return bool(self.mode >> shift & right)
