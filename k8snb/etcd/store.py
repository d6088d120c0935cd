"""The key-value store: one revision counter for everything, and every change in order.

etcd is a map with a memory. Each successful write gets the next **revision** of the whole store; a key remembers the
revision in which it was made, the one of its last change, and how often it changed:

    revision 41   put  /registry/pods/default/web-1        version 1   create 41  mod 41
    revision 42   put  /registry/leases/...                version 9   create  7  mod 42
    revision 43   put  /registry/pods/default/web-1        version 2   create 41  mod 43

A write may carry a condition on the last change of its key (``expect``): that compare-and-swap is all the locking that
Kubernetes has. Revision 0 means "the key does not exist".

Changes are kept in a **journal**. Two floors limit how far back one can look: ``compacted`` is the API's floor (a watch from
an older revision is refused, which teaches relisting), ``journal_floor`` is where the recorded history, which time travel
reads, begins. Changes of leases and Events are heartbeats and chatter: the journal keeps only the latest change of such a key.

Models: etcd server/storage/mvcc (kvstore, watchable_store), server/lease. Simplified: values are frozen objects instead of
protobuf bytes; a transaction is one compare and one write, the only form that kube-apiserver uses.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sortedcontainers import SortedList

from k8snb.sim.clock import SECOND
from k8snb.sim.kernel import Event, Kernel
from k8snb.sim.records import maker
from k8snb.sim.state import Shelf, Tape

JOURNAL_CAPACITY = 300_000
COMPONENT = "etcd"
_LAST = "\U0010ffff"  # after every key of a prefix


class CompareFailed(Exception):
    """The key's last change is not the one that the writer expected. ``actual`` is what it is (0: absent)."""

    def __init__(self, key: str, expected: int, actual: int):
        super().__init__(f"{key}: mod revision is {actual}, expected {expected}")
        self.actual = actual


class Compacted(Exception):
    """The revision asked for is below the floor: ``floor`` is the oldest that can be served."""

    def __init__(self, floor: int):
        super().__init__(f"required revision has been compacted (floor {floor})")
        self.floor = floor


class Unavailable(Exception):
    """etcd does not answer: it is stopped, or has lost its quorum. Its text is what a client is told."""

    def __init__(self, message: str = "etcdserver: request timed out"):
        super().__init__(message)


class KeyValue(NamedTuple):
    """A key's current value and its three numbers. ``lease`` 0 means that it lives until deleted."""

    value: Any
    create_revision: int
    mod_revision: int
    version: int
    lease: int


def renewed(old: KeyValue | None, value: Any, revision: int, lease: int) -> KeyValue:
    """What a key holds after a write of that revision."""
    if old is None:
        return _key_value((value, revision, revision, 1, lease))
    return _key_value((value, old.create_revision, revision, old.version + 1, lease))


class Change(NamedTuple):
    """One write: ``value`` is None for a deletion, ``previous`` is None for a creation. ``cause`` is a trace id."""

    revision: int
    time: int
    key: str
    value: Any
    previous: Any
    cause: int


_key_value, _change = maker(KeyValue), maker(Change)


@dataclass(slots=True)
class StoreState:
    """Everything that etcd would have on disk."""

    revision: int = 1
    keys: Shelf = field(default_factory=Shelf)
    journal: Tape = field(default_factory=Tape)
    latest: Shelf = field(default_factory=Shelf)  # coalesced keys: key -> latest Change
    compacted: int = 0
    journal_floor: int = 0
    leases: Shelf = field(default_factory=Shelf)  # id -> (ttl in seconds, expires at)
    attached: dict[int, Tape] = field(default_factory=dict)  # lease id -> its keys
    next_lease: int = 1
    last_change: int = 0  # time of the last change that is no heartbeat
    running: bool = True


