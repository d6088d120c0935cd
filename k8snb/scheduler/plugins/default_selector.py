"""The selector of the workload that a pod belongs to: its Services', merged with its controller's.

Models: pkg/scheduler/framework/plugins/helper/spread.go, DefaultSelector.
"""

from __future__ import annotations

from k8snb.apimachinery.meta import controller_of
from k8snb.apimachinery.selectors import Selector, from_label_selector, from_set
from k8snb.scheduler.framework import Cluster
from k8snb.scheduler.podinfo import PodInfo

_CONTROLLERS = {("apps", "ReplicaSet"): "replicasets.apps", ("apps", "StatefulSet"): "statefulsets.apps"}


def default_selector(pod: PodInfo, cluster: Cluster) -> Selector:
    """Selects the pod and its siblings; empty for a pod that belongs to nothing."""
    labels: dict[str, str] = {}
    for service in cluster.objects("services", pod.namespace):
        wanted = service["spec"].get("selector")
        if wanted and all(pod.labels.get(key) == value for key, value in wanted.items()):
            labels.update(wanted)
    owner = controller_of(pod.pod)
    if owner is None:
        return from_set(labels)
    group = owner["apiVersion"].rpartition("/")[0]
    if (group, owner["kind"]) == ("", "ReplicationController"):
        controller = cluster.get("replicationcontrollers", pod.namespace, owner["name"])
        return from_set({**labels, **((controller or {}).get("spec") or {}).get("selector", {})})
    resource = _CONTROLLERS.get((group, owner["kind"]))
    found = cluster.get(resource, pod.namespace, owner["name"]) if resource else None
    if found is None:
        return from_set(labels)
    selector = from_label_selector(found["spec"]["selector"])
    return Selector(from_set(labels).requirements + selector.requirements) if labels or selector.never else selector
