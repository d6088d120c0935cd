"""CPU, memory and other countable things: the names of resources, and what may be asked of them.

Models: pkg/apis/core/helper/helpers.go (resource names), pkg/apis/core/validation (validateResourceRequirements).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, FieldError, duplicate, forbidden, invalid, not_found, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.apimachinery.quantity import exact
from k8snb.apimachinery.validation import NOT_NEGATIVE, check, dns_label, qualified_name

HUGE_PAGES = "hugepages-"
_COUNTED = "pods resourcequotas services replicationcontrollers secrets configmaps persistentvolumeclaims services.nodeports"
_MEASURED = (
    "cpu memory ephemeral-storage storage requests.cpu requests.memory requests.ephemeral-storage requests.storage "
    "limits.cpu limits.memory limits.ephemeral-storage"
)
INTEGER = frozenset((*_COUNTED.split(), "services.loadbalancers"))
STANDARD = INTEGER.union(_MEASURED.split())
CONTAINER = frozenset(("cpu", "memory", "ephemeral-storage"))
POD_LEVEL = ("cpu", "memory")
NameRule = Callable[[str, str], Errors]


def is_huge_pages(name: str) -> bool:
    """``hugepages-2Mi``."""
    return name.startswith(HUGE_PAGES)


def is_native(name: str) -> bool:
    """Without a domain, or with one of Kubernetes' own."""
    return "/" not in name or "kubernetes.io/" in name


def is_extended(name: str) -> bool:
    """A resource of a device plugin: ``nvidia.com/gpu``."""
    return not is_native(name) and not name.startswith("requests.") and not qualified_name(f"requests.{name}")


def may_overcommit(name: str) -> bool:
    """Whether limits may exceed requests."""
    return is_native(name) and not is_huge_pages(name)


@functools.lru_cache(maxsize=1024)
def _name(field: str, name: str) -> tuple[FieldError, ...]:
    if wrong := check(field, name, qualified_name):
        return tuple(wrong)
    if "/" not in name and name not in STANDARD and not is_huge_pages(name):
        return (invalid(field, name, "must be a standard resource type or fully qualified"),)
    return ()


def resource_name(field: str, name: str) -> Errors:
    """The name of any resource."""
    return list(_name(field, name))


def container_resource_name(field: str, name: str) -> Errors:
    """The name of a resource that containers ask for."""
    errors = resource_name(field, name)
    if "/" not in name:
        if name not in CONTAINER and not is_huge_pages(name):
            errors.append(invalid(field, name, "must be a standard resource for containers"))
    elif not is_native(name) and not is_extended(name):
        errors.append(invalid(field, name, "doesn't follow extended resource name standard"))
    return errors


def pod_resource_name(field: str, name: str) -> Errors:
    """The name of a resource that a pod as a whole asks for."""
    if wrong := resource_name(field, name):
        return wrong
    return [] if name in POD_LEVEL or is_huge_pages(name) else [not_supported(field, name, sorted((*POD_LEVEL, "hugepages-")))]


def not_negative(field: str, quantity: str) -> Errors:
    """A quantity of zero or more."""
    return [invalid(field, quantity, NOT_NEGATIVE)] if exact(quantity) < 0 else []


def positive(field: str, quantity: str) -> Errors:
    """A quantity of more than zero."""
    return [invalid(field, quantity, "must be greater than zero")] if exact(quantity) <= 0 else []


def resource_quantity(field: str, name: str, quantity: str) -> Errors:
    """A quantity that fits its resource: not negative, whole where the resource can only be counted."""
    errors = not_negative(field, quantity)
    if (name in INTEGER or is_extended(name)) and exact(quantity).denominator != 1:
        errors.append(invalid(field, quantity, "must be an integer"))
    return errors


def _huge_page_quantity(field: str, name: str, quantity: str) -> Errors:
    try:
        size = exact(name.removeprefix(HUGE_PAGES))
    except ValueError:
        return []
    if size > 0 and (exact(quantity) / size).denominator == 1:
        return []
    return [invalid(field, quantity, f"{quantity} is not positive integer multiple of {name}")]


def _listed(name_rule: NameRule, name: str, quantity: str, field: str) -> Errors:
    errors = name_rule(field, name) + resource_quantity(field, name, quantity)
    return errors + (_huge_page_quantity(field, name, quantity) if is_huge_pages(name) else [])


def _against_limit(name: str, quantity: str, limits: Mapping[str, str]) -> Errors:
    limit = limits.get(name)
    if limit is None:
        return [] if may_overcommit(name) else [required("limits", "Limit must be set for non overcommitable resources")]
    if exact(quantity) != exact(limit) and not may_overcommit(name):
        return [invalid("requests", quantity, f"must be equal to {name} limit of {limit}")]
    if exact(quantity) > exact(limit):
        return [invalid("requests", quantity, f"must be less than or equal to {name} limit of {limit}")]
    return []


def validate_requirements(
    resources: Mapping[str, Any], claims: Collection[str] = (), *, name_rule: NameRule = container_resource_name
) -> Errors:
    """``resources`` of a container or pod: limits, requests, and claims among the ``claims`` of the pod."""
    limits, requests = resources.get("limits") or EMPTY_DICT, resources.get("requests") or EMPTY_DICT
    errors: Errors = []
    for name, quantity in sorted(limits.items()):
        errors += _listed(name_rule, name, quantity, f"limits[{name}]")
    for name, quantity in sorted(requests.items()):
        errors += _listed(name_rule, name, quantity, f"requests[{name}]") + _against_limit(name, quantity, limits)
    names = {*limits, *requests}
    if any(map(is_huge_pages, names)) and not names & {"cpu", "memory"}:
        errors.append(forbidden("", "HugePages require cpu or memory"))
    return errors + within("claims", _validate_claims(resources.get("claims") or (), claims))


def _validate_claims(used: Collection[Mapping[str, Any]], known: Collection[str]) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for index, claim in enumerate(used):
        field, name, part = f"[{index}]", claim.get("name", ""), claim.get("request", "")
        key = f"{name}/{part}" if part else name
        if not name:
            errors.append(required(field))
        elif name in seen or key in seen or (not part and any(other.startswith(f"{name}/") for other in seen)):
            errors.append(duplicate(field, name if name in seen or not part else key))
        elif part:
            errors += check(f"{field}.request", part, dns_label)
        seen.add(key)
        if name not in known:
            names = f": {', '.join(sorted(known))}" if known else " which is empty"
            missing = not_found(field, name)
            errors.append(missing._replace(message=f"{missing.message}: must be one of the names in pod.spec.resourceClaims{names}"))
    return errors
