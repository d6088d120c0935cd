"""How plain texts are shown in a notebook: as a terminal shows them, in columns that stay columns.

JupyterLab wraps long lines of ``text/plain``, which breaks tables such as ``kubectl get pods -o wide``. So objects whose form is
text are given an HTML form as well: the same text, which scrolls instead. Where there is no HTML the text is still there.

Sentences are not columns. What an API server refuses it says in one long line, and the reason stands at its end, where nobody would
scroll to. So a long sentence wraps, below the column in which it stands; and so does a line that has no columns at all.
"""

from __future__ import annotations

from html import escape
from typing import Any

from k8snb.kubectl.result import Result
from k8snb.messages import Plain
from k8snb.network.kube_proxy import Rules
from k8snb.notebook.magics import Steps
from k8snb.seams.cni import HTTPResponse
from k8snb.simulation import cloud, etcd, etcd_tables
from k8snb.simulation.simulation import Settled
from k8snb.views.steps import Step
from k8snb.views.svg import INDENT

STYLE = f"{INDENT}; white-space: pre; overflow-x: auto"
WRAP = "display: block; white-space: pre-wrap; word-break: normal; overflow-wrap: anywhere"
LONG, WORDS = 60, 6  # a line of fewer characters fits; a column of fewer words is no sentence
DEEP = 40  # characters: further in than this no line begins again
TEXTS: tuple[type, ...] = (Result, Step, Steps, Settled, Plain, HTTPResponse, Rules)
TEXTS += (etcd.Etcd, etcd_tables.Members, etcd_tables.Held, etcd_tables.Keys, etcd_tables.Log, etcd_tables.Messages)
TEXTS += (cloud.NodePools, cloud.Instances, cloud.LoadBalancers, cloud.Disks, cloud.Autoscaler, cloud.Cloud)


def as_terminal(obj: object) -> str:
    """The object's text in a block that scrolls sideways."""
    lines = str(obj).rstrip("\n").splitlines(keepends=True)
    return f'<pre style="{STYLE}">{"".join(map(_line, lines))}</pre>'


def _line(line: str) -> str:
    column = _last_column(line.rstrip())
    columns, last = line[:column].strip(), line[column:].split()
    if len(line.rstrip()) < LONG or (columns and len(last) < WORDS):
        return escape(line)
    begins = max(2, min(column, DEEP))
    # The line's end stands inside the block: it adds nothing there, and remains where a page strips the style.
    return f'<span style="{WRAP}; padding-left: {begins}ch; text-indent: -{begins}ch">{escape(line)}</span>'


def _last_column(line: str) -> int:
    """Where the last column begins. Columns stand two blanks or more apart; what stands behind a sentence is no column."""
    gap = line.rfind("  ")
    if any(len(cell.split()) >= WORDS for cell in line[: max(gap, 0)].split("  ")):
        return len(line) - len(line.lstrip())
    return gap + 2 if gap >= 0 else 0


def register(shell: Any) -> None:
    """Teach IPython to show these objects so."""
    formatter = shell.display_formatter.formatters["text/html"]
    for kind in TEXTS:
        formatter.for_type(kind, as_terminal)
