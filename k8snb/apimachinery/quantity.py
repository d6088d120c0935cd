"""Quantities: ``500m``, ``1.5Gi``, ``1e3``. What they are worth, and how a server writes them back.

A quantity is text with an exact value. The server reads it and writes it again, mostly in *canonical* form (``0.5`` becomes
``500m``, ``1024Mi`` becomes ``1Gi``), but where the text already looked canonical it stays as it came: ``+5Mi``, ``500e-3``.
That rule is a shortcut of Go's parser and it is visible, so it is kept here: :func:`canonical`.

    value("1.5Gi") == 1610612736      milli_value("0.1") == 100      canonical("0.5") == "500m"

Values are exact (``Fraction``); only :func:`value` and :func:`milli_value` round, and always up, away from zero, as Go does.
Models: k8s.io/apimachinery/pkg/api/resource/{quantity,suffix,amount,math}.go.
Simplified: decimal suffixes beyond ``E`` are not split further; numbers of more than four thousand digits are none.
"""

from __future__ import annotations

import functools
import re
from fractions import Fraction
from typing import NamedTuple

FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
SUFFIX_WRONG = "unable to parse quantity's suffix"

_SPLIT = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_NAMES = {exponent: name for name, exponent in _DECIMAL.items()}
_MAX = Fraction(2**63 - 1)
_NANO = Fraction(1, 10**9)
_LONGEST = 4_000  # digits that are written out
_MOST_DIGITS = 100_000  # of an exponent's effect: a hostile 1e999999999 must not fill memory


class QuantityError(ValueError):
    """The text is no quantity; the message is the server's."""


class Quantity(NamedTuple):
    """A parsed quantity: exact value, Go's format word, and the text where Go would print it unchanged (else empty)."""

    amount: Fraction
    format: str  # DecimalSI, BinarySI or DecimalExponent
    text: str


@functools.lru_cache(maxsize=16384)
def parse(text: str) -> Quantity:
    """Read a quantity. Raises :class:`QuantityError` with the server's words.

    >>> parse("1.5Gi").amount
    Fraction(1610612736, 1)
    """
    text = text.strip(" \t\r\n")
    found = _SPLIT.fullmatch(text)
    if not found or not text:
        raise QuantityError(FORMAT_WRONG)
    sign, whole, part, suffix = found[1], found[2], found[3] or "", found[4]
    if len(whole) + len(part) > _LONGEST:
        raise QuantityError(FORMAT_WRONG)
    exponent, base, kind = _suffix(suffix)
    digits = (whole or "0") + part
    amount = Fraction(int(digits), 10 ** len(part)) * (Fraction(base) ** exponent)
    fast = _fast(whole or "0", part, base, exponent)
    amount, kind = (amount, kind) if fast else _bounded(amount, kind)
    keep = fast and _looks_canonical(digits, exponent - len(part), kind, exponent)
    return Quantity(-amount if sign == "-" else amount, kind, text if keep or text == "0" else "")


def _suffix(suffix: str) -> tuple[int, int, str]:
    if suffix in _BINARY:
        return _BINARY[suffix], 2, "BinarySI"
    if suffix in _DECIMAL:
        return _DECIMAL[suffix], 10, "DecimalSI"
    if suffix[0] in "eE" and re.fullmatch(r"[+-]?[0-9]{1,10}", suffix[1:]) and abs(int(suffix[1:])) < _MOST_DIGITS:
        return int(suffix[1:]), 10, "DecimalExponent"
    raise QuantityError(SUFFIX_WRONG)


def _fast(whole: str, part: str, base: int, exponent: int) -> bool:
    """Whether Go holds the number as an int64 and a scale; otherwise as an arbitrary decimal, without its text."""
    if base == 2:
        return not part and 15 - len(whole) - int(exponent * 3 / 10) - 1 >= 0
    return len(whole) + len(part) <= 18 and exponent - len(part) >= -9


