"""``pods/eviction``: a deletion that asks the PodDisruptionBudgets first.

A Pod that no budget covers, or that does not serve anyway (pending, finished, not ready), is simply deleted. With one budget,
the eviction takes one of its ``disruptionsAllowed`` and is noted in ``disruptedPods``; with none left, or two budgets, the
answer is 429 or 500.

Models: pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import ApiError, object_not_found
from k8snb.apimachinery.meta import is_true, timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, Object, freeze, merge, put
from k8snb.resources.core.pod_binding import too_many_requests
from k8snb.resources.policy.poddisruptionbudget import covers

BUDGETS = "poddisruptionbudgets.policy"
SUCCESS = freeze({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})
VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."


def evict(context: Any, request: Any, pod: Object | None) -> Object:
    """POST pods/NAME/eviction. Raises ApiError 429 where a budget forbids it now."""
    if pod is None:
        raise object_not_found("", "pods", request.name)
    options = (request.body or {}).get("deleteOptions") or {}
    if not _protected(pod):
        _delete(context, options, pod)
        return SUCCESS  # type: ignore[no-any-return]
    budgets = [b for b in context.list(BUDGETS, request.namespace) if covers(b, pod)]
    if len(budgets) > 1:
        raise ApiError(
            500, "InternalError", "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
    if budgets and not _may_go_unready(pod, budgets[0]):
        _take(context, budgets[0], pod)
    _delete(context, options, pod)
    return SUCCESS  # type: ignore[no-any-return]


def _protected(pod: Object) -> bool:
    phase = (pod.get("status") or {}).get("phase")
    return phase not in ("Succeeded", "Failed", "Pending") and "deletionTimestamp" not in pod["metadata"]


def _may_go_unready(pod: Object, budget: Object) -> bool:
    """A Pod that is not ready may go: always, or as long as the budget is met, as ``unhealthyPodEvictionPolicy`` says."""
    if is_true(pod, "Ready"):
        return False
    status = budget.get("status") or {}
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    return bool(status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0)


def _take(context: Any, budget: Object, pod: Object) -> None:
    status, name = budget.get("status") or {}, budget["metadata"]["name"]
    generation = budget["metadata"].get("generation", 0)
    if status.get("observedGeneration", 0) < generation:
        raise _refused(name, f"The disruption budget {name} is still being processed by the server.", 10)
    if status.get("disruptionsAllowed", 0) <= 0:
        healthy, desired = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
        raise _refused(name, f"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently")
    disrupted = {pod["metadata"]["name"]: timestamp(context.now)}
    changed = {"status": {"disruptionsAllowed": status["disruptionsAllowed"] - 1, "disruptedPods": disrupted}}
    context.replace(BUDGETS, merge(budget, changed))


def _refused(_budget: str, why: str, retry: int = 0) -> ApiError:
    causes = [{"reason": "DisruptionBudget", "message": why}]
    return too_many_requests(VIOLATES, {"causes": causes, **({"retryAfterSeconds": retry} if retry else {})})


def _delete(context: Any, options: Object, pod: Object) -> None:
    """Say in the Pod's status who ends it, then delete it. (Not where the caller names the revision that it has seen.)"""
    if not (options.get("preconditions") or EMPTY_DICT).get("resourceVersion"):
        context.replace("pods", _disrupted(pod, context.now))
    context.delegate(verb="delete", subresource="", body=options)


def _disrupted(pod: Object, now: int) -> Object:
    status = pod.get("status") or EMPTY_DICT
    new = {
        "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting",
        "lastProbeTime": None, "lastTransitionTime": timestamp(now), "observedGeneration": pod["metadata"].get("generation", 1),
    }  # fmt: skip
    others = [one for one in status.get("conditions") or () if one["type"] != new["type"]]
    return put(pod, ("status", "conditions"), freeze([*others, new]))