class Store:
    """The KV interface. ``listeners`` are told of each change in the order of revisions.

    The sorted list of keys follows from the state and is no part of it; it is cut into pieces, so that a new key among 100,000
    does not move them all.
    """

    def __init__(self, state: StoreState, kernel: Kernel, coalesce: tuple[str, ...] = ()):
        self.state, self.kernel, self.coalesce = state, kernel, coalesce
        self._order = SortedList(state.keys)
        self.listeners: list[Callable[[Change], None]] = []

    @property
    def revision(self) -> int:
        """The revision of the last write."""
        return self.state.revision

    def get(self, key: str) -> KeyValue | None:
        """The key's current value, or None."""
        if not self.state.running:
            self._available()  # says why
        found: KeyValue | None = self.state.keys.get(key)
        return found

    def range(self, prefix: str, start: str = "") -> list[tuple[str, KeyValue]]:
        """All keys with that prefix, in order, from ``start`` on where it is given."""
        self._available()
        return self._range(prefix, start)

    def kept(self, prefix: str) -> list[Any]:
        """The values under a prefix as they lie on its disk, also while it does not answer: a fork is wired over a stopped etcd too."""
        return [item.value for _, item in self._range(prefix)]

    def _range(self, prefix: str, start: str = "") -> list[tuple[str, KeyValue]]:
        keys = self.state.keys
        return [(key, keys[key]) for key in self._order.irange(max(start, prefix), prefix + _LAST, inclusive=(True, False))]

    def count(self, prefix: str) -> int:
        """How many keys have that prefix."""
        return int(self._order.bisect_left(prefix + _LAST) - self._order.bisect_left(prefix))

    def put(self, key: str, value: Any, *, expect: int | None = None, lease: int = 0) -> Change:
        """Write a key. Raises :class:`CompareFailed` where ``expect`` is not its last change (0: must not exist)."""
        if not self.state.running:
            self._available()
        return self._put(key, value, expect, lease)

    def _put(self, key: str, value: Any, expect: int | None, lease: int) -> Change:
        state = self.state
        old: KeyValue | None = state.keys.get(key)
        if expect is not None:
            self._compare(key, old, expect)
        state.revision += 1
        state.keys[key] = renewed(old, value, state.revision, lease)
        if old is None:
            self._order.add(key)
        if lease:
            self._attach(key, lease)
        return self._record(key, value, old.value if old else None)

    def delete(self, key: str, *, expect: int | None = None, value: Any = None) -> Change | None:
        """Remove a key; None where it was absent. ``previous`` of the change is ``value`` where that is given."""
        self._available()
        return self._delete(key, expect, value)

    def _delete(self, key: str, expect: int | None, value: Any) -> Change | None:
        state = self.state
        old: KeyValue | None = state.keys.get(key)
        if expect is not None:
            self._compare(key, old, expect)
        if old is None:
            return None
        state.revision += 1
        del state.keys[key]
        self._order.remove(key)
        return self._record(key, None, old.value if value is None else value)

    def _compare(self, key: str, old: KeyValue | None, expect: int) -> None:
        actual = old.mod_revision if old else 0
        if expect != actual:
            raise CompareFailed(key, expect, actual)

    def _record(self, key: str, value: Any, previous: Any) -> Change:
        state, now, causes = self.state, self.kernel.state.now, self.kernel.causes
        change = _change((state.revision, now, key, value, previous, causes[0] if causes else 0))
        if key.startswith(self.coalesce):
            state.latest[key] = change
        else:
            state.last_change = now
            state.journal.append(change)
            if len(state.journal) > JOURNAL_CAPACITY:
                cut = JOURNAL_CAPACITY // 4
                state.journal_floor = state.journal[cut - 1].revision
                del state.journal[:cut]
        for listener in self.listeners:
            listener(change)
        return change

    def changes_since(self, revision: int, prefix: str = "") -> list[Change]:
        """Every kept change after that revision, in order. Raises :class:`Compacted` below the floor."""
        state = self.state
        floor = max(state.compacted, state.journal_floor)
        if revision < floor:
            raise Compacted(floor)
        first = bisect_right(state.journal, revision, key=_revision)
        found = [c for c in state.journal[first:] if c.key.startswith(prefix)]
        late = [c for c in state.latest.values() if c.revision > revision and c.key.startswith(prefix)]
        return sorted(found + late, key=_revision) if late else found

    def stale(self, key: str) -> bool:
        """Whether the key is held in a form in which it would not be written any more: then even an unchanged object is written."""
        return False

    def opened(self, change: Change) -> Change:
        """A change of the journal as whoever reads through this store sees it: here, as it is."""
        return change

    def compact(self, revision: int) -> None:
        """Forget, for watches and old reads, what was before ``revision``. Raises ValueError where that cannot be."""
        self._compactable(revision)
        self.state.compacted = revision

    def _compactable(self, revision: int) -> None:
        if not self.state.compacted < revision <= self.state.revision:
            raise ValueError(f"cannot compact to {revision}: it must lie above {self.state.compacted} and not above {self.state.revision}")

    def at(self, revision: int, prefix: str = "") -> dict[str, Any]:
        """Key to value as they were at a past revision, from the journal. Leases and Events are not part of it.

        It is the simulator that remembers: this works while etcd is stopped, too.
        """
        state = self.state
        if not state.journal_floor <= revision <= state.revision:
            raise Compacted(state.journal_floor)
        world = {key: item.value for key, item in self._range(prefix) if not key.startswith(self.coalesce)}
        for change in reversed(state.journal[bisect_right(state.journal, revision, key=_revision) :]):
            if not change.key.startswith(prefix):
                continue
            if change.previous is None:
                world.pop(change.key, None)
            else:
                world[change.key] = change.previous
        return dict(sorted(world.items()))

    def grant(self, ttl: int) -> int:
        """A lease of ``ttl`` seconds: when it runs out, the keys attached to it are deleted."""
        state = self.state
        number, state.next_lease = state.next_lease, state.next_lease + 1
        state.leases[number] = (ttl, self.kernel.now + ttl * SECOND)
        self.kernel.after(ttl * SECOND, COMPONENT, number, why="a lease runs out", background=True)
        return number

    def _attach(self, key: str, lease: int) -> None:
        self.state.attached.setdefault(lease, Tape()).append(key)

    def handle(self, event: Event) -> None:
        """Kernel event: a lease has run out. A key that was since moved to another lease stays.

        While etcd does not answer, nothing runs out: its leader revokes leases, and does so when it is back.
        """
        state = self.state
        if not state.running:
            self.kernel.after(SECOND, COMPONENT, event.key, why="a lease runs out", background=True)
            return
        state.leases.pop(event.key, None)
        for key in state.attached.pop(event.key, Tape()):
            held: KeyValue | None = state.keys.get(key)
            if held is not None and held.lease == event.key:
                self.delete(key)

    def _available(self) -> None:
        if not self.state.running:
            raise Unavailable


def _revision(change: Change) -> int:
    return change.revision
