"""The state of a running shell: frames of a call stack, and jobs. Plain data only."""

from __future__ import annotations

from dataclasses import dataclass, field

from k8snb.sim.state import Shelf

FOREVER = -1
"""A job that waits for something which never comes by itself, such as ``tail -f /dev/null``."""


@dataclass(slots=True)
class Frame:
    """One block being run: its place in it, its variables and where its output goes."""

    text: str
    block: int = 0
    pc: int = 0
    variables: Shelf = field(default_factory=Shelf)
    arguments: tuple[str, ...] = ("sh",)
    loops: list[list[str]] = field(default_factory=list)
    stdin: str | None = None
    output: str = ""  # "": to the frame below; "|": into the pipe; "%n": into a substitution; "/path": into a file
    error: str = ""  # "": to the frame below; "&1": where output goes; "/path"
    buffer: str = ""
    shared: bool = False  # its variables are those of the frame below
    function: bool = False  # the body of a function, whose ``local`` variables end with it
    tested: bool = False  # somebody looks at its status, so ``set -e`` ends nothing in it
    kept: Shelf = field(default_factory=Shelf)  # what those were before; None: nothing
    directory: str = ""  # where a subshell began: its ``cd`` ends with it
    deadline: int = 0  # when ``timeout`` ends it (µs)


@dataclass(slots=True)
class Job:
    """The main program (the first job), or one in the background."""

    frames: list[Frame] = field(default_factory=list)
    status: int = 0
    wake: int = 0  # 0: ready to run, FOREVER, or the time (µs)
    waiting: bool = False  # in ``wait``: until all other jobs have ended
    running: tuple[str, ...] = ()  # the command that it waits for, or waited for last
    pipe: str = ""
    pid: str = ""  # of a background job
    waits_for: str = ""  # in ``wait N``: whose end
    busy: int = 0  # how long it has computed without a pause, the last time that it was interrupted (ms)


@dataclass(slots=True)
class ShellState:
    """A shell with its jobs, functions and traps."""

    jobs: list[Job] = field(default_factory=list)
    functions: Shelf = field(default_factory=Shelf)  # name -> (text, block)
    traps: Shelf = field(default_factory=Shelf)  # TERM, INT, EXIT ... -> script
    options: Shelf = field(default_factory=Shelf)  # e, x, u
    exports: Shelf = field(default_factory=Shelf)  # name -> True, beside those of the container's environment
    directory: str = "/"
    ended: Shelf = field(default_factory=Shelf)  # pid of an ended background job -> its status
    pending: tuple[str, ...] = ()  # signals that came while a command ran
