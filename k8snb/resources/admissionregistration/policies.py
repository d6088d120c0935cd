"""What validating and mutating admission policies share: parameters, matching, variables; and their bindings.

Models: pkg/apis/admissionregistration/validation/validation.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.cel import RESERVED
from k8snb.apimachinery.errors import Errors, invalid, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.validation import dns_subdomain, one_of
from k8snb.resources.admissionregistration.expressions import plain_variables, validate_variable
from k8snb.resources.admissionregistration.rules import (
    FAILURE_POLICIES,
    default_match_resources,
    default_param_ref,
    param_ref_cell,
    validate_match_conditions,
    validate_match_resources,
    validate_param_kind,
    validate_param_ref,
)
from k8snb.resources.common.cells import UNSET, age
from k8snb.resources.common.fill import fill, inside, where_given


def default_policy(obj: Object) -> Object:
    """A policy that cannot be judged refuses."""
    return inside(obj, "spec", _default_policy_spec)


def _default_policy_spec(spec: Mapping[str, Any]) -> Any:
    return where_given(fill(spec, {"failurePolicy": "Fail"}), "matchConstraints", default_match_resources)


def validate_policy_head(spec: Mapping[str, Any]) -> Errors:
    """All of a policy's spec but what it says in the end."""
    policy, constraints = spec.get("failurePolicy"), spec.get("matchConstraints")
    errors = [required("failurePolicy")] if policy is None else one_of("failurePolicy", policy, FAILURE_POLICIES)
    if spec.get("paramKind") is not None:
        errors += within("paramKind", validate_param_kind(spec["paramKind"]))
    if constraints is None:
        errors.append(required("matchConstraints"))
    else:
        errors += within("matchConstraints", validate_match_resources(constraints))
        errors += [] if constraints.get("resourceRules") else [required("matchConstraints.resourceRules")]
    errors += within("matchConditions", validate_match_conditions(spec.get("matchConditions") or (), plain_variables(spec)))
    return errors + _validate_variables(spec)


def _validate_variables(spec: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    for index, variable in enumerate(spec.get("variables") or ()):
        field, name = f"variables[{index}]", variable.get("name", "")
        if not name.strip():
            errors.append(required(f"{field}.name", "name is not specified"))
        elif not re.fullmatch("[_a-zA-Z][_a-zA-Z0-9]*", name) or name in RESERVED:
            errors.append(invalid(f"{field}.name", name, "name is not a valid CEL identifier"))
        if variable.get("expression", "").strip():
            errors += within(field, validate_variable(spec, variable))
        else:
            errors.append(required(f"{field}.expression", "expression is not specified"))
    return errors


def param_kind_cell(obj: Object) -> str:
    """The ParamKind column."""
    kind = dig(obj, "spec.paramKind")
    return UNSET if kind is None else f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}"


def default_binding(obj: Object) -> Object:
    """Selectors match everything; missing parameters deny."""
    return inside(obj, "spec", lambda spec: default_param_ref(where_given(spec, "matchResources", default_match_resources)))


def validate_binding_head(spec: Mapping[str, Any]) -> Errors:
    """The policy, its parameters and where it holds."""
    name = spec.get("policyName", "")
    errors = [required("policyName")] if not name else [invalid("policyName", name, message) for message in dns_subdomain(name)]
    if spec.get("paramRef") is not None:
        errors += within("paramRef", validate_param_ref(spec["paramRef"]))
    if spec.get("matchResources") is not None:
        errors += within("matchResouces", validate_match_resources(spec["matchResources"]))  # upstream's spelling
    return errors


def binding_cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get validatingadmissionpolicybindings``."""
    spec = obj.get("spec") or EMPTY_DICT
    return [obj["metadata"]["name"], spec.get("policyName", ""), param_ref_cell(spec.get("paramRef"), UNSET), age(obj, now)]
