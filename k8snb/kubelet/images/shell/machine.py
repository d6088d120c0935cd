"""The machine that runs compiled scripts, a little at a time.

A job runs until a command takes time; then its ``wake`` says when it goes on. The state is plain data (:mod:`.state`), the
machine itself holds nothing: :func:`start` makes a shell, :func:`step` lets every job that is ready go on, and
:func:`next_wake` tells when to come back. A signal with a trap runs the trap between two commands, or at once in ``wait``,
as POSIX has it; without a trap, a shell that is process 1 ignores SIGTERM, as the Linux kernel has it.
"""

from __future__ import annotations

import fnmatch
import shlex
from typing import Any

from k8snb.component_helpers.command_line import TOO_LONG, fits
from k8snb.kubelet.images.files import FileError
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.shell import expand
from k8snb.kubelet.images.shell.builtins import BUILTINS, Shell, frame_of
from k8snb.kubelet.images.shell.commands import COMMANDS, Call, Command, Result
from k8snb.kubelet.images.shell.compile import ShellSyntaxError, compile_script
from k8snb.kubelet.images.shell.files import FILES, virtual
from k8snb.kubelet.images.shell.mounts import MOUNTS
from k8snb.kubelet.images.shell.networking import NETWORKING
from k8snb.kubelet.images.shell.ps import PROCESSES
from k8snb.kubelet.images.shell.running import RUNNING
from k8snb.kubelet.images.shell.state import FOREVER, Frame, Job, ShellState
from k8snb.kubelet.images.shell.text import TEXT
from k8snb.kubelet.images.shell.tools import TOOLS
from k8snb.sim.clock import MILLISECOND
from k8snb.sim.state import Shelf

ALL: dict[str, Command] = {**COMMANDS, **FILES, **MOUNTS, **PROCESSES, **TEXT, **TOOLS, **NETWORKING}
EVERY = frozenset(ALL) | frozenset(RUNNING) | {"sh"}
SHELLS = ("sh", "bash", "ash", "dash")
KNOWN_ELSEWHERE = frozenset({
    "bc", "bzip2", "chroot", "comm", "cron", "crond", "ed", "fold", "free", "ftpget", "gunzip", "gzip", "hexdump", "ifconfig", "install",
    "ip", "join", "less", "more", "netstat", "od", "openssl", "patch", "perl", "python", "python3", "route", "split", "ss", "strings", "su",
    "sudo", "telnet", "top", "traceroute", "tree", "unzip", "vi", "watch", "zcat", "jq", "apt", "apt-get", "apk", "yum", "dnf",
    "git",
    "ssh", "make", "gcc", "node", "java",
})  # fmt: skip
"""Real programs that this shell does not have; asked for, they say so."""
IN_SHELL = frozenset({":", "[", "[[", "echo", "false", "printf", "pwd", "test", "true"})
"""Commands that a real shell does not start as programs of their own, so that their arguments may have any length."""
BUDGET = 2_000
"""So many instructions run at one instant; then a busy loop lets BUSY ms of virtual time pass, and has used so much CPU."""
BUSY, BUSIEST = 10, 640
DEEPEST, MOST_JOBS = 500, 256
OVERFLOW = "Segmentation fault (k8snb: functions or scripts call one another without an end, as deep as a shell's stack is)"


def start(script: str, process: Process, arguments: tuple[str, ...] = ("sh",)) -> ShellState:
    """A shell that is about to run a script."""
    state = process.state
    frame = Frame(script, variables=Shelf(state.env), arguments=arguments)
    return ShellState(jobs=[Job([frame])], directory=state.working_dir or "/", exports=Shelf(dict.fromkeys(state.env, True)))


def script_of(argv: tuple[str, ...]) -> str:
    """The script that a command line is: a program with its arguments."""
    return shlex.join(argv)


def runs(name: str) -> bool:
    """Whether the shell can run a program of that name."""
    return name in ALL or name in BUILTINS or name in RUNNING or name in SHELLS


def next_wake(shell: ShellState) -> int:
    """When the next job goes on (µs); 0 when none ever will."""
    times = [job.wake for job in shell.jobs if job.frames and job.wake > 0]
    times += [frame.deadline for job in shell.jobs for frame in job.frames if frame.deadline]
    return min(times, default=0)


