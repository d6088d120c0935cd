"""The DaemonSet's loop: observe nodes and Pods, decide by the pure functions of its neighbours, act.

Models: pkg/controller/daemon/daemon_controller.go (syncDaemonSet, syncNodes, updateDaemonSetStatus). Simplified: nodes that
are lost keep their Pods until taint eviction or Pod garbage collection sees to them, as upstream.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, freeze
from k8snb.client.controller import Controller, Watches, owned_by
from k8snb.client.informer import key_of
from k8snb.component_helpers.pods import is_pod_available, is_pod_ready
from k8snb.controllers import history
from k8snb.controllers.adoption import claimed, ownership
from k8snb.controllers.consistency import Consistency
from k8snb.controllers.daemonset.placement import daemon_pod, should_run
from k8snb.controllers.daemonset.plan import Create, Delete, Observed, by_node, is_updated, oldest_first, plan
from k8snb.controllers.expectations import Expectations, ExpectationsState
from k8snb.controllers.pod_control import create_pod, delete_pod, is_terminating_namespace, matching_orphan_owners, slow_start
from k8snb.sim.clock import MINUTE, SECOND
from k8snb.sim.state import Shelf

BURST = 250
FIRST_BACKOFF, LONGEST_BACKOFF = SECOND, 15 * MINUTE


@dataclass(slots=True)
class DaemonSetState:
    """Expectations; the back-off of failed Pods: (UID of the set, node) -> (delay, since), in µs; what was written and not seen yet."""

    expectations: ExpectationsState = field(default_factory=Expectations.new_state)
    failed: Shelf = field(default_factory=Shelf)
    written: dict[str, Shelf] = field(default_factory=dict)


def _all_sets(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """A node came, went, or changed in what decides placement: every DaemonSet."""
    if old is not None and new is not None and _placement(old) == _placement(new):
        return []
    return [key_of(daemonset) for daemonset in controller.informers[controller.resource].all()]


def _placement(node: Object) -> tuple[Any, ...]:
    return node["metadata"].get("labels"), (node.get("spec") or EMPTY_DICT).get("taints")


class DaemonSetController(Controller):
    """One turn: create and delete Pods, or only write the status while what was asked for is not seen yet."""

    name = "daemonset"
    account = "daemon-set-controller"
    resource = "daemonsets.apps"
    watches = (
        Watches("daemonsets.apps"),
        Watches("pods", owned_by("DaemonSet")),
        Watches("pods", matching_orphan_owners),
        Watches(history.REVISIONS, owned_by("DaemonSet")),
        Watches("nodes", _all_sets),
    )
    indexes = ownership("pods") + ownership(history.REVISIONS)

    def __init__(self, process: Any):
        super().__init__(process)
        self.expectations = Expectations(self, "pods", "DaemonSet")
        self.consistency = Consistency(self)

    def new_state(self) -> Any:
        return DaemonSetState()

    def reconcile(self, key: str) -> None:
        if not self.consistency.ready(key):
            return
        daemonset = self.informers[self.resource].get(key)
        if daemonset is None:
            self.consistency.forget(key)
            self.expectations.forget(key)
            return
        if "deletionTimestamp" in daemonset["metadata"]:
            return
        revisions = claimed(self, history.REVISIONS, daemonset)
        current, collisions = history.ensure(self, daemonset, revisions, label=history.POD_HASH)
        refused: ApiError | None = None
        if self.expectations.satisfied(key):
            refused = self._act(self._observe(daemonset, current))
            if self.expectations.satisfied(key):
                self._clean_up(daemonset, revisions, current)
        self._write_status(self._observe(daemonset, current), collisions)
        if refused is not None:
            raise refused

    def _observe(self, daemonset: Object, current: Object) -> Observed:
        uid, now = daemonset["metadata"]["uid"], self.now
        held = {node: delay + since for (owner, node), (delay, since) in self.own.failed.items() if owner == uid and delay + since > now}
        pods = by_node(claimed(self, "pods", daemonset))
        nodes = tuple(self.informers["nodes"].all())
        return Observed(daemonset, nodes, pods, current["metadata"]["labels"][history.POD_HASH], now, held)

    # ------------------------------------------------------------------ acting

    def _act(self, observed: Observed) -> ApiError | None:
        """Carry out the plan; the first refusal is given back."""
        creations: tuple[str, ...] = ()
        deletions: tuple[Object, ...] = ()
        for action in plan(observed):
            if isinstance(action, Create):
                creations = action.nodes[:BURST]
            elif isinstance(action, Delete):
                deletions = action.pods[:BURST]
        for node, until in observed.held.items():
            self.queue.add_after(key_of(observed.daemonset), until - self.now, f"the back-off of its failed Pod on {node}")
        if not creations and not deletions:
            return None
        self.expectations.expect(key_of(observed.daemonset), len(creations), [key_of(pod) for pod in deletions])
        self._say_ended(observed, deletions)
        refused = self._create(observed, creations)
        return self._delete(observed, deletions) or refused

    def _create(self, observed: Observed, nodes: tuple[str, ...]) -> ApiError | None:
        daemonset = observed.daemonset

        def create(number: int) -> None:
            made = create_pod(self, daemonset, EMPTY_DICT, pod=daemon_pod(daemonset, nodes[number], observed.revision))
            self.consistency.wrote(daemonset, "pods", made)

        made, error = slow_start(len(nodes), create)
        self.expectations.lower(key_of(daemonset), len(nodes) - made)
        return None if error is not None and is_terminating_namespace(error) else error

    def _delete(self, observed: Observed, pods: tuple[Object, ...]) -> ApiError | None:
        refused: ApiError | None = None
        for pod in pods:
            try:
                delete_pod(self, observed.daemonset, pod)
            except ApiError as error:
                self.expectations.deletion_observed(key_of(observed.daemonset), key_of(pod))
                refused = refused or (error if error.code != 404 else None)
        return refused

    def _say_ended(self, observed: Observed, pods: tuple[Object, ...]) -> None:
        """Daemon Pods do not end; those that did are replaced, failed ones with back-off."""
        for pod in pods:
            phase, name, node = pod["status"].get("phase"), key_of(pod), pod["spec"].get("nodeName", "")
            if phase == "Failed":
                message = f"Found failed daemon pod {name} on node {node}, will try to kill it"
                self.recorder.event(observed.daemonset, "Warning", "FailedDaemonPod", message)
                self._back_off(observed.daemonset["metadata"]["uid"], node)
            elif phase == "Succeeded":
                message = f"Found succeeded daemon pod {name} on node {node}, will try to delete it"
                self.recorder.event(observed.daemonset, "Normal", "SucceededDaemonPod", message)

    def _back_off(self, uid: str, node: str) -> None:
        delay, since = self.own.failed.get((uid, node), (0, 0))
        fresh = not delay or self.now - since > 2 * LONGEST_BACKOFF
        self.own.failed[uid, node] = (FIRST_BACKOFF if fresh else min(2 * delay, LONGEST_BACKOFF), self.now)

    def _clean_up(self, daemonset: Object, revisions: list[Object], current: Object) -> None:
        """Forget old revisions beyond ``revisionHistoryLimit`` of which no Pod is left."""
        old = [r for r in revisions if r["metadata"]["uid"] != current["metadata"]["uid"]]
        excess = len(old) - daemonset["spec"]["revisionHistoryLimit"]
        if excess > 0:
            pods = self.informers["pods"].by("owner", daemonset["metadata"]["uid"])
            hashes = {(pod["metadata"].get("labels") or EMPTY_DICT).get(history.POD_HASH) for pod in pods}
            live = {r["metadata"]["name"] for r in old if r["metadata"]["labels"].get(history.POD_HASH) in hashes}
            history.forget(self, old, excess, live)

    # ------------------------------------------------------------------ status

    def _write_status(self, observed: Observed, collisions: int) -> None:
        daemonset = observed.daemonset
        status = new_status(observed, collisions)
        if status != daemonset.get("status"):
            written = self.client.update_status(self.resource, FrozenDict({**daemonset, "status": status}))
            self.consistency.wrote(daemonset, self.resource, written)
        if observed.min_ready and status["numberReady"] != status.get("numberAvailable", 0):
            self.queue.add_after(key_of(daemonset), observed.min_ready * SECOND, "its Pods have been ready for minReadySeconds")


def new_status(observed: Observed, collisions: int) -> Object:
    """The counts. Those that Go leaves out when they are zero are left out."""
    counts = dict.fromkeys(("desired", "current", "misscheduled", "ready", "available", "updated"), 0)
    for node in observed.nodes:
        pods = sorted(observed.pods.get(node["metadata"]["name"], ()), key=oldest_first)
        if not should_run(observed.daemonset, node)[0]:
            counts["misscheduled"] += bool(pods)
            continue
        counts["desired"] += 1
        if pods:
            counts["current"] += 1
            counts["ready"] += is_pod_ready(pods[0])
            counts["available"] += is_pod_available(pods[0], observed.min_ready, observed.now)
            counts["updated"] += is_updated(observed, pods[0])
    return _status(observed.daemonset, counts, collisions)


def _status(daemonset: Object, counts: dict[str, int], collisions: int) -> Object:
    kept = {key: value for key, value in (daemonset.get("status") or EMPTY_DICT).items() if key == "conditions"}
    always = {"currentNumberScheduled": counts["current"], "numberMisscheduled": counts["misscheduled"],
              "desiredNumberScheduled": counts["desired"], "numberReady": counts["ready"],
              "observedGeneration": daemonset["metadata"].get("generation", 0)}  # fmt: skip
    sparse = {"updatedNumberScheduled": counts["updated"], "numberAvailable": counts["available"],
              "numberUnavailable": counts["desired"] - counts["available"], "collisionCount": collisions}  # fmt: skip
    return freeze(kept | always | {key: value for key, value in sparse.items() if value})  # type: ignore[no-any-return]
