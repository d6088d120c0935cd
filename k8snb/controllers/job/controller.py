"""The Job's loop: take the account, judge or plan, act, count.

Models: pkg/controller/job/job_controller.go (syncJob, manageJob, deleteJobPods, syncOrphanPod). Simplified: adopted Pods are
counted only when they carry the tracking finalizer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import controller_of, find_condition, timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, freeze
from k8snb.client.controller import Controller, Watches, owned_by
from k8snb.client.informer import key_of
from k8snb.component_helpers.pods import is_pod_ready
from k8snb.controllers.adoption import claimed, ownership
from k8snb.controllers.consistency import Consistency
from k8snb.controllers.expectations import Expectations, ExpectationsState
from k8snb.controllers.job import tracking
from k8snb.controllers.job.account import FINALIZER, Account, finish_time, is_finished, is_indexed, per_index
from k8snb.controllers.job.backoff import Record
from k8snb.controllers.job.indexes import text_of
from k8snb.controllers.job.plan import Create, Delete, Wait, plan
from k8snb.controllers.job.pods import job_pod
from k8snb.controllers.job.verdict import SUCCESS, TERMINAL, Verdict, completed, time_left, verdict
from k8snb.controllers.pod_control import create_pod, delete_pod, is_terminating_namespace, matching_orphan_owners, slow_start
from k8snb.sim.clock import SECOND
from k8snb.sim.state import Shelf

MANAGER = "kubernetes.io/job-controller"
SYNC_BATCH = SECOND  # changes of Pods are looked at together
ORPHAN = "pods/"  # key of a Pod whose Job is gone: pods/NAMESPACE/NAME


@dataclass(slots=True)
class JobState:
    """Expectations; by key of the Job, its back-off, the UIDs of Pods whose finalizer is being removed, and what was written."""

    expectations: ExpectationsState = field(default_factory=Expectations.new_state)
    records: Shelf = field(default_factory=Shelf)
    removing: dict[str, Shelf] = field(default_factory=dict)
    written: dict[str, Shelf] = field(default_factory=dict)


@dataclass(slots=True)
class Turn:
    """What one turn has come to: how many Pods run, are ready, are on their way out; whether the Job is over; the status so far."""

    active: int
    ready: int
    terminating: int
    status: dict[str, Any]
    found: Verdict | None = None
    refused: ApiError | None = None


def _orphans(controller: Any, _old: Object | None, new: Object | None) -> Iterable[str]:
    """A Pod that waits to be counted by a Job that is gone."""
    if new is None or FINALIZER not in (new["metadata"].get("finalizers") or ()) or controller.job_of(new) is not None:
        return []
    return [ORPHAN + key_of(new)]


def _left_behind(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """A Job is gone: its Pods wait in vain."""
    if new is not None or old is None:
        return []
    pods = controller.informers["pods"].by("owner", old["metadata"]["uid"])
    return [ORPHAN + key_of(pod) for pod in pods if FINALIZER in (pod["metadata"].get("finalizers") or ())]


class JobController(Controller):
    """One turn brings one Job forward, or frees one Pod of a Job that is gone."""

    name = "job"
    resource = "jobs.batch"
    watches = (
        Watches("jobs.batch"),
        Watches("jobs.batch", _left_behind),
        Watches("pods", owned_by("Job"), SYNC_BATCH),
        Watches("pods", matching_orphan_owners, SYNC_BATCH),
        Watches("pods", _orphans),
    )
    indexes = ownership("pods")

    def __init__(self, process: Any):
        super().__init__(process)
        self.expectations = Expectations(self, "pods", "Job")
        self.consistency = Consistency(self)

    def new_state(self) -> Any:
        return JobState()

    def reconcile(self, key: str) -> None:
        if key.startswith(ORPHAN):
            self._free(key.removeprefix(ORPHAN))
            return
        if not self.consistency.ready(key):
            return
        job = self.informers[self.resource].get(key)
        if job is None or is_finished(job):
            self._forget(key, gone=job is None)
        elif job["spec"].get("managedBy", MANAGER) == MANAGER:
            self._sync(key, job)

    def _sync(self, key: str, job: Object) -> None:
        satisfied = self.expectations.satisfied(key)  # before looking at the Pods: one more may come in between
        account = self._observe(key, job)
        ready = sum(is_pod_ready(pod) for pod in account.active)
        turn = Turn(len(account.active), ready, len(account.terminating), self._begin(account))
        turn.found = verdict(replace(account, job=FrozenDict({**job, "status": freeze(turn.status)})))
        if turn.found is not None:
            self._end(account, turn)
            turn.found = turn.found if satisfied and turn.refused is None else None
        else:
            managed = satisfied and "deletionTimestamp" not in job["metadata"]
            if managed:
                self._act(key, account, turn)
            turn.found = completed(account, turn.active)
            if managed and turn.found is None:
                self._note_suspension(job, turn)
        self._await_deadline(key, job, turn)
        self._track(key, account, turn)
        if turn.refused is not None:
            raise turn.refused

    def _observe(self, key: str, job: Object) -> Account:
        pods = tuple(claimed(self, "pods", job))
        marked = {pod["metadata"]["uid"] for pod in pods if FINALIZER in (pod["metadata"].get("finalizers") or ())}
        removing = self.own.removing.get(key, Shelf())
        for uid in [uid for uid in removing if uid not in marked]:
            del removing[uid]
        stored: Record = self.own.records.get(key, Record())
        account = Account(job, pods, self.now, frozenset(removing), stored)
        record = stored.after(map(finish_time, account.new_succeeded), map(finish_time, account.new_failed))
        return replace(account, record=record)

    def _begin(self, account: Account) -> dict[str, Any]:
        status = dict(account.job.get("status") or EMPTY_DICT)
        if "startTime" not in status and not account.job["spec"].get("suspend"):
            status["startTime"] = timestamp(self.now)
        return status

    # ------------------------------------------------------------------ acting

    def _act(self, key: str, account: Account, turn: Turn) -> None:
        """Carry out the plan; the first refusal is kept."""
        for action in plan(account):
            if isinstance(action, Create):
                made, turn.refused = self._create(key, account, action.indexes)
                turn.active += made
            elif isinstance(action, Delete):
                self.expectations.expect_deletions(key, [key_of(pod) for pod in action.pods])
                self._delete(account, action.pods, turn, counted=False)
            elif isinstance(action, Wait):
                self.queue.add_after(key, action.delay, "the back-off of its failed Pods")

    def _create(self, key: str, account: Account, indexes: tuple[int, ...]) -> tuple[int, ApiError | None]:
        self.expectations.expect_creations(key, len(indexes))

        def create(number: int) -> None:
            self._wrote(account.job, "pods", create_pod(self, account.job, EMPTY_DICT, pod=job_pod(account, indexes[number])))

        made, error = slow_start(len(indexes), create)
        self.expectations.lower(key, len(indexes) - made)
        return made, None if error is not None and is_terminating_namespace(error) else error

    def _end(self, account: Account, turn: Turn) -> None:
        """The Job is over: what still runs is deleted, and counts."""
        before = turn.active
        self._delete(account, tuple(account.active), turn, counted=True)
        turn.terminating += before - turn.active

    def _delete(self, account: Account, pods: tuple[Object, ...], turn: Turn, *, counted: bool) -> None:
        """Delete Pods. Those that shall not be counted lose their finalizer first."""
        for pod in pods:
            try:
                if not counted and account.tracked(pod):
                    self._wrote(account.job, "pods", self._release(pod))
                delete_pod(self, account.job, pod)
            except ApiError as error:
                self.expectations.deletion_observed(key_of(account.job), key_of(pod))
                if error.code != 404:
                    turn.refused = turn.refused or error
                    continue
            turn.active -= 1
            turn.ready -= is_pod_ready(pod)

    def _wrote(self, job: Object, resource: str, obj: Object) -> None:
        self.consistency.wrote(job, resource, obj)

    def _release(self, pod: Object) -> Object:
        meta = pod["metadata"]
        return self.client.patch("pods", meta["name"], tracking.without_finalizer(pod), meta["namespace"], kind="strategic")

    def _note_suspension(self, job: Object, turn: Turn) -> None:
        """The condition Suspended follows the field. Suspending stops the clock of the deadline, resuming starts it anew."""
        conditions = turn.status.get("conditions") or []
        known = find_condition(conditions, "Suspended")
        suspend = bool(job["spec"].get("suspend"))
        if suspend == (known is not None and known["status"] == "True"):
            return
        words = ("True", "JobSuspended", "Job suspended") if suspend else ("False", "JobResumed", "Job resumed")
        turn.status["conditions"] = self._with_condition(conditions, "Suspended", *words)
        self.recorder.event(job, "Normal", "Suspended" if suspend else "Resumed", words[2])
        turn.status.pop("startTime", None)
        if not suspend:
            turn.status["startTime"] = timestamp(self.now)

    def _with_condition(self, conditions: Any, kind: str, status: str, reason: str, message: str) -> list[Any]:
        now = timestamp(self.now)
        new = {"type": kind, "status": status, "lastProbeTime": now, "lastTransitionTime": now, "reason": reason, "message": message}
        return [*(c for c in conditions if c["type"] != kind), new]

    def _await_deadline(self, key: str, job: Object, turn: Turn) -> None:
        left = time_left(FrozenDict({**job, "status": turn.status}), self.now)
        if left is not None and turn.found is None:
            self.queue.add_after(key, left, "its active deadline")

    # ------------------------------------------------------------------ counting

    def _track(self, key: str, account: Account, turn: Turn) -> None:
        """Count what has ended, write the status, and declare the Job finished when nothing is left to wait for."""
        job, status = account.job, turn.status
        found = tracking.tally(account, turn.found)
        self._fill(account, turn)
        tracking.count(status, {pod["metadata"]["uid"] for pod in account.pods if account.tracked(pod)})
        tracking.note(status, found)
        if turn.found is not None and find_condition(status.get("conditions") or (), turn.found.type) is None:
            kind, reason, message = turn.found
            status["conditions"] = self._with_condition(status.get("conditions") or (), kind, "True", reason, message)
        if found.release:
            job = self._flush(job, status)
            self.own.records[key] = account.record
            tracking.count(status, self._release_all(job, found.release))
        finished = turn.found is not None and found.complete and self._is_settled(turn)
        if finished:
            self._finish(turn)
        job = self._flush(job, status)
        if finished:
            self._say_finished(job, turn)

    @staticmethod
    def _is_settled(turn: Turn) -> bool:
        return not (turn.active or turn.terminating or turn.status["uncountedTerminatedPods"])

    def _fill(self, account: Account, turn: Turn) -> None:
        """The counts that follow from the Pods."""
        status = turn.status
        status.pop("active", None)
        status |= {"ready": turn.ready, "terminating": turn.terminating, **({"active": turn.active} if turn.active else {})}
        status.setdefault("uncountedTerminatedPods", {})
        if is_indexed(account.job):
            indexes = {"succeeded": len(account.succeeded_indexes), "completedIndexes": text_of(account.succeeded_indexes)}
            status |= {name: value for name, value in indexes.items() if value}
        if per_index(account.job):
            status["failedIndexes"] = text_of(account.failed_indexes)

    def _release_all(self, job: Object, pods: tuple[Object, ...]) -> set[str]:
        """Take the finalizer off; the UIDs of those where that failed."""
        key, waiting = key_of(job), set[str]()
        removing = self.own.removing.setdefault(key, Shelf())
        for pod in pods:
            uid = pod["metadata"]["uid"]
            try:
                self._wrote(job, "pods", self._release(pod))
                removing[uid] = True
            except ApiError as error:
                if error.code not in (404, 422):
                    waiting.add(uid)
                    self.queue.add_after(key, SYNC_BATCH, "a Pod could not be counted")
        return waiting

    def _flush(self, job: Object, status: dict[str, Any]) -> Object:
        frozen = freeze(status)
        if frozen == (job.get("status") or EMPTY_DICT):
            return job
        written = self.client.update_status(self.resource, FrozenDict({**job, "status": frozen}))
        self._wrote(job, self.resource, written)
        return written

    def _finish(self, turn: Turn) -> None:
        assert turn.found is not None
        kind, reason, message = turn.found
        turn.status["conditions"] = self._with_condition(turn.status["conditions"], TERMINAL[kind], "True", reason, message)
        if kind == SUCCESS:
            turn.status["completionTime"] = timestamp(self.now)

    def _say_finished(self, job: Object, turn: Turn) -> None:
        assert turn.found is not None
        if turn.found.type == SUCCESS:
            self.recorder.event(job, "Normal", "Completed", "Job completed")
        else:
            self.recorder.event(job, "Warning", turn.found.reason, turn.found.message)

    # ------------------------------------------------------------------ what is left behind

    def job_of(self, pod: Object) -> Object | None:
        """The Job that controls a Pod, if it is still there."""
        ref = controller_of(pod)
        job = self.informers[self.resource].get(f"{pod['metadata']['namespace']}/{ref['name']}") if ref is not None else None
        return job if job is not None and ref is not None and job["metadata"]["uid"] == ref["uid"] else None

    def _free(self, key: str) -> None:
        """A Pod whose Job is gone may go."""
        pod = self.informers["pods"].get(key)
        if pod is not None and FINALIZER in (pod["metadata"].get("finalizers") or ()) and self.job_of(pod) is None:
            try:
                self._release(pod)
            except ApiError as error:
                if error.code not in (404, 422):
                    raise

    def _forget(self, key: str, *, gone: bool) -> None:
        self.own.records.pop(key, None)
        if gone:
            self.own.removing.pop(key, None)
            self.consistency.forget(key)
            self.expectations.forget(key)
