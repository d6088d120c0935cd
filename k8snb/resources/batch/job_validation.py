"""The rules for a Job's ``spec``, and for what of it may change. Paths are relative to the spec.

Models: pkg/apis/batch/validation/validation.go (validateJobSpec, ValidateJobSpecUpdate).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, FieldError, duplicate, invalid, not_supported, quote, required, too_long, too_many, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.apimachinery.validation import IMMUTABLE, check, immutable, not_negative, qualified_name, validate_label_selector
from k8snb.resources.batch.indexes import IndexFormatError, count_indexes
from k8snb.resources.common.formats import domain_prefixed_path
from k8snb.resources.common.internal_form import internal
from k8snb.resources.common.pod_template import validate_pod_template
from k8snb.resources.common.workload import mismatch, shown_selector, shown_template

ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_COUNTS = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "backoffLimitPerIndex")
_MANY = 100_000
_LESS = 10_000
_MAX_RULES = 20
_MAX_VALUES = 255
_MAX_INDEXES_TEXT = 64 * 1024
_INDEXED_ONLY = "requires indexed completion mode"


@once
def validate_job_spec(spec: Mapping[str, Any]) -> Errors:
    """All of a Job's spec, the selector that was made for it included."""
    errors = validate_job_template_spec(spec)
    selector = spec.get("selector")
    if selector is None:
        errors.append(required("selector"))
    elif wrong := validate_label_selector(selector):
        return errors + within("selector", wrong)
    labels = dig(spec, "template.metadata.labels")
    if not from_label_selector(selector).matches(labels or EMPTY_DICT):
        errors.append(mismatch(labels))
    return errors


