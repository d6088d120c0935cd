r"""Lengths of time as Go reads and writes them: ``1m30s``, ``250ms``, ``1h0m0.5s``.

    parse_duration("1m30s") == 90_000_000         go_duration(90_000_000) == "1m30s"

Go counts nanoseconds in 64 bits: what does not fit is no length of time. Virtual time counts microseconds; what is below one is left out.

Models: Go's time.ParseDuration, Duration.String, and how package time quotes a text that it cannot read.
"""

from __future__ import annotations

import re

from k8snb.sim.clock import HOUR, MILLISECOND, MINUTE, SECOND

_NANOSECONDS = 1_000  # in a microsecond
_UNITS = {
    "ns": 1, "us": _NANOSECONDS, "µs": _NANOSECONDS, "μs": _NANOSECONDS, "ms": MILLISECOND * _NANOSECONDS, "s": SECOND * _NANOSECONDS,
    "m": MINUTE * _NANOSECONDS, "h": HOUR * _NANOSECONDS,
}  # fmt: skip
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
_MOST = 1 << 63
_DIGITS = 19  # that can be significant


def parse_duration(text: str) -> int:
    """Microseconds. Raises ValueError with Go's sentence for what is no duration.

    >>> parse_duration("1m30s"), parse_duration("-1.5h") // HOUR
    (90000000, -2)
    """
    found = nanoseconds(text)
    return abs(found) // _NANOSECONDS * (-1 if found < 0 else 1)


def nanoseconds(text: str) -> int:
    """Nanoseconds, as Go has them. Raises ValueError with Go's sentence for what is no duration.

    >>> nanoseconds("1.5us")
    1500
    """
    body, least = (text[1:], text[0] == "-") if text[:1] in ("+", "-") else (text, False)
    if body == "0":
        return 0
    total, at = 0, 0
    while at < len(body) or not body:
        found = _PART.match(body, at)
        assert found is not None, "the pattern matches nothing, too"
        total, at = total + _part(text, *found.groups()), found.end()
        if total > _MOST:
            raise ValueError(_invalid(text))
    if total == _MOST and not least:
        raise ValueError(_invalid(text))
    return -total if least else total


def _part(text: str, whole: str, fraction: str | None, unit: str) -> int:
    """The nanoseconds of one number with its unit."""
    digits = whole.lstrip("0") or "0"
    if not (whole or fraction) or len(digits) > _DIGITS or int(digits) > _MOST:
        raise ValueError(_invalid(text))
    if not unit:
        raise ValueError(f"time: missing unit in duration {_quote(text)}")
    if unit not in _UNITS:
        raise ValueError(f"time: unknown unit {_quote(unit)} in duration {_quote(text)}")
    if int(digits) > _MOST // _UNITS[unit]:
        raise ValueError(_invalid(text))
    return int(digits) * _UNITS[unit] + _below_one(fraction or "", _UNITS[unit])


def _below_one(fraction: str, unit: int) -> int:
    """The digits after the point, as many as fit into 64 bits; multiplied as floating-point numbers, as Go does it."""
    significant = fraction.lstrip("0")
    zeros = len(fraction) - len(significant)
    kept = significant[:_DIGITS]
    if int(kept or "0") > _MOST:
        kept = kept[:-1]
    return int(int(kept or "0") * (unit / float(f"1e{zeros + len(kept)}")))


def _invalid(text: str) -> str:
    return f"time: invalid duration {_quote(text)}"


def _quote(text: str) -> str:
    """A text as package time quotes it: all that is not ASCII byte by byte."""
    return f'"{"".join(map(_quoted, text))}"'


def _quoted(char: str) -> str:
    if char < " " or char >= "\x80":
        return "".join(f"\\x{byte:02x}" for byte in char.encode(errors="surrogatepass"))
    return f"\\{char}" if char in '"\\' else char


def go_duration(microseconds: int) -> str:
    """A duration as Go prints it: ``10s``, ``1m20s``, ``5m0s``, ``900ms``.

    >>> go_duration(10 * SECOND), go_duration(80 * SECOND), go_duration(300 * SECOND), go_duration(1_250_000), go_duration(900_000)
    ('10s', '1m20s', '5m0s', '1.25s', '900ms')
    """
    if microseconds < 0:
        return f"-{go_duration(-microseconds)}"
    if 0 < microseconds < SECOND:
        small = microseconds < MILLISECOND
        return f"{microseconds}µs" if small else f"{_decimal(microseconds, MILLISECOND)}ms"
    minutes, rest = divmod(microseconds, MINUTE)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{_decimal(rest, SECOND)}s"


def _decimal(number: int, unit: int) -> str:
    """How often the unit (a power of ten) is in the number, exactly."""
    whole, rest = divmod(number, unit)
    return f"{whole}.{rest:0{len(str(unit)) - 1}}".rstrip("0").rstrip(".")
