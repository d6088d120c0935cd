"""Deployments: what their fields default to, what is refused, what their row shows.

Models: pkg/apis/apps/v1/defaults.go (SetDefaults_Deployment), pkg/apis/apps/validation (ValidateDeployment),
pkg/registry/apps/deployment/strategy.go, pkg/printers/internalversion (printDeployment).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, FieldError, forbidden, invalid, show, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig, put
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.selectors import format_label_selector
from k8snb.apimachinery.validation import not_negative
from k8snb.resources.autoscaling.scale import SCALE
from k8snb.resources.common.cells import age, containers_cells
from k8snb.resources.common.fill import fill, inside
from k8snb.resources.common.pod_template import default_pod_template
from k8snb.resources.common.status import decremented, not_more_than
from k8snb.resources.common.workload import (
    immutable_selector,
    not_more_than_all,
    plain_number,
    validate_always_template,
    validate_int_or_percent,
    validate_selector,
    workload_warnings,
)
from k8snb.resources.discovery import served

EMPTY_SELECTOR = "empty selector is invalid for deployment"


def default(obj: Object) -> Object:
    """One replica, rolling update by quarters, ten old ReplicaSets, ten minutes to make progress."""
    return inside(obj, "spec", _default_spec)


def _default_spec(spec: Mapping[str, Any]) -> Any:
    spec = inside(spec, "template", default_pod_template)
    spec = fill(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    return inside(spec, "strategy", _default_strategy)


@once
def _default_strategy(strategy: Mapping[str, Any]) -> Any:
    strategy = FrozenDict({**strategy, "type": "RollingUpdate"}) if not strategy.get("type") else strategy
    if strategy["type"] != "RollingUpdate":
        return strategy
    return inside(strategy, "rollingUpdate", lambda rolling: fill(rolling, {"maxUnavailable": "25%", "maxSurge": "25%"}))


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    errors = not_negative("replicas", spec.get("replicas"))
    errors += validate_selector(spec, EMPTY_SELECTOR)
    errors += validate_always_template(spec, "ReplicaSet")
    errors += within("strategy", _validate_strategy(spec.get("strategy") or EMPTY_DICT))
    errors += not_negative("minReadySeconds", spec.get("minReadySeconds"))
    errors += not_negative("revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None:
        errors += not_negative("progressDeadlineSeconds", deadline)
        if deadline <= spec.get("minReadySeconds", 0):
            errors.append(invalid("progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
    return errors


@once
def _validate_strategy(strategy: Mapping[str, Any]) -> Errors:
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    if kind == "Recreate":
        return [forbidden("rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")] if rolling is not None else []
    if kind == "RollingUpdate":
        return within("rollingUpdate", validate_rolling_update(rolling or EMPTY_DICT))
    value = {
        "Type": kind,
        "RollingUpdate": rolling and {"MaxUnavailable": rolling.get("maxUnavailable", 0), "MaxSurge": rolling.get("maxSurge", 0)},
    }
    return [FieldError("", "FieldValueNotSupported", f'Unsupported value: {show(value)}: supported values: "Recreate", "RollingUpdate"')]


def validate_rolling_update(rolling: Mapping[str, Any]) -> Errors:
    """``maxUnavailable`` and ``maxSurge``: sound, not both zero."""
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    errors = validate_int_or_percent("maxUnavailable", unavailable) + validate_int_or_percent("maxSurge", surge)
    if plain_number(unavailable) == 0 and plain_number(surge) == 0:
        errors.append(invalid("maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0"))
    return errors + not_more_than_all("maxUnavailable", unavailable)


def validate_status_update(obj: Object, old: Object) -> Errors:
    """Counts are not negative, and none exceeds the number of replicas."""
    status = obj.get("status") or EMPTY_DICT
    names = ("observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")
    errors = [error for name in names for error in not_negative(name, status.get(name, 0))]
    errors += not_negative("terminatingReplicas", status.get("terminatingReplicas"))
    errors += not_negative("collisionCount", status.get("collisionCount"))
    errors += not_more_than(
        status, "replicas", ("updatedReplicas", "readyReplicas", "availableReplicas"), "cannot be greater than status.replicas"
    )
    errors += not_more_than(status, "readyReplicas", ("availableReplicas",), "cannot be greater than readyReplicas")
    return within("status", errors + decremented(status, old.get("status") or EMPTY_DICT))


def prepare_for_update(obj: Object, old: Object) -> Object:
    """A change of annotations counts as a new generation too: ``kubectl rollout`` writes there."""
    before, after = old["metadata"], obj["metadata"]
    if after.get("generation") != before.get("generation") or after.get("annotations") == before.get("annotations"):
        return obj
    return put(obj, "metadata.generation", before.get("generation", 0) + 1)


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get deployments``."""
    spec, status = obj["spec"], obj.get("status") or EMPTY_DICT
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    counts = [status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]
    containers = containers_cells(dig(spec, "template.spec", EMPTY_DICT))
    return [obj["metadata"]["name"], ready, *counts, age(obj, now), *containers, format_label_selector(spec.get("selector"))]


EXAMPLE = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "nginx", "image": "nginx:1.27"}]}},
    },
}

RESOURCE = served(
    "apps/v1",
    "Deployment",
    default=default,
    prepare_for_update=prepare_for_update,
    validate=validate,
    validate_update=immutable_selector,
    validate_status_update=validate_status_update,
    warnings=workload_warnings,
    cells=cells,
    subresources={"scale": SCALE},
    counts_generation=True,
    example=EXAMPLE,
    simulated=True,
)
