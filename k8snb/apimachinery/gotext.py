"""Values as Go's ``fmt`` and ``encoding/json`` print them, where that text is part of what a user sees."""

from __future__ import annotations

import json
from typing import Any


def go_scalar(value: Any) -> str:
    """A scalar as Go's ``%v`` prints it."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def go_json(value: Any, *, sort: bool = True, indent: int = 0) -> str:
    """JSON as Go's encoder writes it: compact or indented, keys sorted (those of a map are), ``<``, ``>`` and ``&`` escaped.

    >>> go_json({"b": "<&>", "a": [1, None]})
    '{"a":[1,null],"b":"\\u003c\\u0026\\u003e"}'
    """
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(value, sort_keys=sort, indent=indent or None, separators=separators, ensure_ascii=False)
    for char, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        text = text.replace(char, code)
    return text
