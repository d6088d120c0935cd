"""What a learner sees after asking: a verdict, a hint or a solution, as text and as theme-aware HTML.

The text form is the truth (tests, GitHub, a PDF, a terminal); the HTML says the same words with a colour *and* a sign, for a
colour alone says nothing to many people. Both are the same every time: no clock, no ids, no addresses.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

SIGNS = {"passed": "✓", "not-yet": "✗", "note": "→"}
CODE = re.compile(r"`([^`]+)`")  # the one mark that sentences use
COLOURS = {
    "passed": "var(--jp-success-color1, #2e7d32)",
    "not-yet": "var(--jp-warn-color1, #b45309)",
    "note": "var(--jp-info-color1, #0277bd)",
}


@dataclass(frozen=True, slots=True)
class Note:
    """Words for the learner. ``kind`` is ``passed``, ``not-yet`` or ``note``; ``code`` is shown as it stands."""

    kind: str
    lines: tuple[str, ...]
    code: str = ""
    finding: str = ""  # the name of the finding behind a verdict, for tests

    @property
    def passed(self) -> bool:
        """True for a check that found nothing more to do, and for a right answer."""
        return self.kind == "passed"

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        first, *rest = self.lines
        code = ["", *self.code.splitlines()] if self.code else []
        return "\n".join([f"{SIGNS[self.kind]} {first}", *(f"  {line}" for line in rest), *code])

    def _repr_html_(self) -> str:
        style = f"border-left: 4px solid {COLOURS[self.kind]}; padding: 0.25em 0.75em; margin: 0.25em 0"
        first, *rest = (CODE.sub(r"<code>\1</code>", html.escape(line)) for line in self.lines)
        body = f"<strong>{SIGNS[self.kind]}</strong> {first}" + "".join(f"<br>{line}" for line in rest)
        code = f"<pre>{html.escape(self.code)}</pre>" if self.code else ""
        return f'<div role="status" style="{style}">{body}{code}</div>'
