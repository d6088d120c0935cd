"""■, the button that interrupts a notebook's kernel: held until what has begun is done, so that no event is ever half done.

    with holding() as hold:
        while ...:
            kernel.step()
            if hold.asked:
                break

Python raises KeyboardInterrupt between any two instructions, so in the middle of an event. Inside of ``holding`` the first ■ is only
noted; the second one interrupts at once, and so does the first where nothing of ours would be cut in two: in a learner's code (whoever
runs that takes back what the event had done), and where somebody has said so (``cuts``).

Only where ■ would raise KeyboardInterrupt at all: not in another thread, and not where an event loop or somebody else handles it.
Models: ``signal.default_int_handler``, which ipykernel installs for the time of a cell.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from k8snb.messages import Interrupted, guests


class Hold:
    """Whether ■ was pressed meanwhile. As a handler of the signal it decides whether that can wait."""

    def __init__(self) -> None:
        self.asked = False
        self.cuts = False  # what runs now may be cut anywhere

    def __call__(self, _number: int, _frame: object) -> None:
        """■ was pressed."""
        again, self.asked = self.asked, True
        if again or self.cuts or guests.running():
            raise KeyboardInterrupt

    def check(self, sentence: str) -> None:
        """Raise :class:`Interrupted` where ■ was pressed."""
        if self.asked:
            stop(sentence)


def stop(sentence: str) -> NoReturn:
    """Stop the cell with a sentence."""
    raise Interrupted(sentence) from None


@contextmanager
def holding() -> Iterator[Hold]:
    """Hold ■ back. Inside of another one it is that."""
    before = signal.getsignal(signal.SIGINT)
    if isinstance(before, Hold):
        yield before
        return
    hold = Hold()
    if before is not signal.default_int_handler:
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
