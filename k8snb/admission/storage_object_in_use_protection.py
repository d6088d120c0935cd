"""A claim and a volume get a finalizer, so that neither goes while a pod or a claim still uses it.

Models: plugin/pkg/admission/storage/storageobjectinuseprotection/admission.go.
"""

from __future__ import annotations

from k8snb.admission.plugin import Context
from k8snb.apimachinery.objects import FrozenList, Object, dig, put
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request

FINALIZERS = {"persistentvolumeclaims": "kubernetes.io/pvc-protection", "persistentvolumes": "kubernetes.io/pv-protection"}


class StorageObjectInUseProtection:
    """Writes ``metadata.finalizers``."""

    name = "StorageObjectInUseProtection"
    handles = ("create",)
    resources = ("persistentvolumes", "persistentvolumeclaims")

    def admit(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> Object:
        """The claim or volume with its finalizer."""
        finalizer = FINALIZERS.get(resource.key)
        known = dig(obj, "metadata.finalizers", [])
        if finalizer is None or request.subresource or finalizer in known:
            return obj
        return put(obj, "metadata.finalizers", FrozenList([*known, finalizer]))
