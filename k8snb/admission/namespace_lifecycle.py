"""Nothing is created in a namespace that does not exist or is ending, and three namespaces never end.

Models: k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go.
"""

from __future__ import annotations

from k8snb.admission.plugin import Context, forbidden
from k8snb.apimachinery.errors import NAMESPACE_TERMINATING, ApiError, object_not_found, request_forbidden
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request

IMMORTAL = ("default", "kube-system", "kube-public")
_REVIEWS = {"localsubjectaccessreviews.authorization.k8s.io"}


class NamespaceLifecycle:
    """The first plugin of the chain."""

    name = "NamespaceLifecycle"
    handles = ("create", "update", "delete")
    judges = ("namespaces",)

    def admit(self, context: Context, request: Request, resource: Resource, obj: Object | None, old: Object | None) -> Object | None:
        """Refuse what the namespace does not allow; the object itself is never changed."""
        if resource.namespaced and obj is not None and resource.key not in _REVIEWS:
            namespace = context.get("namespaces", request.namespace)
            if namespace is None:
                raise object_not_found("", "namespaces", request.namespace)
            if old is None and namespace.get("status", EMPTY_DICT).get("phase") == "Terminating":
                raise self._terminating(request, resource, obj)
        return obj

    def validate(self, context: Context, request: Request, resource: Resource, obj: Object | None, old: Object | None) -> None:
        """Refuse the deletion of the three."""
        if resource.key == "namespaces" and obj is None and request.name in IMMORTAL:
            raise request_forbidden("", "namespaces", request.name, "this namespace may not be deleted")

    def _terminating(self, request: Request, resource: Resource, obj: Object | None) -> ApiError:
        where = request.namespace
        error = forbidden(request, resource, obj, f"unable to create new content in namespace {where} because it is being terminated")
        cause = {"reason": NAMESPACE_TERMINATING, "message": f"namespace {where} is being terminated", "field": "metadata.namespace"}
        error.details = {**(error.details or {}), "causes": [cause]}
        return error
