"""What an object looks like at a glance: one of the six states of :mod:`k8snb.views.states`, and Kubernetes' word for it.

    pod        ok       Running              node   ok       Ready              deployment  pending  1/3
               failed   CrashLoopBackOff            pending  Ready,SchedulingDisabled

The word is what ``kubectl get`` prints in its STATUS or READY column, taken from the same cells, so that picture and table agree. In
one case it says more: STATUS calls a pod Running that is not ready, and leaves it to the column READY to say so; a picture has no
second column.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8snb.apimachinery.meta import condition_status
from k8snb.apimachinery.objects import Object, dig
from k8snb.apimachinery.resource import once
from k8snb.component_helpers.pods import is_pod_ready, is_pod_terminating
from k8snb.resources.core.node import cells as node_cells
from k8snb.resources.core.pod_cells import cells as pod_cells

_FAILED = (  # how the words begin that mean trouble
    "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError",
    "Error", "OOM", "ExitCode", "Signal",
)  # fmt: skip
_POD = {"Running": "ok", "Succeeded": "done", "Completed": "done", "Pending": "pending", "Terminating": "ending", "Unknown": "unknown"}


def is_trouble(word: str) -> bool:
    """Whether one of Kubernetes' words for a pod or a container means that something is wrong."""
    return word.startswith(_FAILED)


NOT_READY = "Running, not ready"  # STATUS says only the first word of it


class Seen(NamedTuple):
    """A state and the word that stands beside it."""

    state: str
    word: str


@once
def pod_row(obj: Object) -> tuple[str, str, int]:
    """READY, STATUS and RESTARTS of a pod as ``kubectl get pods`` prints them: ``("1/1", "Running", 0)``."""
    _, ready, word, restarts, *_ = pod_cells(obj, 0)
    return ready, word, int(restarts.split()[0])


def pod(obj: Object) -> Seen:
    """A pod by its STATUS; running but not ready counts as pending."""
    word = pod_row(obj)[1]
    if is_pod_terminating(obj):
        return Seen("ending", word)
    if word == "Running" and not is_pod_ready(obj):
        return Seen("pending", NOT_READY)
    failed = dig(obj, "status.phase") == "Failed" or word.removeprefix("Init:").startswith(_FAILED)
    return Seen("failed" if failed else _POD.get(word, "pending"), word)


def node(obj: Object) -> Seen:
    """A node by its STATUS; cordoned counts as pending."""
    word = str(node_cells(obj, 0)[1])
    state = {"Ready": "ok", "NotReady": "failed"}.get(word.partition(",")[0], "unknown")
    return Seen("pending" if state == "ok" and "," in word else state, word)


def _replicas(wanted: str, ready: str) -> Callable[[Object], Seen]:
    def look(obj: Object) -> Seen:
        want, have = dig(obj, wanted, 0), dig(obj, ready, 0)
        if want == 0 and have == 0:
            return Seen("", "0/0")
        failing = condition_status(obj, "Progressing") == "False" or condition_status(obj, "ReplicaFailure") == "True"
        return Seen("ok" if have >= want else "failed" if failing else "pending", f"{have}/{want}")

    return look


def _job(obj: Object) -> Seen:
    if condition_status(obj, "Failed") == "True":
        return Seen("failed", "Failed")
    if condition_status(obj, "Complete") == "True":
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
        "Released": "done",
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
