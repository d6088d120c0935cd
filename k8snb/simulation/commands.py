"""A thing that can be asked of a simulation from outside, by name: recorded and replayed, as a fault is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Command(NamedTuple):
    """``verb`` for the trace; ``check`` refuses before anything happens (ValueError with a sentence); ``apply`` does it.

    ``told``: the arguments that the trace names; empty: all.
    """

    verb: str
    check: Callable[..., None]
    apply: Callable[..., Any]
    told: tuple[str, ...] = ()
