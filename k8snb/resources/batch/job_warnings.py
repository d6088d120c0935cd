"""Warnings about the spec of a Job, its own or that of a CronJob's template.

Model: pkg/api/job/warnings.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.resources.common.pod_template import warnings_for_pod_template

_MANY_COMPLETIONS = 100_000
_MANY_AT_ONCE = 10_000
_TOO_MANY = (
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
    "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
)


def job_spec_warnings(path: str, spec: Mapping[str, Any]) -> list[str]:
    """An Indexed Job of very many pods at once, and what there is to say of the template."""
    many = (spec.get("completions") or 0) > _MANY_COMPLETIONS and (spec.get("parallelism") or 0) > _MANY_AT_ONCE
    found = [f"{path}: {_TOO_MANY}"] if many and spec.get("completionMode") == "Indexed" else []
    return found + warnings_for_pod_template(f"{path}.template", spec.get("template") or EMPTY_DICT, None)
