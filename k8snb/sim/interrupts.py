"""■, the button that interrupts a notebook's kernel: held until what has begun is done, so that no event is ever half done.

    with holding() as hold:
        while ...:
            kernel.step()
            if hold.asked:
                break

Python raises KeyboardInterrupt between any two instructions, so in the middle of an event. Inside of ``holding`` the first ■ is only
noted; the second one interrupts at once, and so does the first where nothing of ours would be cut in two: in a learner's code (whoever
runs that takes back what the event had done), and where somebody has said so (``cuts``).

Only where ■ is meant to end what runs: not in another thread, and not where somebody else handles the signal. (In a cell with
``await``, ipykernel's own handler could not end anything before the next ``await``.)
Models: ``signal.default_int_handler``, which ipykernel installs for the time of a cell.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from k8snb.guests import turns
from k8snb.messages import Interrupted


class Hold:
    """Whether ■ was pressed meanwhile. As a handler of the signal it decides whether that can wait."""

    def __init__(self) -> None:
        self.asked = False
        self.cuts = False  # what runs now may be cut anywhere

    def __call__(self, _number: int, _frame: object) -> None:
        """■ was pressed."""
        again, self.asked = self.asked, True
        if again or self.cuts or turns.running():
            raise KeyboardInterrupt

    def check(self, sentence: str) -> None:
        """Raise :class:`Interrupted` where ■ was pressed."""
        if self.asked:
            stop(sentence)


def stop(sentence: str) -> NoReturn:
    """Stop the cell with a sentence."""
    raise Interrupted(sentence) from None


def _interrupts(handler: object) -> bool:
    """Whether ■ is meant to end the cell that runs: Python's own handler, or that of ipykernel for cells with ``await``."""
    return handler is signal.default_int_handler or str(getattr(handler, "__module__", "")).startswith("ipykernel.")


@contextmanager
def holding() -> Iterator[Hold]:
    """Hold ■ back. Inside of another one it is that."""
    before = signal.getsignal(signal.SIGINT)
    if isinstance(before, Hold):
        yield before
        return
    hold = Hold()
    if not _interrupts(before):
        yield hold
        return
    try:
        signal.signal(signal.SIGINT, hold)
    except ValueError:  # not the main thread: nobody interrupts it
        yield hold
        return
    try:
        yield hold
    finally:
        signal.signal(signal.SIGINT, before)
