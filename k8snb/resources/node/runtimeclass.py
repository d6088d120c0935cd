"""RuntimeClasses: which container runtime runs a pod, and what that costs.

Models: pkg/apis/node/validation (ValidateRuntimeClass), printRuntimeClass.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import Errors, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.validation import check, dns_label, immutable, validate_labels
from k8snb.resources.common.cells import age
from k8snb.resources.common.compute import validate_requirements
from k8snb.resources.common.pod_scheduling import validate_tolerations
from k8snb.resources.common.pod_warnings import DEPRECATED_LABELS
from k8snb.resources.discovery import served


def validate(obj: Object) -> Errors:
    """The handler, the overhead, the nodes."""
    errors = check("handler", obj.get("handler", ""), dns_label)
    errors += within("overhead", validate_requirements({"limits": dig(obj, "overhead.podFixed", EMPTY_DICT)}))
    errors += within("scheduling.nodeSelector", validate_labels(dig(obj, "scheduling.nodeSelector", EMPTY_DICT)))
    return errors + within("scheduling.tolerations", validate_tolerations(dig(obj, "scheduling.tolerations", ())))


def validate_update(obj: Object, old: Object) -> Errors:
    """The handler stays."""
    return immutable("handler", obj.get("handler"), old.get("handler"))


def warnings(obj: Object, _old: Object | None) -> list[str]:
    """Labels of nodes that have newer names."""
    labels = sorted(dig(obj, "scheduling.nodeSelector", EMPTY_DICT))
    return [f"scheduling.nodeSelector: {DEPRECATED_LABELS[label]}" for label in labels if label in DEPRECATED_LABELS]


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get runtimeclasses``."""
    return [obj["metadata"]["name"], obj.get("handler", ""), age(obj, now)]


EXAMPLE = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "sandboxed"}, "handler": "sandboxed"}

RESOURCE = served(
    "node.k8s.io/v1",
    "RuntimeClass",
    validate=validate,
    validate_update=validate_update,
    warnings=warnings,
    cells=cells,
    example=EXAMPLE,
    simulated=True,
)
