"""CSIDrivers: what a storage driver wants from the kubelet and from the attach controller.

Models: pkg/apis/storage/v1/defaults.go, pkg/apis/storage/validation (ValidateCSIDriver), printCSIDriver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, invalid, required, too_long, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_subdomain, immutable, one_of
from k8snb.resources.common.cells import NONE, UNSET, age
from k8snb.resources.common.fill import fill, inside
from k8snb.resources.discovery import served

LIFECYCLE_MODES = ("Ephemeral", "Persistent")
FS_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_LONGEST_NAME = 63
_SHORTEST_TOKEN = 10 * 60


def default(obj: Object) -> Object:
    """Volumes are attached, and persistent."""
    return inside(obj, "spec", _default_spec)


def _default_spec(spec: Mapping[str, Any]) -> Any:
    no = ("podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount")
    spec = fill(spec, {"attachRequired": True, "fsGroupPolicy": "ReadWriteOnceWithFSType"} | dict.fromkeys(no, False))
    return spec if spec.get("volumeLifecycleModes") else FrozenDict({**spec, "volumeLifecycleModes": FrozenList(["Persistent"])})


def validate_driver_name(field: str, name: str) -> Errors:
    """The name of a CSI driver: a domain name of at most 63 characters."""
    if not name:
        return [required(field)]
    errors = [too_long(field, _LONGEST_NAME)] if len(name) > _LONGEST_NAME else []
    return errors + check(field, name.lower(), dns_subdomain)


def validate(obj: Object) -> Errors:
    """The name, and ``spec``."""
    return validate_driver_name("metadata.name", obj["metadata"].get("name", "")) + within(
        "spec", _validate_spec(obj.get("spec") or EMPTY_DICT)
    )


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    errors = [required(name) for name in ("attachRequired", "podInfoOnMount", "storageCapacity") if spec.get(name) is None]
    if spec.get("fsGroupPolicy") is not None:
        errors += one_of("fsGroupPolicy", spec["fsGroupPolicy"], FS_GROUP_POLICIES)
    audiences: list[str] = []
    for index, token in enumerate(spec.get("tokenRequests") or ()):
        audience, seconds = token.get("audience", ""), token.get("expirationSeconds")
        if audience in audiences:
            errors.append(duplicate(f"tokenRequests[{index}].audience", audience))
        audiences.append(audience)
        if seconds is not None and seconds < _SHORTEST_TOKEN:
            errors.append(invalid(f"tokenRequests[{index}].expirationSeconds", seconds, "may not specify a duration less than 10 minutes"))
    for mode in spec.get("volumeLifecycleModes") or ():
        errors += one_of("volumeLifecycleModes", mode, LIFECYCLE_MODES)
    return errors


def validate_update(obj: Object, old: Object) -> Errors:
    """How volumes are attached and how long they live stays."""
    names = ("attachRequired", "volumeLifecycleModes")
    return [error for name in names for error in immutable(f"spec.{name}", dig(obj, f"spec.{name}"), dig(old, f"spec.{name}"))]


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
