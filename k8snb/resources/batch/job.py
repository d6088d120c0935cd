"""Jobs. The server gives each its own selector and labels, made of its UID and name.

Models: pkg/apis/batch/v1/defaults.go (SetDefaults_Job), pkg/registry/batch/job/strategy.go (generateSelector),
pkg/apis/batch/validation (ValidateJob), pkg/printers/internalversion (printJob).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, required, within
from k8snb.apimachinery.meta import is_true
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig, put
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.selectors import format_label_selector, from_label_selector
from k8snb.apimachinery.validation import dns_label, validate_label_selector, validate_labels
from k8snb.resources.batch.job_status import validate_status_update
from k8snb.resources.batch.job_validation import validate_job_spec, validate_job_spec_update
from k8snb.resources.batch.job_warnings import job_spec_warnings
from k8snb.resources.common.cells import age, between, containers_cells, since
from k8snb.resources.common.fill import each, fill, inside, where_given
from k8snb.resources.common.pod_template import default_pod_template
from k8snb.resources.common.workload import name_warnings, shown_selector
from k8snb.resources.discovery import served

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = "batch.kubernetes.io/job-name"
_MAX_INT32 = 2**31 - 1


def default(obj: Object) -> Object:
    """One completion, six retries; the labels are those of the template."""
    obj = inside(obj, "spec", _default_spec)
    return _with_template_labels(obj)


def _with_template_labels(obj: Object) -> Object:
    labels = dig(obj, "spec.template.metadata.labels")
    if labels is None or dig(obj, "metadata.labels") or validate_labels(labels):  # what is wrong is reported once, at the template
        return obj
    return put(obj, "metadata.labels", labels)


def _default_spec(spec: Mapping[str, Any]) -> Any:
    spec = inside(spec, "template", default_pod_template)
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec = fill(spec, {"completions": 1})
    spec = where_given(spec, "podFailurePolicy", _default_failure_policy)
    retries = 6 if spec.get("backoffLimitPerIndex") is None else _MAX_INT32
    replaced = "TerminatingOrFailed" if spec.get("podFailurePolicy") is None else "Failed"
    values = {"parallelism": 1, "backoffLimit": retries, "completionMode": "NonIndexed", "suspend": False}
    return fill(spec, values | {"podReplacementPolicy": replaced, "manualSelector": False})


@once
def _default_failure_policy(policy: Mapping[str, Any]) -> Any:
    def default_pattern(pattern: Mapping[str, Any]) -> Any:
        return pattern if pattern.get("status") else FrozenDict({**pattern, "status": "True"})

    def default_rule(rule: Mapping[str, Any]) -> Any:
        return where_given(rule, "onPodConditions", each(default_pattern))

    return where_given(policy, "rules", each(default_rule))


def prepare_for_create(obj: Object) -> Object:
    """Selector and labels from the UID, unless the user took that over (``manualSelector``)."""
    if not obj["spec"].get("manualSelector"):
        obj = _with_generated_selector(obj)
    return _with_template_labels(obj)


def _generated_labels(obj: Object) -> dict[str, str]:
    name, uid = obj["metadata"].get("name", ""), obj["metadata"].get("uid", "")
    return {CONTROLLER_UID: uid, JOB_NAME: name, "controller-uid": uid, "job-name": name}


def _with_generated_selector(obj: Object) -> Object:
    generated = _generated_labels(obj)
    labels = {**generated, **dig(obj, "spec.template.metadata.labels", EMPTY_DICT)}
    matches = {CONTROLLER_UID: generated[CONTROLLER_UID], **dig(obj, "spec.selector.matchLabels", EMPTY_DICT)}
    return put(put(obj, "spec.template.metadata.labels", labels), "spec.selector.matchLabels", matches)


def validate(obj: Object) -> Errors:
    """The generated selector, ``spec``, and the host names that an Indexed Job's pods will have."""
    spec = obj.get("spec") or EMPTY_DICT
    errors = _validate_generated(obj, spec) + within("spec", validate_job_spec(spec))
    if spec.get("completionMode") == "Indexed" and (spec.get("completions") or 0) > 0:
        name = obj["metadata"].get("name", "")
        longest = f"{name}-{spec['completions'] - 1}"
        if dns_label(longest):
            errors.append(invalid("metadata.name", name, f"will not able to create pod with invalid DNS label: {longest}"))
    return errors


def _validate_generated(obj: Object, spec: Mapping[str, Any]) -> Errors:
    selector = spec.get("selector")
    if spec.get("manualSelector") or selector is None:
        return []
    expected, labels = _generated_labels(obj), dig(spec, "template.metadata.labels", EMPTY_DICT)
    errors = [] if obj["metadata"].get("uid") else [required("metadata.uid")]
    for key in ("controller-uid", "job-name", CONTROLLER_UID, JOB_NAME):
        errors += _validate_has_label(labels, key, expected[key])
    if not validate_label_selector(selector) and not from_label_selector(selector).matches(expected):
        errors.append(invalid("spec.selector", shown_selector(selector), "`selector` not auto-generated"))
    return errors


def _validate_has_label(labels: Mapping[str, str], key: str, expected: str) -> Errors:
    field = f"spec.template.metadata.labels[{key}]"
    if key not in labels:
        return [required(field, f"must be '{expected}'")]
    return [] if labels[key] == expected else [invalid(field, dict(sorted(labels.items())), f"must be '{expected}'")]


def validate_update(obj: Object, old: Object) -> Errors:
    """What may not change."""
    return within("spec", validate_job_spec_update(obj, old))


def warnings(obj: Object, old: Object | None) -> list[str]:
    """Those of the name, and of ``spec`` when it is new or changed."""
    if old is not None and old["metadata"].get("generation") == obj["metadata"].get("generation"):
        return []
    found = name_warnings(obj) if old is None else []
    return found + job_spec_warnings("spec", obj.get("spec") or EMPTY_DICT)


_STATES = (("Complete", "Complete"), ("Failed", "Failed"), ("", "Terminating"), ("Suspended", "Suspended"),
           ("FailureTarget", "FailureTarget"), ("SuccessCriteriaMet", "SuccessCriteriaMet"))  # fmt: skip


def state(obj: Object) -> str:
    """The Status column: the first that holds."""
    for condition, word in _STATES:
        if is_true(obj, condition) if condition else obj["metadata"].get("deletionTimestamp"):
            return word
    return "Running"


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get jobs``."""
    spec, status = obj["spec"], obj.get("status") or EMPTY_DICT
    wanted = spec.get("completions")
    if wanted is None:
        wanted = f"1 of {spec['parallelism']}" if (spec.get("parallelism") or 0) > 1 else 1
    start, end = status.get("startTime"), status.get("completionTime")
    duration = "" if not start else between(start, end) if end else since(start, now)
    row = [obj["metadata"]["name"], state(obj), f"{status.get('succeeded', 0)}/{wanted}", duration, age(obj, now)]
    return [*row, *containers_cells(dig(spec, "template.spec", EMPTY_DICT)), format_label_selector(spec.get("selector"))]


EXAMPLE = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "once"},
    "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox:1.36"}]}}},
}

RESOURCE = served(
    "batch/v1",
    "Job",
    default=default,
    prepare_for_create=prepare_for_create,
    validate=validate,
    validate_update=validate_update,
    validate_status_update=validate_status_update,
    warnings=warnings,
    cells=cells,
    selectable_fields={"status.successful": lambda obj: str(dig(obj, "status.succeeded", 0))},
    counts_generation=True,
    default_propagation="Orphan",
    example=EXAMPLE,
    simulated=True,
)
