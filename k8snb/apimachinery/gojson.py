"""How Go reads one JSON value into one Go value: what it coerces, what it refuses, in which words.

Every function here takes a type and a JSON scalar and gives the value as Go would print it again, or raises :class:`Refused`.
There are two sorts of refusal. A *saved* one is remembered, reading goes on, and the first saved one is reported; a *fatal* one
(the error of a type's own ``UnmarshalJSON``: quantities, times, int-or-string) ends reading at once and is reported instead.

Models: encoding/json/decode.go (literalStore) as forked by sigs.k8s.io/json; UnmarshalJSON of resource.Quantity,
metav1.Time, metav1.MicroTime, intstr.IntOrString.
Simplified: times with fractions are cut to seconds (Time) or microseconds (MicroTime).
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.schema import (
    ANY,
    BOOL,
    BYTES,
    FLOAT64,
    INT32,
    INT64,
    INT_OR_STRING,
    MICROTIME,
    QUANTITY,
    STRING,
    TIME,
    Type,
)


class Refused(ValueError):
    """Go cannot take this value. ``got`` and ``want`` make a type error; otherwise the message is the whole error."""

    def __init__(self, message: str = "", *, got: str = "", want: str = "", fatal: bool = False):
        super().__init__(message or f"cannot unmarshal {got} into {want}")
        self.message, self.got, self.want, self.fatal = message, got, want, fatal


def json_name(value: Any, *, digits: bool = False) -> str:
    """What encoding/json calls a value: ``string``, ``array`` ..., for numbers with their ``digits`` where it prints them."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return f"number {number(value)}" if digits else "number"
    if isinstance(value, str):
        return "string"
    return "null" if value is None else "array" if isinstance(value, list) else "object"


def number(value: float) -> str:
    """A number as Go's encoder writes it.

    >>> number(2.0), number(0.25), number(1e21), number(2**64)
    ('2', '0.25', '1e+21', '18446744073709552000')
    """
    if value == int(value) and abs(value) < 1e21:
        return str(int(value)) if abs(value) < 2**63 else format(Decimal(repr(float(value))), "f")  # what no int64 holds is a float
    return re.sub(r"e([+-])0(\d)$", r"e\g<1>\g<2>", str(value))


