"""VolumeAttachments: the wish to have a volume on a node.

Models: pkg/apis/storage/validation (ValidateVolumeAttachment), printVolumeAttachment.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.validation import check, dns_subdomain, immutable
from k8snb.resources.common.cells import age
from k8snb.resources.common.volumes import csi_driver_name
from k8snb.resources.discovery import served


def validate(obj: Object) -> Errors:
    """Who attaches, what, and where."""
    spec = obj.get("spec") or EMPTY_DICT
    source = spec.get("source") or EMPTY_DICT
    name, inline = source.get("persistentVolumeName"), source.get("inlineVolumeSpec")
    errors = csi_driver_name("attacher", spec.get("attacher", ""))
    if name is None and inline is None:
        errors.append(required("source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName"))
    elif name is not None and inline is not None:
        errors.append(forbidden("source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName"))
    elif name is not None and not name:
        errors.append(required("source.persistentVolumeName", "must specify non empty persistentVolumeName"))
    errors += check("nodeName", spec.get("nodeName", ""), dns_subdomain)
    return within("spec", errors + (check("source.persistentVolumeName", name, dns_subdomain) if name is not None else []))


def validate_update(obj: Object, old: Object) -> Errors:
    """The wish stays."""
    return immutable("spec", obj.get("spec"), old.get("spec"))


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get volumeattachments``."""
    spec = obj.get("spec") or EMPTY_DICT
    row = [spec.get("attacher", ""), dig(spec, "source.persistentVolumeName", ""), spec.get("nodeName", "")]
    return [obj["metadata"]["name"], *row, dig(obj, "status.attached", False), age(obj, now)]


EXAMPLE = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "VolumeAttachment",
    "metadata": {"name": "data-on-node-1"},
    "spec": {"attacher": "disk.example.com", "nodeName": "node-1", "source": {"persistentVolumeName": "data"}},
}

RESOURCE = served(
    "storage.k8s.io/v1",
    "VolumeAttachment",
    validate=validate,
    validate_update=validate_update,
    cells=cells,
    example=EXAMPLE,
    simulated=True,
)
