"""MutatingAdmissionPolicyBindings: where a mutating policy holds, and with which parameters.

Models: pkg/apis/admissionregistration/validation/validation.go (validateMutatingAdmissionPolicyBinding).
"""

from __future__ import annotations

from k8snb.apimachinery.errors import Errors, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.resources.admissionregistration.policies import binding_cells, default_binding, validate_binding_head
from k8snb.resources.discovery import served


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", validate_binding_head(obj.get("spec") or EMPTY_DICT))


EXAMPLE = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "MutatingAdmissionPolicyBinding",
    "metadata": {"name": "labelled"},
    "spec": {"policyName": "labelled"},
}

RESOURCE = served(
    "admissionregistration.k8s.io/v1",
    "MutatingAdmissionPolicyBinding",
    default=default_binding,
    validate=validate,
    cells=binding_cells,
    counts_generation=True,
    simulated=True,
    example=EXAMPLE,
)
