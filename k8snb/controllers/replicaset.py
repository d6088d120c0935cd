"""ReplicaSet: keep the number of Pods right.

The loop counts the active Pods it owns and compares with ``spec.replicas``. Too few: it creates Pods from the template, in
batches of 1, 2, 4, 8 ... so that a template which the API server refuses does not fail a thousand times (*slow start*).
Too many: it deletes those that would be missed least (see :func:`deletion_rank`).

    plan(observed)  ->  [Create(3)]  |  [Delete((pod, pod))]  |  []

What it asked for and has not yet seen in its cache it remembers as **expectations**: until they are fulfilled (or five
minutes pass), it does not count again, or it would create the same Pods twice from a stale cache. And it does not even look
before its cache has come to the revision of what it wrote (:mod:`.consistency`): a watch may be later than five minutes.

Models: pkg/controller/replicaset/replica_set.go (syncReplicaSet, manageReplicas, slowStartBatch), pkg/controller/
controller_utils.go (ActivePodsWithRanks, UIDTrackingControllerExpectations). ReplicationController is the same loop over
another kind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import set_condition
from k8snb.apimachinery.objects import FrozenDict, Object, freeze
from k8snb.client.controller import Controller, Tally, Watches, owned_by
from k8snb.client.informer import key_of
from k8snb.component_helpers.pods import is_pod_active
from k8snb.controllers.adoption import claimed, ownership, selector_of
from k8snb.controllers.census import TALLY, Census, census, counted, left_the_selector, standing
from k8snb.controllers.consistency import Consistency
from k8snb.controllers.expectations import Expectations, ExpectationsState
from k8snb.controllers.pod_control import create_pod, delete_pod, is_terminating_namespace, matching_orphan_owners, slow_start
from k8snb.controllers.ranking import deletion_order
from k8snb.sim.clock import SECOND
from k8snb.sim.state import Shelf

BURST = 500


class Create(NamedTuple):
    """Make that many Pods."""

    missing: int


class Delete(NamedTuple):
    """Delete these Pods, in this order."""

    pods: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """What the loop looks at: the set, how many active Pods it has, and, where there are too many of them, which ones, how many
    Pods of related sets each node has, and the time."""

    replicaset: Object
    active: int
    pods: tuple[Object, ...] = ()
    related_on_node: dict[str, int] = field(default_factory=dict)
    now: int = 0


def plan(observed: Observed) -> list[Create | Delete]:
    """What is to be done. Pure: the same observation gives the same actions.

    >>> rs = freeze({"metadata": {"name": "web"}, "spec": {"replicas": 2}})
    >>> plan(Observed(rs, active=0))
    [Create(missing=2)]
    """
    missing = observed.replicaset["spec"]["replicas"] - observed.active
    if missing > 0:
        return [Create(min(missing, BURST))]
    if missing < 0:
        order = deletion_order(observed.pods, observed.related_on_node, observed.now)
        return [Delete(tuple(order[: min(-missing, BURST)]))]
    return []


@dataclass(slots=True)
class ReplicaSetState:
    """What the loop has asked for and written, and not seen yet."""

    expectations: ExpectationsState = field(default_factory=Expectations.new_state)
    written: dict[str, Shelf] = field(default_factory=dict)


class ReplicaSetController(Controller):
    """The loop of ReplicaSets. ``kind`` and ``resource`` are all that a ReplicationController changes."""

    name = "replicaset"
    kind: ClassVar[str] = "ReplicaSet"
    resource: ClassVar[str] = "replicasets.apps"
    watches = (Watches("replicasets.apps"), Watches("pods", owned_by("ReplicaSet")), Watches("pods", matching_orphan_owners))
    indexes = ownership("pods") + ownership("replicasets.apps")
    tallies = (Tally("pods", TALLY, standing),)

    def __init__(self, process: Any):
        super().__init__(process)
        self.expectations = Expectations(self, "pods", self.kind)
        self.consistency = Consistency(self)

    def new_state(self) -> Any:
        return ReplicaSetState()

    def reconcile(self, key: str) -> None:
        if not self.consistency.ready(key):
            return
        rs = self.informers[self.resource].get(key)
        if rs is None:
            self.consistency.forget(key)
            self.expectations.forget(key)
            return
        satisfied = self.expectations.satisfied(key)
        own = self._adopt_and_release(rs)
        counts = census(self, rs, self.now) if own is None else counted(own, rs, self.now)
        error: ApiError | None = None
        if satisfied and "deletionTimestamp" not in rs["metadata"]:
            error = self._act(key, rs, counts.active, own)
        self._update_status(key, rs, counts, error)
        if error is not None:
            raise error

    def _adopt_and_release(self, rs: Object) -> list[Object] | None:
        """Make ownership and selector agree. The Pods that are its own after that; None where the cache already tells."""
        orphans = self.informers["pods"].count("orphans", rs["metadata"]["namespace"])
        if not orphans and not left_the_selector(self, rs, selector_of(rs)):
            return None
        return claimed(self, "pods", rs)

    def _act(self, key: str, rs: Object, active: int, own: list[Object] | None) -> ApiError | None:
        """Carry out the plan; the first refusal ends it and is given back. ``own`` is what :meth:`_adopt_and_release` gave."""
        observed = Observed(rs, active)
        if active > rs["spec"]["replicas"]:
            pods = tuple(filter(is_pod_active, claimed(self, "pods", rs) if own is None else own))
            observed = Observed(rs, active, pods, self._related_on_node(rs), self.now)
        for action in plan(observed):
            if isinstance(action, Create):
                return self._create(key, rs, action.missing)
            return self._delete(key, rs, action.pods)
        return None

    def _create(self, key: str, rs: Object, count: int) -> ApiError | None:
        self.expectations.expect_creations(key, count)
        template = rs["spec"]["template"]
        made, error = slow_start(count, lambda _number: self.consistency.wrote(rs, "pods", create_pod(self, rs, template)))
        self.expectations.lower(key, count - made)
        return None if error is not None and is_terminating_namespace(error) else error

    def _delete(self, key: str, rs: Object, pods: tuple[Object, ...]) -> ApiError | None:
        self.expectations.expect_deletions(key, [key_of(pod) for pod in pods])
        for pod in pods:
            try:
                delete_pod(self, rs, pod)
            except ApiError as error:
                self.expectations.deletion_observed(key, key_of(pod))
                if error.code != 404:
                    return error
        return None

    def _related_on_node(self, rs: Object) -> dict[str, int]:
        """How many active Pods of all sets with the same owner run on each node: crowded nodes shrink first."""
        owner = next((ref["uid"] for ref in rs["metadata"].get("ownerReferences") or () if ref.get("controller")), None)
        sets = self.informers[self.resource].by("owner", owner) if owner else [rs]
        counts: dict[str, int] = {}
        for related in sets:
            for pod in self.informers["pods"].by("owner", related["metadata"]["uid"]):
                node = pod["spec"].get("nodeName")
                if node and is_pod_active(pod):
                    counts[node] = counts.get(node, 0) + 1
        return counts

    def _update_status(self, key: str, rs: Object, counts: Census, error: ApiError | None) -> None:
        status = new_status(rs, counts, error, self.now)
        if status != rs.get("status"):
            written = self.client.update_status(self.resource, FrozenDict({**rs, "status": status}), typed=True)
            self.consistency.wrote(rs, self.resource, written)
        minimum = rs["spec"].get("minReadySeconds", 0)
        if minimum and status.get("readyReplicas") == rs["spec"]["replicas"] != status.get("availableReplicas"):
            self.queue.add_after(key, minimum * SECOND, "its Pods have been ready for minReadySeconds")


def new_status(rs: Object, counts: Census, error: ApiError | None, now: int) -> Object:
    """The status that follows from the counts. Those that are zero are left out, as Go's omitempty does."""
    old = rs.get("status") or {}
    optional = {"fullyLabeledReplicas": counts.labelled, "readyReplicas": counts.ready, "availableReplicas": counts.available}
    status: dict[str, Any] = {key: value for key, value in old.items() if key not in optional}
    status |= {key: value for key, value in optional.items() if value}
    status["replicas"] = counts.active
    if rs["kind"] == "ReplicaSet":
        status["terminatingReplicas"] = counts.terminating
    status["observedGeneration"] = rs["metadata"].get("generation", 0)
    status["conditions"] = _conditions(rs, counts.active, error, now)
    return freeze({key: value for key, value in status.items() if key != "conditions" or value})  # type: ignore[no-any-return]


def _conditions(rs: Object, count: int, error: ApiError | None, now: int) -> Any:
    """ReplicaFailure says why Pods cannot be created or deleted; it goes when they can."""
    present = (rs.get("status") or {}).get("conditions") or []
    if error is None:
        return [c for c in present if c["type"] != "ReplicaFailure"]
    if any(c["type"] == "ReplicaFailure" for c in present):
        return present
    reason = "FailedCreate" if count < rs["spec"]["replicas"] else "FailedDelete"
    return set_condition(present, {"type": "ReplicaFailure", "status": "True", "reason": reason, "message": error.message}, now)
