"""Expectations: what a loop asked for and has not yet seen in its cache.

A loop that has just created three Pods and looks into a stale cache would see none, and create three more. So it notes
"three creations to come", and does not act on that key until the cache has shown them. Expectations older than five minutes
are given up: perhaps the event was lost. (Upstream looks again at the informer's next resync, hours later; here it looks when the
five minutes are over.)

Models: pkg/controller/controller_utils.go (ControllerExpectations, UIDTrackingControllerExpectations).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.meta import controller_of
from k8snb.apimachinery.objects import Object
from k8snb.client.controller import Controller
from k8snb.client.informer import key_of
from k8snb.sim.clock import MINUTE
from k8snb.sim.state import Shelf

TIMEOUT = 5 * MINUTE


@dataclass(slots=True)
class ExpectationsState:
    """By key of the owner: creations still to be seen, keys of objects whose deletion is to be seen, since when."""

    creations: Shelf = field(default_factory=Shelf)
    deletions: dict[str, Shelf] = field(default_factory=dict)
    since: Shelf = field(default_factory=Shelf)


class Expectations:
    """The expectations of one controller about one resource that it owns. Kept in the controller's own state."""

    def __init__(self, controller: Controller, resource: str, owner_kind: str):
        self.controller, self.owner_kind = controller, owner_kind
        controller.informers[resource].tell_of(owner_kind, self._seen, first=True)

    @staticmethod
    def new_state() -> ExpectationsState:
        """Nothing expected."""
        return ExpectationsState()

    @property
    def state(self) -> ExpectationsState:
        own: Any = self.controller.own
        found: ExpectationsState = own if isinstance(own, ExpectationsState) else own.expectations
        return found

    def satisfied(self, key: str) -> bool:
        """Whether everything asked for has been seen (or waited for long enough)."""
        state = self.state
        if state.creations.get(key, 0) <= 0 and not state.deletions.get(key):
            return True
        left = state.since.get(key, 0) + TIMEOUT - self.controller.now
        if left < 0:
            return True
        self.controller.queue.add_after(key, left + 1, "what it expects may never be seen", background=True)
        return False

    def expect(self, key: str, creations: int, deletions: Iterable[str] = ()) -> None:
        """So many objects of this owner will appear, and these (by key) will go."""
        state = self.state
        state.creations[key], state.since[key] = creations, self.controller.now
        state.deletions[key] = Shelf((name, True) for name in deletions)

    def expect_creations(self, key: str, count: int) -> None:
        """``count`` objects of this owner will appear."""
        self.expect(key, count)

    def expect_deletions(self, key: str, objects: list[str]) -> None:
        """These objects of this owner will go."""
        self.expect(key, 0, objects)

    def lower(self, key: str, count: int) -> None:
        """That many will not appear after all: their creation failed."""
        self.state.creations[key] = self.state.creations.get(key, 0) - count

    def deletion_observed(self, key: str, name: str) -> None:
        """That object is going, or was gone already."""
        self.state.deletions.get(key, Shelf()).pop(name, None)

    def forget(self, key: str) -> None:
        """The owner is gone."""
        state = self.state
        state.creations.pop(key, None)
        state.deletions.pop(key, None)
        state.since.pop(key, None)

    def _seen(self, old: Object | None, new: Object | None, _cause: int) -> None:
        """The cache shows a change of an owned object: it appeared, or its deletion has begun, or it is gone."""
        obj = new if new is not None else old
        ref = controller_of(obj) if obj is not None else None
        if obj is None or ref is None or ref["kind"] != self.owner_kind:
            return
        namespace = obj["metadata"].get("namespace", "")
        key = f"{namespace}/{ref['name']}"
        if old is None and self.state.creations.get(key, 0) > 0:
            self.state.creations[key] -= 1
        if new is None or "deletionTimestamp" in new["metadata"]:
            self.deletion_observed(key, key_of(obj))
