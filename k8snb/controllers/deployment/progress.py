"""A Deployment's status: the sums over its ReplicaSets, and what they mean (Available, Progressing, ReplicaFailure).

*Progressing* is a clock with an alarm: every sign of progress restarts ``progressDeadlineSeconds``; when it runs out, the
condition becomes False (ProgressDeadlineExceeded). Nothing is rolled back by itself: the condition is for whoever looks.

Models: pkg/controller/deployment/progress.go, sync.go (calculateStatus), util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.meta import condition, parse_time, timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, freeze
from k8snb.controllers.deployment.revisions import max_unavailable
from k8snb.sim.clock import SECOND

NO_DEADLINE = 2**31 - 1
AVAILABLE, TIMED_OUT, PAUSED, RESUMED = "NewReplicaSetAvailable", "ProgressDeadlineExceeded", "DeploymentPaused", "DeploymentResumed"
Condition = dict[str, Any]


def has_deadline(deployment: Object) -> bool:
    """Whether the Deployment watches its progress."""
    return bool(deployment["spec"].get("progressDeadlineSeconds", NO_DEADLINE) != NO_DEADLINE)


def set_condition(  # noqa: PLR0917  (the columns of a condition, in their order)
    conditions: list[Condition], kind: str, status: str, reason: str, message: str, now: int
) -> list[Condition]:
    """The conditions with one set; unchanged where status and reason are the same; its transition time kept where the status is."""
    old = next((c for c in conditions if c["type"] == kind), None)
    if old is not None and old["status"] == status and old["reason"] == reason:
        return conditions
    moment = timestamp(now)
    since = old["lastTransitionTime"] if old is not None and old["status"] == status else moment
    new = {"type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": moment, "lastTransitionTime": since}
    return [*(c for c in conditions if c["type"] != kind), new]


def calculate(deployment: Object, everyone: list[Object], new: Object | None, now: int) -> dict[str, Any]:
    """The status without Progressing: counts and availability. Zero counts are left out."""
    old = deployment.get("status") or {}
    reported = [rs.get("status") or EMPTY_DICT for rs in everyone]
    available = _sum(reported, "availableReplicas")
    counts = {
        "replicas": _sum(reported, "replicas"),
        "updatedReplicas": (new.get("status") or EMPTY_DICT).get("replicas", 0) if new is not None else 0,
        "readyReplicas": _sum(reported, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, sum([rs["spec"]["replicas"] for rs in everyone]) - available),
    }
    status: dict[str, Any] = {key: value for key, value in counts.items() if value}
    status["terminatingReplicas"] = _sum(reported, "terminatingReplicas")
    status["observedGeneration"] = deployment["metadata"]["generation"]
    if "collisionCount" in old:
        status["collisionCount"] = old["collisionCount"]
    enough = available >= deployment["spec"]["replicas"] - max_unavailable(deployment)
    words = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.") if enough else (
        "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")  # fmt: skip
    status["conditions"] = set_condition(list(old.get("conditions") or ()), "Available", *words, now)
    return status


def _sum(reported: list[Object], count: str) -> int:
    return sum([status.get(count, 0) for status in reported])


def rollout_status(deployment: Object, everyone: list[Object], new: Object | None, now: int) -> Object:
    """The whole status after a turn of a rollout."""
    status = calculate(deployment, everyone, new, now)
    conditions = status["conditions"]
    if not has_deadline(deployment):
        conditions = [c for c in conditions if c["type"] != "Progressing"]
    else:
        conditions = _progress(deployment, status, conditions, new, now)
    status["conditions"] = _with_failure(conditions, everyone, new)
    return freeze(status)  # type: ignore[no-any-return]


def _progress(deployment: Object, status: dict[str, Any], conditions: list[Condition], new: Object | None, now: int) -> list[Condition]:
    current = next((c for c in conditions if c["type"] == "Progressing"), None)
    done = status.get("replicas", 0) == status.get("updatedReplicas", 0) and current is not None and current["reason"] == AVAILABLE
    if done:
        return conditions
    who = f'ReplicaSet "{new["metadata"]["name"]}"' if new is not None else f'Deployment "{deployment["metadata"]["name"]}"'
    if is_complete(deployment, status):
        return set_condition(conditions, "Progressing", "True", AVAILABLE, f"{who} has successfully progressed.", now)
    if _is_progressing(deployment, status):
        return _still(conditions, current, f"{who} is progressing.", now)
    if timed_out(deployment, current, now):
        return set_condition(conditions, "Progressing", "False", TIMED_OUT, f"{who} has timed out progressing.", now)
    return conditions


def _still(conditions: list[Condition], current: Condition | None, message: str, now: int) -> list[Condition]:
    """A sign of progress: the clock starts anew even where the condition says the same as before."""
    moment = timestamp(now)
    since = current["lastTransitionTime"] if current is not None and current["status"] == "True" else moment
    new = {
        "type": "Progressing",
        "status": "True",
        "reason": "ReplicaSetUpdated",
        "message": message,
        "lastUpdateTime": moment,
        "lastTransitionTime": since,
    }
    return [*(c for c in conditions if c["type"] != "Progressing"), new]


def is_complete(deployment: Object, status: Object) -> bool:
    """Whether every replica is of the new version and available, and nothing else is left."""
    wanted = deployment["spec"]["replicas"]
    counts = [status.get(count, 0) for count in ("updatedReplicas", "replicas", "availableReplicas")]
    return counts == [wanted] * 3 and bool(status.get("observedGeneration", 0) >= deployment["metadata"]["generation"])


def _is_progressing(deployment: Object, status: dict[str, Any]) -> bool:
    old = deployment.get("status") or {}

    def grew(count: str) -> bool:
        return bool(status.get(count, 0) > old.get(count, 0))

    left = status.get("replicas", 0) - status.get("updatedReplicas", 0)
    was_left = old.get("replicas", 0) - old.get("updatedReplicas", 0)
    return grew("updatedReplicas") or left < was_left or grew("readyReplicas") or grew("availableReplicas")


def timed_out(deployment: Object, current: Condition | None, now: int) -> bool:
    """Whether the progress deadline has passed since the last sign of progress."""
    if current is None or current["reason"] == AVAILABLE:
        return False
    if current["reason"] == TIMED_OUT:
        return True
    return now > _deadline(deployment, current)


def wait_for_deadline(deployment: Object, status: Object, now: int) -> int | None:
    """When to look again at a Deployment that makes no progress, in µs from now; None where nothing is awaited."""
    current = condition({"status": status}, "Progressing")
    if not has_deadline(deployment) or current is None or is_complete(deployment, status) or current["reason"] == TIMED_OUT:
        return None
    return max(_deadline(deployment, current) - now, 0) + SECOND


def _deadline(deployment: Object, current: Mapping[str, Any]) -> int:
    seconds: int = deployment["spec"]["progressDeadlineSeconds"]
    return parse_time(current["lastUpdateTime"]) + seconds * SECOND


def _with_failure(conditions: list[Condition], everyone: list[Object], new: Object | None) -> list[Condition]:
    """ReplicaFailure is passed on from the ReplicaSets, the new one's first."""
    kept = [c for c in conditions if c["type"] != "ReplicaFailure"]
    ordered = ([new] if new is not None else []) + everyone
    found = next((f for rs in ordered if (f := condition(rs, "ReplicaFailure")) is not None), None)
    if found is None:
        return kept
    if any(all(c[key] == found[key] for key in ("type", "status", "reason")) for c in conditions):
        return conditions  # said already, and it stays where it stands
    return [*kept, {**found, "lastUpdateTime": found["lastTransitionTime"]}]


def paused_conditions(deployment: Object, now: int) -> Object | None:
    """The status with Progressing Unknown while paused, or resumed again; None where nothing changes."""
    status = deployment.get("status") or {}
    current = condition(deployment, "Progressing")
    if not has_deadline(deployment) or (current is not None and current["reason"] == TIMED_OUT):
        return None
    paused, known = bool(deployment["spec"].get("paused")), current is not None and current["reason"] == PAUSED
    if paused == known:
        return None
    words = (PAUSED, "Deployment is paused") if paused else (RESUMED, "Deployment is resumed")
    conditions = set_condition(list(status.get("conditions") or ()), "Progressing", "Unknown", *words, now)
    return FrozenDict({**status, "conditions": FrozenList([freeze(c) for c in conditions])})