def step(shell: ShellState, process: Process) -> int | None:
    """Run every job that is ready. The exit code once the main job has ended, else None."""
    budget = BUDGET
    while True:
        budget = _round(shell, process, budget)
        main = shell.jobs[0]
        if not main.waiting or not main.frames or main.wake or _waits(shell, main):
            return main.status if not main.frames else None
        # its last background job has just ended


def _round(shell: ShellState, process: Process, budget: int) -> int:
    """Let each job go on as far as it can; gives how many instructions are left at this instant."""
    at = 0
    while at < len(shell.jobs):
        job = shell.jobs[at]
        if job.wake > 0 and job.wake <= process.now:
            job.wake = 0
        _overdue(job, process.now)
        while job.frames and not job.wake and not _waits(shell, job):
            budget -= 1
            if budget < 0:
                job.busy = min(BUSIEST, job.busy * 2 or BUSY)
                job.wake = process.now + job.busy * MILLISECOND
                process.work(job.busy)
                break
            _advance(Shell(shell, job, process, EVERY))
        at += 1
    shell.ended.update({job.pid: job.status for job in shell.jobs[1:] if not job.frames})
    shell.jobs[1:] = [job for job in shell.jobs[1:] if job.frames]
    return budget


def _waits(shell: ShellState, job: Job) -> bool:
    """Whether the job is in ``wait`` and must stay there."""
    others = [other for other in shell.jobs[1:] if other.frames and job.waits_for in ("", other.pid, f"%{other.pid}")]
    if job.waiting and (shell.pending or not others):
        job.waiting = False
        job.status = shell.ended.get(job.waits_for.lstrip("%"), job.status if job.waits_for in shell.ended else 127 if job.waits_for else 0)
    return job.waiting


def _overdue(job: Job, now: int) -> None:
    """End what ``timeout`` has given too little time, with status 124."""
    for depth, frame in enumerate(job.frames):
        if frame.deadline and frame.deadline <= now:
            del job.frames[depth:]
            job.status, job.wake, job.waiting = 124, 0, False
            return


def deliver(shell: ShellState, signal: str) -> bool:
    """A signal arrives, such as ``TERM``. True when a trap handles it (soon), False when nothing happens."""
    if not shell.traps.get(signal):
        return False
    shell.pending = (*shell.pending, signal)
    return True


def _advance(shell: Shell) -> None:
    """One instruction of one job."""
    job, state = shell.job, shell.state
    if state.pending and job is state.jobs[0]:
        signal, *rest = state.pending
        state.pending = tuple(rest)
        job.frames.append(Frame(state.traps[signal], shared=True, arguments=job.frames[-1].arguments))
        return
    if len(job.frames) > DEEPEST:
        _overflow(shell)
        return
    frame = job.frames[-1]
    try:
        code = compile_script(frame.text).blocks[frame.block]
        if frame.pc >= len(code):
            shell.leave()
            return
        instruction = code[frame.pc]
        frame.pc += 1
        _HANDLERS[instruction[0]](shell, frame, instruction)
    except (ShellSyntaxError, expand.ExpansionError) as error:
        shell.write(f"{'' if isinstance(error, ShellSyntaxError) else 'sh: '}{error}\n", 2)
        job.status = 2
        shell.exit()
    except Exception as error:  # noqa: BLE001  (whatever a learner types, the cluster goes on)
        shell.write(f"sh: k8snb cannot run this: {type(error).__name__}: {error}\n", 2)
        job.status = 127


def _overflow(shell: Shell) -> None:
    """The job dies, as a process does whose stack has grown into its end."""
    shell.process.write(f"{OVERFLOW}\n", 2)
    shell.job.frames.clear()
    shell.job.status = 139


def _jump(_shell: Shell, frame: Frame, code: Any) -> None:
    frame.pc += code[1]


def _jump_if_zero(shell: Shell, frame: Frame, code: Any) -> None:
    frame.pc += code[1] if shell.job.status == 0 else 0


def _jump_if_not_zero(shell: Shell, frame: Frame, code: Any) -> None:
    frame.pc += code[1] if shell.job.status else 0


def _not(shell: Shell, _frame: Frame, _code: Any) -> None:
    shell.job.status = 0 if shell.job.status else 1


def _status(shell: Shell, _frame: Frame, code: Any) -> None:
    shell.job.status = code[1]


def _call(shell: Shell, frame: Frame, code: Any) -> None:
    """Begin a block: a subshell, a stage of a pipeline, a compound command with redirections."""
    _, block, redirects, reads_pipe, output, shared = code
    inner = Frame(frame.text, block, arguments=frame.arguments, output=output, shared=shared)
    inner.tested = _tested(shell.job, frame)
    if not shared:
        inner.variables, inner.directory = shell.all_variables(), shell.state.directory
    if reads_pipe:
        inner.stdin = shell.job.pipe
    if _redirect(shell, inner, redirects):
        shell.job.frames.append(inner)


