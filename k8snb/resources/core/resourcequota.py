"""ResourceQuotas: how much a namespace may use.

Models: pkg/apis/core/validation (ValidateResourceQuotaSpec ...), pkg/apis/core/helper (scopes), pkg/printers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.validation import IMMUTABLE
from k8snb.resources.common.cells import age
from k8snb.resources.common.compute import is_huge_pages, resource_name, resource_quantity
from k8snb.resources.common.fill import inside, where_given
from k8snb.resources.common.pod_defaults import default_resource_list
from k8snb.resources.discovery import served

Spec = Mapping[str, Any]
_COMPUTE = (
    "cpu memory ephemeral-storage requests.cpu requests.memory requests.ephemeral-storage limits.cpu limits.memory limits.ephemeral-storage"
)
_COUNTED = (
    "resourcequotas services pods replicationcontrollers secrets persistentvolumeclaims configmaps services.nodeports "
    "services.loadbalancers requests.storage"
)
STANDARD = frozenset((*_COMPUTE.split(), *_COUNTED.split()))
SCOPES = (
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
)
_POD_COMPUTE = frozenset(("pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"))
_SCOPED = {
    "Terminating": _POD_COMPUTE,
    "NotTerminating": _POD_COMPUTE,
    "NotBestEffort": _POD_COMPUTE,
    "PriorityClass": _POD_COMPUTE,
    "CrossNamespacePodAffinity": _POD_COMPUTE,
    "BestEffort": frozenset(("pods",)),
    "VolumeAttributesClass": frozenset(("persistentvolumeclaims", "requests.storage")),
}
_ONLY_EXISTS = ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity")
_ONLY_EXISTS_WORDS = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)


def default(obj: Object) -> Object:
    """Quantities are rounded up."""
    defaulted: Object = inside(obj, "spec", lambda spec: where_given(spec, "hard", default_resource_list))
    return defaulted


def _is_standard(name: str) -> bool:
    return name in STANDARD or is_huge_pages(name) or is_huge_pages(name.removeprefix("requests."))


def _validate_list(quantities: Mapping[str, str]) -> Errors:
    errors: Errors = []
    for name, quantity in sorted(quantities.items()):
        field = f"[{name}]"
        errors += _quota_name(field, name) + resource_quantity(field, name, quantity)
    return errors


def _quota_name(field: str, name: str) -> Errors:
    errors = [] if _is_standard(name) else resource_name(field, name)
    return errors + ([] if "/" in name or _is_standard(name) else [invalid(field, name, "must be a standard resource for quota")])


def validate(obj: Object) -> Errors:
    """Names, amounts, and scopes that fit them."""
    spec = obj.get("spec") or EMPTY_DICT
    errors = within("spec.hard", _validate_list(spec.get("hard") or EMPTY_DICT))
    return errors + within("spec", _validate_scopes(spec) + _validate_selector(spec))


def _unsuited(scope: str, spec: Spec) -> int:
    return (
        sum(_is_standard(name) and name not in _SCOPED.get(scope, frozenset()) for name in spec.get("hard") or ())
        if scope in _SCOPED
        else 0
    )


def _conflicts(scopes: set[str]) -> int:
    return sum(pair <= scopes for pair in ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"}))


def _validate_scopes(spec: Spec) -> Errors:
    scopes = list(spec.get("scopes") or ())
    errors: Errors = []
    for scope in scopes:
        if scope not in SCOPES:
            errors.append(invalid("scopes", scopes, "unsupported scope"))
        errors += [invalid("scopes", scopes, "unsupported scope applied to resource")] * _unsuited(scope, spec)
    return errors + [invalid("scopes", scopes, "conflicting scopes")] * _conflicts(set(scopes))


def _validate_selector(spec: Spec) -> Errors:
    selector = spec.get("scopeSelector")
    if selector is None:
        return []
    errors: Errors = []
    expressions = selector.get("matchExpressions") or ()
    shown = {
        "MatchExpressions": [
            {"ScopeName": e.get("scopeName", ""), "Operator": e.get("operator", ""), "Values": e.get("values")} for e in expressions
        ]
    }
    for expression in expressions:
        scope, operator, values = expression.get("scopeName", ""), expression.get("operator", ""), expression.get("values") or ()
        if scope not in SCOPES:
            errors.append(invalid("scopeName", scope, "unsupported scope"))
        errors += [invalid("", shown, "unsupported scope applied to resource")] * _unsuited(scope, spec)
        if scope in _ONLY_EXISTS and operator != "Exists":
            errors.append(invalid("operator", operator, _ONLY_EXISTS_WORDS))
        if operator in ("In", "NotIn"):
            why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            errors += [] if values else [required("values", why)]
        elif operator in ("Exists", "DoesNotExist"):
            why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            errors += [invalid("values", list(values), why)] if values else []
        else:
            errors.append(invalid("operator", operator, "not a valid selector operator"))
    conflicts = [invalid("", spec.get("scopes"), "conflicting scopes")] * _conflicts({e.get("scopeName", "") for e in expressions})
    return within("scopeSelector.matchExpressions", errors + conflicts)


def validate_update(obj: Object, old: Object) -> Errors:
    """Scopes stay."""
    new, before = dig(obj, "spec.scopes", ()), dig(old, "spec.scopes", ())
    return [] if set(new) == set(before) else [invalid("spec.scopes", list(new), IMMUTABLE)]


def validate_status_update(obj: Object, _old: Object) -> Errors:
    """Names and amounts."""
    status = obj.get("status") or EMPTY_DICT
    return [e for key in ("hard", "used") for e in within(f"status.{key}", _validate_list(status.get(key) or EMPTY_DICT))]


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get resourcequotas``: used and hard, limits apart from the rest."""
    status = obj.get("status") or EMPTY_DICT
    used = status.get("used") or EMPTY_DICT
    texts: tuple[list[str], list[str]] = ([], [])
    for name, hard in sorted((status.get("hard") or EMPTY_DICT).items()):
        texts[name.startswith("limits.")].append(f"{name}: {used.get(name, '0')}/{hard}")
    return [obj["metadata"]["name"], ", ".join(texts[0]), ", ".join(texts[1]), age(obj, now)]


EXAMPLE = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "budget"},
    "spec": {"hard": {"pods": "10", "requests.cpu": "4"}},
}

RESOURCE = served(
    "v1",
    "ResourceQuota",
    default=default,
    validate=validate,
    validate_update=validate_update,
    validate_status_update=validate_status_update,
    cells=cells,
    example=EXAMPLE,
    simulated=True,
)
