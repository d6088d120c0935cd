"""How plain texts are shown in a notebook: as a terminal shows them, in columns that stay columns.

JupyterLab wraps long lines of ``text/plain``, which breaks tables such as ``kubectl get pods -o wide``. So objects whose form is
text are given an HTML form as well: the same text, which scrolls instead. Where there is no HTML the text is still there.

Sentences are not columns. What an API server refuses it says in one long line, and the reason stands at its end, where nobody would
scroll to. So a long sentence wraps, below the column in which it stands; and so does a line that has no columns at all. Where one
row of a table has a sentence in its last column, that column holds sentences: the shorter ones wrap as well.
"""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from typing import Any

from k8snb.kubectl.result import Result
from k8snb.messages import Plain
from k8snb.network.kube_proxy import Rules
from k8snb.notebook.magics import Steps
from k8snb.seams.cni import HTTPResponse
from k8snb.simulation import cloud, etcd, etcd_tables, learners, scheduling
from k8snb.simulation.simulation import Settled
from k8snb.views.steps import Step
from k8snb.views.svg import INDENT

STYLE = f"{INDENT}; white-space: pre; overflow-x: auto"
WRAP = "display: block; white-space: pre-wrap; word-break: normal; overflow-wrap: anywhere"
LONG, WORDS = 60, 6  # a line of fewer characters fits; a column of fewer words is no sentence
DEEP = 40  # characters: further in than this a line begins again only where there is room
ROOM = 24  # characters; where there are fewer beside the columns, a sentence stands below them, over the whole width
BESIDE = "display: inline-block; vertical-align: top; text-indent: 0; width: min(100%, max(100% - {}ch, ({}ch - 100%) * 9999))"
TEXTS: tuple[type, ...] = (Result, Step, Steps, Settled, Plain, HTTPResponse, Rules)
TEXTS += (etcd.Etcd, etcd_tables.Members, etcd_tables.Held, etcd_tables.Keys, etcd_tables.Log, etcd_tables.Messages)
TEXTS += (learners.Controllers, learners.Loop, scheduling.Scheduling, scheduling.Queue, scheduling.Waiting)
TEXTS += (cloud.NodePools, cloud.Instances, cloud.LoadBalancers, cloud.Disks, cloud.Autoscaler, cloud.Cloud)


def as_terminal(obj: object) -> str:
    """The object's text in a block that scrolls sideways."""
    lines = str(obj).rstrip("\n").splitlines(keepends=True)
    sentences = {at for line in lines if line[: (at := _last_column(line))].strip() and _is_sentence(line, at)}
    return f'<pre style="{STYLE}">{"".join(_line(line, sentences) for line in lines)}</pre>'


def _line(line: str, sentences: Collection[int]) -> str:
    """One line; ``sentences``: where the columns of this text begin that hold them."""
    column = _last_column(line)
    if len(line.rstrip()) < LONG or not (column in sentences or _is_sentence(line, column)):
        return escape(line)
    # The line's end stands inside the block: it adds nothing there, and remains where a page strips the style.
    begins = column if 2 <= column <= DEEP else 2
    block = f"{WRAP}; padding-left: {begins}ch; text-indent: -{begins}ch"
    if column <= DEEP:
        return f'<span style="{block}">{escape(line)}</span>'
    beside = BESIDE.format(column + 1, column + ROOM)  # one more than it takes, for widths are rounded
    return f'<span style="{block}">{escape(line[:column])}<span style="{beside}">{escape(line[column:])}</span></span>'


def _is_sentence(line: str, column: int) -> bool:
    """Whether the last column, or a line without columns, is long enough to wrap."""
    return len(line.rstrip()) >= LONG and (not line[:column].strip() or len(line[column:].split()) >= WORDS)


def _last_column(line: str) -> int:
    """Where the last column begins. Columns stand two blanks or more apart; what stands behind a sentence is no column."""
    line = line.rstrip()
    gap = line.rfind("  ")
    if any(len(cell.split()) >= WORDS for cell in line[: max(gap, 0)].split("  ")):
        return len(line) - len(line.lstrip())
    return gap + 2 if gap >= 0 else 0


def register(shell: Any) -> None:
    """Teach IPython to show these objects so."""
    formatter = shell.display_formatter.formatters["text/html"]
    for kind in TEXTS:
        formatter.for_type(kind, as_terminal)
