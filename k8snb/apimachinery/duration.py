"""Lengths of time as Go writes them: ``1m30s``, ``250ms``, ``2h``.

Models: Go's time.ParseDuration.
"""

from __future__ import annotations

import re
from fractions import Fraction

from k8snb.apimachinery.errors import quote
from k8snb.sim.clock import HOUR, MILLISECOND, MINUTE, SECOND

_UNITS = {"ns": Fraction(1, 1000), "us": Fraction(1), "µs": Fraction(1), "μs": Fraction(1), "ms": Fraction(MILLISECOND),
          "s": Fraction(SECOND), "m": Fraction(MINUTE), "h": Fraction(HOUR)}  # fmt: skip
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def parse_duration(text: str) -> int:
    """Microseconds. Raises ValueError with Go's sentence for what is no duration.

    >>> parse_duration("1m30s"), parse_duration("-1.5h") // HOUR
    (90000000, -2)
    """
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    if unsigned == "0":
        return 0
    if not unsigned or _PART.sub("", unsigned):
        raise ValueError(no_duration(text))
    total = sum(Fraction(number.rstrip(".")) * _UNITS[unit] for number, unit in _PART.findall(unsigned))
    return int(-total if text.startswith("-") else total)


def no_duration(text: str) -> str:
    """What Go says of a text that is no duration.

    >>> no_duration("5"), no_duration("1h2x")
    ('time: missing unit in duration "5"', 'time: unknown unit "x" in duration "1h2x"')
    """
    body = text[1:] if text[:1] in ("+", "-") else text
    for number, unit in re.findall(r"([0-9]*\.?[0-9]*)([^0-9.]*)", body)[:-1]:
        if number in ("", "."):
            break
        if not unit:
            return f"time: missing unit in duration {quote(text)}"
        if unit not in _UNITS:
            return f"time: unknown unit {quote(unit)} in duration {quote(text)}"
    return f"time: invalid duration {quote(text)}"


def go_duration(microseconds: int) -> str:
    """A duration as Go prints it: ``10s``, ``1m20s``, ``5m0s``, ``900ms``.

    >>> go_duration(10 * SECOND), go_duration(80 * SECOND), go_duration(300 * SECOND), go_duration(1_250_000), go_duration(900_000)
    ('10s', '1m20s', '5m0s', '1.25s', '900ms')
    """
    if microseconds < SECOND:
        return f"{microseconds / 1000:g}ms"
    minutes, rest = divmod(microseconds, MINUTE)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{rest / SECOND:g}s"
