"""Whether a Job is over, and why: the interim condition ``FailureTarget`` or ``SuccessCriteriaMet``.

The interim condition is written first, then what still runs is ended and counted, and only then the terminal condition
(``Failed`` or ``Complete``) follows. The first reason in the table wins; a Job whose fate is written keeps it.

Models: pkg/controller/job/job_controller.go (syncJob, pastBackoffLimitOnFailure, pastActiveDeadline).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8snb.apimachinery.meta import condition, parse_time
from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig
from k8snb.controllers.job.account import Account, is_failed, is_indexed, per_index
from k8snb.controllers.job.policies import meaning_of, success_message
from k8snb.sim.clock import SECOND

FAILURE, SUCCESS = "FailureTarget", "SuccessCriteriaMet"
TERMINAL = {FAILURE: "Failed", SUCCESS: "Complete"}


class Verdict(NamedTuple):
    """The interim condition: its type, reason and message."""

    type: str
    reason: str
    message: str


def verdict(account: Account) -> Verdict | None:
    """Why the Job is over; None while it is not."""
    for kind in (SUCCESS, FAILURE):
        known = condition(account.job, kind)
        if known is not None and known["status"] == "True":
            return Verdict(kind, known["reason"], known["message"])
    return next((found for rule in _RULES if (found := rule(account)) is not None), None)


def _failure_policy(account: Account) -> Verdict | None:
    for pod in account.pods:
        if account.job["spec"].get("podFailurePolicy") and is_failed(account.job, pod):
            meaning = meaning_of(account.job, pod)
            if meaning.action == "FailJob":
                return Verdict(FAILURE, "PodFailurePolicy", meaning.message)
    return None


def _backoff_limit(account: Account) -> Verdict | None:
    spec = account.job["spec"]
    if account.failed > spec["backoffLimit"] or _restarted_too_often(account):
        return Verdict(FAILURE, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    return None


def _restarted_too_often(account: Account) -> bool:
    """Containers that are restarted in place count, too."""
    spec = account.job["spec"]
    if spec["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts = sum(_restarts(pod) for pod in account.pods if pod["status"].get("phase") in ("Running", "Pending"))
    return bool(restarts > 0 if spec["backoffLimit"] == 0 else restarts >= spec["backoffLimit"])


def _restarts(pod: Object) -> int:
    statuses = (*dig(pod, "status.initContainerStatuses", EMPTY_LIST), *dig(pod, "status.containerStatuses", EMPTY_LIST))
    return sum(status.get("restartCount", 0) for status in statuses)


def time_left(job: Object, now: int) -> int | None:
    """How long until the active deadline, in µs; None where there is none."""
    limit: int | None = job["spec"].get("activeDeadlineSeconds")
    start = dig(job, "status.startTime")
    if limit is None or start is None or job["spec"].get("suspend"):
        return None
    return parse_time(start) + limit * SECOND - now


def _deadline(account: Account) -> Verdict | None:
    left = time_left(account.job, account.now)
    if left is not None and left <= 0:
        return Verdict(FAILURE, "DeadlineExceeded", "Job was active longer than specified deadline")
    return None


def _failed_indexes(account: Account) -> Verdict | None:
    if not per_index(account.job) or not account.failed_indexes:
        return None
    limit, count = account.job["spec"].get("maxFailedIndexes"), len(account.failed_indexes)
    if limit is not None and count > limit:
        return Verdict(FAILURE, "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes")
    if len(account.succeeded_indexes) + count >= account.completions:
        return Verdict(FAILURE, "FailedIndexes", "Job has failed indexes")
    return None


def _success_policy(account: Account) -> Verdict | None:
    message = success_message(account.job, account.succeeded_indexes) if is_indexed(account.job) else ""
    return Verdict(SUCCESS, "SuccessPolicy", message) if message else None


def completed(account: Account, active: int) -> Verdict | None:
    """Whether the wanted number has succeeded, with ``active`` Pods still running after the plan was carried out."""
    wanted = account.job["spec"].get("completions")
    enough = account.succeeded > 0 if wanted is None else account.succeeded >= wanted
    if not enough or active:
        return None
    return Verdict(SUCCESS, "CompletionsReached", "Reached expected number of succeeded pods")


_RULES: tuple[Callable[[Account], Verdict | None], ...] = (_failure_policy, _backoff_limit, _deadline, _failed_indexes, _success_policy)
