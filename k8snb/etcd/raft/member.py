"""One member of the group: what it does with a message, and when its clock runs out.

    follower --- no leader heard for a timeout ---> pre-candidate --- a majority would --- > candidate --- a majority does ---> leader
       ^                                                                                                                  |
       +---------------- a higher term, a leader of this term, or (a leader) no majority answers any more ----------------+

The rules that keep the log one, whatever is lost, late or stopped:

* one vote a term, and only for a candidate whose log ends at least as late as one's own: two leaders of one term cannot be, and
  a leader's log has everything that was ever committed;
* a leader only appends; a follower cuts off what contradicts its leader (see :mod:`k8snb.etcd.raft.log`);
* an entry is committed when a majority holds it *and* it is of the leader's own term; earlier ones are committed with it.

Before it raises its term a member asks whether it could win (*pre-vote*), so one that was cut off does not depose a good
leader when it is back; a leader whom no majority answers steps down by itself (*check quorum*).

Models: go.etcd.io/raft/v3 raft.go (Step, stepLeader, stepCandidate, stepFollower), tracker/progress.go. Simplified: no learners,
no changes of membership, no leadership transfer; at most :data:`MOST` entries a message instead of a megabyte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from k8snb.etcd.raft.log import Command, Entry, Log
from k8snb.etcd.raft.machine import Machine, Stamp
from k8snb.etcd.raft.messages import ANSWER, APPEND, FROM_LEADER, HEARTBEAT, PREVOTE, SNAPSHOT, VOTE, Message
from k8snb.sim.clock import MILLISECOND
from k8snb.sim.state import Shelf

FOLLOWER: Final = "follower"
PRE_CANDIDATE: Final = "pre-candidate"
CANDIDATE: Final = "candidate"
LEADER: Final = "leader"

HEARTBEAT_EVERY: Final = 100 * MILLISECOND  # etcd --heartbeat-interval
ELECTION_AFTER: Final = 1000 * MILLISECOND  # etcd --election-timeout; each member draws between one and two of them
MOST: Final = 64
LOG_KEPT: Final = 5_000  # entries for slow followers after a snapshot; etcd --snapshot-catchup-entries
LOG_BOUND: Final = 10_000  # etcd --snapshot-count


@dataclass(slots=True)
class Progress:
    """What a leader knows of a follower: ``match`` is surely there, ``next`` is sent next."""

    next: int
    match: int = 0
    probing: bool = True  # looking for where the logs agree: one message at a time
    paused: bool = False
    heard: int = 0


@dataclass(slots=True)
class MemberState:
    """A member. Above the line is on its disk, below it in its memory, which a stop loses."""

    name: str
    running: bool = True
    term: int = 0
    voted: str = ""
    log: Log = field(default_factory=Log)
    commit: int = 0
    applied: int = 0
    machine: Machine = field(default_factory=Machine)
    # ----------------------------------------
    role: str = FOLLOWER
    leader: str = ""
    deadline: int = 0  # when the clock runs out: the next heartbeat of a leader, the next election of the others
    heard: int = 0  # when a leader was last heard
    votes: Shelf = field(default_factory=Shelf)
    progress: dict[str, Progress] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a member is given: the network, a seeded draw of timeouts, how to stamp values, and who is told of what."""

    send: Callable[[Message, int], None]
    timeout: Callable[[str], int]
    stamp: Stamp
    applied: Callable[[Entry], None]
    told: Callable[[str, str], None]


