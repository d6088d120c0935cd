"""The work queue of a control loop: keys only, each at most once, with all the causes that put it there.

* *Fair*: keys are handled in the order in which they were first added.
* *Stingy*: a key added ten times before it is handled is handled once; one added while it is being handled is handled again.
* *Patient*: a key that failed comes back after 5 ms, 10 ms, 20 ms ... up to 1,000 s (:meth:`retry`), until it is forgotten.

A key carries no event: the loop looks at the world as it is when its turn comes (it is level-triggered). The causes are
carried only so that "why?" can be answered.

Models: client-go/util/workqueue (queue.go, delaying_queue.go, default_rate_limiters.go).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from k8snb.sim.clock import MILLISECOND, SECOND
from k8snb.sim.kernel import Kernel
from k8snb.sim.state import Shelf

BASE_DELAY, MAX_DELAY = 5 * MILLISECOND, 1000 * SECOND


@dataclass(slots=True)
class QueueState:
    """``order``: the keys that wait; ``causes``: their trace ids; ``failures``: how often a key failed in a row; ``errors``: with what
    words it failed last."""

    order: deque[str] = field(default_factory=deque)
    causes: dict[str, Shelf] = field(default_factory=dict)
    failures: Shelf = field(default_factory=Shelf)
    errors: Shelf = field(default_factory=Shelf)
    later: Shelf = field(default_factory=Shelf)  # key -> when it will be added, for views
    processing: str = ""
    scheduled: bool = False
    busy_until: int = 0


class WorkQueue:
    """The queue of one loop of one component. ``loop`` names it in kernel events: ``("work", loop)``."""

    def __init__(self, state: QueueState, kernel: Kernel, component: str, loop: str):
        self.state, self.kernel, self.component, self.loop = state, kernel, component, loop
        self.first_delay, self.longest_delay = BASE_DELAY, MAX_DELAY

    def add(self, key: str, cause: int = 0) -> None:
        """Ask for a key to be handled."""
        state = self.state
        if key not in state.causes:
            state.causes[key] = Shelf()
            state.order.append(key)
        if cause:
            state.causes[key][cause] = True
        if not state.scheduled:
            self.wake()

    def wake(self) -> None:
        """Make sure that the loop runs if anything waits."""
        state = self.state
        if state.order and not state.scheduled:
            state.scheduled = True
            delay = max(0, state.busy_until - self.kernel.now)
            key = state.order[0]
            self.kernel.after(delay, self.component, ("work", self.loop), why=f"{self.loop}: {key} waits", causes=tuple(state.causes[key]))

    def add_after(self, key: str, delay: int, why: str, *, background: bool = False) -> None:
        """Ask for a key to be handled in ``delay`` microseconds. An earlier time already asked for stays."""
        if delay <= 0:
            self.add(key)
            return
        when = self.kernel.now + delay
        known = self.state.later.get(key)
        if known is not None and self.kernel.now < known <= when:
            return
        self.state.later[key] = when
        causes = () if background else self.kernel.causes  # a periodic look is not caused by the one before
        self.kernel.after(delay, self.component, ("add", self.loop, key), why=f"{self.loop}: {why}", causes=causes, background=background)

    def retry(self, key: str, why: str, error: str = "") -> int:
        """Ask again after the back-off of repeated failures; gives the delay."""
        failures = self.state.failures.get(key, 0)
        self.state.failures[key] = failures + 1
        self.state.errors[key] = error
        delay: int = min(self.first_delay << min(failures, 40), self.longest_delay)
        self.add_after(key, delay, why)
        return delay

    def forget(self, key: str) -> None:
        """The key was handled well: its back-off starts anew."""
        if self.state.failures.pop(key, None):
            self.state.errors.pop(key, None)

    def take(self) -> tuple[str, tuple[int, ...]] | None:
        """The next key and its causes, now being processed."""
        state = self.state
        state.scheduled = False
        if not state.order:
            return None
        key = state.order.popleft()
        causes = tuple(state.causes.pop(key))
        state.processing = key
        return key, causes

    def done(self, busy: int) -> None:
        """The key has been handled, which took ``busy`` microseconds; go on with the next."""
        self.state.processing = ""
        self.state.busy_until = self.kernel.now + busy
        self.wake()

    def due(self, key: str) -> None:
        """Kernel event: a delayed key's time has come."""
        if self.state.later.get(key, 0) <= self.kernel.now:
            self.state.later.pop(key, None)
        causes = self.kernel.causes
        self.add(key, causes[0] if causes else 0)

    def __len__(self) -> int:
        return len(self.state.order)
