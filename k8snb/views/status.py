"""What an object looks like at a glance: one of the six states of :mod:`k8snb.views.states`, and Kubernetes' word for it.

    pod        ok       Running              node   ok       Ready              deployment  pending  1/3
               failed   CrashLoopBackOff            pending  Ready,SchedulingDisabled

The word is what ``kubectl get`` prints in its STATUS or READY column, so that picture and table agree.
Models: pkg/printers/internalversion/printers.go, printPod, printNode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, Object, dig
from k8snb.component_helpers.pods import is_pod_ready, is_pod_terminating

_FAILED_WAITS = (
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
)
_POD = {"Running": "ok", "Succeeded": "done", "Completed": "done", "Pending": "pending", "Terminating": "ending", "Unknown": "unknown"}


class Seen(NamedTuple):
    """A state and the word that stands beside it."""

    state: str
    word: str


def condition(obj: Object, kind: str) -> str:
    """The status of a condition: ``True``, ``False``, ``Unknown``, or empty where the object does not have it."""
    for found in dig(obj, "status.conditions", EMPTY_LIST):
        if found["type"] == kind:
            return str(found["status"])
    return ""


def pod(obj: Object) -> Seen:
    """A pod, as the STATUS column of ``kubectl get pods`` has it; running but not ready counts as pending."""
    word = pod_word(obj)
    if is_pod_terminating(obj):
        return Seen("ending", "Terminating" if dig(obj, "status.reason") != "NodeLost" else "Unknown")
    if word == "Running" and not is_pod_ready(obj):
        return Seen("pending", word)
    failed = word in _FAILED_WAITS or dig(obj, "status.phase") == "Failed" or word.startswith(("Error", "OOM", "Init:Error", "Init:Crash"))
    return Seen("failed" if failed else _POD.get(word, "pending"), word)


def pod_word(obj: Object) -> str:
    """The reason that says most: of the pod, of an init container that still runs, or of a container."""
    word = str(dig(obj, "status.reason") or dig(obj, "status.phase") or "Pending")
    for index, init in enumerate(dig(obj, "status.initContainerStatuses", EMPTY_LIST)):
        if dig(init, "state.terminated.exitCode") == 0 or init.get("started"):
            continue
        total = len(dig(obj, "spec.initContainers", EMPTY_LIST))
        return f"Init:{_reason(init) or f'{index}/{total}'}"
    for status in reversed(dig(obj, "status.containerStatuses", EMPTY_LIST)):
        word = _reason(status) or word
    if word == "Completed" and any(dig(s, "state.running") is not None for s in dig(obj, "status.containerStatuses", EMPTY_LIST)):
        return "Running" if is_pod_ready(obj) else "NotReady"
    return word


def _reason(status: Object) -> str:
    waiting, ended = dig(status, "state.waiting", EMPTY_DICT), dig(status, "state.terminated")
    if ended is not None:
        return str(ended.get("reason") or f"ExitCode:{ended.get('exitCode')}")
    reason = str(waiting.get("reason", ""))
    return "" if reason == "PodInitializing" else reason


def pod_ready(obj: Object) -> str:
    """The READY column: how many of the pod's containers are ready, ``1/2``."""
    ready = sum(bool(status.get("ready")) for status in dig(obj, "status.containerStatuses", EMPTY_LIST))
    return f"{ready}/{len(dig(obj, 'spec.containers', EMPTY_LIST))}"


def node(obj: Object) -> Seen:
    """A node, as the STATUS column of ``kubectl get nodes`` has it."""
    ready = condition(obj, "Ready")
    word = {"True": "Ready", "Unknown": "NotReady", "False": "NotReady"}.get(ready, "Unknown")
    state = {"Ready": "ok", "NotReady": "failed"}.get(word, "unknown")
    if dig(obj, "spec.unschedulable"):
        return Seen("pending" if state == "ok" else state, f"{word},SchedulingDisabled")
    return Seen(state, word)


def _replicas(wanted: str, ready: str) -> Callable[[Object], Seen]:
    def look(obj: Object) -> Seen:
        want, have = dig(obj, wanted, 0), dig(obj, ready, 0)
        if want == 0 and have == 0:
            return Seen("", "0/0")
        failing = condition(obj, "Progressing") == "False" or condition(obj, "ReplicaFailure") == "True"
        return Seen("ok" if have >= want else "failed" if failing else "pending", f"{have}/{want}")

    return look


def _job(obj: Object) -> Seen:
    if condition(obj, "Failed") == "True":
        return Seen("failed", "Failed")
    if condition(obj, "Complete") == "True":
        return Seen("done", "Complete")
    return Seen("pending", f"{dig(obj, 'status.succeeded', 0)}/{dig(obj, 'spec.completions', 1)}")


def _phase(obj: Object) -> Seen:
    word = str(dig(obj, "status.phase", ""))
    states = {
        "Bound": "ok",
        "Active": "ok",
        "Available": "ok",
        "Pending": "pending",
        "Terminating": "ending",
        "Lost": "failed",
        "Failed": "failed",
    }
    return Seen(states.get(word, ""), word)


_LOOKS: dict[str, Callable[[Object], Seen]] = {
    "pods": pod,
    "nodes": node,
    "deployments.apps": _replicas("spec.replicas", "status.readyReplicas"),
    "replicasets.apps": _replicas("spec.replicas", "status.readyReplicas"),
    "statefulsets.apps": _replicas("spec.replicas", "status.readyReplicas"),
    "daemonsets.apps": _replicas("status.desiredNumberScheduled", "status.numberReady"),
    "jobs.batch": _job,
}


def look(resource: str, obj: Object) -> Seen:
    """The state and word of an object of any resource, such as ``deployments.apps``; kinds without one give ``("", "")``."""
    seen = _LOOKS.get(resource, _phase)(obj)
    if resource != "pods" and dig(obj, "metadata.deletionTimestamp") is not None:
        return Seen("ending", "Terminating")
    return seen
