"""The network between members: every message takes time, may be lost, and does not pass where a member is cut off.

    flight   (due, sequence, message)   a heap: what is on its way

A member that is cut off reaches no other member and no client reaches it; one that is slow gets and gives everything later.
Models: etcd server/etcdserver/api/rafthttp. Simplified: a link has one latency, so messages overtake each other only when
that is changed; a member is cut off from all others or from none.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from k8snb.etcd.raft.messages import Message
from k8snb.sim.clock import LATENCY
from k8snb.sim.rng import Stream
from k8snb.sim.state import Shelf, Tape

KEPT: Final = 200  # messages remembered for looking at


class Flight(NamedTuple):
    """A message on its way; it arrives at ``due``."""

    due: int
    sequence: int
    message: Message


class Passed(NamedTuple):
    """A message that arrived, or did not: ``fate`` is delivered, lost, cut off or stopped."""

    time: int
    fate: str
    text: str


@dataclass(slots=True)
class NetworkState:
    """What is on its way, what is wrong with the links of each member, and what passed last."""

    flight: Tape = field(default_factory=Tape)
    sequence: int = 0
    cut: Shelf = field(default_factory=Shelf)  # members that are cut off
    delay: Shelf = field(default_factory=Shelf)  # member -> microseconds more on each of its links
    loss: Shelf = field(default_factory=Shelf)  # member -> percent of its messages that are lost
    passed: Tape = field(default_factory=Tape)
    handled: int = 0  # messages that came to their end, since the beginning


class Network:
    """Sends and delivers. ``stream`` decides which messages are lost."""

    def __init__(self, state: NetworkState, stream: Stream):
        self.state, self.stream = state, stream

    def connected(self, one: str, other: str) -> bool:
        """Whether messages pass between two members."""
        return one == other or (one not in self.state.cut and other not in self.state.cut)

    def send(self, message: Message, now: int) -> None:
        """Put a message on its way, or lose it."""
        state = self.state
        if not self.connected(message.sender, message.to):
            self.note(now, "cut off", message)
        elif self._lost(message):
            self.note(now, "lost", message)
        else:
            delay: int = state.delay.get(message.sender, 0) + state.delay.get(message.to, 0)
            state.sequence += 1
            heapq.heappush(state.flight, Flight(now + LATENCY["network hop"] + delay, state.sequence, message))

    def _lost(self, message: Message) -> bool:
        percent: int = max(self.state.loss.get(message.sender, 0), self.state.loss.get(message.to, 0))
        return percent > 0 and self.stream.below(100) < percent

    def take(self) -> Flight:
        """The next message that arrives."""
        found: Flight = heapq.heappop(self.state.flight)
        return found

    def note(self, time: int, fate: str, message: Message) -> None:
        """Remember what became of a message."""
        state = self.state
        state.handled += 1
        state.passed.append(Passed(time, fate, str(message)))
        if len(state.passed) > 2 * KEPT:
            del state.passed[:KEPT]
