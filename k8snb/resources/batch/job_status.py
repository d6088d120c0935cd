"""The rules for a Job's status: only its controller writes it, and it may not take back what it said.

Models: pkg/apis/batch/validation/validation.go (validateJobStatus, ValidateJobStatusUpdate).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, FieldError, duplicate, invalid, required, within
from k8snb.apimachinery.meta import is_true
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.validation import not_negative
from k8snb.resources.batch.indexes import IndexFormatError, count_indexes

_COUNTS = ("active", "succeeded", "failed", "ready", "terminating")
_TERMINAL = ("Failed", "Complete", "FailureTarget")


def validate_status_update(obj: Object, old: Object) -> Errors:
    """Sound by itself, and consistent with what was said before."""
    return within("status", _validate_status(obj) + _validate_change(obj, old))


def _conditions(why: str) -> FieldError:
    return FieldError("conditions", "FieldValueInvalid", f"Invalid value: {why}")


def _validate_status(obj: Object) -> Errors:
    status = obj.get("status") or EMPTY_DICT
    errors = [error for name in _COUNTS for error in not_negative(name, status.get(name))]
    errors += _validate_uncounted(status)
    errors += _validate_conditions(obj, status) + _validate_times(obj, status)
    if is_true(obj, "Complete") or is_true(obj, "Failed"):
        errors += _validate_finished(status)
    errors += _validate_index_texts(obj, status)
    if (status.get("ready") or 0) > status.get("active", 0):
        errors.append(invalid("ready", status["ready"], "cannot set more ready pods than active"))
    return errors


def _validate_uncounted(status: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for key in ("succeeded", "failed"):
        for index, uid in enumerate(dig(status, f"uncountedTerminatedPods.{key}", ())):
            field = f"uncountedTerminatedPods.{key}[{index}]"
            if not uid:
                errors.append(invalid(field, uid, "must not be empty"))
            elif uid in seen:
                errors.append(duplicate(field, uid))
            seen.add(uid)
    return errors


def _validate_conditions(obj: Object, status: Mapping[str, Any]) -> Errors:
    complete, failed, target, met = (is_true(obj, kind) for kind in ("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet"))
    rules = (
        (complete and failed, "cannot set Complete=True and Failed=true conditions"),
        (complete and target, "cannot set Complete=True and FailureTarget=true conditions"),
        (failed and not target, "cannot set Failed=True condition without the FailureTarget=true condition"),
        (complete and not met, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"),
        (met and failed, "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
        (met and target, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
    )
    return [_conditions(why) for broken, why in rules if broken]


def _validate_times(obj: Object, status: Mapping[str, Any]) -> Errors:
    start, end, complete = status.get("startTime"), status.get("completionTime"), is_true(obj, "Complete")
    if end is None:
        return [required("completionTime", "completionTime is required for Complete jobs")] if complete else []
    errors = [] if complete else [invalid("completionTime", end, "cannot set completionTime when there is no Complete=True condition")]
    if start is not None and end < start:
        errors.append(invalid("completionTime", end, "must be equal to or after `startTime`"))
    return errors


def _validate_finished(status: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    if status.get("active"):
        errors.append(invalid("active", status["active"], "active>0 is invalid for finished job"))
    if status.get("startTime") is None:
        errors.append(required("startTime", "startTime is required for finished job"))
    uncounted = status.get("uncountedTerminatedPods") or EMPTY_DICT
    if any(uncounted.get(key) for key in ("succeeded", "failed")):
        errors.append(invalid("uncountedTerminatedPods", uncounted, "must be empty for finished job"))
    if status.get("terminating"):
        errors.append(invalid("terminating", status["terminating"], "terminating>0 is invalid for finished job"))
    return errors


def _validate_index_texts(obj: Object, status: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    completed, failed = status.get("completedIndexes", ""), status.get("failedIndexes")
    completions = dig(obj, "spec.completions")
    for name, text in (("completedIndexes", completed), ("failedIndexes", failed)):
        try:
            count_indexes(text or "", completions or 0)
        except IndexFormatError as error:
            errors += [invalid(name, text, f"error parsing {name}: {error}")] if completions is not None else []
    if completed and dig(obj, "spec.completionMode") != "Indexed":
        errors.append(invalid("completedIndexes", completed, "cannot set non-empty completedIndexes when non-indexed completion mode"))
    if failed is not None and dig(obj, "spec.backoffLimitPerIndex") is None:
        errors.append(invalid("failedIndexes", failed, "cannot set non-null failedIndexes when backoffLimitPerIndex is null"))
    return errors


def _validate_change(obj: Object, old: Object) -> Errors:
    status, before = obj.get("status") or EMPTY_DICT, old.get("status") or EMPTY_DICT
    errors: Errors = []
    for kind in _TERMINAL:
        if is_true(old, kind) and not is_true(obj, kind):
            errors.append(_conditions(f"cannot disable the terminal {kind}=True condition"))
    for name in ("failed", "succeeded"):
        if status.get(name, 0) < before.get(name, 0):
            errors.append(invalid(name, status.get(name, 0), f"cannot decrease the {name} counter"))
    end, then = status.get("completionTime"), before.get("completionTime")
    if end is not None and then is not None and end != then:
        errors.append(invalid("completionTime", end, "field is immutable"))
    start = before.get("startTime")
    if start is not None and start != status.get("startTime") and not dig(obj, "spec.suspend"):
        errors.append(required("startTime", "startTime cannot be removed for unsuspended job"))
    if is_true(old, "SuccessCriteriaMet") and not is_true(obj, "SuccessCriteriaMet"):
        errors.append(_conditions("cannot disable the SuccessCriteriaMet=True condition"))
    return errors
