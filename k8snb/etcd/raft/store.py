"""The KV interface over a Raft group: what the API server calls, with three members behind it.

    put(key, value)  ->  an entry in the leader's log  ->  held by a majority: committed  ->  applied: revision, watches, answer

A read through this interface is *linearizable*: it is refused where the group could have moved on without the members that are
reachable. Each member also has its own keys (:meth:`RaftStore.held_by`): a read of those is *serializable*, always answered,
perhaps out of date.

What all members agree on is applied once to :class:`k8snb.etcd.store.StoreState`, which keeps the history that watches and time
travel read; ``running`` there says whether the group serves. Models: etcd server/etcdserver/v3_server.go. Simplified: leases
are kept beside the log (granting one is no entry); the keys that one takes along are deleted by proposals.
"""

from __future__ import annotations

from typing import Any

from k8snb.etcd.raft.group import TIMED_OUT, Group, GroupState
from k8snb.etcd.raft.log import Command, Entry
from k8snb.etcd.raft.machine import Stamp
from k8snb.etcd.raft.member import MemberState
from k8snb.etcd.store import Change, CompareFailed, Store, StoreState, Unavailable
from k8snb.sim.kernel import Event, Kernel


class RaftStore(Store):
    """A :class:`Store` whose writes are proposals. ``stamp(value, revision)`` is a value as it is held under a revision."""

    def __init__(self, state: StoreState, kernel: Kernel, coalesce: tuple[str, ...], *, group: GroupState, stamp: Stamp):
        super().__init__(state, kernel, coalesce)
        self.stamp = stamp
        self.group = Group(group, kernel, stamp=stamp, deliver=self._deliver)
        self._waiting: Entry | None = None
        self._answer: Change | CompareFailed | None = None

    def found(self) -> None:
        """Start the members of a new group and elect a leader."""
        self.group.found()
        self.refresh()

    def handle_raft(self, event: Event) -> None:
        """Kernel event: something happens between the members."""
        self.group.handle(event)
        self.refresh()

    def refresh(self) -> None:
        """Note whether the group serves; after whatever may change that."""
        self.state.running = not self.group.trouble(self.group.endpoint())

    def held_by(self, member: str) -> MemberState:
        """A member's own state: its log and the keys that it has applied."""
        return self.group.state.members[member]

    # ------------------------------------------------------------------ writes

    def put(self, key: str, value: Any, *, expect: int | None = None, lease: int = 0) -> Change:
        """Write a key. Raises :class:`CompareFailed`, or :class:`Unavailable` where no majority takes it."""
        self._available()
        change = self.propose(Command("put", key, value, expect, lease, cause=self._cause()))
        assert change is not None  # a put that is carried out changes something
        return change

    def delete(self, key: str, *, expect: int | None = None, value: Any = None) -> Change | None:
        """Remove a key; None where it was absent."""
        self._available()
        return self.propose(Command("delete", key, None, expect, last=value, cause=self._cause()))

    def compact(self, revision: int) -> None:
        """Forget, on all members, what was before ``revision``."""
        self._available()
        self._compactable(revision)
        self.propose(Command("compact", expect=revision))

    def propose(self, command: Command, through: str = "") -> Change | None:
        """Have a command committed through a member (the clients' one unless given). Raises Unavailable where it is not."""
        through = through or self.group.endpoint()
        trouble = self.group.trouble(through)
        entry = self.group.propose(command, through) if through else None
        if entry is None:
            raise Unavailable(trouble or TIMED_OUT)
        self._waiting, self._answer = entry, None
        try:
            done = self.group.commit(entry, self.held_by(through).leader)
        finally:
            answer, answered = self._answer, self._waiting is None
            self._waiting, self._answer = None, None
            self.refresh()
        if not (done and answered):  # not yet, or another leader's entry has taken its place
            raise Unavailable(TIMED_OUT)
        if isinstance(answer, CompareFailed):
            raise answer
        return answer

    def _cause(self) -> int:
        return self.kernel.causes[0] if self.kernel.causes else 0

    def _deliver(self, entry: Entry) -> None:
        """An entry has been applied for the first time: by now it is history."""
        outer, cause = self.kernel.causes, entry.command.cause
        self.kernel.causes = (cause,) if cause else outer
        answer: Change | CompareFailed | None = None
        try:
            answer = self._applied(entry.command)
        except CompareFailed as failed:
            answer = failed
        finally:
            self.kernel.causes = outer
        if entry is self._waiting:
            self._waiting, self._answer = None, answer

    def _applied(self, command: Command) -> Change | None:
        if command.op == "put":
            return self._put(command.key, self.stamp(command.value, self.state.revision + 1), command.expect, command.lease)
        if command.op == "delete":
            return self._delete(command.key, command.expect, command.last)
        if command.op == "compact":
            self.state.compacted = max(self.state.compacted, command.expect or 0)
        return None

    def _available(self) -> None:
        if not self.state.running:
            raise Unavailable(self.group.trouble(self.group.endpoint()))
