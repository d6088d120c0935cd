"""A pod carries the zone and the region of its node as labels, from the moment it is bound.

The labels go onto the Binding (whose handler copies them to the pod), or onto a pod that is created with a node's name.

Models: plugin/pkg/admission/podtopologylabels/admission.go.
"""

from __future__ import annotations

from k8snb.admission.plugin import Context
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig, put
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request

KEYS = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


class PodTopologyLabels:
    """Writes ``metadata.labels`` of Bindings and of pods."""

    name = "PodTopologyLabels"
    handles = ("create",)
    resources = ("pods",)

    def admit(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> Object:
        """The Binding or pod with the node's topology labels."""
        node_name = self._node_name(request, resource, obj)
        node = context.get("nodes", node_name) if node_name else None
        if node is None:
            return obj
        labels = node["metadata"].get("labels") or EMPTY_DICT
        copied = {key: labels[key] for key in KEYS if key in labels}
        if not copied:
            return obj
        return put(obj, "metadata.labels", FrozenDict({**dig(obj, "metadata.labels", {}), **copied}))

    def _node_name(self, request: Request, resource: Resource, obj: Object) -> str:
        if resource.key == "bindings" or (resource.key == "pods" and request.subresource == "binding"):
            return str(dig(obj, "target.name", "")) if dig(obj, "target.kind") == "Node" else ""
        if resource.key == "pods" and not request.subresource:
            return str(obj["spec"].get("nodeName", ""))
        return ""
