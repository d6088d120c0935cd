"""Running a process: from its first instruction to its last, and what goes on beside it.

These are the only functions that the container runtimes call. They choose between the image's own program and the shell,
and they keep a learner's image from breaking the cluster.

    argv ("nginx", ...) in nginx's programs  -> the image's hooks
         ("sh", "-c", ...), ("sleep", "9")   -> the shell
         anything else                       -> not found, and the container cannot start
"""

from __future__ import annotations

from collections.abc import Callable

from k8snb.component_helpers.command_line import TOO_LONG, fits
from k8snb.guests.arguments import TEXT, WHOLE, shown
from k8snb.guests.turns import guest, told
from k8snb.kubelet.images.consumption import Appetite, Consumption
from k8snb.kubelet.images.files import Files
from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.process import Process, ProcessState, System, asked
from k8snb.kubelet.images.shell import machine
from k8snb.kubelet.images.shell import session as sessions
from k8snb.kubelet.images.shell.session import Session
from k8snb.kubelet.images.shell.state import FOREVER, Frame
from k8snb.messages import Mistake, text
from k8snb.seams.cni import TCP, Answer, Connection, Headers, HTTPReply, HTTPRequest, HTTPResponse, phrase
from k8snb.seams.cri import Executed
from k8snb.sim.clock import HOUR
from k8snb.sim.state import Shelf, Tape

ENDLESS = 200_000
BUSY_LOOP = (
    f"ended after {ENDLESS} steps without a pause. A command takes effect at one instant of the cluster's time; in a real container "
    "this loop would go on and use a whole core, as it does here in a container's own command"
)
"""What an executed command says that only computes. (English: it is a part of its output, as what a shell says.)"""


class NotExecutable(Exception):
    """The command does not exist in the image; the message is what the container runtime says."""


def begin(process: Process) -> None:
    """Start process 1. Raises :class:`NotExecutable`."""
    state, image = process.state, process.image
    name = state.argv[0].rsplit("/", 1)[-1] if state.argv else ""
    state.started_at = process.now
    if not fits(state.argv):
        process.write(f"exec {state.argv[0]}: {TOO_LONG}\n", 2)  # as runc's init says it in the place of what it should become
        process.exit(255)
        return
    beside = process.main is not process and name in image.tools
    if not beside and (not state.argv or name in image.programs or (image.generic and not machine.runs(name))):
        state.program = True
        _guarded(process, "start", lambda: image.start(process))
    elif name in image.tools or (machine.runs(name) and image.brings(name)):
        if state.interactive and name in machine.SHELLS and len(state.argv) == 1:
            return  # it waits for somebody who attaches
        script, arguments = _script(process, name)
        state.shell = machine.start(script, process, arguments)
        go_on(process)
    else:
        raise NotExecutable(f'exec: "{state.argv[0]}": {_reason(state.argv[0])}')


def attach(process: Process, stdin: str) -> None:
    """Somebody attaches to process 1 and types a script: a shell that waited for it runs it, and ends. Others do not listen."""
    state = process.state
    if state.interactive and state.exit_code is None and state.shell is None and not state.program:
        state.shell = machine.start(stdin, process)
        go_on(process)


def _reason(name: str) -> str:
    return f"stat {name}: no such file or directory" if "/" in name else "executable file not found in $PATH"


def _script(process: Process, name: str) -> tuple[str, tuple[str, ...]]:
    """The script behind a command line: that of ``sh -c``, or the command itself."""
    argv = process.state.argv
    if name in machine.SHELLS and len(argv) > 2 and argv[1] in ("-c", "-ec", "-xc", "-exc", "-lc", "-ce"):
        flags = "".join(letter for letter in argv[1][1:] if letter in "ex")
        return (f"set -{flags}\n{argv[2]}" if flags else argv[2]), tuple(argv[3:]) or ("sh",)
    return machine.script_of(argv), ("sh",)


def go_on(process: Process) -> None:
    """Let the process run as far as it can at this instant."""
    state = process.state
    if state.exit_code is None and state.program and state.wake and state.wake <= process.now:
        state.wake = 0
        _guarded(process, "step", lambda: process.image.step(process))
    if state.exit_code is None and state.shell is not None:
        code = machine.step(state.shell, process)
        if code is not None:
            process.exit(code)