def _redirect(shell: Shell, frame: Frame, redirects: Any) -> bool:
    """Apply redirections to a frame; False where a file cannot be opened."""
    for descriptor, operator, word in redirects:
        target = expand.text(word, shell.values())
        if operator == "<<":
            frame.stdin = target
        elif operator == "<":
            try:
                frame.stdin = shell.process.files.read(shell.path(target))
            except FileError as error:
                return _cannot(shell, f"can't open {target}: {error.why}")
            if frame.stdin is None:
                call = Call("sh", (), lambda: "", shell.process, {}, shell.state.directory)
                frame.stdin = virtual(call, shell.path(target))
            if frame.stdin is None:
                return _cannot(shell, f"can't open {target}: no such file")
        elif operator == ">&":
            if descriptor == 2 and target == "1":
                frame.error = frame.output or "&1"
            elif descriptor == 1 and target == "2":
                frame.output = frame.error or "&2"
        elif not _opened(shell, frame, descriptor, shell.path(target), append=operator == ">>"):
            return False
    return True


def _opened(shell: Shell, frame: Frame, descriptor: int, path: str, append: bool) -> bool:
    try:
        if not path.startswith(("/dev/", "/proc/")):
            if shell.process.files.is_directory(path):
                return _cannot(shell, f"can't create {path}: Is a directory")
            shell.process.files.write(path, "", append=append)
    except FileError as error:
        return _cannot(shell, f"can't create {path}: {error.why}")
    if descriptor == 1:
        frame.output = path
    else:
        frame.error = path
    return True


def _cannot(shell: Shell, message: str) -> bool:
    shell.write(f"sh: {message}\n", 2)
    shell.job.status = 1
    return False


def _spawn(shell: Shell, frame: Frame, code: Any) -> None:
    if len(shell.state.jobs) >= MOST_JOBS:
        raise expand.ExpansionError("can't fork: Resource temporarily unavailable")
    inner = Frame(frame.text, code[1], variables=shell.all_variables(), arguments=frame.arguments, output=frame_of(shell.job, "output"))
    pid = str(100 + len(shell.state.ended) + len(shell.state.jobs))
    shell.state.jobs.append(Job([inner], pid=pid))
    shell.put("!", pid)
    shell.job.status = 0


def _define(shell: Shell, frame: Frame, code: Any) -> None:
    shell.state.functions[code[1]] = (frame.text, code[2])
    shell.job.status = 0


def _for(shell: Shell, frame: Frame, code: Any) -> None:
    frame.loops.append(expand.fields(code[1], shell.values()))


def _next(shell: Shell, frame: Frame, code: Any) -> None:
    if frame.loops[-1]:
        shell.put(code[1], frame.loops[-1].pop(0))
    else:
        frame.pc += code[2]


def _end_for(_shell: Shell, frame: Frame, _code: Any) -> None:
    frame.loops.pop()


def _match(shell: Shell, _frame: Frame, code: Any) -> None:
    subject, values = expand.text(code[1], shell.values()), shell.values()
    found = any(fnmatch.fnmatchcase(subject, expand.text(pattern, values)) for pattern in code[2])
    shell.job.status = 0 if found else 1


def _run(shell: Shell, frame: Frame, code: Any) -> None:
    """A simple command."""
    _, assigns, words, redirects = code
    arguments = expand.fields(words, shell.values())
    assigned = {name: expand.text(word, shell.values()) for name, word in assigns}
    if not arguments:
        for name, value in assigned.items():
            shell.put(name, value)
        shell.job.status = shell.job.status if any(part[0] == "sub" for _, word in assigns for part in word) else 0
    inner = Frame(frame.text, shared=True, arguments=frame.arguments)
    if not _redirect(shell, inner, redirects):
        return
    if not arguments:
        return
    if shell.state.options.get("x"):
        shell.write(f"+ {shlex.join(arguments)}\n", 2)
    _execute(shell, inner, arguments, assigned)
    if shell.job.status and shell.state.options.get("e") and not _tested(shell.job, frame) and shell.job.frames:
        shell.exit()


