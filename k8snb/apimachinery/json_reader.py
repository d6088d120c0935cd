"""JSON as Go reads it, out of a request's body: what Python takes and Go does not is refused, in Go's words.

    read('{"a": NaN}')            ValueError: invalid character 'N' looking for beginning of value
    read('{"a": "\\ud800"}')       {"a": "\\ufffd"}: half a character is none

Models: sigs.k8s.io/json (internal/golang/encoding/json: scanner.go, decode.go). Simplified: nesting is bounded at 256, not at 10,000.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from k8snb.apimachinery.objects import too_deep
from k8snb.apimachinery.yaml import go_json_error

TOO_DEEP = "exceeded max depth"
_PAIR = "u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rf"\\(?:{_PAIR}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{{2}})|.)", re.DOTALL)


def read(text: str) -> Any:
    """The value. Raises ValueError."""
    try:
        value = json.loads(_whole(text), parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(go_json_error(error)) from None
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    if too_deep(value):
        raise ValueError(TOO_DEEP)
    return value


def _whole(text: str) -> str:
    """The text without escapes that are half a character."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _ESCAPE.sub(lambda found: "\\ufffd" if found["half"] else found[0], text)


def _no_constant(name: str) -> NoReturn:
    where = "in numeric literal" if name.startswith("-") else "looking for beginning of value"
    raise ValueError(f"invalid character '{name.lstrip('-')[0]}' {where}")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"json: cannot unmarshal number {digits} into Go value of type float64")
    return number