def _guarded(process: Process, name: str, hook: Callable[[], object]) -> None:
    """A learner's image cannot break the cluster: what it raises ends the container. Nor can one of ours."""
    try:
        if process.image.ours:
            hook()
            return
        with guest(name):
            hook()
            _check_memory(process)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the image's)
        message = f"{type(process.image).__name__}: {told(error)}"
        process.log(message)
        process.exit(1, message)
        for kept in [kept for kept, value in process.memory.items() if not _is_value(value)]:
            del process.memory[kept]


def _check_memory(process: Process) -> None:
    """What a learner's image remembers must be values: a list would be shared by all futures of the cluster."""
    for name, value in process.memory.items():
        if not _is_value(value):
            raise Mistake(text("images.no_value", name=name, found=type(value).__name__))


def _is_value(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_value, value))
    return value is None or isinstance(value, str | int | float | bytes)


def next_wake(state: ProcessState) -> int:
    """When the process goes on by itself (µs); 0 when never."""
    if state.exit_code is not None:
        return 0
    times = [state.wake] if state.wake else []
    if state.shell is not None and (wake := machine.next_wake(state.shell)):
        times.append(wake)
    return min(times, default=0)


def terminate(process: Process, signal: str = "TERM") -> None:
    """Ask process 1 to end, by SIGTERM or another signal. It may take its time, or not react at all."""
    _guarded(process, "terminate", lambda: process.image.signal(process, signal))
    go_on(process)


def listens(process: Process, port: int) -> bool:
    """Whether anything in the container listens on a TCP port."""
    state = process.state
    if state.exit_code is not None:
        return False
    web: tuple[int, str] = state.memory.get("%httpd", (0, ""))
    if port in (web[0], state.memory.get("%listen")):
        return True
    return state.program and bool(asked(process, "listens", lambda: process.image.listens(process, port), True))


def serve(process: Process, request: HTTPRequest) -> HTTPReply | None:
    """The container's answer to a request, or None where nothing listens on the port."""
    if not listens(process, request.port):
        return None
    web: tuple[int, str] = process.state.memory.get("%httpd", (0, ""))
    if request.port == web[0]:
        return static(process, web[1], request.path)
    replies: list[HTTPReply] = []
    if not process.image.ours:  # what only looks keeps silent about its mistakes
        _guarded(process, "listens", lambda: bool(process.image.listens(process, request.port)))
        _guarded(process, "appetite", lambda: _appetite(process.image.appetite(process)))
    if process.state.exit_code is None:
        _guarded(process, "http", lambda: replies.append(_reply(process, request)))
    return replies[0] if replies else HTTPReply(500, "internal server error\n")


def _reply(process: Process, request: HTTPRequest) -> HTTPReply:
    """What the image answers. Text alone is an answer, too."""
    image = process.image
    if request.method == TCP:
        return HTTPReply(200, _text(image.tcp(process, request.body), "tcp"))
    answer: object = image.http(process, request)
    if isinstance(answer, str):
        return HTTPReply(200, answer)
    if not isinstance(answer, HTTPReply):
        raise Mistake(text("images.no_reply", found=type(answer).__name__))
    if not (WHOLE.fits(answer.status) and TEXT.fits(answer.body)):
        raise Mistake(text("images.bad_reply", status=shown(answer.status), body=type(answer.body).__name__))
    return answer


def _text(said: object, hook: str) -> str:
    if not isinstance(said, str):
        raise Mistake(text("images.no_text", hook=hook, found=type(said).__name__))
    return said


def _appetite(uses: object) -> None:
    if not isinstance(uses, Appetite):
        raise Mistake(text("images.no_appetite", found=type(uses).__name__))


def count(state: ProcessState, own: Consumption) -> int:
    """How many processes the container consists of: those of its program, or a shell with its jobs."""
    return max(1, len(state.shell.jobs)) if state.shell is not None and not state.program else own.processes


def health(process: Process, service: str) -> str:
    """What gRPC's health service in the program says; empty where it has none."""
    found: list[str] = []
    _guarded(process, "health", lambda: found.append(_text(process.image.health(process, service), "health")))
    return found[0] if found else ""


def static(process: Process, root: str, path: str) -> HTTPReply:
    """A file below a directory, as a web server answers."""
    name = (root.rstrip("/") + path.partition("?")[0]).rstrip("/") or "/"
    page = process.files.read(name)
    if page is None:
        page = process.files.read(name + "/index.html")
    if page is None:
        return HTTPReply(404, f"<html><head><title>{phrase(404)}</title></head></html>\n", "text/html")
    return HTTPReply(200, page, "text/html")