def _tested(job: Job, frame: Frame) -> bool:
    """Whether somebody looks at the status, here or outside: then ``set -e`` does not end the script."""
    if any(one.tested for one in job.frames):
        return True
    code = compile_script(frame.text).blocks[frame.block]
    return frame.pc < len(code) and code[frame.pc][0] in ("jz", "jnz", "not")


def _execute(shell: Shell, inner: Frame, arguments: list[str], assigned: dict[str, str]) -> None:
    """Find what a name stands for: a builtin, a function, a nested shell, the image's own program, or a command."""
    name = arguments[0].rsplit("/", 1)[-1] if "/" in arguments[0] else arguments[0]
    process, state = shell.process, shell.state
    if name in BUILTINS or (name in RUNNING and process.image.brings(name)):
        _builtin(shell, name, inner, arguments[1:], assigned)
    elif name in state.functions:
        inner.text, inner.block = state.functions[name]
        inner.arguments = (inner.arguments[0], *arguments[1:])
        inner.shared = inner.function = True
        inner.tested = _tested(shell.job, shell.job.frames[-1])
        shell.job.frames.append(inner)
    elif name not in IN_SHELL and not fits(arguments):
        shell.output(f"sh: {arguments[0]}: {TOO_LONG.capitalize()}\n", 2, inner)
        shell.job.status = 126
    elif "/" in arguments[0] and process.files.is_file(shell.path(arguments[0])):
        _script(shell, inner, arguments, assigned)
    elif name in SHELLS and name not in process.absent:
        shell.nested(arguments[1:], inner, assigned)
    elif name in process.image.tools and (process.main is not process or name not in process.programs):
        _command(shell, name, inner, arguments[1:], assigned)
    elif name in process.programs:
        process.begin(tuple(arguments))
        shell.job.wake = FOREVER
    elif name in ALL and process.image.brings(name):
        _command(shell, name, inner, arguments[1:], assigned)
    elif process.unknown_runs:
        shell.job.wake, shell.job.status = process.unknown(tuple(arguments)), 0
    else:
        _not_found(shell, arguments[0], inner)


def _builtin(shell: Shell, name: str, inner: Frame, arguments: list[str], assigned: dict[str, str]) -> None:
    """Run what the shell does itself, with the variables that are assigned for it alone."""
    before = {key: shell.get(key) for key in assigned}
    for key, value in assigned.items():
        shell.put(key, value)
    (BUILTINS.get(name) or RUNNING[name])(shell, tuple(arguments), inner)
    for key, old in before.items():
        if old is None:
            shell.unset(key)
        else:
            shell.put(key, old)


def _script(shell: Shell, inner: Frame, arguments: list[str], assigned: dict[str, str]) -> None:
    """Run a file of the container as a script."""
    text = shell.script(arguments[0], f"{arguments[0]}: ", 126)
    if text is not None:
        inner.text, inner.block, inner.shared, inner.arguments = text, 0, False, tuple(arguments)
        inner.variables = Shelf({**shell.exported(), **assigned})
        shell.job.frames.append(inner)


def _not_found(shell: Shell, name: str, inner: Frame) -> None:
    simulated = f"sh: {name}: k8snb does not simulate this command\n" if name in KNOWN_ELSEWHERE else f"sh: {name}: not found\n"
    shell.output(simulated, 2, inner)
    shell.job.status = 127


def _command(shell: Shell, name: str, inner: Frame, arguments: list[str], assigned: dict[str, str]) -> None:
    given, process = inner.stdin, shell.process
    source = shell.stdin if given is None else lambda: given
    environment = {**shell.exported(), **assigned}
    call = Call(name, tuple(arguments), source, process, environment, shell.state.directory)
    try:
        result = (process.image.tools.get(name) or ALL[name])(call)
    except FileError as error:
        result = Result(status=1, err=f"{name}: can't open '{error.path}': {error.why}\n")
    shell.output(result.out, 1, inner)
    shell.output(result.err, 2, inner)
    shell.job.status = result.status
    if result.forever or result.delay:
        shell.job.running = (name, *arguments)
    if result.forever:
        shell.job.wake = FOREVER
    elif result.delay:
        shell.job.wake, shell.job.busy = shell.process.now + result.delay, 0


_HANDLERS = {
    "run": _run, "jump": _jump, "jz": _jump_if_zero, "jnz": _jump_if_not_zero, "not": _not, "status": _status, "call": _call,
    "spawn": _spawn, "define": _define, "for": _for, "next": _next, "endfor": _end_for, "match": _match,
}  # fmt: skip
