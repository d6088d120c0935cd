"""Python's cycle collector rests while events are handled.

Frozen JSON has no cycles, so counting references frees all of it; the collector would only walk millions of objects again and
again (a quarter of the time with 4,000 Pods, see ``tests/benchmarks``). It runs as before as soon as the notebook has the turn.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def resting_collector() -> Iterator[None]:
    """Keep the cycle collector from running inside; nested use and a collector that was off already are fine."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
