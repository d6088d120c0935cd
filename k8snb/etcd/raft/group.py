"""The group: members, the network between them, and their time.

All that will happen (a message arrives, a clock runs out) lies in the group's own state; the kernel holds one event, for the
next of it. So Raft lives in virtual time like everything else, message by message.

A proposal must look synchronous to the API server, whose requests take no time of the kernel. So :meth:`Group.commit` looks
ahead: from the leader's first ``append`` on it handles, in order and each at its own time, the messages that are on their way,
until the entry is committed; the commit is then *accounted* with the latency that it had (``latency``), but the kernel's clock
and the members' clocks stay. Where messages alone cannot bring it (no leader, no majority, all lost for
:data:`REQUEST_TIMEOUT`) it gives up at once. The entry stays in the leader's log, as in a real etcd: a request that timed out
may still be carried out later, when the members meet again.

Models: etcd server/etcdserver (raft.go, v3_server.go: processInternalRaftRequestOnce, linearizableReadLoop). Simplified: the
caller does not wait for its answer in virtual time; a read's round of heartbeats (ReadIndex) is not played, only asked for
what it would say: whether a leader that has committed in its own term can reach a majority.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from k8snb.etcd.raft.log import Command, Entry
from k8snb.etcd.raft.machine import Stamp
from k8snb.etcd.raft.member import ELECTION_AFTER, LEADER, Member, MemberState, Surroundings
from k8snb.etcd.raft.network import Network, NetworkState
from k8snb.sim.clock import SECOND
from k8snb.sim.kernel import Event, Kernel

COMPONENT: Final = "etcd-raft"
REQUEST_TIMEOUT: Final = 7 * SECOND  # etcd: five seconds and two election timeouts
NO_LEADER: Final = "etcdserver: no leader"
TIMED_OUT: Final = "etcdserver: request timed out"


@dataclass(slots=True)
class GroupState:
    """All members, the network, and how far the store outside has been told."""

    members: dict[str, MemberState] = field(default_factory=dict)
    network: NetworkState = field(default_factory=NetworkState)
    delivered: int = 0  # index of the last entry that the store has been told of
    ticket: int = 0  # of the kernel event that counts; earlier ones are stale
    wake: int = 0  # and its time
    latency: int = 0  # how long the last commit took


def new_group(count: int) -> GroupState:
    """A group whose members have never run: ``etcd-1``, ``etcd-2`` ..."""
    return GroupState({name: MemberState(name) for name in (f"etcd-{number}" for number in range(1, count + 1))})


class Group:
    """Runs the members. ``deliver`` is told of each committed entry once, in order, when the first member applies it."""

    def __init__(self, state: GroupState, kernel: Kernel, *, stamp: Stamp, deliver: Callable[[Entry], None]):
        self.state, self.kernel, self.deliver = state, kernel, deliver
        self.network = Network(state.network, kernel.rng("etcd-raft/network"))
        around = Surroundings(self.network.send, self._timeout, stamp, self._applied, self._told)
        names = tuple(state.members)
        self.members = {name: Member(member, names, around) for name, member in state.members.items()}
        self.majority = len(names) // 2 + 1
        self._clock = kernel.now

    def found(self) -> None:
        """Start all members, some seconds before now, so that there is a leader when the API server comes."""
        start = self.kernel.now - 4 * ELECTION_AFTER
        for member in self.members.values():
            member.boot(start)
        while (due := self._due()) is not None and due <= self.kernel.now:
            self._one(due)
        self.schedule()

    # ------------------------------------------------------------------ time

    def handle(self, event: Event) -> None:
        """Kernel event: one message arrives or one clock runs out."""
        if event.key != self.state.ticket:
            return
        self.state.wake = 0
        due = self._due()
        if due is not None and due <= self.kernel.now:
            self._one(due)
        self.schedule()

    def schedule(self) -> None:
        """Have the kernel call when the next thing is due; what was scheduled for later becomes stale."""
        state, due = self.state, self._due()
        if due is None or (state.wake and state.wake <= due):
            return
        state.ticket += 1
        state.wake = max(due, self.kernel.now)
        self.kernel.after(state.wake - self.kernel.now, COMPONENT, state.ticket, why="raft", background=True)

    def _due(self) -> int | None:
        """When the next thing happens; None where all members are stopped and nothing is on its way."""
        times = [member.deadline for member in self.state.members.values() if member.running]
        flight = self.state.network.flight
        return min([*times, flight[0].due] if flight else times, default=None)

    def _one(self, due: int) -> None:
        flight = self.state.network.flight
        if flight and flight[0].due <= due:
            self._arrive()
            return
        self._clock = due
        next(m for m in self.members.values() if m.state.running and m.state.deadline <= due).tick(due)

    def _arrive(self) -> None:
        due, _, message = self.network.take()
        self._clock = due
        member = self.members[message.to]
        passes = self.network.connected(message.sender, message.to)
        fate = "delivered" if passes and member.state.running else "stopped" if passes else "cut off"
        self.network.note(due, fate, message)
        if fate == "delivered":
            member.receive(message, due)

    def _timeout(self, name: str) -> int:
        return ELECTION_AFTER + self.kernel.rng(f"etcd-raft/{name}").below(ELECTION_AFTER)

    def _told(self, name: str, what: str) -> None:
        self.kernel.trace.add(self.kernel.now, "note", name, "raft", what, causes=self.kernel.causes)

    def _applied(self, entry: Entry) -> None:
        if entry.index > self.state.delivered:
            self.state.delivered = entry.index
            self.deliver(entry)

    # ------------------------------------------------------------------ what clients see

    def endpoint(self) -> str:
        """The member that clients talk to: the first that runs and can be reached; empty where there is none."""
        cut = self.state.network.cut
        return next((name for name, member in self.state.members.items() if member.running and name not in cut), "")

    def trouble(self, through: str) -> str:
        """Why a member cannot serve a read or a write now, in etcd's words; empty where it can."""
        member = self.state.members.get(through)
        if member is None or not member.running:
            return TIMED_OUT
        leader = self.state.members.get(member.leader)
        if leader is None:
            return NO_LEADER
        if leader.role != LEADER or not self._reachable(through, leader.name) or leader.log.term_at(leader.commit) != leader.term:
            return TIMED_OUT
        return "" if self._has_quorum(leader.name) else TIMED_OUT

    def _reachable(self, one: str, other: str) -> bool:
        return self.state.members[other].running and self.network.connected(one, other)

    def _has_quorum(self, leader: str) -> bool:
        return sum(self._reachable(leader, name) for name in self.members) >= self.majority

    def propose(self, command: Command, through: str) -> Entry | None:
        """Bring a command to the leader that a member knows; None where it does not get there."""
        member = self.state.members[through]
        leader = self.state.members.get(member.leader) if member.running else None
        if leader is None or leader.role != LEADER or not self._reachable(through, leader.name):
            return None
        entry = self.members[leader.name].propose(command, self.kernel.now)
        self.schedule()
        return entry

    def commit(self, entry: Entry, leader: str) -> bool:
        """Look ahead until the entry is committed and applied; False where that needs more than the messages on their way."""
        limit = self.kernel.now + REQUEST_TIMEOUT
        self._clock = self.kernel.now
        while self.state.delivered < entry.index:
            flight = self.state.network.flight
            if flight and flight[0].due <= limit:
                self._arrive()
            elif not self._retry(leader, limit):
                break
        self.schedule()
        done = self.state.delivered >= entry.index
        if done:
            self.state.latency = self._clock - self.kernel.now
        return done

    def _retry(self, leader: str, limit: int) -> bool:
        """Messages were lost, but a majority can be reached: the leader's next heartbeat will find out."""
        member = self.state.members[leader]
        if member.role != LEADER or not self._has_quorum(leader) or member.deadline > limit:
            return False
        self._clock = member.deadline
        self.members[leader].tick(member.deadline)
        return True

    # ------------------------------------------------------------------ faults

    def stop(self, name: str) -> None:
        """A member stops: its disk stays."""
        if self.state.members[name].running:
            self.members[name].halt()
        self.schedule()

    def start(self, name: str) -> None:
        """A stopped member starts with what is on its disk."""
        if not self.state.members[name].running:
            self.members[name].boot(self.kernel.now)
        self.schedule()

