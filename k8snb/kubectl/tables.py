"""The table that ``kubectl get`` prints: the server's cells, kubectl's columns.

The server answers with rows and column definitions (``Options.as_table``); kubectl chooses among the columns (``-o wide`` shows
those with a priority), adds ``--show-labels``, ``-L`` and the namespace, sorts, and aligns.

Models: k8s.io/cli-runtime/pkg/printers/tableprinter.go, k8s.io/kubectl/pkg/cmd/get (table_printer.go, sorter.go, customcolumn.go).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.jsonpath import JSONPathError, Template, relaxed
from k8snb.apimachinery.meta import age
from k8snb.apimachinery.objects import dig
from k8snb.kubectl.api import Json
from k8snb.kubectl.gosort import ordered, value_less
from k8snb.kubectl.result import Failure
from k8snb.kubectl.text import go_value


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """What the flags say about tables."""

    wide: bool = False
    headers: bool = True
    show_labels: bool = False
    label_columns: tuple[str, ...] = ()
    with_namespace: bool = False
    with_kind: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a server's table: its cells and the object behind it."""

    cells: Sequence[Any]
    obj: Json


def rows_of(table: Json) -> list[Row]:
    """The rows of a table; of something that is no table, the object itself."""
    return [Row(row.get("cells") or (), row.get("object") or {}) for row in table.get("rows") or ()]


def plain(rows: Sequence[Row], now: int) -> tuple[list[Json], list[Row]]:
    """Names and ages: how objects are shown that the server did not put into a table."""
    stamp = "metadata.creationTimestamp"
    return [{"name": "Name"}, {"name": "Age"}], [Row((name_of(row.obj), age(dig(row.obj, stamp), now)), row.obj) for row in rows]


def header(definitions: Sequence[Json], options: TableOptions) -> list[str]:
    """The headings, in capitals."""
    names = [column["name"].upper() for column in _shown(definitions, options)]
    labels = [label.rsplit("/", 1)[-1].upper() for label in options.label_columns]
    return ["NAMESPACE"] * options.with_namespace + names + labels + ["LABELS"] * options.show_labels


def _shown(definitions: Sequence[Json], options: TableOptions) -> list[Json]:
    return [column for column in definitions if options.wide or not column.get("priority")]


def line(row: Row, definitions: Sequence[Json], options: TableOptions, label: str = "") -> list[str]:
    """The cells of one row as text; ``label`` stands before the name where types are mixed."""
    meta = row.obj.get("metadata") or {}
    labels = meta.get("labels") or {}
    cells: list[str] = []
    for index, column in enumerate(definitions):
        if options.wide or not column.get("priority"):
            text = _cell(row.cells[index]) if index < len(row.cells) else ""
            named = index == 0 and options.with_kind and label
            cells.append(f"{label}/{text}" if named else text)
    if options.with_namespace:
        cells.insert(0, meta.get("namespace", ""))
    cells += [labels.get(name, "") for name in options.label_columns]
    return cells + [labels_text(labels)] * options.show_labels


def _cell(value: Any) -> str:
    text = "<none>" if value is None else go_value(value)
    first, newline, _ = text.partition("\n")
    return first + "..." if newline else text


def labels_text(labels: Json) -> str:
    """Labels in one cell."""
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) or "<none>"


# -- sorting -----------------------------------------------------------------------------------------------------------------


def sort_template(text: str) -> Template:
    """The path of ``--sort-by``. Raises Failure."""
    try:
        return Template(relaxed(text))
    except JSONPathError as problem:
        raise Failure(str(problem)) from None


def sorted_by(rows: Sequence[Any], objects: Sequence[Json], text: str) -> list[Any]:
    """``rows`` in the order of a field of their objects; one without it comes first. Raises Failure where none has it."""
    template = sort_template(text)
    try:
        found = [[value for values in template.results(obj) for value in values] for obj in objects]
    except JSONPathError as problem:
        raise Failure(str(problem)) from None
    if objects and not any(found):
        raise Failure(f"couldn't find any field with path {quote(relaxed(text))} in the list of objects")
    return [rows[index] for index in ordered(range(len(rows)), lambda one, other: _less(found[one], found[other]))]


def _less(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Who has no such field comes before everybody, even before others who have none."""
    return not one or (bool(other) and value_less(one[0], other[0]))


# -- custom columns ----------------------------------------------------------------------------------------------------------


def custom_columns(text: str) -> list[tuple[str, Template]]:
    """The columns of ``-o custom-columns=NAME:.path,...``. Raises Failure."""
    if not text:
        raise Failure("custom-columns format specified but no custom columns given")
    found = []
    for part in text.split(","):
        name, colon, path = part.partition(":")
        if not colon:
            raise Failure(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
        try:
            found.append((name, Template(relaxed(path))))
        except JSONPathError as problem:
            raise Failure(str(problem)) from None
    return found


def columns_of_file(text: str) -> list[tuple[str, Template]]:
    """The columns of ``-o custom-columns-file=FILE``: a line of headings, a line of paths. Raises Failure."""
    lines = [line.split() for line in text.splitlines()]
    if len(lines) < 2 or len(lines[0]) != len(lines[1]):
        heads, paths = (len(line) for line in [*lines, [], []][:2])
        raise Failure(f"number of headers ({heads}) and field specifications ({paths}) don't match")
    return custom_columns(",".join(f"{head}:{path}" for head, path in zip(*lines[:2], strict=True)))


def custom_line(obj: Json, columns: Sequence[tuple[str, Template]]) -> list[str]:
    """One object's cells in custom columns."""
    cells = []
    for _, template in columns:
        try:
            values = [value for found in template.results(obj) for value in found]
        except JSONPathError as problem:
            raise Failure(str(problem)) from None
        cells.append(",".join(go_value(value) for value in values) or "<none>" if values else "<none>")
    return cells


def name_of(obj: Json) -> str:
    """An object's name."""
    return str(dig(obj, "metadata.name", ""))
