"""Emptying a node the polite way: cordon it, then ask for the eviction of every pod that is not the node's own.

An eviction is a request like any other. The API server refuses it with 429 while it would violate a PodDisruptionBudget, and
then the only thing to do is to ask again later.

Models: k8s.io/kubectl/pkg/drain (filters.go, drain.go), as node pool upgrades and the cluster autoscaler use it.
"""

from __future__ import annotations

from collections.abc import Iterable

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import controller_of
from k8snb.apimachinery.objects import Object
from k8snb.client.client import Client
from k8snb.component_helpers import is_pod_terminal
from k8snb.resources.common.pod_annotations import is_mirror


def of_the_node(pod: Object) -> bool:
    """Whether a pod belongs to its node: a DaemonSet's, or a static one. Those stay."""
    owner = controller_of(pod)
    return (owner is not None and owner["kind"] == "DaemonSet") or is_mirror(pod)


def movable(pods: Iterable[Object]) -> list[Object]:
    """The pods that must go before the node may go."""
    return [pod for pod in pods if not of_the_node(pod) and not is_pod_terminal(pod)]


def cordon(client: Client, node: str, *, on: bool = True) -> None:
    """Mark a Node as unschedulable (or not)."""
    client.patch("nodes", node, {"spec": {"unschedulable": True if on else None}})


def evict(client: Client, pod: Object) -> str:
    """Ask for a pod's eviction: empty where it was granted, or the sentence of the refusal."""
    meta = pod["metadata"]
    if meta.get("deletionTimestamp"):
        return ""
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": meta["name"], "namespace": meta["namespace"]}}
    try:
        client.create("pods", body, meta["namespace"], subresource="eviction", name=meta["name"])
    except ApiError as error:
        return "" if error.code == 404 else error.message
    return ""
