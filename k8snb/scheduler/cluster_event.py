"""What can happen in a cluster that makes an unschedulable pod worth another try.

A pod that failed remembers which plugins rejected it. Each plugin declares its *interests*: kinds of events, each with a hint,
a pure question "could this very change help this pod?". Only a yes moves the pod; so a thousand pods that wait for a GPU are
not tried again because some label changed.

Models: k8s.io/kube-scheduler/framework/types.go (ClusterEvent, QueueingHintFn), pkg/scheduler/framework/events.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8snb.apimachinery.meta import condition_status
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.scheduler.nodeinfo import NodeInfo, node_facts
from k8snb.scheduler.podinfo import PodInfo, pod_info, same_but_status

ADD = "Add"
DELETE = "Delete"
UPDATE_ALLOCATABLE = "UpdateNodeAllocatable"
UPDATE_NODE_LABEL = "UpdateNodeLabel"
UPDATE_TAINT = "UpdateNodeTaint"
UPDATE_CONDITION = "UpdateNodeCondition"
UPDATE_ANNOTATION = "UpdateNodeAnnotation"
UPDATE_POD_LABEL = "UpdatePodLabel"
SCALE_DOWN = "UpdatePodScaleDown"
UPDATE_TOLERATION = "UpdatePodToleration"
GATES_ELIMINATED = "UpdatePodSchedulingGatesEliminated"
UPDATE = "Update"  # of a kind of which no finer actions are told apart

NODE = "Node"
ASSIGNED_POD = "AssignedPod"
UNSCHEDULED_POD = "UnscheduledPod"
TARGET_POD = "TargetPod"  # an interest in changes of the waiting pod itself
WILDCARD = "*"


class Change(NamedTuple):
    """One event: what happened to which kind of thing. ``old`` and ``new`` are objects, None where it came or went.

    ``node`` is the record of the node where the event is about a node or about a pod that is on one.
    """

    resource: str
    action: str
    old: Object | None = None
    new: Object | None = None
    node: NodeInfo | None = None

    @property
    def label(self) -> str:
        """How logs and the trace name it: ``NodeAdd``, ``AssignedPodDelete`` ..."""
        return f"{self.resource}{self.action}"


TIMEOUT = Change(WILDCARD, "UnschedulableTimeout")

Hint = Callable[[PodInfo, Change], bool]


def always(_pod: PodInfo, _change: Change) -> bool:
    """The hint of a plugin that cannot tell."""
    return True


class Interest(NamedTuple):
    """A plugin wants pods that it rejected to be tried again after these events, where ``hint`` says yes."""

    resource: str
    actions: frozenset[str]
    hint: Hint = always

    def meant(self, change: Change, pod: PodInfo) -> bool:
        """Whether the event is of this kind (whatever the hint says)."""
        if change.action not in self.actions:
            return False
        if self.resource == TARGET_POD:
            return change.resource == UNSCHEDULED_POD and change.new is not None and pod_info(change.new).uid == pod.uid
        return self.resource == change.resource


def interest(resource: str, *actions: str, hint: Hint = always) -> Interest:
    """Short for :class:`Interest`."""
    return Interest(resource, frozenset(actions), hint)


ANYTHING = (
    interest(NODE, ADD, DELETE, UPDATE_ALLOCATABLE, UPDATE_NODE_LABEL, UPDATE_TAINT, UPDATE_CONDITION, UPDATE_ANNOTATION),
    interest(ASSIGNED_POD, ADD, DELETE, UPDATE_POD_LABEL, SCALE_DOWN, UPDATE_TOLERATION),
    interest(TARGET_POD, UPDATE_POD_LABEL, SCALE_DOWN, UPDATE_TOLERATION),
)
"""The interests of a plugin that does not say what could help a pod that it rejected."""


def node_actions(old: Object, new: Object) -> list[str]:
    """What changed about a node, in the words of the events; upstream's order."""
    before, after = node_facts(old), node_facts(new)
    types = sorted({c["type"] for node in (old, new) for c in (node.get("status") or EMPTY_DICT).get("conditions") or ()})
    changed = [
        (UPDATE_TAINT, before.unschedulable != after.unschedulable and not after.unschedulable),
        (UPDATE_ALLOCATABLE, before.allocatable != after.allocatable),
        (UPDATE_NODE_LABEL, before.labels != after.labels),
        (UPDATE_TAINT, before.taints != after.taints),
        (UPDATE_CONDITION, any(condition_status(old, kind) != condition_status(new, kind) for kind in types)),
        (UPDATE_ANNOTATION, old["metadata"].get("annotations") != new["metadata"].get("annotations")),
    ]
    return list(dict.fromkeys(action for action, happened in changed if happened))


def pod_actions(old: Object, new: Object) -> list[str]:
    """What changed about a pod that may matter to scheduling; empty where nothing did."""
    if same_but_status(old, new):
        return []
    before, after = pod_info(old), pod_info(new)
    names = {*before.requests, *after.requests}
    changed = [
        (UPDATE_POD_LABEL, before.labels != after.labels),
        (SCALE_DOWN, any(after.requests.get(name, 0) < before.requests.get(name, 0) for name in names)),
        (GATES_ELIMINATED, bool(old["spec"].get("schedulingGates")) and not new["spec"].get("schedulingGates")),
        (UPDATE_TOLERATION, old["spec"].get("tolerations") != new["spec"].get("tolerations")),
    ]
    return [action for action, happened in changed if happened]
