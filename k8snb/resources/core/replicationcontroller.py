"""ReplicationControllers: what ReplicaSets were before they had rich selectors.

Models: pkg/apis/core/v1/defaults.go, pkg/apis/core/validation (ValidateReplicationControllerSpec ...), pkg/registry/core/
replicationcontroller/strategy.go, pkg/printers (printReplicationController).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.selectors import from_set
from k8snb.apimachinery.validation import not_negative
from k8snb.resources.common.cells import age, containers_cells, labels_text
from k8snb.resources.common.fill import fill, inside, where_given
from k8snb.resources.common.pod_template import default_pod_template, validate_pod_template, warnings_for_pod_template
from k8snb.resources.common.status import not_more_than
from k8snb.resources.common.workload import mismatch, name_warnings
from k8snb.resources.discovery import served


def default(obj: Object) -> Object:
    """One replica; the labels of the template are the selector and the labels of the whole, where there are none."""
    obj = inside(obj, "spec", lambda spec: fill(where_given(spec, "template", default_pod_template), {"replicas": 1}))
    labels = dig(obj, "spec.template.metadata.labels")
    if not labels:
        return obj
    if not dig(obj, "spec.selector"):
        obj = inside(obj, "spec", lambda spec: FrozenDict({**spec, "selector": labels}))
    if not dig(obj, "metadata.labels"):
        obj = inside(obj, "metadata", lambda meta: FrozenDict({**meta, "labels": labels}))
    return obj


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    errors = not_negative("minReadySeconds", spec.get("minReadySeconds"))
    selector, template = spec.get("selector") or EMPTY_DICT, spec.get("template")
    errors += [] if selector else [required("selector")]
    errors += not_negative("replicas", spec.get("replicas"))
    if template is None:
        return [*errors, required("template")]
    labels = dig(template, "metadata.labels")
    if selector and not from_set(selector).matches(labels or EMPTY_DICT):
        errors.append(mismatch(labels))
    errors += within("template", validate_pod_template(template))
    policy = dig(template, "spec.restartPolicy", "")
    if policy != "Always":
        errors.append(not_supported("template.spec.restartPolicy", policy, ["Always"]))
    if dig(template, "spec.activeDeadlineSeconds") is not None:
        why = "activeDeadlineSeconds in ReplicationController is not Supported"
        errors.append(forbidden("template.spec.activeDeadlineSeconds", why))
    return errors


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


def validate_status_update(obj: Object, _old: Object) -> Errors:
    """Counts are not negative, and none exceeds the number of replicas."""
    status = obj.get("status") or EMPTY_DICT
    names = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration")
    errors = [error for name in names for error in not_negative(name, status.get(name))]
    errors += not_more_than(status, "replicas", names[1:4], "cannot be greater than status.replicas")
    return within("status", errors + not_more_than(status, "readyReplicas", ("availableReplicas",), "cannot be greater than readyReplicas"))


def warnings(obj: Object, old: Object | None) -> list[str]:
    """About the name, where it makes a poor host name, and the template."""
    found = name_warnings(obj) if old is None else []
    template = dig(obj, "spec.template")
    if template is None or (old is not None and dig(old, "spec.template") == template):
        return found
    return found + warnings_for_pod_template("spec.template", template, None)


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get replicationcontrollers``."""
    spec, status = obj["spec"], obj.get("status") or EMPTY_DICT
    counts = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    containers = containers_cells(dig(spec, "template.spec", EMPTY_DICT))
    return [obj["metadata"]["name"], *counts, age(obj, now), *containers, labels_text(spec.get("selector"))]


EXAMPLE = {
    "apiVersion": "v1",
    "kind": "ReplicationController",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"app": "web"},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "nginx", "image": "nginx:1.27"}]}},
    },
}

RESOURCE = served(
    "v1",
    "ReplicationController",
    default=default,
    prepare_for_create=lambda obj: FrozenDict({**obj, "status": FrozenDict({"replicas": 0})}),
    validate=validate,
    validate_status_update=validate_status_update,
    warnings=warnings,
    cells=cells,
    selectable_fields={"status.replicas": lambda obj: str(dig(obj, "status.replicas", 0))},
    counts_generation=True,
    simulated=True,
    default_propagation="Orphan",
    example=EXAMPLE,
)
