"""DaemonSets.

Models: pkg/apis/apps/v1/{defaults,conversion}.go, pkg/apis/apps/validation (ValidateDaemonSet),
pkg/registry/apps/daemonset/strategy.go, pkg/printers/internalversion (printDaemonSet).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, FieldError, forbidden, invalid, required, show, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig, put
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.selectors import format_label_selector
from k8snb.apimachinery.strconv import integer
from k8snb.apimachinery.validation import not_negative, validate_label_selector
from k8snb.resources.common.cells import age, containers_cells, labels_text
from k8snb.resources.common.fill import fill, inside
from k8snb.resources.common.pod_template import default_pod_template, validate_pod_template
from k8snb.resources.common.workload import (
    immutable_selector,
    not_more_than_all,
    only_restart_always,
    plain_number,
    template_warnings,
    validate_int_or_percent,
    validate_template_labels,
)
from k8snb.resources.discovery import served

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_STATUS = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "observedGeneration",
           "updatedNumberScheduled", "numberAvailable", "numberUnavailable")  # fmt: skip


def default(obj: Object) -> Object:
    """Rolling update one node at a time, ten old revisions."""
    return inside(obj, "spec", _default_spec)


def _default_spec(spec: Mapping[str, Any]) -> Any:
    spec = fill(inside(spec, "template", default_pod_template), {"revisionHistoryLimit": 10})
    return inside(spec, "updateStrategy", _default_strategy)


@once
def _default_strategy(strategy: Mapping[str, Any]) -> Any:
    strategy = FrozenDict({**strategy, "type": "RollingUpdate"}) if not strategy.get("type") else strategy
    if strategy["type"] != "RollingUpdate":
        return strategy
    return inside(strategy, "rollingUpdate", lambda rolling: fill(rolling, {"maxUnavailable": 1, "maxSurge": 0}))


def prepare_for_create(obj: Object) -> Object:
    """The template's generation is written as an annotation, a relic that the pods still carry as a label."""
    asked = dig(obj, ("metadata", "annotations", TEMPLATE_GENERATION), "")
    known = asked if (integer(asked) or 0) >= 1 else "1"
    return obj if known == asked else put(obj, ("metadata", "annotations", TEMPLATE_GENERATION), known)


def prepare_for_update(obj: Object, old: Object) -> Object:
    """A changed template counts one template generation more; nobody else sets that number."""
    before = dig(old, ("metadata", "annotations", TEMPLATE_GENERATION), "1")
    changed = obj["spec"].get("template") != old["spec"].get("template")
    count = integer(before)
    after = str(count + 1) if changed and count is not None else before
    if dig(obj, ("metadata", "annotations", TEMPLATE_GENERATION)) == after:
        return obj
    return put(obj, ("metadata", "annotations", TEMPLATE_GENERATION), after)


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    selector, template = spec.get("selector"), spec.get("template") or EMPTY_DICT
    errors = within("selector", validate_label_selector(selector)) if selector is not None else []
    readable, mismatch = validate_template_labels(spec, always=True)
    errors += mismatch if readable else []
    if selector is not None and not selector.get("matchLabels") and not selector.get("matchExpressions"):
        errors.append(invalid("selector", {}, "empty selector is invalid for daemonset"))
    errors += within("template", validate_pod_template(template)) + only_restart_always(template)
    if dig(template, "spec.activeDeadlineSeconds") is not None:
        errors.append(forbidden("template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in DaemonSet is not Supported"))
    errors += not_negative("minReadySeconds", spec.get("minReadySeconds"))
    errors += within("updateStrategy", _validate_strategy(spec.get("updateStrategy") or EMPTY_DICT))
    return errors + not_negative("revisionHistoryLimit", spec.get("revisionHistoryLimit"))


@once
def _validate_strategy(strategy: Mapping[str, Any]) -> Errors:
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    if kind == "OnDelete":
        return []
    if kind == "RollingUpdate":
        return within("rollingUpdate", _validate_rolling_update(rolling)) if rolling is not None else [required("rollingUpdate")]
    value = {
        "Type": kind,
        "RollingUpdate": rolling and {"MaxUnavailable": rolling.get("maxUnavailable", 0), "MaxSurge": rolling.get("maxSurge", 0)},
    }
    return [FieldError("", "FieldValueNotSupported", f'Unsupported value: {show(value)}: supported values: "RollingUpdate", "OnDelete"')]


def _validate_rolling_update(rolling: Mapping[str, Any]) -> Errors:
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    errors = validate_int_or_percent("maxUnavailable", unavailable) + validate_int_or_percent("maxSurge", surge)
    errors += not_more_than_all("maxUnavailable", unavailable) + not_more_than_all("maxSurge", surge)
    if plain_number(unavailable) and plain_number(surge):
        errors.append(invalid("maxSurge", surge, "may not be set when maxUnavailable is non-zero"))
    if not plain_number(unavailable) and not plain_number(surge):
        errors.append(required("maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return errors


def validate_status_update(obj: Object, old: Object) -> Errors:
    """Counts are not negative."""
    status = obj.get("status") or EMPTY_DICT
    return within("status", [error for name in _STATUS for error in not_negative(name, status.get(name))])


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get daemonsets``."""
    spec, status = obj["spec"], obj.get("status") or EMPTY_DICT
    names = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled", "numberAvailable")
    pod = dig(spec, "template.spec", EMPTY_DICT)
    counts = [status.get(name, 0) for name in names]
    wide = [*containers_cells(pod), format_label_selector(spec.get("selector"))]
    return [obj["metadata"]["name"], *counts, labels_text(pod.get("nodeSelector")), age(obj, now), *wide]


EXAMPLE = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {"name": "agent"},
    "spec": {
        "selector": {"matchLabels": {"app": "agent"}},
        "template": {"metadata": {"labels": {"app": "agent"}}, "spec": {"containers": [{"name": "agent", "image": "fluentd:v1.16"}]}},
    },
}

RESOURCE = served(
    "apps/v1",
    "DaemonSet",
    default=default,
    prepare_for_create=prepare_for_create,
    prepare_for_update=prepare_for_update,
    validate=validate,
    validate_update=immutable_selector,
    validate_status_update=validate_status_update,
    warnings=template_warnings,
    cells=cells,
    counts_generation=True,
    example=EXAMPLE,
    simulated=True,
)
