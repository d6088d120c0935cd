"""Every Pod is counted once, whatever happens: a conflict, a restart, a Pod that somebody deletes.

    1  the UIDs of Pods that have ended go into ``status.uncountedTerminatedPods``        (written)
    2  the tracking finalizer is taken off those Pods, so that they may go
    3  UIDs whose Pods have no finalizer any more become numbers in the counters          (written)

Whoever dies between two steps finds the rest by looking: a UID with a finalizer is not counted yet, one without is to be.

Models: pkg/controller/job/job_controller.go (trackJobStatusAndRemoveFinalizers, cleanUncountedPodsWithoutFinalizers).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.component_helpers.pods import is_pod_terminal
from k8snb.controllers.job.account import FINALIZER, Account, is_failed, is_indexed
from k8snb.controllers.job.indexes import index_of
from k8snb.controllers.job.policies import meaning_of
from k8snb.controllers.job.verdict import FAILURE, Verdict

LARGEST = 500  # UIDs at a time


class Tally(NamedTuple):
    """Pods to let go in this turn, and the UIDs among them that are to be counted."""

    release: tuple[Object, ...]
    succeeded: tuple[str, ...]
    failed: tuple[str, ...]
    complete: bool  # False: there are more than fit into one turn


def tally(account: Account, found: Verdict | None) -> Tally:
    """Which Pods have ended and are to be counted now. When the Job is over, all that are left are."""
    release: list[Object] = []
    succeeded: list[str] = []
    failed: list[str] = []
    for pod in account.pods:
        if not account.tracked(pod) or not _is_over(account, pod, found):
            continue
        if len(release) == LARGEST:
            return Tally(tuple(release), tuple(succeeded), tuple(failed), complete=False)
        release.append(pod)
        uid = pod["metadata"]["uid"]
        if pod["status"].get("phase") == "Succeeded":
            if not is_indexed(account.job) and uid not in account.uncounted("succeeded"):
                succeeded.append(uid)
        elif _counts_as_failed(account, pod, found) and uid not in account.uncounted("failed"):
            failed.append(uid)
    return Tally(tuple(release), tuple(succeeded), tuple(failed), complete=True)


def _is_over(account: Account, pod: Object, found: Verdict | None) -> bool:
    if "deletionTimestamp" in account.job["metadata"]:
        return True
    over = is_pod_terminal(pod) or is_failed(account.job, pod) or (found is not None and "deletionTimestamp" in pod["metadata"])
    last = account.last_failures.get(index_of(pod)) if found is None else None
    return over and (last is None or last["metadata"]["uid"] != pod["metadata"]["uid"])


def _counts_as_failed(account: Account, pod: Object, found: Verdict | None) -> bool:
    failure = found is not None and found.type == FAILURE
    if not account.has_valid_index(pod) or not (is_failed(account.job, pod) or failure):
        return False
    return meaning_of(account.job, pod).counts


def note(status: dict[str, Any], found: Tally) -> None:
    """Step 1: the UIDs go into the status."""
    known = status.get("uncountedTerminatedPods") or EMPTY_DICT
    lists = {"succeeded": [*known.get("succeeded", ()), *found.succeeded], "failed": [*known.get("failed", ()), *found.failed]}
    status["uncountedTerminatedPods"] = {how: uids for how, uids in lists.items() if uids}


def count(status: dict[str, Any], waiting: Collection[str]) -> None:
    """Step 3: UIDs that are not ``waiting`` (no finalizer, or no Pod any more) become numbers."""
    left: dict[str, list[str]] = {}
    for how, uids in (status.get("uncountedTerminatedPods") or EMPTY_DICT).items():
        kept = [uid for uid in uids if uid in waiting]
        if len(kept) < len(uids):
            status[how] = status.get(how, 0) + len(uids) - len(kept)
        if kept:
            left[how] = kept
    status["uncountedTerminatedPods"] = left


def without_finalizer(pod: Object) -> dict[str, Any]:
    """The strategic merge patch that takes the finalizer off."""
    return {"metadata": {"$deleteFromPrimitiveList/finalizers": [FINALIZER], "uid": pod["metadata"]["uid"]}}
