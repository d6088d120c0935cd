"""Watches: who is told of which change, found through an index.

A watch is a cursor: from a revision on, its owner gets every change that its selectors let through, in order. The hub finds
the watches that a change concerns by an index of (resource, field, value), so that 500 kubelets which each watch the Pods of
one node do not read one another's:

    pods, spec.nodeName, node-7   ->  [kubelet/node-7]
    pods, -, -                    ->  [kube-scheduler, kube-controller-manager]

An object that stops matching a selector is reported as DELETED, one that begins to match as ADDED. A watch that falls too
far behind, whose connection broke, or that would begin before all that is kept, is ended with an ERROR event (410 Expired): it is
no refusal, the answer is a stream whose only line says so. Its owner must list again.

Models: k8s.io/apiserver/pkg/storage/cacher (cacher.go, watch_cache.go, the indexed dispatch by trigger value).
Simplified: one buffer bound for all watches; the cache is the store itself, so lists are never behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.apimachinery import selectors
from k8snb.apimachinery.objects import Object, freeze, memo
from k8snb.apimachinery.resource import Resource
from k8snb.etcd.store import Change
from k8snb.sim.clock import LATENCY
from k8snb.sim.kernel import Kernel
from k8snb.sim.records import maker

BUFFER = 100_000
INDEXED = ("metadata.name", "spec.nodeName")  # equality on one of these is looked up, not filtered


class WatchEvent(NamedTuple):
    """What a watch delivers. ``type`` is ADDED, MODIFIED, DELETED, BOOKMARK or ERROR; ``cause`` is a trace id."""

    type: str
    object: Object
    revision: int
    cause: int


_watch_event = maker(WatchEvent)


@dataclass(slots=True)
class WatchState:
    """One open watch. ``component`` is told by a kernel event that something waits; an external owner polls."""

    id: int
    resource: str
    namespace: str
    label_selector: str
    field_selector: str
    component: str
    bucket: tuple[str, str]
    revision: int  # of the newest change that went through
    pending: deque[WatchEvent] = field(default_factory=deque)
    scheduled: bool = False
    delay: int = 0  # a fault: every delivery comes this much later
    ended: bool = False
    by_bucket: bool = False  # its bucket is all that it selects by


@dataclass(slots=True)
class HubState:
    """All open watches and their index: resource -> (field, value) -> watch ids, oldest first."""

    watches: dict[int, WatchState] = field(default_factory=dict)
    index: dict[str, dict[tuple[str, str], dict[int, None]]] = field(default_factory=dict)
    next_id: int = 1


ALL_RESOURCES = "*"


class Hub:
    """Dispatches changes to watches."""

    def __init__(self, state: HubState, kernel: Kernel):
        self.state, self.kernel = state, kernel

    def open(
        self, resource: str, *, namespace: str = "", labels: str = "", fields: str = "", component: str = "", revision: int
    ) -> WatchState:
        """A new watch on a resource (or on ``*``), which has seen everything up to ``revision``."""
        state = self.state
        number, state.next_id = state.next_id, state.next_id + 1
        wanted = selectors.parse_fields(fields)
        bucket = self._bucket(namespace, wanted)
        watch = WatchState(number, resource, namespace, labels, fields, component, bucket, revision)
        watch.by_bucket = not labels and len(wanted.requirements) + bool(namespace) == bool(bucket[0])
        state.watches[number] = watch
        state.index.setdefault(resource, {}).setdefault(bucket, {})[number] = None
        return watch

    @staticmethod
    def _bucket(namespace: str, wanted: selectors.FieldSelector) -> tuple[str, str]:
        for name in INDEXED:
            value = wanted.exact(name)
            if value is not None:
                return name, value
        return ("metadata.namespace", namespace) if namespace else ("", "")

    def close(self, number: int) -> None:
        """End a watch. Nothing is delivered any more."""
        watch = self.state.watches.pop(number, None)
        if watch is not None:
            bucket = self.state.index[watch.resource][watch.bucket]
            del bucket[number]
            if not bucket:
                del self.state.index[watch.resource][watch.bucket]

    def fail(self, number: int, status: Object) -> None:
        """Break a watch: what was not delivered is lost, and its owner gets an ERROR event."""
        watch = self.state.watches.get(number)
        if watch is None:
            return
        watch.pending.clear()
        watch.pending.append(WatchEvent("ERROR", freeze(status), watch.revision, 0))
        watch.ended = True  # closed when its owner has read the ERROR
        watch.scheduled, watch.delay = False, 0  # a broken connection is noticed at once, however slow it was
        self._wake(watch)

    def dispatch(self, resource: Resource, change: Change) -> None:
        """Give a change to every watch that it concerns."""
        index, watches = self.state.index, self.state.watches
        for key in (resource.key, ALL_RESOURCES):
            buckets = index.get(key)
            if buckets:
                for number in self._concerned(buckets, resource, change):
                    watch = watches[number]
                    if not watch.ended and (event := translate(watch, resource, change)) is not None:
                        self._offer(watch, event)

    @staticmethod
    def _concerned(buckets: Mapping[tuple[str, str], dict[int, None]], resource: Resource, change: Change) -> list[int]:
        everybody = buckets.get(("", ""), ())
        if len(buckets) == bool(everybody):
            return list(everybody)
        found: dict[int, None] = dict(everybody)
        new, old = change.value, change.previous
        meta = (old if new is None else new)["metadata"]  # an object keeps its name
        found.update(buckets.get(("metadata.namespace", meta.get("namespace", "")), ()))
        found.update(buckets.get(("metadata.name", meta["name"]), ()))
        if resource.plural == "pods":
            for pod in (new, old):
                if pod is not None:
                    found.update(buckets.get(("spec.nodeName", pod["spec"].get("nodeName", "")), ()))
        return list(found)

    def _offer(self, watch: WatchState, event: WatchEvent) -> None:
        watch.revision = event.revision
        watch.pending.append(event)
        if len(watch.pending) > BUFFER:
            self.fail(watch.id, too_old(watch.pending[0].revision, watch.revision))
        else:
            self._wake(watch)

    def _wake(self, watch: WatchState) -> None:
        if watch.component and not watch.scheduled:
            watch.scheduled = True
            delay = LATENCY["watch delivery"] + watch.delay
            causes = self.kernel.causes
            quiet = watch.resource in ("leases.coordination.k8s.io", "events")
            self.kernel.after(delay, watch.component, ("watch", watch.id), why=f"{watch.resource} changed", causes=causes, background=quiet)

    def preload(self, watch: WatchState, objects: list[Object], *, bookmark: bool) -> None:
        """Begin a watch with the present state: every object as ADDED, then a bookmark that says where that ends."""
        for obj in objects:
            watch.pending.append(WatchEvent("ADDED", obj, int(obj["metadata"]["resourceVersion"]), 0))
        if bookmark:
            watch.pending.append(WatchEvent("BOOKMARK", bookmark_of(watch, initial=True), watch.revision, 0))

    def replay(self, watch: WatchState, resource: Resource, changes: list[Change]) -> None:
        """Begin a watch with what has happened since the revision that it asked for."""
        for change in changes:
            event = translate(watch, resource, change)
            if event is not None:
                watch.pending.append(event)

    def take(self, number: int) -> list[WatchEvent]:
        """Everything that waits on a watch, in order; it is delivered by being taken."""
        watch = self.state.watches.get(number)
        if watch is None:
            return []
        events = list(watch.pending)
        watch.pending.clear()
        watch.scheduled = False
        if watch.ended:
            self.close(number)
        return events


def translate(watch: WatchState, resource: Resource, change: Change) -> WatchEvent | None:
    """What a change looks like through a watch's selectors; None where it is not seen."""
    revision, _, _, new, old, cause = change
    everything = watch.by_bucket and not watch.bucket[0]
    is_seen = new is not None and (everything or selected(watch, resource, new))
    was_seen = old is not None and (everything or selected(watch, resource, old))
    if is_seen:
        return _watch_event(("MODIFIED" if was_seen else "ADDED", new, revision, cause))
    if not was_seen:
        return None
    return _watch_event(("DELETED", old if new is None else new, revision, cause))  # left the selector: its present form is reported


