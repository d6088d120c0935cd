"""Pacing by the wall clock: the only place below ``http`` that may ask what time it really is.

The kernel runs as fast as it can. ``k8snb serve`` and a playing view want virtual time to follow real time; they ask this
object how far virtual time should be by now. Models: SimPy's ``rt.py``, kept apart from the core for the same reason.
"""

from __future__ import annotations

import time


class Pace:
    """Maps the wall clock onto virtual time: ``target()`` is where virtual time should be. ``factor`` 2.0 is twice as fast."""

    def __init__(self, virtual_start: int, factor: float = 1.0):
        if factor <= 0:
            raise ValueError(f"the factor of time must be positive, not {factor}")
        self._virtual, self._wall, self.factor = virtual_start, time.monotonic(), factor

    def target(self) -> int:
        """Virtual microseconds since the Unix epoch that correspond to this moment."""
        return self._virtual + round((time.monotonic() - self._wall) * 1_000_000 * self.factor)


def wall_clock() -> int:
    """Microseconds since the Unix epoch, for a recorded start of virtual time."""
    return time.time_ns() // 1000
