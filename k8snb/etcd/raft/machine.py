"""The state machine of one member: the keys as they are after the entries that it has applied.

Every member applies the same entries in the same order, so two members that have applied equally many hold equal stores.
One that lags holds the past, and a read from it (*serializable* in etcd's words) tells that past.

Models: etcd server/etcdserver/apply, server/storage/mvcc. Simplified: members keep the present only; the history of changes,
which the API server's watches read, is kept once, in :class:`k8snb.etcd.store.StoreState`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from k8snb.etcd.raft.log import Command
from k8snb.etcd.store import KeyValue, renewed
from k8snb.sim.state import Shelf

Stamp = Callable[[Any, int], Any]  # a value as it is held once its revision is known


@dataclass(slots=True)
class Machine:
    """Keys, the revision of the last write, and the floor of history."""

    keys: Shelf = field(default_factory=Shelf)
    revision: int = 1
    compacted: int = 0

    def apply(self, command: Command, stamp: Stamp) -> None:
        """Do what a committed entry asks, if its comparison holds."""
        if command.op == "compact":
            self.compacted = max(self.compacted, command.expect or 0)
        elif command.op in ("put", "delete"):
            self._write(command, stamp)

    def _write(self, command: Command, stamp: Stamp) -> None:
        old: KeyValue | None = self.keys.get(command.key)
        actual = old.mod_revision if old else 0
        if command.expect not in (None, actual) or (command.op == "delete" and old is None):
            return
        self.revision += 1
        if command.op == "delete":
            del self.keys[command.key]
        else:
            self.keys[command.key] = renewed(old, stamp(command.value, self.revision), self.revision, command.lease)

    def image(self) -> tuple[int, int, tuple[tuple[str, KeyValue], ...]]:
        """All of it as an immutable value, for a snapshot message."""
        return self.revision, self.compacted, tuple(self.keys.items())

    def restore(self, image: tuple[int, int, tuple[tuple[str, KeyValue], ...]]) -> None:
        """Become what a snapshot says."""
        self.revision, self.compacted = image[0], image[1]
        self.keys = Shelf(image[2])