class Member:
    """The rules over a :class:`MemberState`. ``now`` is the member's clock while it handles something."""

    def __init__(self, state: MemberState, names: tuple[str, ...], around: Surroundings):
        self.state, self.around, self.now = state, around, 0
        self.peers = tuple(name for name in names if name != state.name)
        self.majority = len(names) // 2 + 1

    # ------------------------------------------------------------------ life

    def boot(self, now: int) -> None:
        """Start with what is on the disk."""
        self.now, state = now, self.state
        state.running, state.heard = True, 0
        self._follow(state.term, "")

    def halt(self) -> None:
        """Stop: what was in memory is lost."""
        state = self.state
        state.running, state.role, state.leader = False, FOLLOWER, ""
        state.votes.clear()
        state.progress.clear()

    def tick(self, now: int) -> None:
        """The clock has run out."""
        self.now = now
        if self.state.role == LEADER:
            self._beat()
        else:
            self._campaign(PRE_CANDIDATE)

    def propose(self, command: Command, now: int) -> Entry:
        """Append a command to the log (leaders only) and send it to everybody."""
        self.now = now
        entry = self.state.log.add(self.state.term, command)
        self._broadcast()
        return entry

    def receive(self, message: Message, now: int) -> None:
        """Handle one message."""
        self.now, state = now, self.state
        if message.term > state.term and not self._yield_to(message):
            return
        if message.term < state.term and message.kind != PREVOTE + ANSWER:
            self._refuse_old(message)
            return
        _HANDLERS[message.kind](self, message)

    # ------------------------------------------------------------------ terms and roles

    def _yield_to(self, message: Message) -> bool:
        """A higher term: whether the message counts, and where it does, be a follower in that term."""
        asks = message.kind in (PREVOTE, VOTE)
        if asks and self._has_leader():
            return False
        if message.kind != PREVOTE and (message.kind != PREVOTE + ANSWER or message.reject):
            self._follow(message.term, message.sender if message.kind in FROM_LEADER else "")
        return True

    def _has_leader(self) -> bool:
        state = self.state
        return state.role == LEADER or (state.leader != "" and self.now - state.heard < ELECTION_AFTER)

    def _refuse_old(self, message: Message) -> None:
        """Whoever lives in an old term is told of the new one."""
        if message.kind in FROM_LEADER:
            self._send(APPEND + ANSWER, message.sender, reject=True)
        elif message.kind == PREVOTE:
            self._send(PREVOTE + ANSWER, message.sender, reject=True)

    def _follow(self, term: int, leader: str) -> None:
        state = self.state
        if (state.role, state.term) != (FOLLOWER, term):
            self._tell(f"became follower at term {term}")
        if term > state.term:
            state.term, state.voted = term, ""
        state.role, state.leader = FOLLOWER, leader
        state.votes.clear()
        state.progress.clear()
        self._wind()

    def _wind(self) -> None:
        self.state.deadline = self.now + self.around.timeout(self.state.name)

    def _campaign(self, role: str) -> None:
        """Ask everybody: as a pre-candidate without raising the term, as a candidate in the next one."""
        state = self.state
        state.role, state.leader = role, ""
        if role == CANDIDATE:
            state.term, state.voted = state.term + 1, state.name
        self._tell(f"became {role} at term {state.term}")
        self._wind()
        state.votes.clear()
        state.votes[state.name] = True
        kind, term = (VOTE, state.term) if role == CANDIDATE else (PREVOTE, state.term + 1)
        for peer in self.peers:
            self._send(kind, peer, term=term, index=state.log.last, log_term=state.log.last_term)

    def _on_ask(self, message: Message) -> None:
        state = self.state
        free = state.voted == message.sender or (not state.voted and not state.leader) or message.term > state.term
        late_enough = (message.log_term, message.index) >= (state.log.last_term, state.log.last)
        if not (free and late_enough):
            self._send(message.kind + ANSWER, message.sender, reject=True)
            return
        if message.kind == VOTE:
            state.voted = message.sender
            self._wind()
        self._send(message.kind + ANSWER, message.sender, term=message.term)

    def _on_vote(self, message: Message) -> None:
        state = self.state
        if state.role != {PREVOTE: PRE_CANDIDATE, VOTE: CANDIDATE}[message.kind.removesuffix(ANSWER)]:
            return
        if not message.reject and message.term != state.term + (state.role == PRE_CANDIDATE):
            return
        state.votes[message.sender] = not message.reject
        if sum(state.votes.values()) >= self.majority:
            self._campaign(CANDIDATE) if state.role == PRE_CANDIDATE else self._lead()
        elif len(state.votes) - sum(state.votes.values()) >= self.majority:
            self._follow(state.term, "")

    def _lead(self) -> None:
        """Elected: nothing is known of the others, and an empty entry of the own term commits what is left of earlier ones."""
        state = self.state
        state.role, state.leader, state.deadline = LEADER, state.name, self.now + HEARTBEAT_EVERY
        self._tell(f"became leader at term {state.term}")
        for peer in self.peers:
            state.progress[peer] = Progress(state.log.last + 1, heard=self.now)
        self.propose(Command("noop"), self.now)

    def _beat(self) -> None:
        """A leader's turn: is there still a majority? If so, a heartbeat to everybody."""
        state = self.state
        state.deadline = self.now + HEARTBEAT_EVERY
        active = 1 + sum(self.now - progress.heard <= ELECTION_AFTER for progress in state.progress.values())
        if active < self.majority:
            self._tell("stepped down to follower since quorum is not active")
            self._follow(state.term, "")
            return
        for peer, progress in state.progress.items():
            self._send(HEARTBEAT, peer, commit=min(progress.match, state.commit))

    # ------------------------------------------------------------------ followers

    def _heard(self, message: Message) -> None:
        state = self.state
        if state.role != FOLLOWER:
            self._follow(state.term, message.sender)
        state.leader, state.heard = message.sender, self.now
        self._wind()

    def _on_append(self, message: Message) -> None:
        self._heard(message)
        state = self.state
        if message.index < state.commit:
            self._send(APPEND + ANSWER, message.sender, index=state.commit)
        elif state.log.accept(message.index, message.log_term, message.entries):
            last = message.index + len(message.entries)
            self._commit(min(message.commit, last))
            self._send(APPEND + ANSWER, message.sender, index=last)
        else:
            hint = state.log.agreement(message.index, message.log_term)
            self._send(APPEND + ANSWER, message.sender, index=message.index, reject=True, hint=hint)

    def _on_heartbeat(self, message: Message) -> None:
        self._heard(message)
        self._commit(min(message.commit, self.state.log.last))
        self._send(HEARTBEAT + ANSWER, message.sender)

    def _on_snapshot(self, message: Message) -> None:
        self._heard(message)
        state = self.state
        if message.index > state.commit:
            image: Any = message.entries
            state.machine.restore(image)
            state.log.reset(message.index, message.log_term)
            state.commit = state.applied = message.index
        self._send(APPEND + ANSWER, message.sender, index=state.commit)

    # ------------------------------------------------------------------ leaders

    def _on_appended(self, message: Message) -> None:
        state = self.state
        progress = state.progress.get(message.sender)
        if progress is None:
            return
        progress.heard = max(progress.heard, self.now)
        if message.reject:
            self._step_back(message, progress)
            return
        progress.next = max(progress.next, message.index + 1)
        if message.index > progress.match or progress.probing:
            progress.match = max(progress.match, message.index)
            progress.probing = progress.paused = False
        if self._majority_holds():
            self._broadcast()
        elif progress.next <= state.log.last:
            self._append_to(message.sender)

    def _step_back(self, message: Message, progress: Progress) -> None:
        if message.index != progress.next - 1 if progress.probing else message.index <= progress.match:
            return  # an old answer
        progress.next = progress.match + 1 if not progress.probing else max(progress.match, min(message.index - 1, message.hint)) + 1
        progress.probing, progress.paused = True, False
        self._append_to(message.sender)

    def _on_beaten(self, message: Message) -> None:
        progress = self.state.progress.get(message.sender)
        if progress is None:
            return
        progress.heard, progress.paused = max(progress.heard, self.now), False
        if progress.match < self.state.log.last:
            self._append_to(message.sender)

    def _broadcast(self) -> None:
        for peer in self.peers:
            self._append_to(peer)

    def _append_to(self, peer: str) -> None:
        state, progress = self.state, self.state.progress[peer]
        if progress.paused:
            return
        before = progress.next - 1
        if before < state.log.offset:
            self._snapshot_to(peer, progress)
            return
        entries = state.log.tail(progress.next, MOST)
        self._send(APPEND, peer, index=before, log_term=state.log.term_at(before), commit=state.commit, entries=entries)
        if progress.probing:
            progress.paused = True
        else:
            progress.next += len(entries)

    def _snapshot_to(self, peer: str, progress: Progress) -> None:
        state = self.state
        term = state.log.term_at(state.applied)
        self._send(SNAPSHOT, peer, index=state.applied, log_term=term, entries=state.machine.image())
        progress.next, progress.probing, progress.paused = state.applied + 1, True, True

    def _majority_holds(self) -> bool:
        """Whether entries became committed: a majority holds them, and the last of them is of this term."""
        state = self.state
        held = sorted([state.log.last, *(progress.match for progress in state.progress.values())], reverse=True)
        index = held[self.majority - 1]
        if index <= state.commit or state.log.term_at(index) != state.term:
            return False
        self._commit(index)
        return True

    # ------------------------------------------------------------------ both

    def _commit(self, index: int) -> None:
        """Entries up to ``index`` are committed: apply them in order."""
        state = self.state
        state.commit = max(state.commit, index)
        while state.applied < state.commit:
            entry = state.log.at(state.applied + 1)
            state.machine.apply(entry.command, self.around.stamp)
            state.applied += 1
            self.around.applied(entry)
        if state.applied - state.log.offset > LOG_BOUND:
            state.log.trim(state.applied - LOG_KEPT)

    def _send(self, kind: str, to: str, *, term: int = 0, **fields: Any) -> None:
        self.around.send(Message(kind, self.state.name, to, term or self.state.term, **fields), self.now)

    def _tell(self, what: str) -> None:
        self.around.told(self.state.name, what)


_HANDLERS: dict[str, Callable[[Member, Message], None]] = {
    APPEND: Member._on_append,
    APPEND + ANSWER: Member._on_appended,
    HEARTBEAT: Member._on_heartbeat,
    HEARTBEAT + ANSWER: Member._on_beaten,
    SNAPSHOT: Member._on_snapshot,
    PREVOTE: Member._on_ask,
    PREVOTE + ANSWER: Member._on_vote,
    VOTE: Member._on_ask,
    VOTE + ANSWER: Member._on_vote,
}