def _string(type_: Type, value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(got=json_name(value), want=type_.go)
    return value


def _bool(type_: Type, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused(got=json_name(value), want=type_.go)
    return value


_BITS = {INT32: 31, INT64: 63}


def _int(type_: Type, value: Any) -> int:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        value = int(value)  # clients write 2.0 as 2, and 1e21 as 1e+21
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused(got=json_name(value, digits=True), want=type_.go)
    limit = 1 << _BITS[type_.kind]
    if not -limit <= value < limit:
        raise Refused(got=json_name(value, digits=True), want=type_.go)
    return value


def _float(type_: Type, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused(got=json_name(value), want=type_.go)
    return value


def _bytes(type_: Type, value: Any) -> str:
    """Text in base64, or a list of numbers from 0 to 255."""
    if isinstance(value, list):
        return base64.b64encode(bytes(map(_byte, value))).decode()
    if not isinstance(value, str):
        raise Refused(got=json_name(value), want=type_.go)
    text = re.sub(r"[\r\n]", "", value)
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode()
    except (binascii.Error, ValueError):
        raise Refused(f"illegal base64 data at input byte {_bad_byte(value)}") from None


def _byte(item: Any) -> int:
    if item is None:
        return 0
    whole = isinstance(item, (int, float)) and not isinstance(item, bool) and item == int(item) and 0 <= item < 256
    if not whole:
        raise Refused(got=json_name(item, digits=True), want="uint8")
    return int(item)


_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def _bad_byte(text: str) -> int:
    """Where Go's decoder stops: at the first byte that fits in no group of four."""
    group = 0
    for at, char in enumerate(text):
        if char in _ALPHABET:
            group = (group + 1) % 4
        elif char == "=" and group >= 2:
            return _bad_padding(text, at, group)
        elif char not in "\r\n":
            return at
    return len(text) - group


def _bad_padding(text: str, at: int, group: int) -> int:
    """The same, from the first ``=`` at the end of a group of two or three."""
    rest = _skip_newlines(text, at + 1)
    if group == 2:
        if rest == len(text):
            return rest  # one more was expected
        if text[rest] != "=":
            return rest - 1
        rest = _skip_newlines(text, rest + 1)
    return rest  # something follows


def _skip_newlines(text: str, at: int) -> int:
    while text[at : at + 1] in ("\r", "\n"):
        at += 1
    return at


def _int_or_string(_type: Type, value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 31) <= value < 1 << 31:
        raise Refused(got=json_name(value, digits=True), want=INT32, fatal=True)
    return value


def _quantity(_type: Type, value: Any) -> str:
    from k8snb.apimachinery.quantity import canonical

    text = value if isinstance(value, str) else number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else "{}"
    try:
        return canonical(text.strip())
    except ValueError as wrong:
        raise Refused(str(wrong), fatal=True) from None


LAYOUTS = {TIME: "2006-01-02T15:04:05Z07:00", MICROTIME: "2006-01-02T15:04:05.000000Z07:00"}
_PARTS = (
    (r"\d{4}", "2006"), ("-", "-"), (r"\d\d", "01"), ("-", "-"), (r"\d\d", "02"), ("T", "T"),
    (r"\d\d?", "15"), (":", ":"), (r"\d\d", "04"), (":", ":"), (r"\d\d", "05"),
)  # fmt: skip
_USUAL = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ", re.ASCII)
_RANGES = (("2006", 0, 9999, "year"), ("01", 1, 12, "month"), ("15", 0, 23, "hour"), ("04", 0, 59, "minute"), ("05", 0, 59, "second"))


def _time(type_: Type, value: Any) -> str | None:
    if not isinstance(value, str):
        raise Refused(got=json_name(value), want=STRING, fatal=True)
    if type_.kind == TIME and _USUAL.fullmatch(value):
        return value
    moment = parse_time(value, LAYOUTS[type_.kind])
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if type_.kind == TIME else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str, layout: str = LAYOUTS[TIME]) -> dt.datetime:
    """An RFC 3339 time in UTC. Raises Refused in the words of Go's ``time.Parse``."""
    parts, rest = {}, text
    for pattern, element in _PARTS:
        match = re.match(pattern, rest, re.ASCII)
        if not match:
            raise _unparsable(text, layout, rest, element)
        parts[element], rest = match.group(), rest[match.end() :]
    fraction = re.match(r"[.,](\d+)", rest, re.ASCII)
    if "." in layout and not (fraction and len(fraction.group(1)) == 6):
        raise _unparsable(text, layout, rest, ".000000")
    rest = rest[fraction.end() :] if fraction else rest
    zone = re.fullmatch(r"Z|([+-])(\d\d):(\d\d)", rest, re.ASCII)
    if not zone:
        raise _unparsable(text, layout, rest, "Z07:00")
    return _moment(text, parts, fraction.group(1) if fraction else "", zone)


def _moment(text: str, parts: dict[str, str], fraction: str, zone: re.Match[str]) -> dt.datetime:
    for element, low, high, word in _RANGES:
        if not low <= int(parts[element]) <= high:
            raise Refused(f"parsing time {quote(text)}: {word} out of range", fatal=True)
    micros = int((fraction + "000000")[:6])
    try:
        numbers = [int(parts[element]) for element in ("2006", "01", "02", "15", "04", "05")]
        moment = dt.datetime(*numbers, micros, tzinfo=dt.UTC)  # type: ignore[misc,arg-type]
        offset = dt.timedelta(hours=int(zone[2] or 0), minutes=int(zone[3] or 0))
        return moment + offset if zone[1] == "-" else moment - offset
    except (ValueError, OverflowError):
        raise Refused(f"parsing time {quote(text)}: day out of range", fatal=True) from None


def _unparsable(text: str, layout: str, rest: str, element: str) -> Refused:
    return Refused(f"parsing time {quote(text)} as {quote(layout)}: cannot parse {quote(rest)} as {quote(element)}", fatal=True)


def _any(_type: Type, value: Any) -> Any:
    return value


READERS: dict[str, Callable[[Type, Any], Any]] = {
    STRING: _string,
    BOOL: _bool,
    INT32: _int,
    INT64: _int,
    FLOAT64: _float,
    BYTES: _bytes,
    QUANTITY: _quantity,
    TIME: _time,
    MICROTIME: _time,
    INT_OR_STRING: _int_or_string,
    ANY: _any,
}
"""One reader for each kind of scalar."""