@once
def validate_job_template_spec(spec: Mapping[str, Any]) -> Errors:
    """A Job's spec but for the selector: as it stands in a CronJob."""
    errors = [error for name in _COUNTS for error in not_negative(name, spec.get(name))]
    if spec.get("maxFailedIndexes") is not None:
        errors += not_negative("maxFailedIndexes", spec["maxFailedIndexes"])
        if spec.get("backoffLimitPerIndex") is None:
            errors.append(required("backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    if spec.get("managedBy") is not None:
        errors += domain_prefixed_path("managedBy", spec["managedBy"])
        errors += [too_long("managedBy", 63)] if len(spec["managedBy"]) > 63 else []
    errors += _validate_completion_mode(spec)
    if spec.get("podFailurePolicy") is not None:
        errors += within("podFailurePolicy", _validate_failure_policy(spec))
    errors += _validate_success_policy(spec) + _validate_replacement(spec)
    template = spec.get("template") or EMPTY_DICT
    return errors + within("template", validate_pod_template(template)) + _validate_restart_policy(spec, template)


def _validate_completion_mode(spec: Mapping[str, Any]) -> Errors:
    mode, errors = spec.get("completionMode"), []
    if mode not in (None, "NonIndexed", "Indexed"):
        errors.append(not_supported("completionMode", mode, ["NonIndexed", "Indexed"]))
    if mode == "Indexed":
        errors += _validate_indexed(spec)
    if mode in (None, "NonIndexed"):
        names = ("backoffLimitPerIndex", "maxFailedIndexes")
        errors += [invalid(name, spec[name], _INDEXED_ONLY) for name in names if spec.get(name) is not None]
    return errors


def _validate_indexed(spec: Mapping[str, Any]) -> Errors:
    completions, failed = spec.get("completions"), spec.get("maxFailedIndexes")
    errors = [required("completions", "when completion mode is Indexed")] if completions is None else []
    errors += _at_most("parallelism", spec, _MANY, f"must be less than or equal to {_MANY} when completion mode is Indexed")
    if completions is not None and failed is not None and failed > completions:
        errors.append(invalid("maxFailedIndexes", failed, "must be less than or equal to completions"))
    errors += _at_most("maxFailedIndexes", spec, _MANY, f"must be less than or equal to {_MANY}")
    if (completions or 0) > _MANY and spec.get("backoffLimitPerIndex") is not None:
        if failed is None:
            errors.append(required("maxFailedIndexes", f"must be specified when completions is above {_MANY}"))
        why = f"must be less than or equal to {_LESS} when completions are above {_MANY} and used with backoff limit per index"
        errors += _at_most("parallelism", spec, _LESS, why) + _at_most("maxFailedIndexes", spec, _LESS, why)
    return errors


def _at_most(name: str, spec: Mapping[str, Any], limit: int, why: str) -> Errors:
    return [invalid(name, spec[name], why)] if (spec.get(name) or 0) > limit else []


def _validate_replacement(spec: Mapping[str, Any]) -> Errors:
    policy = spec.get("podReplacementPolicy")
    choices = ["Failed"] if spec.get("podFailurePolicy") is not None else ["Failed", "TerminatingOrFailed"]
    return [] if policy is None or policy in choices else [not_supported("podReplacementPolicy", policy, choices)]


def _validate_restart_policy(spec: Mapping[str, Any], template: Mapping[str, Any]) -> Errors:
    policy, field = dig(template, "spec.restartPolicy", ""), "template.spec.restartPolicy"
    if policy in ("", "Always"):
        return [required(field, 'valid values: "OnFailure", "Never"')]
    if policy not in ("OnFailure", "Never"):
        return [not_supported(field, policy, ["OnFailure", "Never"])]
    if spec.get("podFailurePolicy") is not None and policy != "Never":
        return [invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified')]
    return []


# The pod failure policy


def _without_value(field: str, why: str) -> FieldError:
    return FieldError(field, "FieldValueInvalid", f"Invalid value: {why}")


def _valid_values(names: Iterable[str]) -> str:
    return f"valid values: [{' '.join(quote(name) for name in names)}]"


def _validate_failure_policy(spec: Mapping[str, Any]) -> Errors:
    rules = spec["podFailurePolicy"].get("rules") or ()
    errors = [too_many("rules", len(rules), _MAX_RULES)] if len(rules) > _MAX_RULES else []
    pod = dig(spec, "template.spec", EMPTY_DICT)
    names = {c.get("name") for key in ("containers", "initContainers") for c in pod.get(key) or ()}
    for index, rule in enumerate(rules):
        errors += within(f"rules[{index}]", _validate_rule(spec, rule, names))
    return errors


def _validate_rule(spec: Mapping[str, Any], rule: Mapping[str, Any], names: set[Any]) -> Errors:
    errors = _validate_action(spec, rule.get("action", ""))
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or ()
    if codes is not None:
        errors += within("onExitCodes", _validate_exit_codes(codes, names))
    if len(conditions) > _MAX_RULES:
        errors.append(too_many("onPodConditions", len(conditions), _MAX_RULES))
    for index, pattern in enumerate(conditions):
        errors += within(f"onPodConditions[{index}]", _validate_pattern(pattern))
    if codes is not None and conditions:
        errors.append(_without_value("", "specifying both OnExitCodes and OnPodConditions is not supported"))
    if codes is None and not conditions:
        errors.append(_without_value("", "specifying one of OnExitCodes and OnPodConditions is required"))
    return errors


def _validate_action(spec: Mapping[str, Any], action: str) -> Errors:
    if not action:
        return [required("action", _valid_values(ACTIONS))]
    if action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        return [invalid("action", action, "requires the backoffLimitPerIndex to be set")]
    return [] if action in ACTIONS else [not_supported("action", action, ACTIONS)]


def _validate_pattern(pattern: Mapping[str, Any]) -> Errors:
    errors = check("type", pattern.get("type", ""), qualified_name)
    status, choices = pattern.get("status", ""), ("False", "True", "Unknown")
    if not status:
        errors.append(required("status", _valid_values(choices)))
    elif status not in choices:
        errors.append(not_supported("status", status, choices))
    return errors


def _validate_exit_codes(codes: Mapping[str, Any], names: set[Any]) -> Errors:
    operator, container, values = codes.get("operator", ""), codes.get("containerName"), codes.get("values") or ()
    errors: Errors = []
    if not operator:
        errors.append(required("operator", _valid_values(("In", "NotIn"))))
    elif operator not in ("In", "NotIn"):
        errors.append(not_supported("operator", operator, ["In", "NotIn"]))
    if container is not None and container not in names:
        why = "must be one of the container or initContainer names in the pod template"
        errors.append(invalid("containerName", container, why))
    if not values:
        errors.append(invalid("values", codes.get("values"), "at least one value is required"))
    elif len(values) > _MAX_VALUES:
        errors.append(too_many("values", len(values), _MAX_VALUES))
    for index, value in enumerate(values):
        if operator == "In" and value == 0:
            errors.append(invalid(f"values[{index}]", value, "must not be 0 for the In operator"))
        if value in values[:index]:
            errors.append(duplicate(f"values[{index}]", value))
    if list(values) != sorted(values):
        errors.append(invalid("values", list(values), "must be ordered"))
    return errors


# The success policy


def _validate_success_policy(spec: Mapping[str, Any]) -> Errors:
    policy = spec.get("successPolicy")
    if policy is None:
        return []
    rules = policy.get("rules") or ()
    if spec.get("completionMode") != "Indexed":
        shown = [{"SucceededIndexes": r.get("succeededIndexes"), "SucceededCount": r.get("succeededCount")} for r in rules]
        return [invalid("successPolicy", {"Rules": shown or None}, _INDEXED_ONLY)]
    errors: Errors = []
    if not rules:
        errors.append(required("rules", "at least one rules must be specified when the successPolicy is specified"))
    if len(rules) > _MAX_RULES:
        errors.append(too_many("rules", len(rules), _MAX_RULES))
    for index, rule in enumerate(rules):
        errors += within(f"rules[{index}]", _validate_success_rule(rule, spec.get("completions") or 0))
    return within("successPolicy", errors)


def _validate_success_rule(rule: Mapping[str, Any], completions: int) -> Errors:
    count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
    if count is None and indexes is None:
        return [required("", "at least one of succeededCount or succeededIndexes must be specified")]
    errors: Errors = []
    total = 0
    if indexes is not None:
        errors += [too_long("succeededIndexes", _MAX_INDEXES_TEXT)] if len(indexes) > _MAX_INDEXES_TEXT else []
        try:
            total = count_indexes(indexes, completions)
        except IndexFormatError as error:
            errors.append(invalid("succeededIndexes", indexes, f"error parsing succeededIndexes: {error}"))
    errors += not_negative("succeededCount", count)
    limit = "must be less than or equal to"
    if count is not None and count > completions:
        errors.append(invalid("succeededCount", count, f"{limit} {completions} (the number of specified completions)"))
    if count is not None and indexes is not None and count > total:
        errors.append(invalid("succeededCount", count, f"{limit} {total} (the number of indexes in the specified succeededIndexes field)"))
    return errors


# Updates

_IMMUTABLE = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")


def validate_job_spec_update(obj: Object, old: Object) -> Errors:
    """What may not change, relative to ``spec``."""
    spec, before = obj["spec"], old["spec"]
    errors = _validate_completions_update(spec, before)
    if spec.get("selector") != before.get("selector"):
        errors.append(invalid("selector", shown_selector(spec.get("selector") or EMPTY_DICT), IMMUTABLE))
    errors += _validate_template_update(spec, old)
    return errors + [error for name in _IMMUTABLE for error in immutable(name, spec.get(name), before.get(name))]


def _validate_completions_update(spec: Mapping[str, Any], before: Mapping[str, Any]) -> Errors:
    now, then = spec.get("completions"), before.get("completions")
    if spec.get("completionMode") != "Indexed":
        return immutable("completions", now, then)
    if now is None or then is None or now in (then, spec.get("parallelism")):
        return []
    return [invalid("completions", now, "can only be modified in tandem with spec.parallelism")]


def _validate_template_update(spec: Mapping[str, Any], old: Object) -> Errors:
    """The template stays; of a suspended Job without pods, its metadata, where its pods may go and what they ask for may change."""
    new, before = spec.get("template") or EMPTY_DICT, dig(old, "spec.template", EMPTY_DICT)
    if not dig(old, "spec.suspend"):
        return [] if new == before else [invalid("template", shown_template(new), IMMUTABLE)]
    pod, allowed = new.get("spec") or EMPTY_DICT, dict(before.get("spec") or EMPTY_DICT)
    if not dig(old, "status.active", 0):
        allowed |= {key: pod.get(key) for key in ("nodeSelector", "tolerations", "schedulingGates")}
        allowed["affinity"] = _allowed_affinity(pod.get("affinity"), allowed.get("affinity"))
        allowed |= {key: _with_resources_of(pod.get(key), allowed.get(key)) for key in ("containers", "initContainers")}
    kept = {key: value for key, value in allowed.items() if value is not None}
    return [] if pod == kept else [invalid("template.spec", internal("PodSpec", pod), IMMUTABLE)]


def _with_resources_of(new: Any, old: Any) -> Any:
    """The old containers with the resources of the new ones, where they are the same containers."""
    if new is None or old is None or [c.get("name") for c in new] != [c.get("name") for c in old]:
        return old
    return [{**was, "resources": now.get("resources", EMPTY_DICT)} for now, was in zip(new, old, strict=True)]


def _allowed_affinity(new: Any, old: Any) -> Any:
    allowed = {**(old or {}), "nodeAffinity": (new or {}).get("nodeAffinity")}
    kept = {key: value for key, value in allowed.items() if value is not None}
    return kept if kept or new is not None else None
