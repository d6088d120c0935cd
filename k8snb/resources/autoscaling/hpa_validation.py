"""The rules for the ``spec`` of a HorizontalPodAutoscaler. Paths are relative to it.

Models: pkg/apis/autoscaling/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.apimachinery.quantity import exact
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label
from k8snb.resources.common.compute import container_resource_name
from k8snb.resources.common.formats import path_segment

MAX_PERIOD_SECONDS = 1800
MAX_STABILIZATION_SECONDS = 3600
_SOURCES = {"ContainerResource": "containerResource", "External": "external", "Object": "object", "Pods": "pods", "Resource": "resource"}
_IN_ORDER = ("object", "external", "pods", "resource", "containerResource")


@once
def validate_hpa_spec(spec: Mapping[str, Any]) -> Errors:
    """Bounds, target, metrics, behavior."""
    least, most = spec.get("minReplicas"), spec.get("maxReplicas", 0)
    errors: Errors = []
    if least is not None and least < 1:
        errors.append(invalid("minReplicas", least, "must be greater than or equal to 1"))
    if most < 1:
        errors.append(invalid("maxReplicas", most, "must be greater than 0"))
    if least is not None and most < least:
        errors.append(invalid("maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    errors += within("scaleTargetRef", _validate_reference(spec.get("scaleTargetRef") or EMPTY_DICT, need_group=True))
    errors += _validate_metrics(spec)
    for name in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or EMPTY_DICT).get(name)
        errors += within(f"behavior.{name}", _validate_rules(rules)) if rules is not None else []
    return errors


def _validate_reference(reference: Mapping[str, Any], *, need_group: bool) -> Errors:
    errors: Errors = []
    for name in ("kind", "name"):
        text = reference.get(name, "")
        errors += check(name, text, path_segment) if text else [required(name)]
    version = reference.get("apiVersion", "")
    if version.count("/") > 1:
        errors.append(invalid("apiVersion", version, f"unexpected GroupVersion string: {version}"))
    elif need_group and not version.rpartition("/")[0] and reference.get("kind") != "ReplicationController":
        errors.append(invalid("apiVersion", version, "apiVersion must specify API group"))
    return errors


def _validate_metrics(spec: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    metrics = spec.get("metrics") or ()
    for index, metric in enumerate(metrics):
        errors += within(f"metrics[{index}]", _validate_metric(metric))
    if spec.get("minReplicas") == 0 and not any(metric.get("type") in ("Object", "External") for metric in metrics):
        errors.append(forbidden("metrics", "must specify at least one Object or External metric to support scaling to zero replicas"))
    return errors


def _validate_metric(metric: Mapping[str, Any]) -> Errors:
    kind = metric.get("type", "")
    errors = [] if kind else [required("type", "must specify a metric source type")]
    errors += [] if kind in _SOURCES else [not_supported("type", kind, _SOURCES)]
    given = [name for name in _IN_ORDER if metric.get(name) is not None]
    if given:
        errors += within(given[0], _VALIDATE_SOURCE[given[0]](metric[given[0]]))
    expected = _SOURCES.get(kind)
    if expected is None:
        return [*errors, not_supported("type", kind, _SOURCES), *_others(given, "")]
    if expected not in given:
        errors.append(required(expected, "must populate information for the given metric source"))
    return errors + _others(given, expected)


def _others(given: list[str], expected: str) -> Errors:
    if len(given) == 1:
        return []
    return [forbidden(name, "must populate the given metric source only") for name in given if name != expected]


def _validate_object(source: Mapping[str, Any]) -> Errors:
    target = source.get("target") or EMPTY_DICT
    errors = within("describedObject", _validate_reference(source.get("describedObject") or EMPTY_DICT, need_group=False))
    errors += within("metric", _validate_identifier(source.get("metric") or EMPTY_DICT)) + within("target", _validate_target(target))
    if target.get("value") is None and target.get("averageValue") is None:
        errors.append(required("target.averageValue", "must set either a target value or averageValue"))
    return errors


def _validate_external(source: Mapping[str, Any]) -> Errors:
    target = source.get("target") or EMPTY_DICT
    errors = within("metric", _validate_identifier(source.get("metric") or EMPTY_DICT)) + within("target", _validate_target(target))
    if target.get("value") is None and target.get("averageValue") is None:
        errors.append(required("target.averageValue", "must set either a target value for metric or a per-pod target"))
    if target.get("value") is not None and target.get("averageValue") is not None:
        errors.append(forbidden("target.value", "may not set both a target value for metric and a per-pod target"))
    return errors


def _validate_pods(source: Mapping[str, Any]) -> Errors:
    target = source.get("target") or EMPTY_DICT
    errors = within("metric", _validate_identifier(source.get("metric") or EMPTY_DICT)) + within("target", _validate_target(target))
    if target.get("averageValue") is None:
        errors.append(required("target.averageValue", "must specify a positive target averageValue"))
    return errors


def _validate_resource(source: Mapping[str, Any]) -> Errors:
    target = source.get("target") or EMPTY_DICT
    errors = [] if source.get("name") else [required("name", "must specify a resource name")]
    return errors + _validate_resource_target(target)


def _validate_container_resource(source: Mapping[str, Any]) -> Errors:
    container, target = source.get("container", ""), source.get("target") or EMPTY_DICT
    name = source.get("name", "")
    errors = container_resource_name("name", name) if name else [required("name", "must specify a resource name")]
    errors += check("container", container, dns_label) if container else [required("container", "must specify a container")]
    return errors + _validate_resource_target(target)


def _validate_resource_target(target: Mapping[str, Any]) -> Errors:
    errors = within("target", _validate_target(target))
    used, value = target.get("averageUtilization"), target.get("averageValue")
    if used is None and value is None:
        errors.append(required("target.averageUtilization", "must set either a target raw value or a target utilization"))
    if used is not None and value is not None:
        errors.append(forbidden("target.averageValue", "may not set both a target raw value and a target utilization"))
    return errors


_VALIDATE_SOURCE = {
    "object": _validate_object,
    "external": _validate_external,
    "pods": _validate_pods,
    "resource": _validate_resource,
    "containerResource": _validate_container_resource,
}


def _validate_identifier(metric: Mapping[str, Any]) -> Errors:
    name = metric.get("name", "")
    return check("name", name, path_segment) if name else [required("name", "must specify a metric name")]


def _validate_target(target: Mapping[str, Any]) -> Errors:
    kind = target.get("type", "")
    errors = [] if kind else [required("type", "must specify a metric target type")]
    if kind not in ("Utilization", "Value", "AverageValue"):
        errors.append(invalid("type", kind, "must be either Utilization, Value, or AverageValue"))
    amounts = [(name, target[name]) for name in ("value", "averageValue") if target.get(name) is not None]
    errors += [invalid(name, amount, "must be positive") for name, amount in amounts if exact(amount) <= 0]
    used = target.get("averageUtilization")
    return errors + ([invalid("averageUtilization", used, "must be greater than 0")] if used is not None and used < 1 else [])


def _validate_rules(rules: Mapping[str, Any]) -> Errors:
    window, select, policies = rules.get("stabilizationWindowSeconds"), rules.get("selectPolicy"), rules.get("policies") or ()
    errors: Errors = []
    if window is not None and window < 0:
        errors.append(invalid("stabilizationWindowSeconds", window, "must be greater than or equal to zero"))
    if window is not None and window > MAX_STABILIZATION_SECONDS:
        errors.append(invalid("stabilizationWindowSeconds", window, f"must be less than or equal to {MAX_STABILIZATION_SECONDS}"))
    if select is not None and select not in ("Disabled", "Max", "Min"):
        errors.append(not_supported("selectPolicy", select, ["Disabled", "Max", "Min"]))
    errors += [] if policies else [required("policies", "must specify at least one Policy")]
    for index, policy in enumerate(policies):
        errors += within(f"policies[{index}]", _validate_policy(policy))
    tolerance = rules.get("tolerance")
    if tolerance is not None and exact(tolerance) < 0:
        errors.append(invalid("tolerance", tolerance, "must be greater than or equal to zero"))
    return errors


def _validate_policy(policy: Mapping[str, Any]) -> Errors:
    kind, value, period = policy.get("type", ""), policy.get("value", 0), policy.get("periodSeconds", 0)
    errors = [] if kind in ("Percent", "Pods") else [not_supported("type", kind, ["Percent", "Pods"])]
    errors += [] if value > 0 else [invalid("value", value, "must be greater than zero")]
    errors += [] if period > 0 else [invalid("periodSeconds", period, "must be greater than zero")]
    if period > MAX_PERIOD_SECONDS:
        errors.append(invalid("periodSeconds", period, f"must be less than or equal to {MAX_PERIOD_SECONDS}"))
    return errors
