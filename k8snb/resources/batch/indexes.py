"""Index ranges of Indexed Jobs: ``0,2-4,7``.

Models: pkg/apis/batch/validation/validation.go (validateIndexesFormat, parseIndexInterval).
"""

from __future__ import annotations

import re


class IndexFormatError(ValueError):
    """The text is no ascending list of indexes; the message is the server's."""


def count_indexes(text: str, completions: int) -> int:
    """How many indexes the text names. Raises :class:`IndexFormatError`.

    >>> count_indexes("0,2-4,7", 10)
    5
    """
    if not text:
        return 0
    total, last = 0, -1
    for part in text.split(","):
        low, high = _interval(part, completions)
        if low <= last:
            raise IndexFormatError(f"non-increasing order, previous: {last}, current: {low}")
        total, last = total + high - low + 1, high
    return total


def _interval(text: str, completions: int) -> tuple[int, int]:
    ends = text.split("-")
    if len(ends) > 2:
        raise IndexFormatError(
            f"the fragment \"{text}\" violates the requirement that an index interval can have at most two parts separated by '-'"
        )
    low = _number(ends[0])
    if low >= completions:
        raise IndexFormatError(f'too large index: "{ends[0]}"')
    if len(ends) == 1:
        return low, low
    high = _number(ends[1])
    if high >= completions:
        raise IndexFormatError(f'too large index: "{ends[1]}"')
    if low >= high:
        raise IndexFormatError(f"non-increasing order, previous: {low}, current: {high}")
    return low, high


def _number(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII):
        raise IndexFormatError(f'cannot convert string to integer for index: "{text}"')
    return int(text)
