"""An Ingress without a class gets the one marked as default, the newest where several are.

Models: plugin/pkg/admission/network/defaultingressclass/admission.go.
"""

from __future__ import annotations

from k8snb.admission.plugin import Context, is_plain
from k8snb.apimachinery.objects import Object, dig, put
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request

IS_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
CLASS_ANNOTATION = "kubernetes.io/ingress.class"


def newest_default(objects: list[Object], *annotations: str) -> Object | None:
    """The newest object that carries one of these annotations with the value "true"; of equals the first by name."""
    marked = [o for o in objects if any(dig(o, ("metadata", "annotations", a)) == "true" for a in annotations)]
    marked.sort(key=lambda o: str(o["metadata"]["name"]))
    marked.sort(key=lambda o: str(o["metadata"].get("creationTimestamp", "")), reverse=True)
    return marked[0] if marked else None


class DefaultIngressClass:
    """Writes ``spec.ingressClassName``."""

    name = "DefaultIngressClass"
    handles = ("create",)
    resources = ("ingresses.networking.k8s.io",)

    def admit(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> Object:
        """The Ingress with its class."""
        if not is_plain(request, resource, "ingresses.networking.k8s.io"):
            return obj
        if dig(obj, "spec.ingressClassName") is not None or dig(obj, ("metadata", "annotations", CLASS_ANNOTATION)) is not None:
            return obj
        found = newest_default(context.list("ingressclasses.networking.k8s.io"), IS_DEFAULT)
        return put(obj, "spec.ingressClassName", found["metadata"]["name"]) if found else obj
