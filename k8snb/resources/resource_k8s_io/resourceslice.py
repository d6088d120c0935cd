"""ResourceSlices: the devices that a driver offers, on one node or on many.

Models: pkg/apis/resource/validation (ValidateResourceSlice), printResourceSlice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, required, within
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig, put
from k8snb.apimachinery.validation import check, dns_subdomain, immutable
from k8snb.resources.common.cells import age
from k8snb.resources.common.fill import each, fill, where_given
from k8snb.resources.common.pod_scheduling import validate_node_selector
from k8snb.resources.discovery import served
from k8snb.resources.resource_k8s_io.device import (
    MOST_COUNTER_SETS,
    MOST_DEVICES,
    MOST_DEVICES_WITH_MORE,
    has_more,
    validate_counters,
    validate_device,
)
from k8snb.resources.resource_k8s_io.devices import bounded_set
from k8snb.resources.resource_k8s_io.names import driver_name, pool_name

_WHERE = ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")
_SWITCHES = ("allNodes", "perDeviceNodeSelection")
_ONE = f"exactly one of {', '.join(f'`{name}`' for name in _WHERE)} is required"


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    devices, counters = spec.get("devices") or (), spec.get("sharedCounters") or ()
    errors = driver_name("driver", spec.get("driver", "")) + within("pool", _validate_pool(spec.get("pool") or EMPTY_DICT))
    errors += _validate_place(spec)
    if spec.get("sharedCounters") is not None and spec.get("devices") is not None:
        errors.append(invalid("", "", "only one of `sharedCounters` or `devices` is allowed"))
    by_itself = bool(spec.get("perDeviceNodeSelection"))
    most = MOST_DEVICES_WITH_MORE if any(map(has_more, devices)) else MOST_DEVICES
    errors += bounded_set("devices", devices, most, lambda device: validate_device(device, by_itself=by_itself), "name")
    return errors + bounded_set("sharedCounters", counters, MOST_COUNTER_SETS, lambda one: validate_counters(one, "name"), "name")


def _validate_pool(pool: Mapping[str, Any]) -> Errors:
    count, generation = pool.get("resourceSliceCount", 0), pool.get("generation", 0)
    errors = pool_name("name", pool.get("name", ""))
    errors += [] if count > 0 else [invalid("resourceSliceCount", count, "must be greater than zero")]
    return errors + ([] if generation >= 0 else [invalid("generation", generation, "must be greater than or equal to zero")])


def _validate_place(spec: Mapping[str, Any]) -> Errors:
    """Where the devices are: on one node, on some, on all, or each where it says itself."""
    node, selector = spec.get("nodeName"), spec.get("nodeSelector")
    errors: Errors = []
    if node is not None:
        errors += check("nodeName", node, dns_subdomain) if node else [
            invalid("nodeName", node, "must be either unset or set to a non-empty string")
        ]  # fmt: skip
    if selector is not None:
        errors += within("nodeSelector", validate_node_selector(selector))
        terms = list(selector.get("nodeSelectorTerms") or ())
        if len(terms) != 1:
            errors.append(invalid("nodeSelector.nodeSelectorTerms", terms or None, "must have exactly one node selector term"))
    errors += [invalid(name, False, "must be either unset or set to true") for name in _SWITCHES if spec.get(name) is False]
    given = [f"`{name}`" for name in _WHERE if spec.get(name) or (name == "nodeSelector" and selector is not None)]
    if not given:
        errors.append(required("", _ONE))
    elif len(given) > 1:
        errors.append(invalid("", "{" + ", ".join(given) + "}", f"{_ONE}, but multiple fields are set"))
    return errors


def validate_update(obj: Object, old: Object) -> Errors:
    """Driver, pool and node stay."""
    names = ("driver", "pool.name", "nodeName")
    return [error for name in names for error in immutable(f"spec.{name}", dig(obj, f"spec.{name}"), dig(old, f"spec.{name}"))]


def date_taints(context: Any, obj: Object, _old: Object | None) -> Object:
    """A taint is dated: by whoever sets it, else now."""
    devices = dig(obj, "spec.devices", ())
    if not any(taint.get("timeAdded") is None for device in devices for taint in device.get("taints") or ()):
        return obj
    now = {"timeAdded": timestamp(context.now)}
    return put(obj, "spec.devices", each(lambda device: where_given(device, "taints", each(lambda taint: fill(taint, now))))(devices))


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
    allocate=date_taints,
    cells=cells,
    counts_generation=True,
    selectable_fields={
        "spec.nodeName": lambda obj: str(dig(obj, "spec.nodeName", "")),
        "spec.driver": lambda obj: str(dig(obj, "spec.driver", "")),
    },
    example=EXAMPLE,
)
