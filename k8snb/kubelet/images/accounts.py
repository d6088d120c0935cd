"""Users and groups by their names: ``/etc/passwd`` and ``/etc/group`` of a container, and as whom a process runs there.

    image's USER "nginx", pod says nothing        -> its number and group in /etc/passwd, and every group that lists it
    runAsUser: 1000, runAsGroup: 3000             -> those; /etc/passwd is asked only for a group that nobody named
    fsGroup, supplementalGroups                   -> added; ``supplementalGroupsPolicy: Strict`` leaves out those of /etc/group

Models: containerd's oci.WithUser and oci.WithAdditionalGIDs, which read the two files of the image's root file system.
Simplified: the group part of ``USER name:group`` is not asked, as a kubelet does not hand it on.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

from k8snb.apimachinery.strconv import integer
from k8snb.kubelet.images.ownership import Identity
from k8snb.seams.cri import RunAs

PASSWD, GROUP = "/etc/passwd", "/etc/group"


class Account(NamedTuple):
    """A line of ``/etc/passwd``."""

    name: str
    user: int
    group: int
    home: str


class Group(NamedTuple):
    """A line of ``/etc/group``, with the names of its members."""

    name: str
    number: int
    members: tuple[str, ...]


@functools.lru_cache(maxsize=256)
def accounts(passwd: str) -> tuple[Account, ...]:
    """The users of a passwd file; lines that are none are passed over."""
    found = []
    for row in (line.split(":") for line in passwd.splitlines()):
        user, group = (integer(row[2]), integer(row[3])) if len(row) > 5 else (None, None)
        if user is not None and group is not None:
            found.append(Account(row[0], user, group, row[5]))
    return tuple(found)


@functools.lru_cache(maxsize=256)
def groups(group: str) -> tuple[Group, ...]:
    """The groups of a group file; lines that are none are passed over."""
    rows = (line.split(":") for line in group.splitlines())
    numbered = ((row, integer(row[2])) for row in rows if len(row) > 3)
    return tuple(Group(row[0], number, tuple(filter(None, row[3].split(",")))) for row, number in numbered if number is not None)


@functools.lru_cache(maxsize=1024)
def account_of(passwd: str, user: int | str) -> Account | None:
    """A user by number or name."""
    return next((one for one in accounts(passwd) if user in (one.user, one.name)), None)


def group_name(group: str, number: int) -> str:
    """A group's name; empty where it has none."""
    return next((one.name for one in groups(group) if one.number == number), "")


def lines(users: Mapping[str, tuple[int, int]], of_root: Mapping[str, int]) -> tuple[str, str]:
    """Lines for the two files: for each name its user and its group, which has the same name; groups in which root is."""
    passwd = "".join(f"{name}:x:{user}:{group}::/home/{name}:/sbin/nologin\n" for name, (user, group) in users.items())
    own = "".join(f"{name}:x:{group}:\n" for name, (_, group) in users.items())
    return passwd, "".join(f"{name}:x:{number}:root\n" for name, number in of_root.items()) + own


@functools.lru_cache(maxsize=1024)
def identity(passwd: str, group: str, own: str, wanted: RunAs) -> Identity:
    """As whom a process runs; ``own`` is the image's ``USER``."""
    named = own.partition(":")[0] or "0"
    known = wanted.user if wanted.user is not None else int(named) if named.isdecimal() else named
    account = account_of(passwd, known)
    user = account.user if account else known if isinstance(known, int) else 0
    first = wanted.group if wanted.group is not None else account.group if account else 0
    listed = [one.number for one in groups(group) if account and account.name in one.members] if wanted.merge else []
    return Identity(user, tuple(dict.fromkeys((first, *sorted((*listed, *wanted.more))))))
