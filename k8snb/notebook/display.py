"""How plain texts are shown in a notebook: as a terminal shows them, in columns that stay columns.

JupyterLab wraps long lines of ``text/plain``, which breaks tables such as ``kubectl get pods -o wide``. So objects whose form is
text are given an HTML form as well: the same text, which scrolls instead. Where there is no HTML the text is still there.
"""

from __future__ import annotations

from html import escape
from typing import Any

from k8snb.kubectl.result import Result
from k8snb.messages import Plain
from k8snb.notebook.magics import Said, Steps
from k8snb.simulation.simulation import Settled
from k8snb.views.steps import Step
from k8snb.views.svg import INDENT

STYLE = f"{INDENT}; white-space: pre; overflow-x: auto; font-size: var(--jp-code-font-size, inherit)"
TEXTS = (Result, Said, Step, Steps, Settled, Plain)


def as_terminal(obj: object) -> str:
    """The object's text in a block that scrolls sideways."""
    return f'<pre style="{STYLE}">{escape(repr(obj))}</pre>'


def register(shell: Any) -> None:
    """Teach IPython to show these objects so."""
    formatter = shell.display_formatter.formatters["text/html"]
    for kind in TEXTS:
        formatter.for_type(kind, as_terminal)
