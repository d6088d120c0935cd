"""ReplicaSets.

Models: pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation (ValidateReplicaSet), pkg/registry/apps/replicaset/strategy.go,
pkg/printers/internalversion (printReplicaSet).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.selectors import format_label_selector
from k8snb.apimachinery.validation import not_negative
from k8snb.resources.apps.deployment import EMPTY_SELECTOR
from k8snb.resources.autoscaling.scale import SCALE
from k8snb.resources.common.cells import age, containers_cells
from k8snb.resources.common.fill import fill, inside
from k8snb.resources.common.pod_template import default_pod_template
from k8snb.resources.common.status import not_more_than
from k8snb.resources.common.workload import immutable_selector, validate_always_template, validate_selector, workload_warnings
from k8snb.resources.discovery import served


def default(obj: Object) -> Object:
    """One replica."""
    return inside(obj, "spec", _default_spec)


def _default_spec(spec: Mapping[str, Any]) -> Any:
    return fill(inside(spec, "template", default_pod_template), {"replicas": 1})


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    errors = not_negative("replicas", spec.get("replicas")) + not_negative("minReadySeconds", spec.get("minReadySeconds"))
    return errors + validate_selector(spec, EMPTY_SELECTOR) + validate_always_template(spec, "ReplicaSet")


def validate_status_update(obj: Object, old: Object) -> Errors:
    """Counts are not negative, and none exceeds the number of replicas."""
    status = obj.get("status") or EMPTY_DICT
    names = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas", "observedGeneration")
    errors = [error for name in names for error in not_negative(name, status.get(name))]
    parts = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
    errors += not_more_than(status, "replicas", parts, "cannot be greater than status.replicas")
    return within("status", errors + not_more_than(status, "readyReplicas", ("availableReplicas",), "cannot be greater than readyReplicas"))


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get replicasets``."""
    spec, status = obj["spec"], obj.get("status") or EMPTY_DICT
    counts = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    containers = containers_cells(dig(spec, "template.spec", EMPTY_DICT))
    return [obj["metadata"]["name"], *counts, age(obj, now), *containers, format_label_selector(spec.get("selector"))]


EXAMPLE = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "nginx", "image": "nginx:1.27"}]}},
    },
}

RESOURCE = served(
    "apps/v1",
    "ReplicaSet",
    default=default,
    validate=validate,
    validate_update=immutable_selector,
    validate_status_update=validate_status_update,
    warnings=workload_warnings,
    cells=cells,
    selectable_fields={"status.replicas": lambda obj: str(dig(obj, "status.replicas", 0))},
    subresources={"scale": SCALE},
    counts_generation=True,
    example=EXAMPLE,
    simulated=True,
)
