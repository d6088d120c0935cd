"""The CronJob's loop: clean up finished Jobs, bring the list of active ones up to date, start the one that is due.

Models: pkg/controller/cronjob/cronjob_controllerv2.go (sync, syncCronJob, cleanupFinishedJobs).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import condition_status, is_controlled_by, owner_reference, parse_time, timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, dig, freeze
from k8snb.client.controller import Controller, Watches, owned_by
from k8snb.client.informer import key_of
from k8snb.controllers.adoption import ownership
from k8snb.controllers.cronjob.schedule import decide, job_name, zone_of
from k8snb.controllers.job.account import is_finished
from k8snb.sim.clock import SECOND

JOBS = "jobs.batch"
SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"


class CronJobController(Controller):
    """One turn: see to the Jobs that there are, then start one if its time has come."""

    name = "cronjob"
    resource = "cronjobs.batch"
    watches = (Watches("cronjobs.batch"), Watches(JOBS, owned_by("CronJob")))
    indexes = ownership(JOBS)

    def reconcile(self, key: str) -> None:
        cronjob = self.informers[self.resource].get(key)
        if cronjob is None:
            return
        jobs = self.informers[JOBS].by("owner", cronjob["metadata"]["uid"])
        status = dict(cronjob.get("status") or EMPTY_DICT)
        try:
            self._clean_up(cronjob, jobs, status)
            self._review(cronjob, jobs, status)
            self._start(key, _with(cronjob, status), status)
        finally:
            if freeze(status) != (cronjob.get("status") or EMPTY_DICT):
                self.client.update_status(self.resource, _with(cronjob, status))

    # ------------------------------------------------------------------ the Jobs that there are

    def _clean_up(self, cronjob: Object, jobs: list[Object], status: dict[str, Any]) -> None:
        """The oldest finished Jobs beyond the history limits go."""
        for kind, field in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
            ended = [job for job in jobs if condition_status(job, kind) == "True" and "deletionTimestamp" not in job["metadata"]]
            limit = cronjob["spec"].get(field)
            if limit is not None and len(ended) > limit:
                for job in sorted(ended, key=_by_start)[: len(ended) - limit]:
                    self._delete(cronjob, job, status)

    def _delete(self, cronjob: Object, job: Object, status: dict[str, Any]) -> None:
        meta = job["metadata"]
        try:
            self.client.delete(JOBS, meta["name"], meta["namespace"], propagation="Background")
        except ApiError as error:
            if error.code != 404:
                self.recorder.event(cronjob, "Warning", "FailedDelete", f"Deleted job: {error.message}")
                raise
        _forget(status, meta["uid"])
        self.recorder.event(cronjob, "Normal", "SuccessfulDelete", f"Deleted job {meta['name']}")

    def _review(self, cronjob: Object, jobs: list[Object], status: dict[str, Any]) -> None:
        """Which Jobs are active, and when the last success was."""
        for job in jobs:
            self._review_one(cronjob, job, status)
        known = {job["metadata"]["uid"] for job in jobs}
        for ref in status.get("active", ()):
            if ref["uid"] not in known and self.client.find(JOBS, ref["name"], ref["namespace"]) is None:
                self.recorder.event(cronjob, "Normal", "MissingJob", f"Active job went missing: {ref['name']}")
                _forget(status, ref["uid"])

    def _review_one(self, cronjob: Object, job: Object, status: dict[str, Any]) -> None:
        name, listed = job["metadata"]["name"], _is_active(status, job["metadata"]["uid"])
        if not listed and not is_finished(job):
            fresh = self.client.find(self.resource, cronjob["metadata"]["name"], cronjob["metadata"]["namespace"])
            if fresh is not None and _is_active(fresh.get("status") or EMPTY_DICT, job["metadata"]["uid"]):
                return  # it is listed; the cache only does not show it yet
            said = f"Saw a job that the controller did not create or forgot: {name}"
            self.recorder.event(cronjob, "Warning", "UnexpectedJob", said)
        elif listed and is_finished(job):
            _forget(status, job["metadata"]["uid"])
            kind = "Complete" if condition_status(job, "Complete") == "True" else "Failed"
            self.recorder.event(cronjob, "Normal", "SawCompletedJob", f"Saw completed job: {name}, condition: {kind}")
        if condition_status(job, "Complete") == "True" and not listed:
            ended = dig(job, "status.completionTime")
            if ended is not None and ended > status.get("lastSuccessfulTime", ""):
                status["lastSuccessfulTime"] = ended

    # ------------------------------------------------------------------ the one that is due

    def _start(self, key: str, cronjob: Object, status: dict[str, Any]) -> None:
        decision = decide(cronjob, self.now)
        for said in decision.said:
            self.recorder.event(cronjob, *said)
        if decision.replace:
            for ref in status.get("active", ()):
                job = self.client.find(JOBS, ref["name"], ref["namespace"])
                if job is not None:
                    self._delete(cronjob, job, status)
        if decision.start is not None:
            self._create(cronjob, decision.start, status)
        if decision.wait is not None:
            self.queue.add_after(key, max(decision.wait, 1), "the next time of its schedule")

    def _create(self, cronjob: Object, moment: int, status: dict[str, Any]) -> None:
        wanted = job_of(cronjob, moment)
        namespace, name = cronjob["metadata"]["namespace"], wanted["metadata"]["name"]
        try:
            job = self.client.create(JOBS, wanted, namespace)
            self.recorder.event(cronjob, "Normal", "SuccessfulCreate", f"Created job {name}")
        except ApiError as error:
            if error.reason != "AlreadyExists":
                self.recorder.event(cronjob, "Warning", "FailedCreate", f"Error creating job: {error.message}")
                raise
            job = self.client.get(JOBS, name, namespace)  # made in a turn whose status did not get through, or by somebody else
            if not is_controlled_by(job, cronjob):
                return
        status["active"] = [*status.get("active", ()), _reference(job)]
        status["lastScheduleTime"] = timestamp(moment)


def job_of(cronjob: Object, moment: int) -> Object:
    """The Job of a scheduled time."""
    template, meta = cronjob["spec"]["jobTemplate"], cronjob["metadata"]
    own = template.get("metadata") or EMPTY_DICT
    when = datetime.fromtimestamp(moment // SECOND, UTC).astimezone(zone_of(cronjob)).isoformat().replace("+00:00", "Z")
    head = {
        "name": job_name(cronjob, moment), "namespace": meta["namespace"], "ownerReferences": [owner_reference(cronjob)],
        "annotations": {**(own.get("annotations") or EMPTY_DICT), SCHEDULED_AT: when},
        **({"labels": own["labels"]} if own.get("labels") else {}),
    }  # fmt: skip
    return FrozenDict({"apiVersion": "batch/v1", "kind": "Job", "metadata": freeze(head), "spec": template["spec"]})


def _reference(job: Object) -> Object:
    meta = job["metadata"]
    names = {name: meta[name] for name in ("name", "namespace", "resourceVersion", "uid")}
    return FrozenDict({"apiVersion": "batch/v1", "kind": "Job", **names})


def _is_active(status: Object, uid: str) -> bool:
    return any(ref["uid"] == uid for ref in status.get("active") or ())


def _forget(status: dict[str, Any], uid: str) -> None:
    left = [ref for ref in status.get("active") or () if ref["uid"] != uid]
    status.pop("active", None)
    if left:
        status["active"] = FrozenList(left)


def _with(cronjob: Object, status: dict[str, Any]) -> Object:
    return FrozenDict({**cronjob, "status": freeze(status)})


def _by_start(job: Object) -> tuple[int, str]:
    start = dig(job, "status.startTime")
    return (parse_time(start) if start else 1 << 62), key_of(job)
