"""Consistency: a loop does not look at an object again before its caches have shown what it wrote for it the last time.

Several caches need not be equally old. A Job's loop that has counted a Pod and sees the Pod counted, but not yet the Job's new
number, would take the Pod for lost and make another. So it notes at which revision it wrote each resource, and waits until its
watches have come that far. (Expectations, in comparison, count objects; this compares revisions.)

Models: pkg/controller/util/consistency/consistency.go (the gate StaleControllerConsistencyJob and its siblings, on since 1.36).
Simplified: only the Job's loop needs it here; upstream retries with a growing back-off, here the awaited change itself asks again.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import Object
from k8snb.client.controller import Controller
from k8snb.sim.state import Shelf


class Consistency:
    """What one controller has written and not seen yet. ``state`` (owner's key -> resource -> revision) is the controller's own."""

    def __init__(self, controller: Controller, state: dict[str, Shelf]):
        self.controller, self.state = controller, state

    def wrote(self, key: str, resource: str, obj: Object) -> None:
        """``obj`` has been written for the owner ``key``."""
        self.state.setdefault(key, Shelf())[resource] = int(obj["metadata"]["resourceVersion"])

    def ready(self, key: str) -> bool:
        """Whether the caches have caught up with all that was written for the owner."""
        written = self.state.get(key)
        if written is None:
            return True
        if any(self.controller.informers[resource].state.revision < revision for resource, revision in written.items()):
            return False
        del self.state[key]
        return True
