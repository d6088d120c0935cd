"""The kernel: a clock, a heap of events and ``step()``.

An event is data: *when*, *which component*, *which key*, *why*, and the ids of the trace records that caused it; never a
closure and never a coroutine, so that the heap can be shown, saved and copied. Events at one instant are handled in the
order in which they were scheduled: the sequence number is the whole determinism story. (With ``shuffle`` on, a seeded draw
comes before the sequence number; tests use that to hunt for races.)

    heap:  (12:00:00.003, kube-controller-manager/deployment, "work", why="web: a Deployment was created")

Handlers belong to the running program and are wired by ``simulation``; only :class:`KernelState` is state.
Models: the discrete-event loop of SimPy's ``Environment.step``, without generators.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.sim.clock import EPOCH
from k8snb.sim.records import maker
from k8snb.sim.rng import Stream
from k8snb.sim.state import Shelf, Tape
from k8snb.sim.trace import Trace, TraceState


class Event(NamedTuple):
    """Something that will happen. Ordered by ``(time, draw, sequence)``; the rest never takes part in a comparison."""

    time: int
    draw: int
    sequence: int
    component: str
    key: Any  # a scalar or a tuple of scalars
    why: str
    causes: tuple[int, ...]
    epoch: int
    background: bool

    def __repr__(self) -> str:
        return f"<Event {self.component} {self.key!r}: {self.why}>"


_event = maker(Event)


@dataclass(slots=True)
class KernelState:
    """The clock, the heap and the counters."""

    seed: int = 0
    now: int = EPOCH
    sequence: int = 0
    processed: int = 0
    shuffle: bool = False
    heap: Tape = field(default_factory=Tape)
    epochs: Shelf = field(default_factory=Shelf)
    counters: Shelf = field(default_factory=Shelf)
    trace: TraceState = field(default_factory=TraceState)


class Kernel:
    """Runs events in order of time. ``now`` only moves forward, and only here."""

    def __init__(self, state: KernelState):
        self.state = state
        self.trace = Trace(state.trace)
        self.handlers: dict[str, Callable[[Event], None]] = {}
        self.causes: tuple[int, ...] = ()  # of what is running now; requests made meanwhile inherit them
        self._streams: dict[str, Stream] = {}

    @property
    def now(self) -> int:
        """Virtual time, in microseconds since the Unix epoch."""
        return self.state.now

    def rng(self, name: str) -> Stream:
        """The stream of that name."""
        found = self._streams.get(name)
        if found is None:
            found = self._streams[name] = Stream(self.state.seed, name, self.state.counters)
        return found

    def after(self, delay: int, component: str, key: Any, *, why: str, causes: tuple[int, ...] = (), background: bool = False) -> None:
        """Schedule an event for ``component``, ``delay`` microseconds from now (0 is allowed: later in this instant).

        ``background`` marks heartbeats and other upkeep, which single steps pass over.
        """
        state = self.state
        if delay < 0:
            raise ValueError(f"an event cannot happen {-delay} µs ago")
        state.sequence = sequence = state.sequence + 1
        draw = self.rng("kernel/shuffle").below(1 << 30) if state.shuffle else 0
        epoch = state.epochs.get(component, 0)
        heapq.heappush(state.heap, _event((state.now + delay, draw, sequence, component, key, why, causes, epoch, background)))

    def cancel(self, component: str) -> None:
        """Forget everything scheduled for a component: it has stopped. (Events of its earlier epoch are skipped.)"""
        self.state.epochs[component] = self.state.epochs.get(component, 0) + 1
        self._skip()

    def _skip(self) -> None:
        """Drop forgotten events from the front. Done where they come there, not where somebody looks: looking changes no state."""
        heap, epochs = self.state.heap, self.state.epochs
        while heap and heap[0].epoch != epochs.get(heap[0].component, 0):
            heapq.heappop(heap)

    def peek(self) -> Event | None:
        """The next event that will be handled, or None."""
        heap = self.state.heap
        return heap[0] if heap else None

    def step(self) -> Event | None:
        """Handle the next event; None when there is none."""
        state = self.state
        if not state.heap:
            return None
        event: Event = heapq.heappop(state.heap)
        if state.epochs:  # something was cancelled once
            self._skip()
        state.now = event.time
        state.processed += 1
        self.causes = event.causes
        try:
            self.handlers[event.component](event)
        finally:
            self.causes = ()
        return event

    def run_until(self, time: int) -> int:
        """Handle every event up to and including ``time`` and set the clock to it. Gives the number of events."""
        count = 0
        while (event := self.peek()) is not None and event.time <= time:
            self.step()
            count += 1
        self.state.now = max(self.state.now, time)
        return count

    def pending(self) -> list[Event]:
        """What is scheduled, in the order in which it will happen."""
        epochs = self.state.epochs
        return sorted(e for e in self.state.heap if e.epoch == epochs.get(e.component, 0))
