"""Times as objects carry them (RFC 3339, UTC) and as the simulator counts them (µs since the Unix epoch).

Two formats, both Kubernetes' own: whole seconds for ``metav1.Time``, six decimals for ``metav1.MicroTime`` (leases, events).
Calendar arithmetic only; nobody here asks what time it is.

    format_time(1_767_225_600_000_000) == "2026-01-01T00:00:00Z"
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@functools.lru_cache(maxsize=65536)
def parse_time(text: str) -> int:
    """Microseconds since the epoch. Raises ``ValueError`` where the text is no RFC 3339 time.

    >>> parse_time("1970-01-01T00:00:01.5Z")
    1500000
    """
    return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND


@functools.lru_cache(maxsize=65536)
def format_time(micros: int) -> str:
    """A ``metav1.Time``: cut to whole seconds, as Go writes it."""
    return (_EPOCH + timedelta(seconds=micros // 1_000_000)).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_micro_time(micros: int) -> str:
    """A ``metav1.MicroTime``: always six decimals."""
    return (_EPOCH + timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
