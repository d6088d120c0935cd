"""The StatefulSet's loop: observe Pods, claims and revisions, decide by the pure functions of its neighbours, act.

It needs no expectations: a Pod that a stale cache does not show yet has a name, and cannot be made twice. It only waits until its
cache has shown what it wrote (:mod:`..consistency`), or it would try again and again.

Models: pkg/controller/statefulset/stateful_set.go (sync), stateful_set_control.go, stateful_pod_control.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, freeze, merge
from k8snb.client.controller import Controller, Watches, owned_by
from k8snb.client.informer import key_of
from k8snb.component_helpers.pods import is_pod_terminating
from k8snb.controllers import history
from k8snb.controllers.adoption import claimed, ownership
from k8snb.controllers.consistency import Consistency
from k8snb.controllers.pod_control import is_terminating_namespace, matching_orphan_owners
from k8snb.controllers.statefulset.claims import CLAIMS, claims_of, is_stale, owners_of
from k8snb.controllers.statefulset.identity import identity_labels, ordinal_of, ordinals, parent_and_ordinal, stateful_pod
from k8snb.controllers.statefulset.plan import Create, Observed, is_running_and_ready, plan, revision_of
from k8snb.sim.clock import SECOND
from k8snb.sim.state import Shelf

REVISION_LABEL = "controller.kubernetes.io/hash"


class Revisions(NamedTuple):
    """All revisions of a set, the one that its Pods come from, the one that they go to, and the number of hash collisions."""

    known: list[Object]
    current: Object
    update: Object
    collisions: int


@dataclass(slots=True)
class StatefulSetState:
    """What the loop has written and not seen yet."""

    written: dict[str, Shelf] = field(default_factory=dict)


class StatefulSetController(Controller):
    """One turn: claims, then what the plan says, then the status."""

    name = "statefulset"
    resource = "statefulsets.apps"
    watches = (
        Watches("statefulsets.apps"),
        Watches("pods", owned_by("StatefulSet")),
        Watches("pods", matching_orphan_owners),
        Watches(history.REVISIONS, owned_by("StatefulSet")),
    )
    reads = (CLAIMS,)
    indexes = ownership("pods") + ownership(history.REVISIONS)

    def __init__(self, process: Any):
        super().__init__(process)
        self.consistency = Consistency(self)

    def new_state(self) -> Any:
        return StatefulSetState()

    def reconcile(self, key: str) -> None:
        if not self.consistency.ready(key):
            return
        statefulset = self.informers[self.resource].get(key)
        if statefulset is None:
            self.consistency.forget(key)
            return
        name = statefulset["metadata"]["name"]
        revisions = self._revisions(statefulset, claimed(self, history.REVISIONS, statefulset))
        pods = claimed(self, "pods", statefulset, belongs=lambda pod: parent_and_ordinal(pod)[0] == name)
        observed = self._observe(statefulset, pods, revisions)
        try:
            if "deletionTimestamp" not in statefulset["metadata"]:
                self._fix_pods(observed)
                self._act(observed, revisions)
        except ApiError as error:
            if is_terminating_namespace(error):
                return
            raise
        finally:
            self._write_status(observed, revisions)
        self._clean_up(observed, revisions)

    def _observe(self, statefulset: Object, pods: list[Object], revisions: Revisions) -> Observed:
        current, update = revisions.current["metadata"]["name"], revisions.update["metadata"]["name"]
        missing = set(ordinals(statefulset)) - {ordinal_of(pod) for pod in pods}
        stale = frozenset(number for number in missing if self._is_stale(statefulset, number))
        return Observed(statefulset, current, update, tuple(sorted(pods, key=ordinal_of)), self.now, stale)

    def _is_stale(self, statefulset: Object, ordinal: int) -> bool:
        name = f"{statefulset['metadata']['name']}-{ordinal}"
        found = [self.informers[CLAIMS].get(key_of(claim)) for claim in claims_of(statefulset, ordinal)]
        return any(claim is not None and is_stale(claim, name) for claim in found)

    def _revisions(self, statefulset: Object, known: list[Object]) -> Revisions:
        if "deletionTimestamp" in statefulset["metadata"]:  # what the garbage collector took must not come again
            collisions = (statefulset.get("status") or EMPTY_DICT).get("collisionCount", 0)
            unsaved = history.new_revision(statefulset, 1, label=REVISION_LABEL, collisions=collisions)
            update = history.in_order(known)[-1] if known else unsaved
        else:
            update, collisions = history.ensure(self, statefulset, known, label=REVISION_LABEL)
        named = (statefulset.get("status") or EMPTY_DICT).get("currentRevision")
        current = next((r for r in known if r["metadata"]["name"] == named), update)
        return Revisions(known, current, update, collisions)

    # ------------------------------------------------------------------ acting

    def _act(self, observed: Observed, revisions: Revisions) -> None:
        """Carry out the plan. The first refusal ends it."""
        for action in plan(observed):
            if isinstance(action, Create):
                self._create(observed.statefulset, action, revisions)
            else:
                self._delete(observed.statefulset, action.pod)

    def _create(self, statefulset: Object, action: Create, revisions: Revisions) -> None:
        revision = revisions.update if action.updated else revisions.current
        pod = stateful_pod(statefulset, history.template_of(revision), revision["metadata"]["name"], action.ordinal)
        self._make_claims(statefulset, pod)
        what = f"Create Pod {pod['metadata']['name']} in StatefulSet {statefulset['metadata']['name']}"
        self._say(statefulset, "Create", what, "successful", lambda: self._create_pod(statefulset, pod))

    def _create_pod(self, statefulset: Object, pod: Object) -> None:
        self.consistency.wrote(statefulset, "pods", self.client.create("pods", pod, pod["metadata"]["namespace"]))

    def _delete(self, statefulset: Object, pod: Object) -> None:
        meta = pod["metadata"]
        if pod["status"].get("phase") == "Failed":
            message = f"StatefulSet {key_of(statefulset)} is recreating failed Pod {meta['name']}"
            self.recorder.event(statefulset, "Warning", "RecreatingFailedPod", message)
        elif pod["status"].get("phase") == "Succeeded":
            message = f"StatefulSet {key_of(statefulset)} is recreating terminated Pod {meta['name']}"
            self.recorder.event(statefulset, "Normal", "RecreatingTerminatedPod", message)
        what = f"Delete Pod {meta['name']} in StatefulSet {statefulset['metadata']['name']}"
        self._say(statefulset, "Delete", what, "successful", lambda: self.client.delete("pods", meta["name"], meta["namespace"]))

    def _say(self, statefulset: Object, verb: str, what: str, success: str, request: Callable[[], Any]) -> None:
        """Make a request and say how it went. A Pod that is there already, or gone already, is not worth an Event."""
        try:
            request()
        except ApiError as error:
            if error.reason not in ("AlreadyExists", "NotFound") and not is_terminating_namespace(error):
                self.recorder.event(statefulset, "Warning", f"Failed{verb}", f"{what} failed error: {error.message}")
            if error.reason != "NotFound":
                raise
        else:
            self.recorder.event(statefulset, "Normal", f"Successful{verb}", f"{what} {success}")

    def _make_claims(self, statefulset: Object, pod: Object) -> None:
        for claim in claims_of(statefulset, ordinal_of(pod)):
            known = self.informers[CLAIMS].get(key_of(claim))
            if known is None:
                wanted = self._owned(statefulset, pod, claim)
                names = (claim["metadata"]["name"], pod["metadata"]["name"], statefulset["metadata"]["name"])
                what = "Create Claim {} Pod {} in StatefulSet {}".format(*names)
                namespace = claim["metadata"]["namespace"]
                self._say(statefulset, "Create", what, "success", partial(self.client.create, CLAIMS, wanted, namespace))

    @staticmethod
    def _owned(statefulset: Object, pod: Object, claim: Object) -> Object:
        owners = owners_of(statefulset, pod, claim)
        return claim if not owners else FrozenDict({**claim, "metadata": FrozenDict({**claim["metadata"], "ownerReferences": owners})})

    def _fix_pods(self, observed: Observed) -> None:
        """Adopted Pods get the labels of their identity; claims of waiting Pods are made; all claims get the owners they should have."""
        statefulset = observed.statefulset
        for pod in observed.pods:
            if is_pod_terminating(pod):
                continue
            meta, wanted = pod["metadata"], identity_labels(pod["metadata"]["name"], ordinal_of(pod))
            if not wanted.items() <= (meta.get("labels") or EMPTY_DICT).items():
                self.client.patch("pods", meta["name"], {"metadata": {"labels": wanted}}, meta["namespace"])
            if pod["status"].get("phase") == "Pending" and ordinal_of(pod) in ordinals(statefulset):
                self._make_claims(statefulset, pod)
            self._fix_claims(statefulset, pod)

    def _fix_claims(self, statefulset: Object, pod: Object) -> None:
        for wanted in claims_of(statefulset, ordinal_of(pod)):
            claim = self.informers[CLAIMS].get(key_of(wanted))
            if claim is None or "deletionTimestamp" in claim["metadata"]:
                continue
            owners = owners_of(statefulset, pod, claim)
            if owners != (claim["metadata"].get("ownerReferences") or []):
                self.client.update(CLAIMS, merge(claim, {"metadata": {"ownerReferences": owners or None}}))

    def _clean_up(self, observed: Observed, revisions: Revisions) -> None:
        """Forget revisions beyond ``revisionHistoryLimit`` that no Pod comes from."""
        if "deletionTimestamp" in observed.statefulset["metadata"]:
            return
        live = {observed.current, observed.update, *(revision_of(pod) for pod in observed.pods)}
        unused = [r for r in revisions.known if r["metadata"]["name"] not in live]
        limit = observed.statefulset["spec"].get("revisionHistoryLimit", 10)
        history.forget(self, unused, len(unused) - limit, ())

    # ------------------------------------------------------------------ status

    def _write_status(self, observed: Observed, revisions: Revisions) -> None:
        statefulset = observed.statefulset
        status = new_status(observed, revisions.collisions)
        if status != statefulset.get("status"):
            written = self.client.update_status(self.resource, FrozenDict({**statefulset, "status": status}))
            self.consistency.wrote(statefulset, self.resource, written)
        minimum = statefulset["spec"].get("minReadySeconds", 0)
        if minimum and status["availableReplicas"] != statefulset["spec"]["replicas"]:
            self.queue.add_after(key_of(statefulset), minimum * SECOND, "its Pods have been ready for minReadySeconds")


def new_status(observed: Observed, collisions: int) -> Object:
    """Counts and revisions. When all Pods are updated and ready, the update revision is the current one."""
    pods = observed.pods
    alive = [pod for pod in pods if not is_pod_terminating(pod)]
    ready = sum(is_running_and_ready(pod) for pod in pods)
    current, updated = (sum(revision_of(p) == name for p in alive) for name in (observed.current, observed.update))
    name = observed.current
    rolling = observed.statefulset["spec"]["updateStrategy"]["type"] == "RollingUpdate"
    if rolling and updated == len(pods) == ready == observed.statefulset["spec"]["replicas"]:
        current, name = updated, observed.update
    status: dict[str, Any] = {key: v for key, v in (observed.statefulset.get("status") or EMPTY_DICT).items() if key == "conditions"}
    status |= {"observedGeneration": observed.statefulset["metadata"].get("generation", 0), "replicas": len(pods)}
    counts = {"readyReplicas": ready, "currentReplicas": current, "updatedReplicas": updated}
    status |= {key: value for key, value in counts.items() if value}
    status |= {"availableReplicas": sum(observed.available(pod) for pod in pods), "collisionCount": collisions}
    return freeze(status | {"currentRevision": name, "updateRevision": observed.update})  # type: ignore[no-any-return]
