"""Text as Go's libraries lay it out: aligned columns, durations, JSON and ``%v``.

kubectl's output is the sum of a few Go habits: ``text/tabwriter`` for every table and every ``describe``, ``%v`` where it
prints a value that it does not know, its own way to write durations and JSON. They live here once.

The law of the tab writer: a cell ends with a tab; a *column* is a run of consecutive lines that have a cell there; its width
is that of its widest cell plus padding. The last cell of a line belongs to no column.

Models: text/tabwriter, time, fmt, encoding/json.
Simplified: a cell's width counts characters, not terminal columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.gotext import go_scalar

MICROS = 1_000_000


def align(text: str, *, minwidth: int = 0, padding: int = 2) -> str:
    """``text`` with the tabs of its lines turned into aligned columns of blanks.

    >>> align("Name:\\tweb\\nNamespace:\\tshop")
    'Name:       web\\nNamespace:  shop'
    """
    lines = [line.split("\t") for line in text.split("\n")]
    widths: list[list[int]] = [[0] * (len(cells) - 1) for cells in lines]
    for column in range(max(len(cells) for cells in lines) - 1):
        for run in _runs(lines, column):
            width = max(minwidth, *(len(lines[index][column]) + padding for index in run))
            for index in run:
                widths[index][column] = width
    return "\n".join(_row(cells, wide) for cells, wide in zip(lines, widths, strict=True))


def _runs(lines: Sequence[Sequence[str]], column: int) -> Iterable[list[int]]:
    run: list[int] = []
    for index, cells in enumerate(lines):
        if len(cells) - 1 > column:
            run.append(index)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)) + cells[-1]


def columns(rows: Iterable[Sequence[str]]) -> str:
    """A table as ``kubectl get`` prints it: at least six wide, three blanks apart, every line ended."""
    text = "".join("\t".join(row) + "\n" for row in rows)
    return align(text, minwidth=6, padding=3)


def long_time(stamp: str) -> str:
    """A time as ``describe`` shows it: Mon, 02 Jan 2006 15:04:05 +0000."""
    return datetime.fromisoformat(stamp).strftime("%a, %d %b %Y %H:%M:%S %z")


def go_value(value: Any) -> str:
    """A JSON value as Go's ``%v`` prints it.

    >>> go_value({"b": [1, True], "a": None})
    'map[a:<nil> b:[1 true]]'
    """
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_value(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, (list, tuple)):
        return "[" + " ".join(go_value(item) for item in value) + "]"
    return go_scalar(value)


def go_syntax(value: Any) -> str:
    """A JSON value as Go's ``%#v`` prints it."""
    if isinstance(value, dict):
        inside = ", ".join(f"{quote(key)}:{go_syntax(value[key])}" for key in sorted(value))
        return f"map[string]interface {{}}{{{inside}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(go_syntax(item) for item in value)}}}"
    if isinstance(value, str):
        return quote(value)
    return "interface {}(nil)" if value is None else go_scalar(value)


def wrap(text: str, width: int) -> list[str]:
    """Words of ``text`` in lines of at most ``width`` characters; a longer word has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines
