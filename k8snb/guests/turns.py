"""A learner's code is a guest in the simulator: it may do anything, and can break nothing.

    with guest("reconcile"):
        controller.reconcile(key)        # whatever it raises comes out as Rejected, in one line

Four things are true of it. It ends: its lines are counted. What it raises, ``sys.exit()`` among it, is one line that names its own
line. It is spoken to in English, since what is said to it becomes state (errors in queues, logs, Events), and the state must not
depend on a learner's language. And it cannot reach around the door: the public face of a cluster (:mod:`.arguments`) refuses to
serve it, because what it did there would be an input in the middle of an event, which no replay could repeat.

Models: nothing upstream runs other people's code in its own process.
Simplified: what computes in C without an end is not counted; ■ (:mod:`k8snb.sim.interrupts`) ends that.
"""

from __future__ import annotations

import dis
import functools
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from types import CodeType, FrameType
from typing import Any

from k8snb.messages import LANGUAGES, Mistake, language, set_language

LINES = 200_000
PACKAGE = str(Path(__file__).resolve().parents[1])

_OTHERS = re.compile("|".join([re.escape(PACKAGE), re.escape(str(Path(dis.__file__).parent)), ".*site-packages", "<frozen"]))
"""Files of ours, of Python's library and of packages: a learner's mistake is told with a line of her own."""

_running: list[str] = []
_left: list[list[int]] = []  # how many lines each may still run


class Rejected(RuntimeError):
    """What a guest raised, in one line."""


class Cut(KeyboardInterrupt):
    """■ was pressed while a guest's code ran; its text says where in it."""


class Endless(BaseException):
    """Ends a turn that goes on and on. Not an Exception, so that ``except Exception`` in a loop does not keep it alive."""


class TooManyLines(Endless):
    """It loops without asking, waiting perhaps for its cache to change, which it cannot do during a turn."""


def hurry() -> None:
    """Something was refused to the guest for good: whatever it does now, it ends soon, even if it catches everything."""
    if _left:
        _left[-1][0] -= LINES // 100


def running() -> str:
    """What of a learner's code runs now, such as ``reconcile``; empty: none."""
    return _running[-1] if _running else ""


@contextmanager
def guest(turn: str) -> Iterator[None]:
    """Run a learner's code inside. Raises :class:`Rejected` for whatever it raises; only an interrupt by ■ goes through."""
    spoken = language()
    _running.append(turn)
    set_language(LANGUAGES[0])
    try:
        with _bounded(turn):
            yield
    except KeyboardInterrupt as error:
        raise Cut(told(error).removeprefix("KeyboardInterrupt, ")) from None
    except BaseException as error:  # noqa: BLE001  (whatever it is, it is the learner's)
        raise Rejected(told(error)) from None
    finally:
        set_language(spoken)
        _running.pop()


@contextmanager
def host() -> Iterator[None]:
    """Ours inside of a guest's turn, such as a request that it sends: nothing is counted, and it runs at full speed."""
    counting = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(counting)


@functools.lru_cache(maxsize=256)
def _loops_on_one_line(code: CodeType) -> bool:
    """Whether a loop of this code begins and ends on one line: ``while True: pass``, a comprehension."""
    lines, line = {}, None
    for instruction in dis.get_instructions(code):
        position = instruction.positions.lineno if instruction.positions else None
        line = position if position is not None else line
        lines[instruction.offset] = line
        if "JUMP_BACKWARD" in instruction.opname and lines.get(instruction.argval) == line:
            return True
    return False


@functools.lru_cache(maxsize=256)
def _handlers(code: CodeType) -> tuple[tuple[int, int], ...]:
    """Where in the code an exception would be handled: from, to (bytes)."""
    return tuple((entry.start, entry.end) for entry in getattr(dis.Bytecode(code), "exception_entries"))  # noqa: B009  (unknown to type checkers)


def _caught(frame: FrameType | None) -> bool:
    """Whether some ``except:`` would catch what is raised now. (Python stops counting once something was raised, so it must not.)"""
    while frame is not None and not frame.f_code.co_filename.startswith(PACKAGE):
        if any(start <= frame.f_lasti < end for start, end in _handlers(frame.f_code)):
            return True
        frame = frame.f_back
    return False


@contextmanager
def _bounded(turn: str) -> Iterator[None]:
    """Count the lines of the learner's code that run, and raise :class:`TooManyLines` beyond the limit. Ours run at full speed."""
    left, outer = [LINES], sys.gettrace()

    def line(frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "call" and _loops_on_one_line(frame.f_code):
            frame.f_trace_opcodes = True  # no event tells of another turn of such a loop
        left[0] -= event in ("line", "opcode")
        if left[0] < 0 and (left[0] < -LINES or not _caught(frame)):
            raise TooManyLines(f"more than {LINES} lines in one {turn}; it goes round and round")
        return line

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        return None if frame.f_code.co_filename.startswith(PACKAGE) else line(frame, event, argument)

    sys.settrace(enter)
    _left.append(left)
    try:
        yield
    finally:
        sys.settrace(outer)
        _left.pop()


_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
_HINTS = (  # (what is said, what is not said)
    (re.compile(r"not find the requested resource|cannot \w+ resource \"\w*[^s]\""), "a resource is named in the plural, such as pods"),
    (re.compile(r"'FrozenDict' object has no attribute '(\w+)'"), 'an object is a dict: write ["{0}"]'),
    (re.compile(r"'FrozenList' object has no attribute '(\w+)'"), "a list of objects: take one of them first, as in objects[0]"),
    (re.compile(r"'NoneType' object (?:is not subscriptable|has no attribute)"), "None is what is found where nothing is: ask before"),
    (re.compile(r"^SystemExit"), "a cluster's program ends with its turn: return instead"),
    (re.compile(r"^RecursionError"), "it calls itself without an end"),
)


def told(error: BaseException) -> str:
    """An exception in one line, with the line of the learner's own code: ``KeyError: 'spec', line 9, in reconcile``."""
    first = without_addresses((str(error).splitlines() or [""])[0])
    said = first if isinstance(error, (Mistake, Rejected)) else f"{type(error).__name__}: {first}".removesuffix(": ")
    own = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__) if not _OTHERS.match(frame.f_code.co_filename)]
    where = f", line {own[-1][1]}, in {own[-1][0].co_name}" if own else ""
    return hinted(f"{said}{where}")


def without_addresses(said: str) -> str:
    """The text without where in the computer's memory something is, which no replay would repeat: ``<object at 0x7f2c>``."""
    return _ADDRESS.sub("", said)


def hinted(said: str) -> str:
    """With a hint, where there is one: what Python or Kubernetes say, and what they do not say."""
    hints = [words.format(*found.groups()) for pattern, words in _HINTS if (found := pattern.search(said))]
    return said + (f" ({hints[0]})" if hints else "")
