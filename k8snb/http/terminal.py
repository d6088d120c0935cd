r"""The editor of lines at a terminal: keys in, what the screen is to show and what has been entered out. No I/O.

    Return   the line is entered          Left Right Home End ^A ^E   move       Up Down   lines entered before
    ^C       the line is dropped          ^U ^K ^W Backspace Delete   remove     ^L        clear the screen
    ^D       the end, on an empty line    ^Z, Tab and other keys do nothing

A client's terminal is raw: it shows nothing by itself, and sends keys as bytes, arrows as escape sequences such as ``\x1b[A``, which may be
cut between two messages.

Models: what busybox ash and GNU readline do with the usual keys. Simplified: no completion, no search, lines do not wrap.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from k8snb.messages.columns import columns

SHOW, ENTER, INTERRUPT, END = "show", "enter", "interrupt", "end"
LONGEST = 64 * 1024  # characters of a line
REMEMBERED = 500  # lines
_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z]|[^\[O])")
_CUT = re.compile(r"\x1b(?:\[[0-9;]{0,8}|O)?")


class Happened(NamedTuple):
    """What a key did: something to show, a line that was entered, an interrupt, or the end."""

    kind: str
    text: str = ""


class Editor:
    """One line being typed, and those before it."""

    def __init__(self) -> None:
        self.line, self.at, self.prompt = "", 0, ""
        self.history: list[str] = []
        self._back = 0  # how far back in the history
        self._rest = ""  # keys that are not complete yet

    def take(self, keys: str) -> Happened | None:
        """What the next keys do, up to something that happens; None when no key is left. Call again with an empty string."""
        self._rest += keys
        shown = ""
        while self._rest:
            key = self._next()
            if not key:
                break
            if key in _ENDS and not (key == "\x04" and self.line):
                return self._ended(key, shown)
            shown += self._edited(key)
        return Happened(SHOW, shown) if shown else None

    def hold(self, keys: str) -> None:
        """Keys that are looked at later."""
        self._rest = (self._rest + keys)[-LONGEST:]

    def flush(self) -> None:
        """Forget the keys that nobody has looked at."""
        self._rest = ""

    def _next(self) -> str:
        """One key, which may be a sequence; empty while it is not complete."""
        if self._rest[0] == "\x1b":
            if found := _SEQUENCE.match(self._rest):
                self._rest = self._rest[found.end() :]
                return found[0]
            if _CUT.fullmatch(self._rest):
                return ""
        key, self._rest = self._rest[0], self._rest[1:]
        return key

    def _ended(self, key: str, shown: str) -> Happened:
        """The line is over, one way or another. What was shown before comes first."""
        if shown:
            self._rest = key + self._rest
            return Happened(SHOW, shown)
        line, self.line, self.at, self._back = self.line, "", 0, 0
        if _ENDS[key] == ENTER and line.strip() and self.history[-1:] != [line]:
            self.history = [*self.history[-REMEMBERED:], line]
        if key == "\r" and self._rest[:1] == "\n":
            self._rest = self._rest[1:]
        return Happened(_ENDS[key], line)

    def _edited(self, key: str) -> str:
        """What the screen must show for a key that changes the line or moves in it."""
        action = _KEYS.get(key)
        if action is not None:
            return action(self)
        return self._insert(key) if key.isprintable() and len(self.line) < LONGEST else ""

    # -- what keys do: each changes the line and gives what the screen needs to show it ------------------------------------

    def _insert(self, text: str) -> str:
        rest = self.line[self.at :]
        self.line = self.line[: self.at] + text + rest
        self.at += len(text)
        return text + rest + "\b" * columns(rest)

    def _move(self, to: int) -> str:
        to = max(0, min(to, len(self.line)))
        moved = self.line[self.at : to] if to > self.at else "\b" * columns(self.line[to : self.at])
        self.at = to
        return moved

    def _remove(self, begin: int, end: int) -> str:
        """Remove a part of the line; the cursor ends where it was."""
        begin, end = max(0, begin), min(end, len(self.line))
        shown = self._move(begin)
        gone, rest = columns(self.line[begin:end]), self.line[end:]
        self.line = self.line[:begin] + rest
        return shown + rest + " " * gone + "\b" * (columns(rest) + gone)

    def _recall(self, step: int) -> str:
        back = max(0, min(self._back + step, len(self.history)))
        if back == self._back:
            return ""
        self._back = back
        shown = self._remove(0, len(self.line))
        return shown + self._insert(self.history[-back] if back else "")

    def _word(self) -> int:
        """Where the word before the cursor begins."""
        return len(re.sub(r"[^\s]+\s*$", "", self.line[: self.at]))

    def _clear(self) -> str:
        rest = self.line[self.at :]
        return f"\x1b[H\x1b[2J{self.prompt}{self.line}" + "\b" * columns(rest)


_ENDS = {"\r": ENTER, "\n": ENTER, "\x03": INTERRUPT, "\x04": END}
_KEYS: dict[str, Callable[[Editor], str]] = {
    "\x7f": lambda e: e._remove(e.at - 1, e.at) if e.at else "",
    "\b": lambda e: e._remove(e.at - 1, e.at) if e.at else "",
    "\x1b[3~": lambda e: e._remove(e.at, e.at + 1) if e.at < len(e.line) else "",
    "\x04": lambda e: e._remove(e.at, e.at + 1) if e.at < len(e.line) else "",
    "\x15": lambda e: e._remove(0, e.at),
    "\x0b": lambda e: e._remove(e.at, len(e.line)),
    "\x17": lambda e: e._remove(e._word(), e.at),
    "\x0c": Editor._clear,
    **dict.fromkeys(("\x1b[D", "\x1bOD", "\x02"), lambda e: e._move(e.at - 1)),
    **dict.fromkeys(("\x1b[C", "\x1bOC", "\x06"), lambda e: e._move(e.at + 1)),
    **dict.fromkeys(("\x1b[H", "\x1bOH", "\x1b[1~", "\x01"), lambda e: e._move(0)),
    **dict.fromkeys(("\x1b[F", "\x1bOF", "\x1b[4~", "\x05"), lambda e: e._move(len(e.line))),
    **dict.fromkeys(("\x1b[A", "\x1bOA", "\x10"), lambda e: e._recall(1)),
    **dict.fromkeys(("\x1b[B", "\x1bOB", "\x0e"), lambda e: e._recall(-1)),
}
