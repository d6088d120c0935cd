"""A claim that names no StorageClass gets the one marked as default, the newest where several are.

A claim with ``storageClassName: ""`` wants no class, and keeps it.

Models: plugin/pkg/admission/storage/storageclass/setdefault/admission.go.
"""

from __future__ import annotations

from k8snb.admission.default_ingress_class import newest_default
from k8snb.admission.plugin import Context, is_plain
from k8snb.apimachinery.objects import Object, dig, put
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request

IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"
IS_DEFAULT_BETA = "storageclass.beta.kubernetes.io/is-default-class"
CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


class DefaultStorageClass:
    """Writes ``spec.storageClassName``."""

    name = "DefaultStorageClass"
    handles = ("create",)
    resources = ("persistentvolumeclaims",)

    def admit(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> Object:
        """The claim with its class."""
        if not is_plain(request, resource, "persistentvolumeclaims"):
            return obj
        if dig(obj, "spec.storageClassName") is not None or dig(obj, ("metadata", "annotations", CLASS_ANNOTATION)) is not None:
            return obj
        found = newest_default(context.list("storageclasses.storage.k8s.io"), IS_DEFAULT, IS_DEFAULT_BETA)
        return put(obj, "spec.storageClassName", found["metadata"]["name"]) if found else obj
