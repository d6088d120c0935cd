"""VolumeAttributesClasses: qualities of a volume that may change while it exists.

Models: pkg/apis/storage/validation (ValidateVolumeAttributesClass), printVolumeAttributesClass.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.resources.common.cells import age
from k8snb.resources.discovery import served
from k8snb.resources.storage.storageclass import validate_parameters, validate_provisioner


def validate(obj: Object) -> Errors:
    """A driver, and at least one parameter."""
    return validate_provisioner("driverName", obj.get("driverName", "")) + validate_parameters(
        obj.get("parameters") or EMPTY_DICT, needed=True
    )


def validate_update(obj: Object, old: Object) -> Errors:
    """A class keeps its meaning."""
    return [forbidden(name, f"updates to {name} are forbidden.") for name in ("driverName", "parameters") if obj.get(name) != old.get(name)]


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get volumeattributesclasses``."""
    return [obj["metadata"]["name"], obj.get("driverName", ""), age(obj, now)]


EXAMPLE = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "VolumeAttributesClass",
    "metadata": {"name": "silver"},
    "driverName": "disk.example.com",
    "parameters": {"iops": "3000"},
}

RESOURCE = served(
    "storage.k8s.io/v1", "VolumeAttributesClass", validate=validate, validate_update=validate_update, cells=cells, example=EXAMPLE
)
