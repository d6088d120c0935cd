"""A scheduling decision as a grid: every node against every plugin, with the reason or the points in each cell.

    default/web-1: attempt 1, goes to node-3
                                 node-1              node-2            node-3
    filter  NodeUnschedulable    ✔                   ✖ unschedulable   ✔
            NodeResourcesFit     ✖ Insufficient cpu  ·                 ✔
    score   NodeResourcesFit     -                   -                 70
            TOTAL                -                   -                 370 ◀

The same value as the sentence of a FailedScheduling Event and as the condition on the pod, read from the scheduler's record in the
trace. The first filter that objects ends a node's turn, so those after it were not asked (``·``). Points are brought to 0..100 and
multiplied by the plugin's weight. A :class:`Grid` is a value with three prints: text, HTML, rows for the live view.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from k8snb.apimachinery.objects import EMPTY_LIST
from k8snb.guests.arguments import careful
from k8snb.messages import text
from k8snb.messages.columns import table
from k8snb.sim.trace import Record
from k8snb.views.states import sign
from k8snb.views.svg import escape

WIDE = 6  # with more nodes than this, nodes are the rows
NOT_ASKED, NOTHING = "·", "-"
VERB = "schedule"
_DIGITS = re.compile(r"(\d+)")


def is_decision(record: Record) -> bool:
    """Whether a record of the trace is about one cycle of one pod."""
    return record.kind == "decision" and record.verb == VERB


class Cell(NamedTuple):
    """What stands in one place: a state (its sign is shown beside the text) and a text."""

    state: str
    text: str

    def __str__(self) -> str:
        return " ".join(filter(None, (sign(self.state), self.text)))


class Line(NamedTuple):
    """One plugin at one extension point (``filter``, ``score``, ``total``), and its cell for each node."""

    point: str
    plugin: str
    cells: tuple[Cell, ...]


@careful("diagnosis")
@dataclass(frozen=True, slots=True, repr=False)
class Grid:
    """One decision. ``nodes`` are those that are shown, in the order of their names."""

    pod: str
    data: Mapping[str, Any]

    @classmethod
    def of(cls, record: Record) -> Grid:
        """The grid of a decision's record."""
        return cls(record.subject, record.detail)

    @property
    def nodes(self) -> list[str]:
        """The nodes that are shown."""
        known = dict.fromkeys([*self.data["rejected"], *self.data["scores"], self.selected, self.nominated])
        return sorted(filter(None, known), key=_natural)

    @property
    def selected(self) -> str:
        """The node that was chosen; empty where none was."""
        return str(self.data["selected"])

    @property
    def nominated(self) -> str:
        """The node on which room is being made; empty where none is."""
        return str(self.data.get("nominated", ""))

    @property
    def victims(self) -> tuple[str, ...]:
        """The pods that have to go for it."""
        return tuple(self.data.get("victims", ()))

    @property
    def message(self) -> str:
        """The sentence of the FailedScheduling Event; empty for a pod that found its node."""
        return str(self.data["message"])

    @property
    def totals(self) -> dict[str, int]:
        """The sum of the weighted points of each feasible node that is shown."""
        return dict(self.data["totals"])

    def reason(self, node: str) -> str:
        """Why the pod cannot go to that node: the plugin and its reasons; empty where it can, or where nobody asked."""
        found = self.data["rejected"].get(node)
        return f"{found['plugin']}: {', '.join(found['reasons'])}" if found else ""

    def points(self, node: str) -> dict[str, int]:
        """The weighted points that each plugin gave that node; empty for a node that was not scored."""
        return dict(self.data["scores"].get(node, {}))

    @property
    def lines(self) -> list[Line]:
        """The whole grid."""
        nodes, scores = self.nodes, self.data["scores"]
        found = [Line("filter", name, tuple(self._filtered(name, node) for node in nodes)) for name in self._filters()]
        plugins = dict.fromkeys(name for row in scores.values() for name in row)
        found += [Line("score", name, tuple(self._scored(node, name) for node in nodes)) for name in plugins]
        if scores:
            found.append(Line("total", text("views.scheduling.total"), tuple(self._total(node) for node in nodes)))
        return found

    def _filters(self) -> Sequence[str]:
        asked = list(self.data.get("filters", EMPTY_LIST))
        return asked + [name for one in self.data["rejected"].values() if (name := one["plugin"]) and name not in asked]

    def _filtered(self, plugin: str, node: str) -> Cell:
        found, filters = self.data["rejected"].get(node), self._filters()
        if not found:
            return Cell("done", "")
        if found["plugin"] == plugin:
            return Cell("failed", ", ".join(found["reasons"]))
        return Cell("done", "") if filters.index(plugin) < filters.index(found["plugin"]) else Cell("", NOT_ASKED)

    def _scored(self, node: str, plugin: str) -> Cell:
        row = self.data["scores"].get(node)
        return Cell("", str(row[plugin]) if row else NOTHING)

    def _total(self, node: str) -> Cell:
        total = self.totals.get(node)
        return Cell("", NOTHING if total is None else f"{total} ◀" if node == self.selected else str(total))

    @property
    def title(self) -> str:
        """Who was looked at, and what came of it."""
        made = (
            "views.scheduling.placed" if self.selected else "views.scheduling.makes_room" if self.nominated else "views.scheduling.nowhere"
        )
        return text(made, pod=self.pod, attempt=self.data["attempt"], node=self.selected or self.nominated)

    @property
    def notes(self) -> list[str]:
        """What the grid itself cannot say."""
        notes = [self.message] if self.message else []
        if self.victims:
            notes.append(text("views.scheduling.victims", pods=", ".join(self.victims)))
        if self.selected and not self.data["scores"]:
            notes.append(text("views.scheduling.only", node=self.selected))
        best = [node for node in self.nodes if self.selected and self.totals.get(node) == self.totals.get(self.selected) is not None]
        if len(best) > 1:
            notes.append(text("views.scheduling.drawn", nodes=", ".join(best)))
        hidden = self.data["nodes"] - len(self.nodes)
        return [*notes, text("views.scheduling.hidden", count=hidden)] if hidden > 0 and self.nodes else notes

    def __repr__(self) -> str:
        return "\n".join([self.title, *(self._across() if len(self.nodes) <= WIDE else self._down()), *self.notes])

    def _across(self) -> list[str]:
        """A column for each node."""
        lines = self.lines
        if not lines:
            return []
        rows, before = [["", "", *self.nodes]], ""
        for line in lines:
            label = line.point if line.point in ("filter", "score") else ""
            rows.append([label if label != before else "", line.plugin, *map(str, line.cells)])
            before = label or before
        return table(rows)

    def _down(self) -> list[str]:
        """A line for each node: its total and points, or why not."""
        rows = []
        for node in sorted(self.nodes, key=lambda one: -self.totals.get(one, -1)):
            points = " + ".join(f"{plugin} {value}" for plugin, value in self.points(node).items() if value)
            reason = self.reason(node)
            cell = Cell("failed", reason) if reason else self._total(node) if node in self.totals else Cell("done", "")
            rows.append([node, str(cell), points])
        return table(rows)

    @property
    def html(self) -> str:
        """The grid as a table that follows the reader's theme; every cell says in signs and words what its colour says."""
        heads = (text("views.scheduling.point"), text("views.scheduling.plugin"), *self.nodes)
        head = "".join(f'<th scope="col" {_LEFT}>{escape(name)}</th>' for name in heads)
        body = "".join(_row(line) for line in self.lines)
        caption = f'<caption style="text-align:left;font-weight:600;white-space:nowrap">{escape(self.title)}</caption>'
        table = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if self.lines else ""
        notes = "".join(f"<p>{escape(note)}</p>" for note in ([] if table else [self.title]) + self.notes)
        return f'<div class="k8snb-scheduling" style="overflow-x:auto">{table}{notes}</div>'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.html}

    def as_data(self) -> dict[str, Any]:
        """The grid for the live view, as plain JSON."""
        lines = [{"point": line.point, "plugin": line.plugin, "cells": list(map(list, line.cells))} for line in self.lines]
        return {"title": self.title, "nodes": self.nodes, "lines": lines, "notes": self.notes}


_LEFT = 'style="text-align:left"'  # JupyterLab puts heads of tables to the right


def _row(line: Line) -> str:
    cells = "".join(f'<td data-state="{cell.state or "plain"}" {_LEFT}>{escape(str(cell))}</td>' for cell in line.cells)
    return f'<tr><td {_LEFT}>{escape(line.point)}</td><th scope="row" {_LEFT}>{escape(line.plugin)}</th>{cells}</tr>'


def _natural(name: str) -> list[tuple[int, str]]:
    """``node-2`` before ``node-10``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(name)]
