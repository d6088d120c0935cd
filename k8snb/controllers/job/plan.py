"""What a Job's loop does next while the Job is not over. Pure: an account in, creations and deletions out.

    suspended      everything that runs is deleted, and not counted
    fixed number   as many Pods as completions are missing, at most ``parallelism``
    work queue     (no completions) ``parallelism`` Pods until one has succeeded, then no new ones

In one turn it either deletes or creates. After a failure it waits (see :mod:`k8snb.controllers.job.backoff`).

Models: pkg/controller/job/job_controller.go (manageJob, activePodsForRemoval), indexed_job_utils.go (firstPendingIndexes).
"""

from __future__ import annotations

from typing import NamedTuple

from k8snb.apimachinery.objects import Object
from k8snb.controllers.job.account import Account, finish_time, is_indexed, per_index, replaces_only_failed
from k8snb.controllers.job.backoff import remaining
from k8snb.controllers.job.indexes import failures_of, index_of
from k8snb.controllers.ranking import deletion_order

BURST = 500
NO_INDEX = -1


class Create(NamedTuple):
    """Make a Pod for each of these indexes (-1 where Pods have none)."""

    indexes: tuple[int, ...]


class Delete(NamedTuple):
    """Delete these Pods, uncounted."""

    pods: tuple[Object, ...]


class Wait(NamedTuple):
    """Look again after so many µs: the back-off of a failure."""

    delay: int


def plan(account: Account) -> list[Create | Delete | Wait]:
    """What is to be done now; empty when there is nothing."""
    active = account.active
    if account.job["spec"].get("suspend"):
        return [Delete(tuple(active))] if active else []
    wanted = wanted_active(account)
    surplus = superfluous(account, max(0, len(active) - wanted))
    if surplus:
        return [Delete(tuple(surplus[:BURST]))]
    missing = wanted - len(active) - (len(account.terminating) if replaces_only_failed(account.job) else 0)
    return _creations(account, min(missing, BURST)) if missing > 0 else []


def wanted_active(account: Account) -> int:
    """How many Pods should run now."""
    spec = account.job["spec"]
    parallelism: int = spec["parallelism"]
    if spec.get("completions") is None:
        return len(account.active) if account.succeeded else parallelism
    return max(0, min(parallelism, account.completions - account.succeeded))


def superfluous(account: Account, at_least: int) -> list[Object]:
    """Pods that must go: at least that many, and all that work on an index twice, or on one that is not wanted."""
    order = deletion_order(account.active, {}, account.now)
    gone: list[Object] = []
    if is_indexed(account.job):
        seen: set[int] = set()
        for pod in reversed(order):  # of several for an index, the one that would be missed most stays
            index = index_of(pod)
            if not 0 <= index < account.completions or index in seen:
                gone.append(pod)
            seen.add(index)
    doomed = {pod["metadata"]["uid"] for pod in gone}
    left = [pod for pod in order if pod["metadata"]["uid"] not in doomed]
    return gone + left[: max(0, at_least - len(gone))]


def _creations(account: Account, count: int) -> list[Create | Delete | Wait]:
    if not per_index(account.job):
        delay = account.record.remaining(account.now)
        if delay:
            return [Wait(delay)]
    if not is_indexed(account.job):
        return [Create((NO_INDEX,) * count)]
    pending = pending_indexes(account, count)
    delays = {index: _delay_of(account, index) for index in pending}
    now = tuple(index for index in pending if not delays[index])
    if now:
        return [Create(now)]
    return [Wait(min(delays.values()))] if delays else []


def pending_indexes(account: Account, count: int) -> list[int]:
    """The lowest indexes that nobody works on."""
    busy = {index_of(pod) for pod in account.active} | account.succeeded_indexes | account.failed_indexes
    if replaces_only_failed(account.job):
        busy |= {index_of(pod) for pod in account.terminating}
    found: list[int] = []
    for index in range(account.completions):
        if len(found) == count:
            break
        if index not in busy:
            found.append(index)
    return found


def _delay_of(account: Account, index: int) -> int:
    last = account.last_failures.get(index)
    return 0 if last is None else remaining(failures_of(last) + 1, finish_time(last), account.now)
