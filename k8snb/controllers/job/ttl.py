"""TTL after finished: Jobs that are deleted ``ttlSecondsAfterFinished`` after their end, with their Pods first.

Models: pkg/controller/ttlafterfinished/ttlafterfinished_controller.go.
"""

from __future__ import annotations

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import condition, parse_time
from k8snb.apimachinery.objects import Object
from k8snb.client.controller import Controller, Watches
from k8snb.controllers.job.account import is_finished
from k8snb.sim.clock import SECOND


def expiry(job: Object) -> int | None:
    """When the Job is to be deleted, in µs since the epoch; None while that is not known, or never."""
    ttl: int | None = job["spec"].get("ttlSecondsAfterFinished")
    if ttl is None or "deletionTimestamp" in job["metadata"] or not is_finished(job):
        return None
    ended = condition(job, "Complete") or condition(job, "Failed")
    assert ended is not None
    return parse_time(ended["lastTransitionTime"]) + ttl * SECOND


class TTLAfterFinishedController(Controller):
    """Deletes finished Jobs when their time has come."""

    name = "ttl-after-finished"
    watches = (Watches("jobs.batch"),)

    def reconcile(self, key: str) -> None:
        job = self.informers["jobs.batch"].get(key)
        if job is None or not self._is_due(key, job):
            return
        meta = job["metadata"]
        fresh = self.client.find("jobs.batch", meta["name"], meta["namespace"])  # its time may have been changed meanwhile
        if fresh is None or not self._is_due(key, fresh):
            return
        try:
            self.client.delete("jobs.batch", meta["name"], meta["namespace"], uid=fresh["metadata"]["uid"], propagation="Foreground")
        except ApiError as error:
            if error.code != 404:
                raise

    def _is_due(self, key: str, job: Object) -> bool:
        moment = expiry(job)
        if moment is not None and moment > self.now:
            self.queue.add_after(key, moment - self.now, "its time to live after the end")
        return moment is not None and moment <= self.now
