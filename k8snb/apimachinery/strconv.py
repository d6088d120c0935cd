"""Numbers in text, as Go reads them: ASCII digits only, and only as many as fit.

    parse_int("+7") == 7        parse_int("7_000")      ValueError: strconv.ParseInt: parsing "7_000": invalid syntax
    integer("9" * 5000) is None                         where the caller does not care why it is none

Python's ``int`` and ``float`` read more (other scripts' digits, blanks, underscores), and refuse what is very long in words of their own.

Models: Go's strconv (ParseInt and ParseUint in base 10, Atoi, ParseFloat).
Simplified: no hexadecimal floating-point numbers.
"""

from __future__ import annotations

import re

from k8snb.apimachinery.errors import quote

_INT, _UINT = re.compile("[+-]?[0-9]+"), re.compile("[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf(?:inity)?|nan)", re.IGNORECASE | re.ASCII)
_BEYOND = {64: float("inf"), 32: 2.0**128 - 2.0**103}  # what rounds to infinity
_DIGITS = 20  # of the largest number of 64 bits


def parse_int(text: str, *, bits: int = 64, function: str = "ParseInt") -> int:
    """A whole number of so many bits. Raises ValueError with Go's sentence, as ``function`` says it."""
    most = 1 << (bits - 1)
    return _whole(text, _INT, -most, most, function)


def parse_uint(text: str, *, bits: int = 64) -> int:
    """The same, without a sign."""
    return _whole(text, _UINT, 0, 1 << bits, "ParseUint")


def atoi(text: str) -> int:
    """A whole number of 64 bits; the sentence says Atoi."""
    return parse_int(text, function="Atoi")


def _whole(text: str, form: re.Pattern[str], low: int, beyond: int, function: str) -> int:
    if not form.fullmatch(text):
        raise _wrong(function, text, "invalid syntax")
    digits = text.lstrip("+-").lstrip("0") or "0"
    found = int(digits) * (-1 if text[0] == "-" else 1) if len(digits) <= _DIGITS else beyond
    if not low <= found < beyond:
        raise _wrong(function, text, "value out of range")
    return found


def integer(text: str | None, *, bits: int = 64) -> int | None:
    """A whole number of so many bits, or None where the text is none."""
    try:
        return None if text is None else parse_int(text, bits=bits)
    except ValueError:
        return None


def parse_float(text: str, *, bits: int = 64) -> float:
    """A floating-point number of 64 or 32 bits, as one of 64. Raises ValueError with Go's sentence."""
    if not _FLOAT.fullmatch(text):
        raise _wrong("ParseFloat", text, "invalid syntax")
    found = float(text)
    if abs(found) >= _BEYOND[bits] and text.lstrip("+-")[0] in ".0123456789":
        raise _wrong("ParseFloat", text, "value out of range")
    return found


def _wrong(function: str, text: str, why: str) -> ValueError:
    return ValueError(f"strconv.{function}: parsing {quote(text)}: {why}")
