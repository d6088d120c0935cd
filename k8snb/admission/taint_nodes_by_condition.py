"""A new node starts with the taint not-ready, so that no pod lands on it before its kubelet has reported.

Models: plugin/pkg/admission/nodetaint/admission.go.
"""

from __future__ import annotations

from k8snb.admission.plugin import Context, is_plain
from k8snb.apimachinery.objects import FrozenList, Object, dig, freeze, put
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request

_NOT_READY = freeze({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})


class TaintNodesByCondition:
    """Adds one taint to a node that is created."""

    name = "TaintNodesByCondition"
    handles = ("create",)
    resources = ("nodes",)

    def admit(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> Object:
        """The node, tainted."""
        if not is_plain(request, resource, "nodes"):
            return obj
        taints = dig(obj, "spec.taints", [])
        if any(t.get("key") == _NOT_READY["key"] and t.get("effect") == _NOT_READY["effect"] for t in taints):
            return obj
        return put(obj, "spec.taints", FrozenList([*taints, _NOT_READY]))
