"""What differs between two moments, or two futures: objects that are only in one, and the lines that changed in the others.

Objects are told apart by name, so that two forks compare well although their UIDs differ; what no two runs can share
(resourceVersion, UIDs, times of writing, managed fields) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from k8snb.apimachinery.objects import FrozenDict, Object
from k8snb.messages import text
from k8snb.views.inspect import changes
from k8snb.views.snapshot import Snapshot, identity

_NOISE = ("resourceVersion", "uid", "managedFields", "creationTimestamp", "generation")
_UNTOLD = ("events", "leases.coordination.k8s.io")


class Change(NamedTuple):
    """One object that differs: ``name`` is ``pods shop/web-1``; ``old`` or ``new`` is None where there is none."""

    name: str
    old: Object | None
    new: Object | None

    @property
    def sign(self) -> str:
        """``+`` only in the second, ``-`` only in the first, ``~`` changed."""
        return "+" if self.old is None else "-" if self.new is None else "~"


@dataclass(frozen=True, slots=True)
class Difference:
    """All objects that differ, sorted by name. Its repr is readable; iterate for :class:`Change` records."""

    changes: tuple[Change, ...]

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    def __repr__(self) -> str:
        return "\n".join(line for change in self.changes for line in _told(change)) or text("views.no_difference")


def _told(change: Change) -> list[str]:
    head = f"{change.sign} {change.name}"
    if change.sign != "~":
        return [head]
    return [head, *(f"    {sign or ' '} {line}".rstrip() for sign, line in changes(change.old, change.new))]


def difference(first: Snapshot, second: Snapshot) -> Difference:
    """What differs between two snapshots. Events and leases are not told: they differ always."""
    before, after = _plain(first), _plain(second)
    names = sorted({*before, *after})
    return Difference(tuple(Change(n, before.get(n), after.get(n)) for n in names if before.get(n) != after.get(n)))


def _plain(snapshot: Snapshot) -> dict[str, Object]:
    return {
        identity(resource, obj): _without_noise(obj) for resource, found in snapshot.items() if resource not in _UNTOLD for obj in found
    }


def _without_noise(obj: Object) -> Object:
    meta = {key: value for key, value in obj["metadata"].items() if key not in _NOISE}
    if "ownerReferences" in meta:
        meta["ownerReferences"] = [{key: value for key, value in ref.items() if key != "uid"} for ref in meta["ownerReferences"]]
    return FrozenDict({**obj, "metadata": FrozenDict(meta)})
