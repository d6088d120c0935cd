"""How long a Job waits before it replaces a failed Pod: 10 s, 20 s, 40 s ... at most ten minutes, from the last failure on.

A success starts the count anew. With ``backoffLimitPerIndex`` each index has a count of its own.

Models: pkg/controller/job/backoff_utils.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from k8snb.sim.clock import MINUTE, SECOND

FIRST, LONGEST = 10 * SECOND, 10 * MINUTE


class Record(NamedTuple):
    """Failures since the last success, and when the last one was (µs)."""

    failures: int = 0
    last: int = 0

    def after(self, succeeded: Iterable[int], failed: Iterable[int]) -> Record:
        """The record once Pods have ended at these times.

        >>> Record(1, 5).after([], [7, 9])
        Record(failures=3, last=9)
        """
        success, ends = max(succeeded, default=None), sorted(failed)
        if success is None:
            return Record(self.failures + len(ends), max(self.last, ends[-1])) if ends else self
        since = [end for end in ends if end > success]
        return Record(len(since), since[-1] if since else 0)

    def remaining(self, now: int) -> int:
        """How much longer to wait, in µs."""
        return remaining(self.failures, self.last, now)


def remaining(failures: int, last: int, now: int) -> int:
    """How much longer to wait after so many failures, the last of them at ``last``.

    >>> remaining(2, 0, 5 * SECOND) // SECOND
    15
    """
    if not failures:
        return 0
    delay = min(FIRST << min(failures - 1, 10), LONGEST)
    return max(0, last + delay - now)
