"""MutatingAdmissionPolicies: changes in CEL that requests' objects get.

They are evaluated by :mod:`k8snb.admission.mutating_admission_policy`.

Models: pkg/apis/admissionregistration/validation/validation.go (validateMutatingAdmissionPolicySpec).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import one_of
from k8snb.resources.admissionregistration.expressions import validate_mutation
from k8snb.resources.admissionregistration.policies import default_policy, param_kind_cell, validate_policy_head
from k8snb.resources.admissionregistration.rules import REINVOCATION_POLICIES
from k8snb.resources.common.cells import age
from k8snb.resources.discovery import served

_PATCHES = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    errors, mutations, policy = validate_policy_head(spec), spec.get("mutations") or (), spec.get("reinvocationPolicy")
    errors += [] if mutations else [required("mutations", "mutations must contain at least one item")]
    for index, mutation in enumerate(mutations):
        errors += within(f"mutations[{index}]", _validate_mutation(spec, mutation))
    return errors + (one_of("reinvocationPolicy", policy, REINVOCATION_POLICIES) if policy else [required("reinvocationPolicy")])


def _validate_mutation(spec: Mapping[str, Any], mutation: Mapping[str, Any]) -> Errors:
    kind = mutation.get("patchType", "")
    if not kind:
        return [required("patchType")]
    if kind not in _PATCHES:
        return [not_supported("patchType", kind, _PATCHES)]
    field = _PATCHES[kind]
    errors: Errors = []
    for other in _PATCHES.values():
        if other != field and mutation.get(other) is not None:
            errors.append(invalid(other, mutation[other], f"{other} cannot be specified when patchType is {kind}"))
    if mutation.get(field) is None:
        errors.append(required(field, f"must be specified when patchType is {kind}"))
    elif not dig(mutation, (field, "expression"), "").strip():
        errors.append(required(f"{field}.expression", "expression is not specified"))
    else:
        errors += within(field, validate_mutation(spec, field, mutation[field]["expression"]))
    return errors


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get mutatingadmissionpolicies``."""
    return [obj["metadata"]["name"], len(dig(obj, "spec.mutations", ())), param_kind_cell(obj), age(obj, now)]


EXAMPLE = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "MutatingAdmissionPolicy",
    "metadata": {"name": "labelled"},
    "spec": {
        "matchConstraints": {
            "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]
        },
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [
            {
                "patchType": "ApplyConfiguration",
                "applyConfiguration": {"expression": 'Object{metadata: Object.metadata{labels: {"seen": "yes"}}}'},
            }
        ],
    },
}

RESOURCE = served(
    "admissionregistration.k8s.io/v1",
    "MutatingAdmissionPolicy",
    default=default_policy,
    validate=validate,
    cells=cells,
    counts_generation=True,
    simulated=True,
    example=EXAMPLE,
)
