"""A claim grows only when it is bound, and only where its StorageClass allows it.

Models: plugin/pkg/admission/storage/persistentvolume/resize/admission.go.
"""

from __future__ import annotations

from k8snb.admission.plugin import Context, forbidden, is_plain
from k8snb.apimachinery.objects import Object, dig
from k8snb.apimachinery.quantity import exact
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request

_NOT_ALLOWED = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"


class PersistentVolumeClaimResize:
    """Refuses the growth of some claims."""

    name = "PersistentVolumeClaimResize"
    handles = ("update",)
    resources = ("persistentvolumeclaims",)

    def validate(self, context: Context, request: Request, resource: Resource, obj: Object | None, old: Object | None) -> None:
        """Look at the request for storage, new and old."""
        if obj is None or old is None or not is_plain(request, resource, "persistentvolumeclaims"):
            return
        after, before = (dig(claim, "spec.resources.requests.storage", "0") for claim in (obj, old))
        if exact(after) <= exact(before):
            return
        if dig(old, "status.phase") != "Bound":
            raise forbidden(request, resource, obj, "Only bound persistent volume claims can be expanded")
        name = dig(old, "spec.storageClassName", "")
        found = context.get("storageclasses.storage.k8s.io", name) if name else None
        if not found or not found.get("allowVolumeExpansion"):
            raise forbidden(request, resource, obj, _NOT_ALLOWED)
