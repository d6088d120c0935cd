"""On which nodes a DaemonSet runs, and the Pod for one node.

A daemon Pod is bound by the scheduler like any other, but it may go to one node only: its node affinity names the node. It
tolerates what ordinary Pods flee from (a node that is not ready, unreachable, under pressure, cordoned).

    should run            a Pod belongs there
    may go on running     no new Pod would be started, but one that is there stays (a NoSchedule taint)

Models: pkg/controller/daemon/daemon_controller.go (NodeShouldRunDaemonPod), pkg/controller/daemon/util/daemonset_util.go
(AddOrUpdateDaemonPodTolerations, ReplaceDaemonSetPodNodeNameNodeAffinity, GetTargetNodeName).
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, FrozenDict, FrozenList, Object, dig, freeze, put
from k8snb.apimachinery.resource import once
from k8snb.component_helpers.nodeaffinity import REQUIRED, matches_node_selector_and_affinity
from k8snb.component_helpers.taints import find_untolerated_taint
from k8snb.controllers.history import POD_HASH
from k8snb.controllers.pod_control import pod_from_template

GENERATION = "pod-template-generation"
GENERATION_ANNOTATION = "deprecated.daemonset.template.generation"
NODE_NAME = "metadata.name"
_TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"), ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"), ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"), ("node.kubernetes.io/unschedulable", "NoSchedule"),
)  # fmt: skip
_ON_HOST_NETWORK = (("node.kubernetes.io/network-unavailable", "NoSchedule"),)


@once
def tolerations(spec: Object) -> FrozenList:
    """The tolerations of daemon Pods: the template's own (a Pod spec is given), then those that all daemon Pods have."""
    found = list(spec.get("tolerations") or ())
    for key, effect in _TOLERATED + (_ON_HOST_NETWORK if spec.get("hostNetwork") else ()):
        wanted = FrozenDict({"effect": effect, "key": key, "operator": "Exists"})
        same = [i for i, t in enumerate(found) if _identity(t) == _identity(wanted)]
        for index in same:
            found[index] = wanted
        if not same:
            found.append(wanted)
    return FrozenList(found)


def _identity(toleration: Object) -> tuple[Any, ...]:
    return tuple(toleration.get(name, "") for name in ("key", "effect", "operator", "value"))


def should_run(daemonset: Object, node: Object) -> tuple[bool, bool]:
    """Whether a Pod belongs on the node, and whether one that is there may go on running."""
    spec = daemonset["spec"]["template"]["spec"]
    if spec.get("nodeName", node["metadata"]["name"]) != node["metadata"]["name"]:
        return False, False
    if not matches_node_selector_and_affinity({"spec": spec}, node):
        return False, False
    taints = node["spec"].get("taints") if "spec" in node else None
    if not taints or find_untolerated_taint(taints, tolerations(spec)) is None:
        return True, True
    return False, find_untolerated_taint(taints, tolerations(spec), ("NoExecute",)) is None


def daemon_pod(daemonset: Object, node: str, revision_hash: str) -> Object:
    """The Pod of this DaemonSet for one node."""
    pod = pod_from_template(daemonset, _template(daemonset, revision_hash))
    return put(pod, "spec.affinity.nodeAffinity", _pinned(daemonset["spec"]["template"]["spec"], node))


def _template(daemonset: Object, revision_hash: str) -> Object:
    template = daemonset["spec"]["template"]
    meta = template.get("metadata") or EMPTY_DICT
    labels = {**(meta.get("labels") or EMPTY_DICT), POD_HASH: revision_hash}
    generation = template_generation(daemonset)
    if generation:
        labels[GENERATION] = generation
    spec = FrozenDict({**template["spec"], "tolerations": tolerations(template["spec"])})
    return FrozenDict({"metadata": FrozenDict({**meta, "labels": FrozenDict(labels)}), "spec": spec})


def template_generation(daemonset: Object) -> str:
    """The number of the template's last change, from the annotation; empty where there is none."""
    return str(dig(daemonset, ("metadata", "annotations", GENERATION_ANNOTATION), ""))


def _pinned(spec: Object, node: str) -> Object:
    """Node affinity that names one node. Preferences stay, requirements were met when the node was chosen."""
    own = dig(spec, "affinity.nodeAffinity", EMPTY_DICT)
    term = {"matchFields": [{"key": NODE_NAME, "operator": "In", "values": [node]}]}
    return freeze({**own, REQUIRED: {"nodeSelectorTerms": [term]}})  # type: ignore[no-any-return]


def node_of(pod: Object) -> str:
    """The node that a daemon Pod is on, or is meant for; empty where neither is known."""
    bound = pod["spec"].get("nodeName")
    if bound:
        return str(bound)
    for term in dig(pod, ("spec", "affinity", "nodeAffinity", REQUIRED, "nodeSelectorTerms"), EMPTY_LIST):
        for field in term.get("matchFields") or ():
            if field["key"] == NODE_NAME and field["operator"] == "In" and len(field.get("values") or ()) == 1:
                return str(field["values"][0])
    return ""
