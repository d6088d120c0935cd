"""ValidatingAdmissionPolicies: rules in CEL that requests must meet.

They are evaluated by :mod:`k8snb.admission.validating_admission_policy`.

Models: pkg/apis/admissionregistration/validation/validation.go (validateValidatingAdmissionPolicySpec).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.cel import BOOL, NULL, STRING
from k8snb.apimachinery.errors import Errors, duplicate, invalid, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, one_of, qualified_name
from k8snb.resources.admissionregistration.expressions import all_variables, validate_expression
from k8snb.resources.admissionregistration.policies import default_policy, param_kind_cell, validate_policy_head
from k8snb.resources.common.cells import age
from k8snb.resources.discovery import served

_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
_MOST_ANNOTATIONS = 20
_LONGEST_VALUE = 5 * 1024
_NOTHING = "validations or auditAnnotations must contain at least one item"


def validate(obj: Object) -> Errors:
    """``spec``, whole, and whether the keys of its annotations go with its name."""
    spec = obj.get("spec") or EMPTY_DICT
    annotations = (
        _validate_annotations(spec, obj["metadata"].get("name", "")) if spec.get("validations") or spec.get("auditAnnotations") else []
    )
    return within("spec", _validate_spec(spec) + annotations)


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    errors, validations = validate_policy_head(spec), spec.get("validations") or ()
    if not validations and not spec.get("auditAnnotations"):
        return [*errors, required("validations", _NOTHING), required("auditAnnotations", _NOTHING)]
    for index, validation in enumerate(validations):
        errors += within(f"validations[{index}]", _validate_validation(spec, validation))
    return errors


def _validate_validation(spec: Mapping[str, Any], validation: Mapping[str, Any]) -> Errors:
    expression, message, dynamic = (validation.get(name, "") for name in ("expression", "message", "messageExpression"))
    if expression.strip():
        errors = validate_expression("expression", expression, all_variables(spec), (BOOL,))
    else:
        errors = [required("expression", "expression is not specified")]
    if dynamic and not dynamic.strip():
        errors.append(invalid("messageExpression", dynamic, "must be non-empty if specified"))
    errors += validate_expression("messageExpression", dynamic, all_variables(spec, authorizer=False), (STRING,))
    if message and not message.strip():
        errors.append(invalid("message", message, "message must be non-empty if specified"))
    elif "\n" in message.strip() or "\r" in message.strip():
        errors.append(invalid("message", message, "message must not contain line breaks"))
    reason = validation.get("reason")
    return errors + (one_of("reason", reason, _REASONS) if reason is not None else [])


def _validate_annotations(spec: Mapping[str, Any], name: str) -> Errors:
    annotations = list(spec.get("auditAnnotations") or ())
    errors: Errors = []
    if len(annotations) > _MOST_ANNOTATIONS:
        errors.append(invalid("auditAnnotations", annotations, f"must not have more than {_MOST_ANNOTATIONS} auditAnnotations"))
    for index, annotation in enumerate(annotations):
        field, key, expression = f"auditAnnotations[{index}]", annotation.get("key", ""), annotation.get("valueExpression", "")
        if name:
            errors += check(f"{field}.key", f"{name}/{key}", qualified_name)
        else:
            errors.append(invalid(f"{field}.key", key, "requires metadata.name be non-empty"))
        if not expression.strip():
            errors.append(required(f"{field}.valueExpression", "valueExpression is not specified"))
        elif len(expression.strip().encode()) > _LONGEST_VALUE:
            errors.append(required(f"{field}.valueExpression", f"must not exceed {_LONGEST_VALUE} bytes in length"))
        else:
            errors += validate_expression(f"{field}.valueExpression", expression, all_variables(spec), (STRING, NULL))
        if key in [other.get("key", "") for other in annotations[:index]]:
            errors.append(duplicate(f"{field}.key", key))
    return errors


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
