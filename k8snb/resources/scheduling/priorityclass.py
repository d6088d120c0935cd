"""PriorityClasses: names for the numbers by which pods go first.

Models: pkg/apis/scheduling/v1/{defaults,helpers}.go, pkg/apis/scheduling/validation, printPriorityClass.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, required
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.validation import immutable, one_of
from k8snb.resources.common.cells import age
from k8snb.resources.common.fill import fill
from k8snb.resources.discovery import served

HIGHEST_OF_USERS = 1_000_000_000
SYSTEM = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}
_RESERVED = "priority class names with 'system-' prefix are reserved for system use only. error: "


def default(obj: Object) -> Object:
    """Pods of a class may preempt."""
    return fill(obj, {"preemptionPolicy": "PreemptLowerPriority"})


def validate(obj: Object) -> Errors:
    """The value is not too high, and the system's names are the system's."""
    name, value = obj["metadata"].get("name", ""), obj.get("value", 0)
    errors: Errors = []
    if name.startswith("system-"):
        wrong = _wrong_system_class(name, value, bool(obj.get("globalDefault")))
        errors += [forbidden("metadata.name", _RESERVED + wrong)] if wrong else []
    elif value > HIGHEST_OF_USERS:
        errors.append(forbidden("value", f"maximum allowed value of a user defined priority is {HIGHEST_OF_USERS}"))
    policy = obj.get("preemptionPolicy")
    if policy is None:
        return errors
    return errors + (one_of("preemptionPolicy", policy, ["PreemptLowerPriority", "Never"]) if policy else [required("preemptionPolicy")])


def _wrong_system_class(name: str, value: int, is_default: bool) -> str:
    if name not in SYSTEM:
        return f"{name} is not a known system priority class"
    if value != SYSTEM[name]:
        return f"value of {name} PriorityClass must be {SYSTEM[name]}"
    return f"globalDefault of {name} PriorityClass must be false" if is_default else ""


def validate_update(obj: Object, old: Object) -> Errors:
    """The number and the policy stay."""
    errors = [] if obj.get("value", 0) == old.get("value", 0) else [forbidden("value", "may not be changed in an update.")]
    return errors + immutable("preemptionPolicy", obj.get("preemptionPolicy"), old.get("preemptionPolicy"))


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get priorityclasses``."""
    row = [obj["metadata"]["name"], obj.get("value", 0), bool(obj.get("globalDefault")), age(obj, now)]
    return [*row, obj.get("preemptionPolicy", "")]


EXAMPLE = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "important"}, "value": 1000}

RESOURCE = served(
    "scheduling.k8s.io/v1",
    "PriorityClass",
    default=default,
    validate=validate,
    validate_update=validate_update,
    cells=cells,
    counts_generation=True,
    example=EXAMPLE,
    simulated=True,
)
