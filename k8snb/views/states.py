"""Six states that a picture can show, each with a sign, a colour and a word: never the colour alone.

Kubernetes has many status words (`CrashLoopBackOff`, `ContainerCreating`, `SchedulingDisabled` ...). A picture sorts them into a
few states for its shapes and colours, and still prints Kubernetes' own word beside them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is drawn: one sign for text and SVG, and a colour for the light and for the dark theme."""

    sign: str
    light: str
    dark: str


LOOKS: dict[str, Look] = {
    "": Look("", "#5f6b7a", "#9aa5b1"),  # things that have no state of their own
    "ok": Look("●", "#1a7f37", "#56d364"),
    "pending": Look("◌", "#8a5a00", "#e3b341"),
    "failed": Look("✖", "#b3261e", "#ff8f85"),
    "ending": Look("◐", "#6639ba", "#c8a6ff"),
    "done": Look("✔", "#0b62a8", "#79c0ff"),
    "unknown": Look("?", "#5f6b7a", "#9aa5b1"),
}
STATES = tuple(LOOKS)


def sign(state: str) -> str:
    """The one-character sign of a state; empty for things without one."""
    return LOOKS[state].sign
