"""The Deployment's loop: observe its ReplicaSets, decide by the pure functions of its neighbours, act.

Models: pkg/controller/deployment/deployment_controller.go (syncDeployment), sync.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import condition, controller_of
from k8snb.apimachinery.objects import FrozenDict, Object, freeze, put
from k8snb.client.controller import Controller, Watches, itself, owned_by
from k8snb.client.informer import key_of
from k8snb.controllers.adoption import claimed, ownership
from k8snb.controllers.deployment import progress, revisions, rollout, scaling
from k8snb.controllers.deployment.scaling import Scale
from k8snb.controllers.pod_control import is_terminating_namespace, matching_orphan_owners


class Observed(NamedTuple):
    """A Deployment with its ReplicaSets: the new one, and the old ones with the oldest first."""

    deployment: Object
    new: Object | None
    old: list[Object]

    @property
    def everyone(self) -> list[Object]:
        """All ReplicaSets."""
        return [*self.old, *([self.new] if self.new is not None else [])]


def observe(deployment: Object, sets: list[Object]) -> Observed:
    """Tell the new ReplicaSet from the old ones."""
    new = revisions.find_new(deployment, sets)
    return Observed(deployment, new, sorted((rs for rs in sets if rs is not new), key=revisions.age))


def plan(observed: Observed) -> list[Scale]:
    """Which ReplicaSets the next turn would scale, and to what. Pure: lessons ask it what would happen next."""
    deployment, new, old = observed
    if deployment["spec"].get("paused") or scaling.is_scaling(deployment, observed.everyone):
        return scaling.plan_scaling(deployment, new, old)
    if deployment["spec"]["strategy"]["type"] == "Recreate" and scaling.active(old):
        return rollout.plan_recreate_down(old)
    return rollout.plan_rolling(deployment, new, old) if new is not None else []


def _of_recreated(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """A Pod is gone: a Deployment that recreates may have waited for it."""
    if new is not None or old is None or (ref := controller_of(old)) is None or ref["kind"] != "ReplicaSet":
        return []
    rs = controller.informers["replicasets.apps"].get(f"{old['metadata']['namespace']}/{ref['name']}")
    owner = controller_of(rs) if rs is not None else None
    key = f"{old['metadata']['namespace']}/{owner['name']}" if owner is not None else ""
    deployment = controller.informers["deployments.apps"].get(key)
    return [key] if deployment is not None and deployment["spec"]["strategy"]["type"] == "Recreate" else []


class DeploymentController(Controller):
    """One turn: scale, or roll out, or only write the status."""

    name = "deployment"
    resource = "deployments.apps"
    watches = (
        Watches("deployments.apps", itself),
        Watches("replicasets.apps", owned_by("Deployment")),
        Watches("replicasets.apps", matching_orphan_owners),
        Watches("pods", _of_recreated),
    )
    indexes = ownership("replicasets.apps") + ownership("pods")

    def reconcile(self, key: str) -> None:
        deployment = self.informers[self.resource].get(key)
        if deployment is None:
            return
        sets = claimed(self, "replicasets.apps", deployment)
        if "deletionTimestamp" in deployment["metadata"]:
            self._write_plain_status(observe(deployment, sets))
            return
        deployment = self._note_pause(deployment)
        observed = observe(deployment, sets)
        if deployment["spec"].get("paused") or scaling.is_scaling(deployment, sets):
            self._resize(self._renumber(observed))
        elif deployment["spec"]["strategy"]["type"] == "Recreate":
            self._recreate(self._renumber(observed))
        else:
            self._roll(self._ensure_new(observed))

    # ------------------------------------------------------------------ the three ways of a turn

    def _resize(self, observed: Observed) -> None:
        sets = self._scale_all(observed, scaling.plan_scaling(*observed))
        after = observe(observed.deployment, sets)
        if observed.deployment["spec"].get("paused"):
            self._clean_up(after)
        self._write_plain_status(after)

    def _roll(self, observed: Observed) -> None:
        deployment, new, old = observed
        assert new is not None
        for step in (rollout.plan_new(deployment, new, old), rollout.plan_old(deployment, new, old)):
            if any(action.replicas != action.replicaset["spec"]["replicas"] for action in step):
                self._write_status(observe(deployment, self._scale_all(observed, step)))
                return
        if progress.is_complete(deployment, deployment.get("status") or {}):
            self._clean_up(observed)
        self._write_status(observed)

    def _recreate(self, observed: Observed) -> None:
        deployment, _new, old = observed
        down = rollout.plan_recreate_down(old)
        if down:
            self._write_status(observe(deployment, self._scale_all(observed, down)))
            return
        if self._old_pods_run(old):
            self._write_status(observed)
            return
        observed = self._ensure_new(observed)
        assert observed.new is not None
        up = rollout.plan_new(observed.deployment, observed.new, observed.old)
        if up:
            observed = observe(observed.deployment, self._scale_all(observed, up))
        if progress.is_complete(observed.deployment, observed.deployment.get("status") or {}):
            self._clean_up(observed)
        self._write_status(observed)

    def _old_pods_run(self, old: list[Object]) -> bool:
        pods = self.informers["pods"]
        return any(
            pod["status"].get("phase") not in ("Succeeded", "Failed") for rs in old for pod in pods.by("owner", rs["metadata"]["uid"])
        )

    # ------------------------------------------------------------------ revisions

    def _renumber(self, observed: Observed) -> Observed:
        """Give the new ReplicaSet, if there is one, its revision and the Deployment's annotations."""
        deployment, new, old = observed
        if new is None:
            return observed
        number = max((revisions.revision_of(rs) for rs in old), default=0) + 1
        wanted = revisions.annotated(deployment, new, number, exists=True)
        minimum = deployment["spec"].get("minReadySeconds", 0)
        if wanted["spec"].get("minReadySeconds", 0) != minimum:
            wanted = put(wanted, "spec.minReadySeconds", minimum)
        if wanted is not new:
            new = self.client.update("replicasets.apps", wanted)
        deployment = self._number(
            deployment, revisions.annotations_of(new).get(revisions.REVISION, ""), f'Found new replica set "{new["metadata"]["name"]}"'
        )
        return Observed(deployment, new, old)

    def _number(self, deployment: Object, revision: str, found: str, reason: str = "FoundNewReplicaSet") -> Object:
        """The Deployment carries the number of its new ReplicaSet, and says that it has one."""
        changed = deployment
        if revisions.annotations_of(deployment).get(revisions.REVISION) != revision:
            changed = put(changed, ("metadata", "annotations", revisions.REVISION), revision)
        if progress.has_deadline(deployment) and (condition(deployment, "Progressing") is None or reason == "NewReplicaSetCreated"):
            status = deployment.get("status") or {}
            conditions = progress.set_condition(list(status.get("conditions") or ()), "Progressing", "True", reason, found, self.now)
            changed = put(changed, ("status", "conditions"), conditions)
        return changed if changed is deployment else self.client.update_status(self.resource, changed)

    def _ensure_new(self, observed: Observed) -> Observed:
        if observed.new is not None:
            return self._renumber(observed)
        deployment, _, old = observed
        number = max((revisions.revision_of(rs) for rs in old), default=0) + 1
        size = rollout.new_replicas(deployment, old, 0)
        wanted = revisions.make_new(deployment, size, number)
        made, fresh = self._create(deployment, wanted)
        if fresh and size:
            self.recorder.event(
                deployment, "Normal", "ScalingReplicaSet", f"Scaled up replica set {made['metadata']['name']} from 0 to {size}"
            )
        reason = "NewReplicaSetCreated" if fresh else "FoundNewReplicaSet"
        words = "Created" if fresh else "Found"
        deployment = self._number(deployment, str(number), f'{words} new replica set "{made["metadata"]["name"]}"', reason)
        return Observed(deployment, made, old)

    def _create(self, deployment: Object, wanted: Object) -> tuple[Object, bool]:
        """Create the ReplicaSet; whether it is fresh. A name that is taken by another template is a hash collision."""
        meta = wanted["metadata"]
        try:
            return self.client.create("replicasets.apps", wanted, meta["namespace"]), True
        except ApiError as error:
            if error.reason == "AlreadyExists":
                return self._existing(deployment, wanted), False
            if progress.has_deadline(deployment) and not is_terminating_namespace(error):
                self._say_failed(deployment, f'Failed to create new replica set "{meta["name"]}": {error.message}')
            raise

    def _existing(self, deployment: Object, wanted: Object) -> Object:
        meta = wanted["metadata"]
        found = self.client.get("replicasets.apps", meta["name"], meta["namespace"])
        ref = controller_of(found)
        if (
            ref is not None
            and ref["uid"] == deployment["metadata"]["uid"]
            and revisions.same_template(found["spec"]["template"], wanted["spec"]["template"])
        ):
            return found
        count = (deployment.get("status") or {}).get("collisionCount", 0) + 1
        self.client.update_status(self.resource, put(deployment, ("status", "collisionCount"), count))
        raise ApiError(409, "AlreadyExists", f'hash collision: replicasets.apps "{meta["name"]}" already exists')

    def _say_failed(self, deployment: Object, message: str) -> None:
        status = deployment.get("status") or {}
        conditions = progress.set_condition(
            list(status.get("conditions") or ()), "Progressing", "False", "ReplicaSetCreateError", message, self.now
        )
        self.client.update_status(self.resource, put(deployment, ("status", "conditions"), conditions))

    def _clean_up(self, observed: Observed) -> None:
        """Forget the oldest revisions beyond ``revisionHistoryLimit``, if nothing of them is left."""
        limit = observed.deployment["spec"].get("revisionHistoryLimit")
        if limit is None:
            return
        alive = sorted(
            (rs for rs in observed.old if "deletionTimestamp" not in rs["metadata"]),
            key=lambda rs: (revisions.revision_of(rs), *revisions.age(rs)),
        )
        for rs in alive[: max(0, len(alive) - limit)]:
            status = rs.get("status") or {}
            seen = rs["metadata"].get("generation", 0) <= status.get("observedGeneration", 0)
            if not rs["spec"]["replicas"] and not status.get("replicas") and seen:
                self.client.delete("replicasets.apps", rs["metadata"]["name"], rs["metadata"]["namespace"])

    # ------------------------------------------------------------------ acting

    def _scale_all(self, observed: Observed, actions: list[Scale]) -> list[Object]:
        """Carry out a plan; all ReplicaSets as they are afterwards."""
        after = {key_of(rs): rs for rs in observed.everyone}
        for action in actions:
            after[key_of(action.replicaset)] = self._scale(observed.deployment, action)
        return list(after.values())

    def _scale(self, deployment: Object, action: Scale) -> Object:
        rs, size = action
        before = rs["spec"]["replicas"]
        remembered = {**revisions.annotations_of(rs), **revisions.size_annotations(deployment)}
        if size == before and remembered == revisions.annotations_of(rs):
            return rs
        wanted = put(put(rs, "spec.replicas", size), ("metadata", "annotations"), remembered)
        result = self.client.update("replicasets.apps", wanted)
        if size != before:
            way = "up" if size > before else "down"
            self.recorder.event(
                deployment, "Normal", "ScalingReplicaSet", f"Scaled {way} replica set {rs['metadata']['name']} from {before} to {size}"
            )
        return result

    def _note_pause(self, deployment: Object) -> Object:
        status = progress.paused_conditions(deployment, self.now)
        return deployment if status is None else self.client.update_status(self.resource, FrozenDict({**deployment, "status": status}))

    def _write_status(self, observed: Observed) -> None:
        self._put_status(observed, progress.rollout_status(observed.deployment, observed.everyone, observed.new, self.now))

    def _write_plain_status(self, observed: Observed) -> None:
        status = progress.calculate(observed.deployment, observed.everyone, observed.new, self.now)
        self._put_status(observed, freeze(status), wait=False)

    def _put_status(self, observed: Observed, status: Object, *, wait: bool = True) -> None:
        deployment = observed.deployment
        if status != deployment.get("status"):
            self.client.update_status(self.resource, FrozenDict({**deployment, "status": status}), typed=True)
        delay = progress.wait_for_deadline(deployment, status, self.now) if wait else None
        if delay is not None:
            self.queue.add_after(key_of(deployment), delay, "its progress deadline", background=False)
