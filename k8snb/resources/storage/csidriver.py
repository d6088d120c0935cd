"""CSIDrivers: what a storage driver wants from the kubelet and from the attach controller.

Models: pkg/apis/storage/v1/defaults.go, pkg/apis/storage/validation (ValidateCSIDriver), printCSIDriver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, invalid, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import immutable, one_of
from k8snb.resources.common.cells import NONE, UNSET, age
from k8snb.resources.common.fill import fill, inside
from k8snb.resources.discovery import served

LIFECYCLE_MODES = ("Persistent", "Ephemeral")
FS_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_SHORTEST_TOKEN, _LONGEST_TOKEN = 10 * 60, 1 << 32
_SHORTEST_PERIOD = 10


def default(obj: Object) -> Object:
    """Volumes are attached, and persistent."""
    return inside(obj, "spec", _default_spec)


def _default_spec(spec: Mapping[str, Any]) -> Any:
    no = ("podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount")
    spec = fill(spec, {"attachRequired": True, "fsGroupPolicy": "ReadWriteOnceWithFSType"} | dict.fromkeys(no, False))
    return spec if spec.get("volumeLifecycleModes") else FrozenDict({**spec, "volumeLifecycleModes": FrozenList(["Persistent"])})


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    needed = {"attachRequired": "attachedRequired", "podInfoOnMount": "podInfoOnMount", "storageCapacity": "storageCapacity"}
    errors = [required(path) for name, path in needed.items() if spec.get(name) is None]
    if spec.get("fsGroupPolicy") is not None:
        errors += one_of("fsGroupPolicy", spec["fsGroupPolicy"], FS_GROUP_POLICIES)
    audiences: list[str] = []
    for index, token in enumerate(spec.get("tokenRequests") or ()):
        audience, seconds = token.get("audience", ""), token.get("expirationSeconds")
        if audience in audiences:
            errors.append(duplicate(f"tokenRequests[{index}].audience", audience))
            continue
        audiences.append(audience)
        if seconds is not None and seconds < _SHORTEST_TOKEN:
            errors.append(invalid(f"tokenRequests[{index}].expirationSeconds", seconds, "may not specify a duration less than 10 minutes"))
        if seconds is not None and seconds > _LONGEST_TOKEN:
            words = "may not specify a duration larger than 2^32 seconds"
            errors.append(invalid(f"tokenRequests[{index}].expirationSeconds", seconds, words))
    for mode in spec.get("volumeLifecycleModes") or ():
        errors += one_of("volumeLifecycleModes", mode, LIFECYCLE_MODES)
    period = spec.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < _SHORTEST_PERIOD:
        errors.append(invalid("nodeAllocatableUpdatePeriodSeconds", period, f"must be greater than or equal to {_SHORTEST_PERIOD} seconds"))
    return errors


def validate_update(obj: Object, old: Object) -> Errors:
    """How volumes are attached and how long they live stays."""
    names = {"attachRequired": "attachedRequired", "volumeLifecycleModes": "volumeLifecycleModes"}
    return [e for name, path in names.items() for e in immutable(f"spec.{path}", dig(obj, f"spec.{name}"), dig(old, f"spec.{name}"))]


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get csidrivers``."""
    spec = obj.get("spec") or EMPTY_DICT
    tokens = (
        ",".join(token.get("audience", "") for token in spec.get("tokenRequests") or ()) if spec.get("tokenRequests") is not None else UNSET
    )
    flags = [spec.get("attachRequired", True), spec.get("podInfoOnMount", False), spec.get("storageCapacity", False)]
    modes = ",".join(spec.get("volumeLifecycleModes") or ()) or NONE
    return [obj["metadata"]["name"], *flags, tokens, spec.get("requiresRepublish", False), modes, age(obj, now)]


EXAMPLE = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "CSIDriver",
    "metadata": {"name": "disk.example.com"},
    "spec": {"attachRequired": True},
}

RESOURCE = served(
    "storage.k8s.io/v1",
    "CSIDriver",
    default=default,
    validate=validate,
    validate_update=validate_update,
    cells=cells,
    example=EXAMPLE,
    simulated=True,
)
