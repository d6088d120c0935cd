"""CronJobs.

Models: pkg/apis/batch/v1/defaults.go (SetDefaults_CronJob), pkg/apis/batch/validation (ValidateCronJobCreate),
pkg/registry/batch/cronjob/strategy.go, pkg/printers/internalversion (printCronJob).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from k8snb.apimachinery.cron import CronError, parse
from k8snb.apimachinery.errors import Errors, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.selectors import format_label_selector
from k8snb.apimachinery.validation import not_negative
from k8snb.resources.batch.job_validation import validate_job_template_spec
from k8snb.resources.batch.job_warnings import job_spec_warnings
from k8snb.resources.common.cells import NONE, age, containers_cells, flag, since
from k8snb.resources.common.fill import fill, fill_empty, inside, where_given
from k8snb.resources.common.pod_template import default_pod_template
from k8snb.resources.common.workload import name_warnings
from k8snb.resources.discovery import served

LONGEST_NAME = 63 - 11  # the controller appends eleven characters for each Job
_TIME_ZONE = (
    "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, "
    "see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
)
_POLICIES = ("Allow", "Forbid", "Replace")
_ZONE_PART = re.compile(r"[A-Za-z.\-_0-9+]{1,14}")


def default(obj: Object) -> Object:
    """Runs may overlap; three successes and one failure are kept."""
    return inside(obj, "spec", _default_spec)


def _default_spec(spec: Mapping[str, Any]) -> Any:
    spec = fill_empty(spec, {"concurrencyPolicy": "Allow"})
    spec = fill(spec, {"suspend": False, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1})
    return inside(spec, "jobTemplate", lambda job: inside(job, "spec", _default_job))


def _default_job(spec: Mapping[str, Any]) -> Any:
    return where_given(inside(spec, "template", default_pod_template), "podFailurePolicy", lambda policy: policy)


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", _validate_spec(obj.get("spec") or EMPTY_DICT))


def validate_create(obj: Object) -> Errors:
    """A name too long for the Jobs to come is refused at once."""
    name = obj["metadata"].get("name", "")
    return [invalid("metadata.name", name, f"must be no more than {LONGEST_NAME} characters")] if len(name) > LONGEST_NAME else []


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    errors = _validate_schedule(spec.get("schedule", "")) + not_negative("startingDeadlineSeconds", spec.get("startingDeadlineSeconds"))
    errors += _validate_time_zone(spec.get("timeZone"))
    policy = spec.get("concurrencyPolicy", "")
    if not policy:
        errors.append(required("concurrencyPolicy"))
    elif policy not in _POLICIES:
        errors.append(not_supported("concurrencyPolicy", policy, _POLICIES))
    errors += within("jobTemplate", _validate_job_template(spec.get("jobTemplate") or EMPTY_DICT))
    names = ("successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    return errors + [error for name in names for error in not_negative(name, spec.get(name))]


def _validate_schedule(schedule: str) -> Errors:
    if not schedule:
        return [required("schedule")]
    errors: Errors = []
    try:
        parse(schedule)
    except CronError as error:
        errors.append(invalid("schedule", schedule, str(error)))
    if "TZ" in schedule:
        errors.append(invalid("schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"))
    return errors


def _validate_time_zone(zone: str | None) -> Errors:
    if zone is None:
        return []
    if not zone:
        return [invalid("timeZone", zone, "timeZone must be nil or non-empty string")]
    parts = zone.split("/")
    if any(part in (".", "..") or part.startswith("-") or not _ZONE_PART.fullmatch(part) for part in parts):
        return [invalid("timeZone", zone, f"unknown time zone {zone}")]
    errors: Errors = []
    if zone.lower() == "local":
        errors.append(invalid("timeZone", zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"))
        return errors
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        errors.append(invalid("timeZone", zone, f"unknown time zone {zone}"))
    return errors


@once
def _validate_job_template(template: Mapping[str, Any]) -> Errors:
    spec = template.get("spec") or EMPTY_DICT
    errors = within("spec", validate_job_template_spec(spec))
    # A CronJob's Jobs get generated selectors, so there is nothing to choose.
    if spec.get("selector") is not None:
        errors.append(invalid("spec.selector", spec["selector"], "`selector` will be auto-generated"))
    if spec.get("manualSelector"):
        errors.append(not_supported("spec.manualSelector", True, ["nil", "false"]))
    return errors


def warnings(obj: Object, old: Object | None) -> list[str]:
    """Those of the name and of the Job's spec, and on an update a schedule with a time zone in it."""
    found = name_warnings(obj) if old is None else []
    if old is None or obj["metadata"].get("generation") != old["metadata"].get("generation"):
        found += job_spec_warnings("spec.jobTemplate.spec", dig(obj, "spec.jobTemplate.spec", EMPTY_DICT))
    if old is not None and "TZ" in dig(obj, "spec.schedule", ""):
        found.append(_TIME_ZONE)
    return found


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get cronjobs``."""
    spec, status = obj["spec"], obj.get("status") or EMPTY_DICT
    last = status.get("lastScheduleTime")
    shown = [spec.get("schedule", ""), spec.get("timeZone") or NONE, flag(spec.get("suspend")), len(status.get("active") or ())]
    job = dig(spec, "jobTemplate.spec", EMPTY_DICT)
    wide = [*containers_cells(dig(job, "template.spec", EMPTY_DICT)), format_label_selector(job.get("selector"))]
    return [obj["metadata"]["name"], *shown, since(last, now) if last else NONE, age(obj, now), *wide]


EXAMPLE = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "tick"},
    "spec": {
        "schedule": "*/5 * * * *",
        "jobTemplate": {
            "spec": {"template": {"spec": {"restartPolicy": "OnFailure", "containers": [{"name": "tick", "image": "busybox:1.36"}]}}}
        },
    },
}

RESOURCE = served(
    "batch/v1",
    "CronJob",
    default=default,
    validate=validate,
    validate_create=validate_create,
    warnings=warnings,
    cells=cells,
    counts_generation=True,
    example=EXAMPLE,
    simulated=True,
)
