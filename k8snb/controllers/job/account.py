"""What a Job's loop has observed, and the account of it: who runs, who is new among those that ended, the sums.

A Pod carries the finalizer ``batch.kubernetes.io/job-tracking`` until it has been counted, so that no Pod can vanish uncounted.
Between "seen as ended" and "counted" its UID stands in ``status.uncountedTerminatedPods``.

Models: pkg/controller/job/job_controller.go (syncJob, getNewFinishedPods, isPodFailed), indexed_job_utils.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from k8snb.apimachinery.meta import condition, is_true, parse_time
from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig
from k8snb.component_helpers.pods import is_pod_active, is_pod_terminal, is_pod_terminating
from k8snb.controllers.job.backoff import Record
from k8snb.controllers.job.indexes import FAILURES, failures_of, index_of, number_in, parse
from k8snb.controllers.job.policies import meaning_of
from k8snb.sim.clock import SECOND

FINALIZER = "batch.kubernetes.io/job-tracking"


def is_finished(job: Object) -> bool:
    """Whether the Job has ended for good."""
    return is_true(job, "Complete") or is_true(job, "Failed")


def is_indexed(job: Object) -> bool:
    """Whether each completion has a number."""
    return bool(job["spec"].get("completionMode") == "Indexed")


def per_index(job: Object) -> bool:
    """Whether failures are counted for each index."""
    return is_indexed(job) and job["spec"].get("backoffLimitPerIndex") is not None


def replaces_only_failed(job: Object) -> bool:
    """Whether a Pod that is being deleted is replaced only once it has ended."""
    return bool(job["spec"].get("podReplacementPolicy") == "Failed")


def is_failed(job: Object, pod: Object) -> bool:
    """Whether a Pod has failed. One that is being deleted counts, unless only ended Pods are replaced."""
    phase = pod["status"].get("phase")
    return phase == "Failed" or (phase != "Succeeded" and is_pod_terminating(pod) and not replaces_only_failed(job))


def finish_time(pod: Object) -> int:
    """When the Pod ended, in µs: its last container's end, or else the best that is known."""
    ends = [dig(status, "state.terminated.finishedAt") for status in dig(pod, "status.containerStatuses", EMPTY_LIST)]
    if ends and all(ends):
        return max(parse_time(end) for end in ends)
    since = condition(pod, "Ready")
    if since is not None and since["status"] == "False" and since.get("lastTransitionTime"):
        return parse_time(since["lastTransitionTime"])
    meta = pod["metadata"]
    if "deletionTimestamp" in meta:  # it names the end of the grace period; the deletion was before that
        grace: int = meta.get("deletionGracePeriodSeconds", 0)
        return parse_time(meta["deletionTimestamp"]) - grace * SECOND
    return parse_time(meta["creationTimestamp"])


@dataclass(frozen=True)
class Account:
    """The Job, its Pods, the time, those whose finalizer is being removed (UIDs), and the back-off so far."""

    job: Object
    pods: tuple[Object, ...]
    now: int
    removing: frozenset[str] = frozenset()
    record: Record = field(default_factory=Record)

    def tracked(self, pod: Object) -> bool:
        """Whether the Pod still waits to be counted."""
        meta = pod["metadata"]
        return FINALIZER in (meta.get("finalizers") or ()) and meta["uid"] not in self.removing

    def uncounted(self, how: str) -> list[str]:
        """UIDs that are seen, not yet counted (``succeeded`` or ``failed``)."""
        return list(dig(self.job, f"status.uncountedTerminatedPods.{how}", EMPTY_LIST))

    @cached_property
    def active(self) -> list[Object]:
        """Pods that run, or will."""
        return [pod for pod in self.pods if is_pod_active(pod)]

    @cached_property
    def terminating(self) -> list[Object]:
        """Pods that are being deleted and have not ended."""
        return [pod for pod in self.pods if is_pod_terminating(pod) and not is_pod_terminal(pod)]

    @cached_property
    def new_succeeded(self) -> list[Object]:
        """Pods that have succeeded and are not counted."""
        known = set(self.uncounted("succeeded"))
        found = [p for p in self.pods if p["status"].get("phase") == "Succeeded" and self.tracked(p) and p["metadata"]["uid"] not in known]
        return [pod for pod in found if self.has_valid_index(pod)]

    @cached_property
    def new_failed(self) -> list[Object]:
        """Pods that have failed and are not counted."""
        known = set(self.uncounted("failed"))
        found = [p for p in self.pods if is_failed(self.job, p) and self.tracked(p) and p["metadata"]["uid"] not in known]
        return [pod for pod in found if self.has_valid_index(pod)]

    def has_valid_index(self, pod: Object) -> bool:
        """Whether the Pod works on something that is wanted."""
        return not is_indexed(self.job) or 0 <= index_of(pod) < self.completions

    @property
    def completions(self) -> int:
        """How many completions are wanted; 0 where any one is enough."""
        return int(self.job["spec"].get("completions") or 0)

    @cached_property
    def counted_indexes(self) -> frozenset[int]:
        """The indexes that the status says have succeeded."""
        return parse(dig(self.job, "status.completedIndexes", ""), self.completions)

    @cached_property
    def succeeded_indexes(self) -> frozenset[int]:
        """The indexes that have succeeded."""
        return self.counted_indexes | {index_of(pod) for pod in self.new_succeeded}

    @cached_property
    def failed_indexes(self) -> frozenset[int]:
        """The indexes that have failed for good."""
        known = parse(dig(self.job, "status.failedIndexes", ""), self.completions)
        if not per_index(self.job):
            return known
        return known | {index_of(pod) for pod in self.new_failed if self._index_is_lost(pod)}

    def _index_is_lost(self, pod: Object) -> bool:
        meaning = meaning_of(self.job, pod)
        if meaning.action == "FailIndex":
            return True
        return meaning.counts and number_in(pod, FAILURES) >= int(self.job["spec"]["backoffLimitPerIndex"])

    @cached_property
    def succeeded(self) -> int:
        """How many have succeeded."""
        if is_indexed(self.job):
            return len(self.succeeded_indexes)
        return int(dig(self.job, "status.succeeded", 0)) + len(self.new_succeeded) + len(self.uncounted("succeeded"))

    @cached_property
    def failed(self) -> int:
        """How many have failed, without those that the policy ignores."""
        new = sum(meaning_of(self.job, pod).counts for pod in self.new_failed)
        return int(dig(self.job, "status.failed", 0)) + new + len(self.uncounted("failed"))

    @cached_property
    def last_failures(self) -> dict[int, Object]:
        """By index: the failed Pod that will be replaced. It is kept until then, because it knows how often the index has failed."""
        if not per_index(self.job):
            return {}
        done = {index_of(pod) for pod in self.active} | self.succeeded_indexes | self.failed_indexes
        found: dict[int, Object] = {}
        for pod in self.new_failed:
            index = index_of(pod)
            if index not in done and (index not in found or failures_of(found[index]) <= failures_of(pod)):
                found[index] = pod
        return found
