"""ResourceSlices: the devices that a driver offers, on one node or on many.

Models: pkg/apis/resource/validation (ValidateResourceSlice), printResourceSlice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, invalid, required, too_many, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain, immutable
from k8snb.resources.common.cells import age
from k8snb.resources.discovery import served

_MOST_DEVICES = 128
_WHERE = ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    where = [name for name in _WHERE if spec.get(name)]
    errors: Errors = []
    if spec.get("nodeName") is not None:
        errors += check("nodeName", spec["nodeName"], dns_subdomain) if spec["nodeName"] else [required("nodeName")]
    if not where:
        errors.append(required("", f"exactly one of {', '.join(f'`{name}`' for name in _WHERE)} is required"))
    elif len(where) > 1:
        shown = "{" + ", ".join(f"`{name}`" for name in where) + "}"
        errors.append(
            invalid("", shown, f"exactly one of {', '.join(f'`{name}`' for name in _WHERE)} is required, but multiple fields are set")
        )
    driver, pool = spec.get("driver", ""), dig(spec, "pool.name", "")
    errors += check("driver", driver, dns_subdomain) if driver else [required("driver")]
    errors += [] if pool else [required("pool.name")]
    if dig(spec, "pool.resourceSliceCount", 0) <= 0:
        errors.append(invalid("pool.resourceSliceCount", dig(spec, "pool.resourceSliceCount", 0), "must be greater than zero"))
    return errors + _validate_devices(spec.get("devices") or ())


def _validate_devices(devices: Any) -> Errors:
    errors = [too_many("devices", len(devices), _MOST_DEVICES)] if len(devices) > _MOST_DEVICES else []
    names: list[str] = []
    for index, device in enumerate(devices):
        name = device.get("name", "")
        errors += check(f"devices[{index}].name", name, dns_label) if name else [required(f"devices[{index}].name")]
        errors += [duplicate(f"devices[{index}].name", name)] if name in names else []
        names.append(name)
    return errors


def validate_update(obj: Object, old: Object) -> Errors:
    """Driver, pool and node stay."""
    names = ("driver", "pool.name", "nodeName")
    return [error for name in names for error in immutable(f"spec.{name}", dig(obj, f"spec.{name}"), dig(old, f"spec.{name}"))]


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get resourceslices``."""
    spec = obj.get("spec") or EMPTY_DICT
    return [obj["metadata"]["name"], spec.get("nodeName", ""), spec.get("driver", ""), dig(spec, "pool.name", ""), age(obj, now)]


EXAMPLE = {
    "apiVersion": "resource.k8s.io/v1",
    "kind": "ResourceSlice",
    "metadata": {"name": "node-1-gpus"},
    "spec": {
        "nodeName": "node-1",
        "driver": "gpu.example.com",
        "pool": {"name": "node-1", "generation": 1, "resourceSliceCount": 1},
        "devices": [{"name": "gpu-0"}],
    },
}

RESOURCE = served(
    "resource.k8s.io/v1",
    "ResourceSlice",
    validate=validate,
    validate_update=validate_update,
    cells=cells,
    counts_generation=True,
    selectable_fields={
        "spec.nodeName": lambda obj: str(dig(obj, "spec.nodeName", "")),
        "spec.driver": lambda obj: str(dig(obj, "spec.driver", "")),
    },
    example=EXAMPLE,
)
