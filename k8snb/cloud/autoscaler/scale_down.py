"""From machines that are hardly used to machines that may go: pure, over an imagined cluster.

A node is *unneeded* when what its pods have asked for is less than half of what it has, in CPU and in memory, when all of them
could run elsewhere, and when none of them forbids it:

    safe-to-evict: "false"             the pod says so
    no controller                      nobody would make it anew
    kube-system, without a budget      the cluster itself might need it
    emptyDir or hostPath               what it has written would be lost
    a PodDisruptionBudget with nothing left to give

Models: cluster-autoscaler/simulator (utilization/info.go, drainability/rules), core/scaledown/{eligibility,unneeded}.
Simplified: pods of DaemonSets count towards the utilisation, as by default upstream, and never are in the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8snb.apimachinery.meta import annotation, controller_of
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig, drop
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.cloud.drain import movable
from k8snb.component_helpers import pod_requests, resource_amounts
from k8snb.seams.scheduling import Trial

THRESHOLD = 0.5
SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"
DISABLED = "cluster-autoscaler.kubernetes.io/scale-down-disabled"


def utilization(node: Object, pods: Iterable[Object]) -> float:
    """The larger share of CPU and memory that the pods on a node have asked for."""
    have = resource_amounts(dig(node, "status.allocatable", EMPTY_DICT))
    asked = [pod_requests(pod) for pod in pods]
    return max(sum(one.get(name, 0) for one in asked) / have[name] if have.get(name) else 0.0 for name in ("cpu", "memory"))


def blocker(pods: Sequence[Object], budgets: Sequence[Object]) -> tuple[str, str]:
    """The first pod that may not be moved, and why; two empty texts where all may."""
    for pod in movable(pods):
        why = _forbids(pod, [budget for budget in budgets if _covers(budget, pod)])
        if why:
            return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}", why
    return "", ""


def _forbids(pod: Object, budgets: Sequence[Object]) -> str:
    safe = annotation(pod, SAFE_TO_EVICT)
    if safe == "false":
        return "NotSafeToEvictAnnotation"
    if any(dig(budget, "status.disruptionsAllowed", 0) < 1 for budget in budgets):
        return "NotEnoughPdb"
    if safe == "true":
        return ""
    if controller_of(pod) is None:
        return "NotReplicated"
    if pod["metadata"]["namespace"] == "kube-system" and not budgets:
        return "UnmovableKubeSystemPod"
    if any("emptyDir" in volume or "hostPath" in volume for volume in pod["spec"].get("volumes") or ()):
        return "LocalStorageRequested"
    return ""


def _covers(budget: Object, pod: Object) -> bool:
    same = budget["metadata"]["namespace"] == pod["metadata"]["namespace"]
    selector = budget["spec"].get("selector")
    return same and selector is not None and from_label_selector(selector).matches(pod["metadata"].get("labels") or EMPTY_DICT)


def homeless(trial: Trial, pods: Sequence[Object], nodes: Sequence[str]) -> str:
    """The first of the pods that fits nowhere in an imagined cluster (in which their node is missing); empty where all do.

    ``nodes``: where to try, by name.
    """
    for pod in pods:
        free = drop(pod, "spec.nodeName")
        home = next((name for name in nodes if not trial.why_not(free, name)), None)
        if home is None:
            return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        trial.put(pod, home)
    return ""