def selected(watch: WatchState, resource: Resource, obj: Object) -> bool:
    """Whether the watch's namespace and selectors let the object through."""
    if watch.by_bucket:
        name, value = watch.bucket
        return not name or field_value(resource, name, obj) == value
    meta = obj["metadata"]
    if watch.namespace and meta.get("namespace") != watch.namespace:
        return False
    if watch.label_selector and not selectors.parse(watch.label_selector).matches(meta.get("labels")):
        return False
    return not watch.field_selector or _fields_match(watch.field_selector, resource, obj)


def _fields_match(selector: str, resource: Resource, obj: Any) -> bool:
    """Remembered on the object: it is asked again when it has become the previous one."""
    known, question = memo(obj), (_fields_match, selector)
    found: bool | None = known.get(question)
    if found is None:
        found = known[question] = selectors.parse_fields(selector).matches(lambda name: field_value(resource, name, obj))
    return found


def field_value(resource: Resource, name: str, obj: Object) -> str:
    """The text of a selectable field of an object."""
    if name == "metadata.name":
        return str(obj["metadata"]["name"])
    if name == "metadata.namespace":
        return str(obj["metadata"].get("namespace", ""))
    return resource.selectable_fields[name](obj)


def bookmark_of(watch: WatchState, *, initial: bool = False) -> Object:
    """The object of a BOOKMARK event: nothing but a revision up to which the watch has seen everything."""
    meta: dict[str, Any] = {"resourceVersion": str(watch.revision)}
    if initial:
        meta["annotations"] = {"k8s.io/initial-events-end": "true"}
    frozen: Object = freeze({"metadata": meta})
    return frozen


def too_old(revision: int, floor: int) -> dict[str, Any]:
    """The ``Status`` that ends a watch whose revision is no longer to be had; ``floor``: the oldest that is."""
    return {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 410, "reason": "Expired",
        "message": f"too old resource version: {revision} ({floor})",
    }  # fmt: skip
