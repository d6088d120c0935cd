"""``ps``: the processes of a container.

    PID   USER     TIME  COMMAND
        1 root      0:00 sh -c while true; do sleep 60; done     process 1
        7 root      0:00 sleep 60                                what its shell waits for
       47 root      0:00 sh                                      a shell that was executed beside it, and its ``ps``
       53 root      0:00 ps

A shell that has only one command left does not fork for it: it becomes that command (``sh -c "sleep 1h"`` is ``sleep 1h``).

Models: BusyBox 1.36, procps/ps.c, shell/ash.c (evaltree with EV_EXIT).
Simplified: numbers are chosen, not counted; of an executed shell only the background jobs have rows of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.shell.commands import Call, Command, Result, user_name
from k8snb.kubelet.images.shell.compile import compile_script
from k8snb.kubelet.images.shell.state import Job, ShellState

CHILD, BESIDE, ITSELF = 7, 47, 53
"""The numbers of the command that the first shell waits for, of a command that was executed beside it, and of ``ps``."""


def processes(call: Call) -> Result:
    """Print the processes of the container."""
    main, own = call.process.main, call.process
    drops = main.image.drops_to if main.state.program and not call.files.who.user else ""
    who = user_name(call, call.files.who.user) or str(call.files.who.user)
    rows = [(number, (drops if number == 1 else "") or who, words) for number, words in _of(main)]
    if main is not own:
        beside = [(BESIDE, " ".join(own.argv))] if own.argv[:1] != ("ps",) else []
        rows += [(number, who, words) for number, words in (*beside, *_background(own.state.shell))]
    if main is not own or main.state.shell is not None:
        rows.append((ITSELF, who, " ".join((call.name, *call.args))))
    lines = (f"{number:5} {user:8}  0:00 {words}\n" for number, user, words in sorted(rows))
    return Result("PID   USER     TIME  COMMAND\n" + "".join(lines))


def _of(main: Process) -> Iterator[tuple[int, str]]:
    """Process 1 and its children."""
    shell = main.state.shell
    running = shell.jobs[0].running if shell is not None and not main.state.program and shell.jobs[0].wake else ()
    becomes = shell is not None and bool(running) and not shell.traps and len(main.argv) > 2 and _is_last(shell.jobs[0])
    yield 1, " ".join(running if becomes else main.argv)
    if running and not becomes and main.argv[:1] != running[:1]:
        yield CHILD, " ".join(running)
    yield from _background(shell)


def _is_last(job: Job) -> bool:
    """Whether nothing of the script is left to be run after the command."""
    frame = job.frames[0]
    return len(job.frames) == 1 and frame.pc >= len(compile_script(frame.text).blocks[frame.block])


def _background(shell: ShellState | None) -> Iterator[tuple[int, str]]:
    """What runs in the background of a shell."""
    for job in shell.jobs[1:] if shell is not None else ():
        if job.frames and job.running:
            yield int(job.pid), " ".join(job.running)


PROCESSES: dict[str, Command] = {"ps": processes}
