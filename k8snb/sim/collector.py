"""Python's cycle collector rests while events are handled.

Frozen JSON has no cycles, so counting references frees all of it; the collector would only walk millions of objects again and
again (a quarter of the time with 4,000 Pods, see ``tests/benchmarks``). It runs as before as soon as the notebook has the turn:
then what was made meanwhile belongs to its oldest generation, which is looked at least often, as if it had survived all the
walks that did not take place.
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
            _age()
            gc.enable()


def _age() -> None:
    """Move every object to the oldest generation without looking at any; not where the user keeps some frozen there."""
    if not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()
