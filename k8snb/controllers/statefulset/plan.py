"""What a StatefulSet's loop does next. Pure: an observation in, creations and deletions out.

    OrderedReady   one thing at a time: number N is made when 0 ... N-1 are available, and the highest goes first
    Parallel       everything at once

    rolling update   when all are well, Pods of a former revision are deleted from the highest ordinal down to ``partition``,
                     ``maxUnavailable`` at a time; each comes back with the new revision

A Pod that is broken blocks the ordered set: mending the template does not replace it, somebody must delete it.

Models: pkg/controller/statefulset/stateful_set_control.go (updateStatefulSet, processReplica, processCondemned,
updateStatefulSetAfterInvariantEstablished).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from k8snb.apimachinery.intstr import scaled
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.component_helpers.pods import is_pod_available, is_pod_ready, is_pod_terminal, is_pod_terminating
from k8snb.controllers.history import POD_HASH
from k8snb.controllers.statefulset.identity import first_ordinal, ordinal_of, ordinals


class Create(NamedTuple):
    """Make the Pod with that number, of the current or of the update revision."""

    ordinal: int
    updated: bool


class Delete(NamedTuple):
    """Delete that Pod."""

    pod: Object


Action = Create | Delete


@dataclass(frozen=True, slots=True)
class Observed:
    """The set, the names of its current and its update revision, its Pods, and the time (µs).

    ``stale``: numbers whose claims are on their way out, so that no Pod can be made yet.
    """

    statefulset: Object
    current: str
    update: str
    pods: tuple[Object, ...]
    now: int
    stale: frozenset[int] = frozenset()

    @property
    def ordered(self) -> bool:
        """Whether one Pod waits for the other."""
        return bool(self.statefulset["spec"]["podManagementPolicy"] == "OrderedReady")

    def available(self, pod: Object | None) -> bool:
        """Whether the Pod runs, is ready, and has been so for ``minReadySeconds``."""
        minimum = self.statefulset["spec"].get("minReadySeconds", 0)
        return pod is not None and is_running_and_ready(pod) and is_pod_available(pod, minimum, self.now)

    def replicas(self) -> dict[int, Object | None]:
        """The Pods that there should be, by number; None where one is missing."""
        found = {ordinal_of(pod): pod for pod in self.pods}
        return {number: found.get(number) for number in ordinals(self.statefulset)}

    def condemned(self) -> list[Object]:
        """The Pods that are too many, highest number first."""
        wanted = ordinals(self.statefulset)
        return sorted((pod for pod in self.pods if ordinal_of(pod) not in wanted), key=ordinal_of, reverse=True)


def is_running_and_ready(pod: Object) -> bool:
    """Whether the Pod is in phase Running and ready."""
    return pod["status"].get("phase") == "Running" and is_pod_ready(pod)


def revision_of(pod: Object) -> str:
    """The name of the revision that a Pod was made from."""
    return str((pod["metadata"].get("labels") or EMPTY_DICT).get(POD_HASH, ""))


def plan(observed: Observed) -> list[Action]:
    """What is to be done now; empty when there is nothing, or something must be waited for."""
    if "deletionTimestamp" in observed.statefulset["metadata"]:
        return []
    up, blocked = plan_replicas(observed)
    if blocked:
        return up
    down, blocked = plan_condemned(observed)
    return up + down if blocked else up + down + plan_update(observed)


def plan_replicas(observed: Observed) -> tuple[list[Action], bool]:
    """Make what is missing, take away what has ended; and whether the rest has to wait."""
    actions: list[Action] = []
    for number, pod in observed.replicas().items():
        if pod is None:
            actions += [] if number in observed.stale else [Create(number, needs_update(observed, number))]
        elif is_pod_terminal(pod):
            actions += [] if is_pod_terminating(pod) else [Delete(pod)]
        elif observed.available(pod) and not is_pod_terminating(pod):
            continue
        if observed.ordered:
            return actions, True
    return actions, False


def needs_update(observed: Observed, ordinal: int) -> bool:
    """Whether a Pod made now gets the update revision. Below the partition it returns with the current one."""
    strategy = observed.statefulset["spec"]["updateStrategy"]
    if strategy["type"] != "RollingUpdate":
        return True
    rolling = strategy.get("rollingUpdate")
    if rolling is None:
        kept = (observed.statefulset.get("status") or EMPTY_DICT).get("currentReplicas", 0)
    else:
        kept = rolling.get("partition", 0)
    return bool(ordinal >= first_ordinal(observed.statefulset) + kept)


def plan_condemned(observed: Observed) -> tuple[list[Action], bool]:
    """Take away what is too many. In order: only while all others are well, or the sick one is the one that goes."""
    condemned = observed.condemned()
    if not observed.ordered:
        return [Delete(pod) for pod in condemned if not is_pod_terminating(pod)], False
    sick = [pod for pod in condemned if not observed.available(pod) or is_pod_terminating(pod)]
    for pod in condemned:
        if is_pod_terminating(pod) or (pod in sick and pod is not sick[-1]):
            return [], True
        return [Delete(pod)], True
    return [], False


# ---------------------------------------------------------------------- rolling update


def plan_update(observed: Observed) -> list[Action]:
    """The next deletions of a rolling update."""
    strategy = observed.statefulset["spec"]["updateStrategy"]
    if strategy["type"] != "RollingUpdate":
        return []
    rolling = strategy.get("rollingUpdate") or EMPTY_DICT
    lowest = first_ordinal(observed.statefulset) + rolling.get("partition", 0)
    targets = [(number, pod) for number, pod in reversed(observed.replicas().items()) if number >= lowest]
    limit = max_unavailable(observed.statefulset)
    if limit == 1:
        return _one_by_one(observed, targets)
    return _several(observed, targets, limit)


def max_unavailable(statefulset: Object) -> int:
    """How many Pods an update may take away at once; percentages of ``replicas`` are rounded down, one is the least."""
    rolling = statefulset["spec"]["updateStrategy"].get("rollingUpdate") or EMPTY_DICT
    value = rolling.get("maxUnavailable", 1)
    return max(1, scaled(value, statefulset["spec"]["replicas"], up=False))


def _is_old(observed: Observed, pod: Object) -> bool:
    return revision_of(pod) != observed.update and not is_pod_terminating(pod)


def _one_by_one(observed: Observed, targets: list[tuple[int, Object | None]]) -> list[Action]:
    for _number, pod in targets:
        if pod is None:
            return []  # it is just being made: wait for it
        if _is_old(observed, pod):
            return [Delete(pod)]
        if not observed.available(pod) or is_pod_terminating(pod):
            return []
    return []


def _several(observed: Observed, targets: list[tuple[int, Object | None]], limit: int) -> list[Action]:
    """Old Pods that serve nobody go for free; of the others as many as may be missed."""
    everyone = observed.replicas().values()
    left = limit - sum(not observed.available(pod) or is_pod_terminating(pod) for pod in everyone if pod is not None)
    left -= sum(pod is None for pod in everyone)
    actions: list[Action] = []
    for _number, pod in targets:
        if pod is None or not _is_old(observed, pod):
            continue
        if observed.available(pod):
            if left <= 0:
                continue
            left -= 1
        actions.append(Delete(pod))
    return actions
