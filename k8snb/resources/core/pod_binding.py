"""``pods/binding``: the only way in which a Pod gets its node. The scheduler writes it; a learner may, too.

A binding sets ``spec.nodeName`` once and for all and the condition PodScheduled; since 1.35 it also copies the node's topology
labels onto the Pod. Models: pkg/registry/core/pod/storage/storage.go (BindingREST), plugin/pkg/admission/podtopologylabels.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import ApiError, conflict, object_invalid, object_not_found, required
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, dig, freeze

_SUCCESS: Object = freeze({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})
_COPIED_LABELS = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


def bind(context: Any, request: Any, pod: Object | None) -> Object:
    """POST pods/NAME/binding: assign the Pod to ``target.name``. 409 where it has a node or is going away."""
    if pod is None:
        raise object_not_found("", "pods", request.name)
    target = dig(request.body, "target.name", "")
    if not target:
        raise object_invalid("", "Binding", request.name, [required("target.name")])
    name = pod["metadata"]["name"]
    if "deletionTimestamp" in pod["metadata"]:
        raise conflict("", "pods/binding", name, f"pod {name} is being deleted, cannot be assigned to a host")
    if pod["spec"].get("nodeName"):
        why = f"pod {name} is already assigned to node {pod['spec']['nodeName']!r}".replace("'", '"')
        raise conflict("", "pods/binding", name, why)
    if pod["spec"].get("schedulingGates"):
        raise conflict("", "pods/binding", name, f"pod {name} has non-empty .spec.schedulingGates")
    context.replace("pods", bound(pod, target, context.get("nodes", target), request.body.get("metadata") or {}, context.now))
    return _SUCCESS


def bound(pod: Object, node_name: str, node: Object | None, binding_meta: Object, now: int) -> Object:
    """The Pod once it is bound."""
    meta = pod["metadata"]
    labels = meta.get("labels") or EMPTY_DICT
    node_labels = (node["metadata"].get("labels") or EMPTY_DICT) if node is not None else EMPTY_DICT
    copied = {key: node_labels[key] for key in _COPIED_LABELS if key in node_labels and key not in labels}
    changed_meta = dict(meta) | ({"labels": FrozenDict({**labels, **copied})} if copied else {})
    annotations = dict(meta.get("annotations") or {}) | dict(binding_meta.get("annotations") or {})
    if annotations:
        changed_meta["annotations"] = FrozenDict(annotations)
    return FrozenDict({
        **pod, "metadata": FrozenDict(changed_meta), "spec": FrozenDict({**pod["spec"], "nodeName": node_name}),
        "status": _scheduled(pod.get("status") or {}, meta.get("generation"), now),
    })  # fmt: skip


def _scheduled(status: Object, generation: int | None, now: int) -> Object:
    condition: dict[str, Any] = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": timestamp(now)}
    if generation is not None:
        condition["observedGeneration"] = generation
    others = [c for c in status.get("conditions") or () if c["type"] != "PodScheduled"]
    kept = {key: value for key, value in status.items() if key != "nominatedNodeName"}  # the promise is kept, so it is cleared
    return FrozenDict({**kept, "conditions": FrozenList([*others, FrozenDict(condition)])})


def too_many_requests(message: str, details: dict[str, Any] | None = None) -> ApiError:
    """429: try again later; an eviction that a budget forbids."""
    return ApiError(429, "TooManyRequests", message, details)
