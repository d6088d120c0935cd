"""The scheduling queue: who is next, who waits out a back-off, and who waits for the cluster to change.

    new pod ──> active ──pop──> (a cycle) ──fits nowhere──> unschedulable
                  ^   ^                                         │  an event that one of the rejecting plugins waits for
                  │   └──────── backoff <───────────────────────┘  (or five minutes)
    PreEnqueue says no ──> gated, until that plugin's event

A pod that failed n times waits 1, 2, 4 ... at most 10 seconds from its last failure before it may be active again, and then until the
next whole second: in each such window pods come back in the order of the active queue. When nothing else is to do, pods are taken out
of the back-off early (not those that failed for an error of the system).

Entries are immutable (:class:`QueuedPod`); heaps hold keys and skip entries that are out of date. All of it is state.

Models: pkg/scheduler/backend/queue (scheduling_queue.go, backoff_queue.go, active_queue.go).
A cycle happens at one instant; but a pod that a Permit plugin holds is *in flight* for long, and what happens meanwhile is kept for it:
if it is refused in the end, it is not put to sleep over an event that would have woken it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from k8snb.apimachinery.objects import FrozenDict, dig
from k8snb.scheduler.cluster_event import TIMEOUT, WILDCARD, Change, Interest, pod_actions
from k8snb.scheduler.diagnosis import Status
from k8snb.scheduler.framework import Cluster, Framework, Plugin, PluginFailure, PreEnqueuePlugin, call
from k8snb.scheduler.podinfo import PodInfo, pod_info
from k8snb.sim.clock import MINUTE, SECOND
from k8snb.sim.state import Shelf, Tape

ACTIVE = "active"
BACKOFF = "backoff"
ERROR_BACKOFF = "error backoff"
UNSCHEDULABLE = "unschedulable"
GATED = "gated"
IN_FLIGHT = "in flight"
INITIAL_BACKOFF = 1 * SECOND
MAX_BACKOFF = 10 * SECOND
WINDOW = 1 * SECOND  # back-offs end at whole seconds; within one, pods are taken by priority
MAX_UNSCHEDULABLE = 5 * MINUTE
FLUSH = 30 * SECOND  # how often somebody looks for pods that have waited longer than that


class QueuedPod(NamedTuple):
    """A pod and its history in the queue. ``where`` is one of the constants above."""

    key: str
    pod: FrozenDict
    where: str
    sequence: int  # of the entry: heap items with another number are out of date
    timestamp: int  # when it entered its present place, µs
    added: int  # when it was first seen
    attempts: int = 0
    failures: int = 0  # cycles that found no node
    errors: int = 0  # errors in a row
    rejected_by: tuple[str, ...] = ()
    pending_on: tuple[str, ...] = ()
    causes: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"<QueuedPod {self.key} {self.where}, {self.attempts} attempts>"


@dataclass(slots=True)
class QueueState:
    """All pods that wait, the heaps of keys, and who is expected on which node."""

    pods: Shelf = field(default_factory=Shelf)  # namespace/name -> QueuedPod
    active: Tape = field(default_factory=Tape)  # heap of (sort key ..., sequence, key)
    backoff: dict[str, Tape] = field(default_factory=lambda: {BACKOFF: Tape(), ERROR_BACKOFF: Tape()})
    unschedulable: dict[str, Shelf] = field(default_factory=dict)  # plugin that rejected -> keys of pods that wait for its events
    sequence: int = 0
    nominated: Shelf = field(default_factory=Shelf)  # namespace/name -> (node, Pod)
    flying: dict[str, Tape] = field(default_factory=dict)  # namespace/name of a pod in flight -> the changes since


class SchedulingQueue:
    """The operations on a :class:`QueueState`. Frameworks by scheduler name say how to sort, gate and wake.

    ``placed`` is told of every entry that got a new place, so that its owner can set a timer or start a cycle.
    """

    def __init__(
        self, state: QueueState, frameworks: Mapping[str, Framework], cluster: Cluster, placed: Callable[[QueuedPod], None], *,
        backoff: tuple[int, int] = (INITIAL_BACKOFF, MAX_BACKOFF),
    ):  # fmt: skip
        """``backoff``: the first wait and the longest one, µs."""
        self.state, self.frameworks, self.cluster, self.placed = state, frameworks, cluster, placed
        self.backoff = backoff

    # In and out

    def add(self, pod: FrozenDict, causes: tuple[int, ...] = ()) -> None:
        """A new pod without a node."""
        now, key = self.cluster.now, pod_info(pod).key
        self._nominate_from_status(pod)
        self._activate(QueuedPod(key, pod, ACTIVE, 0, now, now, causes=causes))

    def pop(self) -> QueuedPod | None:
        """The next pod to try; it is in flight from now on. None when nobody may be tried."""
        while self.state.active:
            *_, sequence, key = heapq.heappop(self.state.active)
            entry = self.state.pods.get(key)
            if entry is not None and entry.sequence == sequence and entry.where == ACTIVE:
                return self._take(entry)
        entry = self._soonest(BACKOFF)
        return None if entry is None else self._take(entry)

    def done(self, key: str) -> None:
        """The pod is on its way to a node: the queue forgets it."""
        entry = self.state.pods.pop(key, None)
        if entry is not None:
            self._index(entry, waits=False)
        self.state.nominated.pop(key, None)

    def failed(self, key: str, rejected_by: tuple[str, ...], pending_on: tuple[str, ...]) -> QueuedPod | None:
        """The cycle found no node (no plugin named: an error). Gives the entry in its new place; None if the pod is gone."""
        entry = self.state.pods.get(key)
        if entry is None or entry.where != IN_FLIGHT:
            return None
        system, missed = not rejected_by and not pending_on, self.state.flying.pop(key, ())
        entry = entry._replace(
            timestamp=self.cluster.now,
            failures=entry.failures + (not system),
            errors=entry.errors + 1 if system else 0,
            rejected_by=rejected_by,
            pending_on=pending_on,
        )
        awake = any(worth_requeueing(entry, change, self._framework(entry)) for change in missed)
        return self._put(entry, ERROR_BACKOFF if system else BACKOFF if awake else UNSCHEDULABLE)

    def fly(self, key: str) -> None:
        """From now on keep what happens for this pod, which is no longer in the queue."""
        self.state.flying[key] = Tape()

    def land(self, key: str) -> None:
        """Nothing needs to be kept for it any more: no plugin can reject it from here on."""
        self.state.flying.pop(key, None)

    def put_back(self, entry: QueuedPod, rejected_by: tuple[str, ...] = ()) -> QueuedPod | None:
        """A pod whose binding failed comes back: refused by plugins, or (none named) for an error."""
        self.state.pods[entry.key] = entry._replace(where=IN_FLIGHT)
        return self.failed(entry.key, rejected_by, ())

    def released(self, key: str, *, at_once: bool) -> None:
        """What kept the pod out of the queue is done: it waits for an event again, or is tried at once."""
        entry = self.state.pods.get(key)
        if entry is None or entry.where == IN_FLIGHT:
            return
        if at_once:
            self._activate(entry)
        elif entry.where == GATED:
            self._put(entry._replace(rejected_by=entry.rejected_by[:-1]), UNSCHEDULABLE)

    def update(self, old: FrozenDict | None, new: FrozenDict, causes: tuple[int, ...] = ()) -> None:
        """A waiting pod changed. If the change may help it, it is tried again."""
        entry = self.state.pods.get(pod_info(new).key)
        if entry is None:
            self.add(new, causes)
            return
        self._nominate_from_status(new)
        entry = entry._replace(pod=new)
        self.state.pods[entry.key] = entry
        if entry.where == GATED:
            self._activate(entry._replace(causes=causes or entry.causes))
        elif entry.where == UNSCHEDULABLE and old is not None:
            for action in pod_actions(old, new):
                if self._wake(entry, Change("UnscheduledPod", action, old, new), causes):
                    return

    def delete(self, key: str) -> None:
        """The pod is gone."""
        self.done(key)

    # Waking

    def move(self, change: Change, causes: tuple[int, ...] = ()) -> None:
        """Something happened in the cluster: pods that wait for such a thing move on."""
        for tape in self.state.flying.values():
            tape.append(change)
        for entry in self._concerned(change):
            self._wake(entry, change, causes)

    def due(self, key: str) -> None:
        """A timer for this pod: its back-off may have ended, or it has waited five minutes."""
        entry = self.state.pods.get(key)
        if entry is None:
            return
        now = self.cluster.now
        if entry.where in (BACKOFF, ERROR_BACKOFF) and self.backoff_until(entry) <= now:
            self._activate(entry)
        elif entry.where == UNSCHEDULABLE and entry.timestamp + MAX_UNSCHEDULABLE <= now:
            self._wake(entry, TIMEOUT, ())

    def backoff_until(self, entry: QueuedPod) -> int:
        """When its back-off ends, µs: the first whole second after it."""
        count = entry.errors or entry.failures
        if count == 0:
            return 0
        first, longest = self.backoff
        return (entry.timestamp + min(first << min(count - 1, 16), longest)) // WINDOW * WINDOW + WINDOW

    def next_time(self, entry: QueuedPod) -> int | None:
        """When a timer is needed for the entry in its present place, µs."""
        if entry.where in (BACKOFF, ERROR_BACKOFF):
            return self.backoff_until(entry)
        return -(-(entry.timestamp + MAX_UNSCHEDULABLE) // FLUSH) * FLUSH if entry.where == UNSCHEDULABLE else None

    def ready(self) -> bool:
        """Whether :meth:`pop` would give a pod."""
        state = self.state
        while state.active:
            *_, sequence, key = state.active[0]
            entry = state.pods.get(key)
            if entry is not None and entry.sequence == sequence and entry.where == ACTIVE:
                return True
            heapq.heappop(state.active)
        return self._soonest(BACKOFF) is not None

    # Nominations

    def nominate(self, pod: FrozenDict, node: str) -> None:
        """Room was made on the node for this pod; an empty name takes that back."""
        key = pod_info(pod).key
        if node:
            self.state.nominated[key] = (node, pod)
        else:
            self.state.nominated.pop(key, None)

    def nominations(self) -> dict[str, list[FrozenDict]]:
        """By node, the pods that are expected there."""
        found: dict[str, list[FrozenDict]] = {}
        for node, pod in self.state.nominated.values():
            found.setdefault(node, []).append(pod)
        return found

    # Inside

    def _nominate_from_status(self, pod: FrozenDict) -> None:
        node = dig(pod, "status.nominatedNodeName", "")
        if node or pod_info(pod).key in self.state.nominated:
            self.nominate(pod, node)

    def _take(self, entry: QueuedPod) -> QueuedPod:
        taken = entry._replace(where=IN_FLIGHT, attempts=entry.attempts + 1)
        self.state.pods[entry.key] = taken
        return taken

    def _put(self, entry: QueuedPod, where: str) -> QueuedPod:
        """Give the entry a place and a new number."""
        self.state.sequence += 1
        known = self.state.pods.get(entry.key)
        if known is not None:
            self._index(known, waits=False)
        placed = entry._replace(where=where, sequence=self.state.sequence)
        self.state.pods[entry.key] = placed
        self._index(placed, waits=where == UNSCHEDULABLE)
        if where == ACTIVE:
            heapq.heappush(self.state.active, (*self._sort_key(placed), placed.sequence, placed.key))
        elif where in self.state.backoff:
            item = (self.backoff_until(placed), *self._sort_key(placed), placed.sequence, placed.key)
            heapq.heappush(self.state.backoff[where], item)
        self.placed(placed)
        return placed

    def _sort_key(self, entry: QueuedPod) -> tuple[int | str, ...]:
        info = pod_info(entry.pod)
        return self.frameworks[info.scheduler_name].queue_sort[0].sort_key(info, entry.timestamp)

    def _index(self, entry: QueuedPod, *, waits: bool) -> None:
        for plugin in (*entry.rejected_by, *entry.pending_on):
            if waits:
                self.state.unschedulable.setdefault(plugin, Shelf())[entry.key] = True
            elif plugin in self.state.unschedulable:
                self.state.unschedulable[plugin].pop(entry.key, None)
                if not self.state.unschedulable[plugin]:
                    del self.state.unschedulable[plugin]

    def _concerned(self, change: Change) -> list[QueuedPod]:
        """The unschedulable pods that were rejected by a plugin with an interest in such a change, oldest entry first."""
        index = self.state.unschedulable
        if not index:
            return []
        names = {name for framework in self.frameworks.values() for name in framework.interested_in(change)}
        keys = {key for name in names if name in index for key in index[name]}
        return sorted((self.state.pods[key] for key in keys), key=lambda entry: entry.sequence)

    def _activate(self, entry: QueuedPod) -> QueuedPod:
        """Into the active queue, unless a PreEnqueue plugin objects."""
        return self._enter(entry, ACTIVE)

    def _enter(self, entry: QueuedPod, where: str) -> QueuedPod:
        """Into a place from which the pod may be popped: the active queue or the back-off."""
        info = pod_info(entry.pod)
        for plugin in self.frameworks[info.scheduler_name].pre_enqueue:
            if _objects(plugin, info, self.cluster):
                return self._put(entry._replace(rejected_by=_with(entry.rejected_by, plugin.name)), GATED)
        return self._put(entry, where)

    def _soonest(self, where: str) -> QueuedPod | None:
        heap = self.state.backoff[where]
        while heap:
            *_, sequence, key = heap[0]
            entry: QueuedPod | None = self.state.pods.get(key)
            if entry is not None and entry.sequence == sequence and entry.where == where:
                return entry
            heapq.heappop(heap)
        return None

    def _wake(self, entry: QueuedPod, change: Change, causes: tuple[int, ...]) -> bool:
        """Move one unschedulable pod if the change may help it."""
        verdict = worth_requeueing(entry, change, self._framework(entry))
        if not verdict:
            return False
        entry = entry._replace(causes=causes or entry.causes)
        if verdict == "after backoff" and self.backoff_until(entry) > self.cluster.now:
            self._enter(entry, BACKOFF)
        else:
            self._activate(entry)
        return True

    def _framework(self, entry: QueuedPod) -> Framework:
        return self.frameworks[pod_info(entry.pod).scheduler_name]


def worth_requeueing(entry: QueuedPod, change: Change, framework: Framework) -> str:
    """``immediately``, ``after backoff``, or empty where the change cannot help the pod."""
    culprits = {*entry.rejected_by, *entry.pending_on}
    if not culprits or change.resource == WILDCARD:
        return "after backoff"
    info = pod_info(entry.pod)
    verdict = ""
    for plugin, interests in framework.interests:
        if plugin.name in culprits and _helps(plugin, interests, change, info):
            if plugin.name in entry.pending_on:
                return "immediately"
            verdict = "after backoff"
    return verdict


def _with(names: tuple[str, ...], last: str) -> tuple[str, ...]:
    """The names, ``last`` at the end."""
    return (*(name for name in names if name != last), last)


def _objects(plugin: PreEnqueuePlugin, pod: PodInfo, cluster: Cluster) -> bool:
    """Whether a plugin keeps the pod out; one that fails does."""
    try:
        status: Status | None = call(plugin, "PreEnqueue", plugin.pre_enqueue, pod, cluster)
    except PluginFailure:
        return True
    return status is not None


def _helps(plugin: Plugin, interests: tuple[Interest, ...], change: Change, pod: PodInfo) -> bool:
    """Whether a plugin waits for this change; when its hint fails, better one attempt too many."""
    for interest in interests:
        if interest.meant(change, pod):
            try:
                if call(plugin, "QueueingHint", interest.hint, pod, change):
                    return True
            except PluginFailure:
                return True
    return False
