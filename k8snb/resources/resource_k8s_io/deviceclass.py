"""DeviceClasses: names for kinds of devices.

Models: pkg/apis/resource/validation (ValidateDeviceClass), printDeviceClass.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.resources.common.cells import age
from k8snb.resources.common.compute import is_extended
from k8snb.resources.discovery import served
from k8snb.resources.resource_k8s_io.devices import validate_class_config, validate_selectors


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    spec = obj.get("spec") or EMPTY_DICT
    errors = within("spec.selectors", validate_selectors(spec.get("selectors") or ()))
    errors += within("spec.config", validate_class_config(spec.get("config") or ()))
    extended = spec.get("extendedResourceName")
    if extended is not None and not is_extended(extended):
        errors.append(invalid("spec.extendedResourceName", extended, "must be a valid extended resource name"))
    return errors


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get deviceclasses``."""
    return [obj["metadata"]["name"], age(obj, now)]


EXAMPLE = {
    "apiVersion": "resource.k8s.io/v1",
    "kind": "DeviceClass",
    "metadata": {"name": "gpu"},
    "spec": {"selectors": [{"cel": {"expression": 'device.driver == "gpu.example.com"'}}]},
}

RESOURCE = served("resource.k8s.io/v1", "DeviceClass", validate=validate, cells=cells, counts_generation=True, example=EXAMPLE)
