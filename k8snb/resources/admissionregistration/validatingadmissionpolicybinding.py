"""ValidatingAdmissionPolicyBindings: where a policy holds, with which parameters, and what a breach leads to.

Models: pkg/apis/admissionregistration/validation/validation.go (validateValidatingAdmissionPolicyBinding).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.apimachinery.resource import once
from k8snb.resources.admissionregistration.policies import binding_cells, default_binding, validate_binding_head
from k8snb.resources.discovery import served

_NOT_BOTH = (
    "must not contain both Deny and Warn "
    "(repeating the same validation failure information in the API response and headers serves no purpose)"
)
ACTIONS = ("Audit", "Deny", "Warn")


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    errors, actions = validate_binding_head(spec), spec.get("validationActions") or ()
    for index, action in enumerate(actions):
        if action not in ACTIONS:
            errors.append(not_supported(f"validationActions[{index}]", action, ACTIONS))
        if action in actions[:index]:
            errors.append(duplicate(f"validationActions[{index}]", action))
    if "Deny" in actions and "Warn" in actions:
        errors.append(invalid("validationActions", list(actions), _NOT_BOTH))
    return errors if actions else [*errors, required("validationActions", "at least one validation action is required")]


EXAMPLE = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": {"name": "few-replicas"},
    "spec": {"policyName": "few-replicas", "validationActions": ["Deny"]},
}

RESOURCE = served(
    "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicyBinding",
    default=default_binding,
    validate=validate,
    cells=binding_cells,
    counts_generation=True,
    simulated=True,
    example=EXAMPLE,
)