def _bounded(amount: Fraction, kind: str) -> tuple[Fraction, str]:
    """Round up to nano; binary quantities are capped, and small ones are written as decimal ones."""
    amount = -(-amount // _NANO) * _NANO
    if kind != "BinarySI":
        return amount, kind
    return min(amount, _MAX), "DecimalSI" if 0 < amount < 1 else kind


def _looks_canonical(digits: str, scale: int, kind: str, exponent: int) -> bool:
    if kind == "BinarySI":
        return exponent % 10 == 0 and int(digits) & 7 != 0
    return scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"


def text_of(quantity: Quantity) -> str:
    """The quantity as the server writes it."""
    return quantity.text or write(quantity.amount, quantity.format)


def write(amount: Fraction | int, form: str = "DecimalSI") -> str:
    """A number in canonical form: no fraction, the largest suffix that needs none.

    >>> write(1536 * 1024, "BinarySI"), write(1500)
    ('1536Ki', '1500')
    """
    amount = Fraction(amount)
    if amount == 0:
        return "0"
    if form == "BinarySI" and abs(amount) >= 1024 and amount.denominator == 1:
        return _write_binary(int(amount))
    amount = Fraction(_up(amount / _NANO)) * _NANO
    mantissa, exponent = int(amount / _NANO), -9
    while mantissa % 1000 == 0:
        mantissa, exponent = mantissa // 1000, exponent + 3
    if form == "DecimalExponent":
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    return f"{mantissa}{_DECIMAL_NAMES.get(exponent, '')}"  # beyond E, Go knows no suffix and leaves it out


def _write_binary(number: int) -> str:
    suffix = ""
    for name in _BINARY:
        if number % 1024:
            break
        number, suffix = number // 1024, name
    return f"{number}{suffix}"


def _up(number: Fraction) -> int:
    """Round away from zero."""
    return -(-number.numerator // number.denominator) if number > 0 else number.numerator // number.denominator


@functools.lru_cache(maxsize=16384)
def canonical(text: str) -> str:
    """How the server writes back a quantity that it read as ``text``.

    >>> [canonical(t) for t in ("0.5", "1024Mi", "1000m", "+5Mi", "500e-3")]
    ['500m', '1Gi', '1', '+5Mi', '500e-3']
    """
    return text_of(parse(text))


@functools.lru_cache(maxsize=16384)
def round_up_milli(text: str) -> str:
    """The quantity rounded up to a thousandth, as the defaults of a resource list round: ``100u`` becomes ``1m``."""
    quantity = parse(text)
    milli = quantity.amount * 1000
    if milli.denominator == 1:
        return text_of(quantity)
    return write(Fraction(_up(milli), 1000), quantity.format)


def exact(text: str) -> Fraction:
    """The exact value, for comparison and sums."""
    return parse(text).amount


@functools.lru_cache(maxsize=16384)
def value(text: str) -> int:
    """The value as an integer, rounded up: bytes of memory, a number of things."""
    return _up(parse(text).amount)


@functools.lru_cache(maxsize=16384)
def milli_value(text: str) -> int:
    """Thousandths, rounded up: milli-CPUs."""
    return _up(parse(text).amount * 1000)


def add(left: str, right: str) -> str:
    """The sum, written in the format of ``left`` (of ``right`` where ``left`` is zero), as Go's ``Quantity.Add``."""
    a, b = parse(left), parse(right)
    return write(a.amount + b.amount, b.format if a.amount == 0 else a.format)


def subtract(left: str, right: str) -> str:
    """The difference, written in the format of ``left`` (of ``right`` where ``left`` is zero)."""
    a, b = parse(left), parse(right)
    return write(a.amount - b.amount, b.format if a.amount == 0 else a.format)


def json_number(number: float) -> str:
    """A JSON number as Go prints it, which is what the quantity parser reads: ``1e9`` is ``1000000000``.

    >>> json_number(0.5), json_number(1e21), json_number(2.0)
    ('0.5', '1e+21', '2')
    """
    if isinstance(number, int):
        return str(number)
    if number == int(number) and abs(number) < 1e21:
        return str(int(number))
    text = repr(number)
    if 1e-6 <= abs(number) < 1e21:
        return text if "e" not in text else f"{number:.20f}".rstrip("0")
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}" if exponent else text
