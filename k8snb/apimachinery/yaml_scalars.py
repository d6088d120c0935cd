"""What a plain scalar of YAML means to Go's library: YAML 1.1 in its own way (``y`` is true, ``0o17`` is 15, ``12:30`` is text).

Models: sigs.k8s.io/yaml/goyaml.v2/resolve.go.
"""

from __future__ import annotations

import base64
import functools
import math
import re
from datetime import date
from typing import Any

_RESOLVABLE = ("bool", "int", "float", "null", "timestamp")
_PREFIX = "tag:yaml.org,2002:"
_WORDS: dict[str, Any] = {}
for _value, _spellings in (
    (True, "y Y yes Yes YES true True TRUE on On ON"),
    (False, "n N no No NO false False FALSE off Off OFF"),
    (None, "~ null Null NULL"),
    (math.nan, ".nan .NaN .NAN"),
    (math.inf, ".inf .Inf .INF +.inf +.Inf +.INF"),
    (-math.inf, "-.inf -.Inf -.INF"),
):
    _WORDS |= dict.fromkeys(_spellings.split(), _value)
_WORDS[""] = None
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INT = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))", re.ASCII)
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?[ \t]*(?:Z|[-+][0-9:]+)?)?", re.ASCII
)


class ScalarError(ValueError):
    """A scalar is not what its tag says; the message is Go's."""


@functools.lru_cache(maxsize=8192)
def resolve(text: str, tag: str = "") -> Any:
    """What a plain scalar means: null, a truth value, a number, or the text itself.

    >>> [resolve(t) for t in ("y", "0400", "1_000", "1e3", "2.0", "12:30:45", "2024-01-01", "=")]
    [True, 256, 1000, 1000, 2, '12:30:45', '2024-01-01', '=']
    """
    kind = tag.removeprefix(_PREFIX)
    if kind == "binary":
        return _decoded(text)
    if tag and (kind == tag or kind not in _RESOLVABLE):
        return text
    found, value = _resolved(text)
    if kind not in ("", found) and (kind, found) != ("float", "int") and not (kind == "timestamp" and is_date(text)):
        raise ScalarError(f"cannot decode !!{found} `{text}` as a !!{kind}")
    return value


def _resolved(text: str) -> tuple[str, Any]:
    """The type that a plain scalar has of itself, and its value."""
    if text in _WORDS:
        value = _WORDS[text]
        return "null" if value is None else "bool" if isinstance(value, bool) else "float", value
    if text[0] not in "+-.0123456789":
        return "str", text
    plain = text.replace("_", "") if text[0] != "." else text
    if text[0] != "." and (whole := _INT.fullmatch(plain)) and -(2**63) <= (number := _integer(whole)) < 2**64:
        return "int", number
    if _FLOAT.fullmatch(plain) and math.isfinite(float(plain)):  # what is too large for a float is text
        return "float", _float(plain)
    return "str", text


def is_date(text: str) -> bool:
    """Whether YAML 1.1 takes the text for a timestamp."""
    found = _DATE.fullmatch(text)
    try:
        return bool(found and date(*map(int, re.split("[Tt \t]", text)[0].split("-"))))
    except ValueError:
        return False


def _decoded(text: str) -> str:
    """What ``!!binary`` stands for. Bytes that are no text become signs of replacement: JSON has no bytes."""
    try:
        return base64.b64decode(re.sub("[\r\n]", "", text), validate=True).decode(errors="replace")
    except ValueError:
        raise ScalarError("!!binary value contains invalid base64 data") from None


def _integer(found: re.Match[str]) -> int:
    digits, base = next((d, b) for d, b in zip(found.groups()[1:], (16, 2, 8, 10), strict=True) if d is not None)
    number = int(digits, base) if len(digits) < 100 else 2**64  # more than any integer of Go's has
    return -number if found[1] == "-" else number


def _float(text: str) -> int | float:
    """JSON writes a whole number without a fraction, so that is what the server reads."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number
