"""Completion indexes: ``0,2-4,7`` as a set, a set as text, and the index of a Pod.

Models: pkg/controller/job/indexed_job_utils.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.apimachinery.strconv import integer

INDEX = "batch.kubernetes.io/job-completion-index"  # annotation and label
FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"


def parse(text: str, completions: int) -> frozenset[int]:
    """The indexes that a text names; those at or above ``completions`` are left out.

    >>> sorted(parse("0,2-4,7", 5))
    [0, 2, 3, 4]
    """
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        low, _, high = part.partition("-")
        found.update(range(int(low), min(int(high or low), completions - 1) + 1))
    return frozenset(found)


def text_of(indexes: Iterable[int]) -> str:
    """A set of indexes as text; three and more in a row become an interval.

    >>> text_of({0, 1, 3, 4, 5})
    '0,1,3-5'
    """
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and runs[-1][1] == index - 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(_run(low, high) for low, high in runs)


def _run(low: int, high: int) -> str:
    if low == high:
        return str(low)
    return f"{low},{high}" if high == low + 1 else f"{low}-{high}"


def index_of(pod: Object) -> int:
    """The index that a Pod works on; -1 where it has none."""
    return number_in(pod, INDEX, -1)


def number_in(pod: Object, annotation: str, otherwise: int = 0) -> int:
    """The number in an annotation."""
    found = integer((pod["metadata"].get("annotations") or EMPTY_DICT).get(annotation))
    return otherwise if found is None or found < 0 else found


def failures_of(pod: Object) -> int:
    """How often the Pod's index had failed before this Pod, failures that the policy ignores included."""
    return number_in(pod, FAILURES) + number_in(pod, IGNORED_FAILURES)
