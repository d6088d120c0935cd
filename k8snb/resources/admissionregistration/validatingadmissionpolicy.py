"""ValidatingAdmissionPolicies: rules in CEL that requests must meet.

They are evaluated by :mod:`k8snb.admission.validating_admission_policy`.

Models: pkg/apis/admissionregistration/validation/validation.go (validateValidatingAdmissionPolicySpec).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, one_of, qualified_name
from k8snb.resources.admissionregistration.expressions import validate_validations
from k8snb.resources.admissionregistration.policies import default_policy, param_kind_cell, validate_policy_head
from k8snb.resources.common.cells import age
from k8snb.resources.discovery import served

_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_NOTHING = "validations or auditAnnotations must contain at least one item"


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    errors, validations, annotations = validate_policy_head(spec), spec.get("validations") or (), spec.get("auditAnnotations") or ()
    if not validations and not annotations:
        return [*errors, required("validations", _NOTHING), required("auditAnnotations", _NOTHING)]
    for index, validation in enumerate(validations):
        errors += within(f"validations[{index}]", _validate_validation(validation))
    for index, annotation in enumerate(annotations):
        key = annotation.get("key", "")
        errors += check(f"auditAnnotations[{index}].key", key, qualified_name) if key else [required(f"auditAnnotations[{index}].key")]
        if not annotation.get("valueExpression", "").strip():
            errors.append(required(f"auditAnnotations[{index}].valueExpression", "valueExpression is not specified"))
    return errors + validate_validations(spec)


@once
def _validate_validation(validation: Mapping[str, Any]) -> Errors:
    expression, message = validation.get("expression", ""), validation.get("message", "")
    errors = [] if expression.strip() else [required("expression", "expression is not specified")]
    dynamic = validation.get("messageExpression", "")
    if dynamic and not dynamic.strip():
        errors.append(invalid("messageExpression", dynamic, "must be non-empty if specified"))
    if message and not message.strip():
        errors.append(invalid("message", message, "message must be non-empty if specified"))
    elif "\n" in message.strip():
        errors.append(invalid("message", message, "message must not contain line breaks"))
    reason = validation.get("reason")
    return errors + (one_of("reason", reason, _REASONS) if reason is not None else [])


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get validatingadmissionpolicies``."""
    return [obj["metadata"]["name"], len(dig(obj, "spec.validations", ())), param_kind_cell(obj), age(obj, now)]


EXAMPLE = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "few-replicas"},
    "spec": {
        "matchConstraints": {
            "resourceRules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}]
        },
        "validations": [{"expression": "object.spec.replicas <= 5"}],
    },
}

RESOURCE = served(
    "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicy",
    default=default_policy,
    validate=validate,
    cells=cells,
    counts_generation=True,
    simulated=True,
    example=EXAMPLE,
)