class _Clockwork:
    """The surroundings of an executed command: its time runs ahead of the cluster's while it sleeps."""

    def __init__(self, system: System):
        self._system, self.now = system, system.now

    def resolve(self, name: str, kind: str = "A") -> Answer:
        return self._system.resolve(name, kind)

    def connect(self, host: str, port: int) -> Connection:
        return self._system.connect(host, port)

    def http(
        self, url: str, method: str = "GET", timeout: int = 0, *, headers: Headers = (), body: str = "", trust: str = "",
    ) -> HTTPResponse:  # fmt: skip
        return self._system.http(url, method, timeout, headers=headers, body=body, trust=trust)

    def fraction(self) -> float:
        return self._system.fraction()


def execute(main: Process, argv: tuple[str, ...], limit: int = HOUR, stdin: str = "", session: Session | None = None) -> Executed:
    """Run a command in the container to its end, at one instant of the cluster's time: ``kubectl exec``, exec probes, hooks.

    It shares files and environment with process 1. ``limit`` (µs) bounds the time that it may sleep. With a ``session`` it is a shell
    at a terminal, and ``stdin`` the line that was typed. Raises :class:`NotExecutable`.
    """
    system = _Clockwork(main.system)
    kept = main.state
    state = ProcessState(
        image=kept.image, argv=argv, env=kept.env, hostname=kept.hostname, working_dir=kept.working_dir, files=kept.files,
        mounts=kept.mounts, memory=Shelf(kept.memory), log=Tape(),
    )  # fmt: skip
    process = Process(state, main.image, main.files, system)
    process.main, process.printed, process.stdin = main, [], stdin
    begun = system.now
    frame = None
    if session is None:
        begin_beside(process)
    else:
        frame = _resume(process, stdin, session)
    _to_its_end(process, system, begun + limit)
    output = "".join(text for _, text in process.printed)
    finished = state.exit_code is not None
    code = state.exit_code if state.exit_code is not None else 0
    after = sessions.kept(state.shell, frame, process) if frame is not None and state.shell is not None else {}
    times = tuple(time - begun for time in process.printed_at)
    return Executed(
        output, code, system.now - begun if finished else limit, finished, tuple(process.printed), times=times, session=after
    )  # fmt: skip


def _to_its_end(process: Process, clock: _Clockwork, end: int) -> None:
    """Let an executed command run until it ends, or would sleep beyond ``end``, or has only computed for too long."""
    computed = 0
    for _ in range(10_000):
        wake = next_wake(process.state)
        if process.state.exit_code is not None or not wake or wake > end:
            return
        clock.now, spent = wake, process.spent
        go_on(process)
        computed += process.spent != spent
        if computed > ENDLESS // machine.BUDGET:
            process.write(f"sh: k8snb: {BUSY_LOOP}\n", 2)
            return


def _resume(process: Process, line: str, session: Session) -> Frame:
    """A shell at a terminal gets a line."""
    name = process.argv[0].rsplit("/", 1)[-1] if process.argv else ""
    if name not in machine.SHELLS or not process.image.brings(name):
        raise NotExecutable(f'exec: "{process.argv[0]}": {_reason(process.argv[0])}')
    process.state.started_at, process.stdin = process.now, ""
    process.state.shell, frame = sessions.resume(line, process, session)
    go_on(process)
    return frame


def begin_beside(process: Process) -> None:
    """Start a command beside process 1. A server of the image, run a second time, ends at once."""
    state, image = process.state, process.image
    name = state.argv[0].rsplit("/", 1)[-1] if state.argv else ""
    if name not in image.tools and (name in image.programs or (image.generic and not machine.runs(name))):
        process.unknown(state.argv)
        process.exit(0)
    else:
        begin(process)


def ends(image: Image, state: ProcessState, system: System, limit: int) -> tuple[int, int] | None:
    """How a command ends when nothing disturbs it: (exit code, duration in µs), or None where it does not within ``limit``.

    It needs no network and no cluster: what the hollow runtime with ends asks beforehand.
    """
    clock = _Clockwork(system)
    process = Process(state, image, Files(state.files, image.tree, (), {}), clock)
    begun = clock.now
    try:
        begin(process)
    except NotExecutable:
        return None  # a program of its own: nobody knows when it ends
    for _ in range(1_000):
        if state.exit_code is not None:
            return state.exit_code, clock.now - begun
        wake = next_wake(state)
        if not wake or wake - begun > limit:
            return None
        clock.now = wake
        go_on(process)
    return None


__all__ = [
    "FOREVER", "Executed", "NotExecutable", "begin", "count", "ends", "execute", "go_on", "health", "listens", "next_wake", "serve",
    "static", "terminate",
]  # fmt: skip
