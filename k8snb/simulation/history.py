"""History: what came from outside, and checkpoints, so that any moment can be had again.

A run is decided by its configuration and its *inputs*: the requests of users and the faults, each with the moment at which
it came (how many events had been handled, and the time). Nothing else enters. So a past moment is a checkpoint before it,
plus the inputs since, replayed:

    checkpoint ---- input ------ input ---- X      rewind to X = clone(checkpoint), replay two inputs, run on to X

*fork = replay*: cloning the state and replaying the inputs give the same bytes; tests hold that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.client.learner import Program
from k8snb.kubelet.images import Image
from k8snb.scheduler.learner import PluginProgram
from k8snb.sim.state import clone
from k8snb.simulation.root import Root

PROGRAMS, IMAGES = "programs", "images"
Code = Program | PluginProgram  # what a learner has written: a controller, or a plugin of the scheduler
KEPT = 24
EVERY = 2_000


class Position(NamedTuple):
    """A moment: so many events handled, so many inputs taken, at that time (µs)."""

    events: int
    inputs: int
    time: int


class Input(NamedTuple):
    """Something from outside. ``kind`` is "request", "http", "programs", "images" or the name of a fault; ``value`` is immutable."""

    events: int
    time: int
    kind: str
    value: Any


class Checkpoint(NamedTuple):
    """A clone of all state, and when it was taken."""

    position: Position
    root: Root


@dataclass(slots=True)
class History:
    """The inputs of one run and some checkpoints along it, oldest first; the first one is the beginning."""

    inputs: list[Input] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)

    def note(self, root: Root, kind: str, value: Any) -> None:
        """An input comes now."""
        self.inputs.append(Input(root.kernel.processed, root.kernel.now, kind, value))

    def checkpoint(self, root: Root) -> None:
        """Keep the present state. When there are many, every second of the older half goes."""
        position = Position(root.kernel.processed, len(self.inputs), root.kernel.now)
        self.checkpoints.append(Checkpoint(position, clone(root)))
        if len(self.checkpoints) > KEPT:
            half = KEPT // 2
            self.checkpoints[1:half] = self.checkpoints[1:half][::2]

    def due(self, root: Root) -> bool:
        """Whether it is time for another: the larger the state, the rarer, so that the cost keeps in line with the work."""
        last = self.checkpoints[-1].position.events if self.checkpoints else -EVERY
        passed = root.kernel.processed - last
        return passed >= EVERY and passed >= 2 * len(root.store.keys)

    def before(self, position: Position) -> Checkpoint:
        """The latest checkpoint that is not after ``position``. Raises LookupError where there is none."""
        for found in reversed(self.checkpoints):
            if found.position.events <= position.events and found.position.inputs <= position.inputs:
                return found
        raise LookupError("that moment lies before the beginning of the recorded history")

    def programs(self, inputs: int) -> tuple[Code, ...]:
        """The learner's code that ran after so many inputs."""
        found: tuple[Code, ...] = next((i.value for i in reversed(self.inputs[:inputs]) if i.kind == PROGRAMS), ())
        return found

    def images(self, inputs: int) -> tuple[type[Image], ...]:
        """The images that a learner had added after so many inputs."""
        found: tuple[type[Image], ...] = next((i.value for i in reversed(self.inputs[:inputs]) if i.kind == IMAGES), ())
        return found

    def until(self, position: Position) -> History:
        """The history as it was at a moment."""
        kept = [c for c in self.checkpoints if c.position.events <= position.events and c.position.inputs <= position.inputs]
        return History(self.inputs[: position.inputs], kept)
