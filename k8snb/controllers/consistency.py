"""Consistency: a loop does not look at an object again before its caches have shown what it wrote for it the last time.

A cache may lag by many minutes. A loop that has made three Pods, does not see them, and has waited until its expectations expired
would make three more. And several caches need not be equally old: a Job's loop that has counted a Pod and sees the Pod counted, but
not yet the Job's new number, would take the Pod for lost and make another. So a loop notes at which revision it wrote each resource,
and waits until its watches have come that far. (Expectations, in comparison, count objects, and are given up after five minutes.)

    wrote pods at 204, replicasets at 205    pods seen up to 190    ->  not now
                                             both seen up to 205    ->  forget it, and look

Models: pkg/controller/util/consistency/consistency.go (the gates StaleControllerConsistencyJob, -ReplicaSet, -DaemonSet and
-StatefulSet, on since 1.36).
Simplified: upstream retries with a growing back-off; here the awaited change itself asks again, and a look each second sees to what
no change tells (a cache that was listed anew). ReplicationControllers, the same loop, wait too.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import Object
from k8snb.client.controller import Controller
from k8snb.client.informer import key_of
from k8snb.sim.clock import SECOND
from k8snb.sim.state import Shelf

AGAIN = SECOND


class Consistency:
    """What one controller has written and not seen yet: in ``written`` of its own state, owner's key -> resource -> revision."""

    def __init__(self, controller: Controller):
        self.controller = controller

    @property
    def _written(self) -> dict[str, Shelf]:
        found: dict[str, Shelf] = self.controller.own.written
        return found

    def wrote(self, owner: Object, resource: str, obj: Object) -> None:
        """``obj`` has been written for ``owner``."""
        self._written.setdefault(key_of(owner), Shelf())[resource] = int(obj["metadata"]["resourceVersion"])

    def ready(self, key: str) -> bool:
        """Whether the caches have caught up with all that was written for the owner. Where not, its turn comes again."""
        written = self._written.get(key)
        if written is None:
            return True
        if any(self.controller.informers[resource].state.revision < revision for resource, revision in written.items()):
            self.controller.queue.add_after(key, AGAIN, "its caches are older than its own writes", background=True)
            return False
        del self._written[key]
        return True

    def forget(self, key: str) -> None:
        """The owner is gone."""
        self._written.pop(key, None)
