"""ResourceClaimTemplates: claims that are made for each pod.

Models: pkg/apis/resource/validation (ValidateResourceClaimTemplate), printResourceClaimTemplate.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import Errors, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.validation import immutable, validate_annotations, validate_labels
from k8snb.resources.common.cells import age
from k8snb.resources.common.fill import inside
from k8snb.resources.discovery import served
from k8snb.resources.resource_k8s_io.devices import default_claim_spec, validate_claim_spec


def default(obj: Object) -> Object:
    """One device of each request."""
    return inside(obj, "spec", lambda template: inside(template, "spec", default_claim_spec))


def validate(obj: Object) -> Errors:
    """The template's metadata and ``spec``."""
    meta = dig(obj, "spec.metadata", EMPTY_DICT)
    errors = within("spec.metadata.labels", validate_labels(meta.get("labels") or EMPTY_DICT))
    errors += within("spec.metadata.annotations", validate_annotations(meta.get("annotations") or EMPTY_DICT))
    return errors + within("spec.spec", validate_claim_spec(dig(obj, "spec.spec", EMPTY_DICT)))


def validate_update(obj: Object, old: Object) -> Errors:
    """A template stays."""
    return immutable("spec", obj.get("spec"), old.get("spec"))


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get resourceclaimtemplates``."""
    return [obj["metadata"]["name"], age(obj, now)]


EXAMPLE = {
    "apiVersion": "resource.k8s.io/v1",
    "kind": "ResourceClaimTemplate",
    "metadata": {"name": "one-gpu"},
    "spec": {"spec": {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu"}}]}}},
}

RESOURCE = served(
    "resource.k8s.io/v1",
    "ResourceClaimTemplate",
    default=default,
    validate=validate,
    validate_update=validate_update,
    cells=cells,
    example=EXAMPLE,
)
