"""ResourceClaims: a pod's wish for devices.

Models: pkg/apis/resource/validation (ValidateResourceClaim), printResourceClaim.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import Errors, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.validation import immutable
from k8snb.resources.common.cells import age
from k8snb.resources.common.fill import inside
from k8snb.resources.discovery import served
from k8snb.resources.resource_k8s_io.devices import default_claim_spec, validate_claim_spec


def default(obj: Object) -> Object:
    """One device of each request."""
    return inside(obj, "spec", default_claim_spec)


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", validate_claim_spec(obj.get("spec") or EMPTY_DICT))


def validate_update(obj: Object, old: Object) -> Errors:
    """The wish stays."""
    return immutable("spec", obj.get("spec"), old.get("spec"))


def state(obj: Object) -> str:
    """The State column."""
    deleted = obj["metadata"].get("deletionTimestamp") is not None
    if dig(obj, "status.allocation") is None:
        return "deleted" if deleted else "pending"
    words = ["deleted"] if deleted else []
    words.append("allocated")
    return ",".join([*words, *(["reserved"] if dig(obj, "status.reservedFor") else [])])


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get resourceclaims``."""
    return [obj["metadata"]["name"], state(obj), age(obj, now)]


EXAMPLE = {
    "apiVersion": "resource.k8s.io/v1",
    "kind": "ResourceClaim",
    "metadata": {"name": "one-gpu"},
    "spec": {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu"}}]}},
}

RESOURCE = served(
    "resource.k8s.io/v1", "ResourceClaim", default=default, validate=validate, validate_update=validate_update, cells=cells, example=EXAMPLE
)
