"""The driver: every command of a front end is carried out on the kernel's own event loop, one after the other.

A widget's handler may be called on any thread: on the main thread, or on a subshell's, depending on the version of ipykernel and
even on the widget. So a handler does nothing but hand its command over; the simulator is only ever touched on the loop.
*Play* is one task on the same loop; it stops while a cell runs and goes on afterwards. Without a running loop (a script, a
test) commands are carried out at once.

    driver = Driver(apply)                  # made in a cell: takes hold of the running loop
    driver.submit({"do": "step", ...})      # from anywhere
    driver.play(tick, rate=5)               # tick() five times a second until it says False
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

Command = dict[str, Any]
INTERVAL = 0.05  # seconds: at most twenty updates a second are sent


class Driver:
    """Loop-confined: carries out commands, plays, and paces updates."""

    def __init__(self, apply: Callable[[Command], None]) -> None:
        """``apply(command)`` is called on the loop only."""
        self._apply = apply
        self._task: asyncio.Task[None] | None = None
        self._sent = 0.0
        self._interval = INTERVAL
        self._waiting = False
        self.rate = 2.0
        try:
            self.loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self.loop = None

    @property
    def playing(self) -> bool:
        """Whether play goes on."""
        return self._task is not None and not self._task.done()

    def submit(self, command: Command) -> None:
        """Carry out a command; safe from any thread."""
        if self.loop is None or self.loop.is_closed():
            self._apply(command)
        else:
            self.loop.call_soon_threadsafe(self._apply, command)

    def play(self, tick: Callable[[], bool]) -> bool:
        """Call ``tick`` ``rate`` times a second until it gives False or :meth:`pause`. False where there is no loop to play on."""
        if self.loop is None or self.loop.is_closed():
            return False
        if not self.playing:
            self._task = self.loop.create_task(self._ticks(tick))
        return True

    def pause(self) -> None:
        """Stop playing."""
        if self._task is not None:
            self._task.cancel()
        self._task = None

    async def _ticks(self, tick: Callable[[], bool]) -> None:
        while tick():  # noqa: ASYNC110 this is a clock: it waits for time to pass, not for something to happen
            await asyncio.sleep(max(INTERVAL, 1 / self.rate))

    def pace(self, send: Callable[[], None]) -> None:
        """Call ``send`` now, or a little later where the last time was just now; many calls become one.

        Without a loop there is no later: then a call that comes too early is dropped, and who looks must ask for the present.
        """
        since = time.monotonic() - self._sent
        if since >= self._interval:
            self._send(send)
        elif self.loop is not None and not self.loop.is_closed() and not self._waiting:
            self._waiting = True
            self.loop.call_later(self._interval - since, self._send, send)

    def _send(self, send: Callable[[], None]) -> None:
        self._waiting = False
        began = time.monotonic()
        send()
        self._sent = time.monotonic()
        self._interval = max(INTERVAL, 2 * (self._sent - began))  # a large cluster is shown less often, never half of the time
