"""A process in a container: its state as plain data, and the view of it that an image's code gets.

:class:`ProcessState` hangs from the root of the simulation's state. :class:`Process` is made for the length of one call: it
joins the state with what surrounds it (the clock, the network, the volumes of its pod) and is all that the author of an
image sees.

    def step(self, process):
        process.log(f"tick {process.memory['ticks']}")
        process.memory["ticks"] += 1
        process.sleep(1.0)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from k8snb.guests.arguments import careful
from k8snb.guests.turns import Rejected, guest, without_addresses
from k8snb.kubelet.images import consumption
from k8snb.kubelet.images.consumption import Appetite, Consumption
from k8snb.kubelet.images.files import Files
from k8snb.kubelet.images.reference import parse_reference
from k8snb.kubelet.images.shell.state import FOREVER, ShellState
from k8snb.seams.cni import TCP, Answer, Connection, Headers, HTTPResponse
from k8snb.seams.cri import MountPoint, Resources
from k8snb.sim.clock import MILLISECOND, SECOND, seconds
from k8snb.sim.state import Shelf, Tape

if TYPE_CHECKING:
    from k8snb.kubelet.images.image import Image

BATCH = 5 * SECOND
"""So long an unknown program works that is meant to end."""

LOG_LINES = 2_000
"""So many lines of a container's log are kept, as a container runtime rotates them."""


NO_LIMITS = Resources()


class System(Protocol):
    """What surrounds a process: virtual time and the network, seen from its pod."""

    @property
    def now(self) -> int:
        """Virtual time (µs since the epoch)."""
        ...

    def resolve(self, name: str, kind: str = "A") -> Answer:
        """Look up a name."""
        ...

    def connect(self, host: str, port: int) -> Connection:
        """Open a TCP connection to an address or a name."""
        ...

    def http(
        self, url: str, method: str = "GET", timeout: int = 0, *, headers: Headers = (), body: str = "", trust: str = "",
    ) -> HTTPResponse:  # fmt: skip
        """Send an HTTP request."""
        ...

    def fraction(self) -> float:
        """A drawn number in ``[0, 1)`` from the container's own stream."""
        ...


@dataclass(slots=True)
class ProcessState:
    """What a container's main process is made of. ``exit_code`` None: it runs."""

    image: str = ""  # the reference, as the pod names it
    argv: tuple[str, ...] = ()
    env: Shelf = field(default_factory=Shelf)
    hostname: str = ""
    working_dir: str = "/"
    files: Shelf = field(default_factory=Shelf)  # path -> text; None: deleted, a path that ends in "/": a directory
    mounts: tuple[MountPoint, ...] = ()
    ports: tuple[int, ...] = ()
    memory: Shelf = field(default_factory=Shelf)  # an image's own variables
    log: Tape = field(default_factory=Tape)  # (time, line)
    partial: str = ""  # a last line without its end
    started_at: int = 0
    wake: int = 0  # when it wants to go on; 0: never by itself
    exit_code: int | None = None
    message: str = ""
    shell: ShellState | None = None
    batch: bool = False  # it is meant to end by itself
    interactive: bool = False  # a shell without a script waits until somebody attaches
    program: bool = False  # the image's own program runs (by itself, or started by a shell)
    resources: Resources = NO_LIMITS
    shared: int = 0  # bytes that it has written into volumes in memory
    consumption: Consumption | None = None  # None: nothing but what the image's appetite says


@careful("process", inside=True)
class Process:
    """A running process, as the code of an image sees it. Made for one call, never kept."""

    def __init__(self, state: ProcessState, image: Image, files: Files, system: System):
        self.state, self.image, self.files, self.system = state, image, files, system
        self.main: Process = self  # process 1 of the container; another one where a command is executed beside it
        self.printed: list[tuple[int, str]] | None = None  # (descriptor, text), where somebody waits for the output; else the log
        self.printed_at: list[int] = []  # when (µs)
        self.stdin = ""  # what is typed into it
        self.spent: int | None = None  # CPU time of this call (µs); None: what the image's appetite says

    def __repr__(self) -> str:
        return f"<Process {' '.join(self.state.argv)} on {self.state.hostname}>"

    @property
    def now(self) -> int:
        """Virtual time (µs since the epoch)."""
        return self.system.now

    @property
    def uptime(self) -> float:
        """Seconds since the process began."""
        return (self.now - self.state.started_at) / SECOND

    @property
    def env(self) -> Mapping[str, str]:
        """Its environment, to be read only."""
        return MappingProxyType(self.state.env)

    @property
    def memory(self) -> Shelf:
        """Its variables: plain values under names, the only place where an image may keep anything."""
        return self.state.memory

    @property
    def hostname(self) -> str:
        """The name of its pod, unless the pod says otherwise."""
        return self.state.hostname

    @property
    def argv(self) -> tuple[str, ...]:
        """The command and its arguments."""
        return self.state.argv

    @property
    def version(self) -> str:
        """The tag of its image: ``1.27`` for ``nginx:1.27``."""
        return parse_reference(self.state.image).tag

    # -- what an image's code does -----------------------------------------------------------------------------------

    def log(self, line: str) -> None:
        """Print a line to standard output: ``kubectl logs`` shows it."""
        self._print(line + "\n", 1)

    def write(self, text: str, descriptor: int = 1) -> None:
        """Print text that may hold several lines, or a part of one."""
        self._print(text, descriptor)

    def _print(self, text: str, descriptor: int) -> None:
        if not self.image.ours:
            text = without_addresses(text).encode("utf-8", "replace").decode()  # half characters cannot be saved
        if self.printed is not None:
            self.printed.append((descriptor, text))
            self.printed_at.append(self.now)
            return
        *lines, self.state.partial = (self.state.partial + text).split("\n")
        log, now = self.state.log, self.now
        for line in lines:
            log.append((now, line))
        if len(log) > LOG_LINES:
            del log[: len(log) - LOG_LINES]

    def sleep(self, duration: float) -> None:
        """Ask that ``step`` be called in so many seconds: at the earliest in a millisecond, so that time goes on."""
        self.state.wake = self.now + max(MILLISECOND, seconds(duration))

    def exit(self, code: int = 0, message: str = "") -> None:
        """End the process."""
        self.state.exit_code, self.state.wake, self.state.message = code, 0, message

    def work(self, milliseconds: float) -> None:
        """This call costs so much CPU time. A request that says nothing costs what the image's appetite says."""
        self.spent = (self.spent or 0) + round(milliseconds * MILLISECOND)

    def use(
        self, *, cpu: int | None = None, memory: int | None = None, growth: int | None = None, processes: int | None = None
    ) -> None:  # fmt: skip
        """From now on use that much all the time: millicores, bytes, and bytes more each second (a leak); or be so many processes."""
        consumption.use(self.own_consumption(), self.now, cpu=cpu, memory=memory, growth=growth, processes=processes)

    @property
    def memory_used(self) -> int:
        """Bytes in use now."""
        return consumption.memory_at(self.consumption(), self.now) + self.main.state.shared

    def consumption(self) -> Consumption:
        """What the container has used, to be read only."""
        main = self.main.state
        return main.consumption or consumption.begin(appetite_of(self), main.started_at)

    def own_consumption(self) -> Consumption:
        """What the container has used, to be changed."""
        self.main.state.consumption = self.consumption()
        return self.main.state.consumption

    def http(
        self, url: str, method: str = "GET", timeout: float = 0, *, headers: Headers = (), body: str = "", trust: str = "",
    ) -> HTTPResponse:  # fmt: skip
        """Send a request from this container. ``trust``: the text of the certificate authority to believe, or ``*`` for all."""
        return self.system.http(url, method, seconds(timeout), headers=headers, body=body, trust=trust)

    def ask(self, host: str, port: int, text: str) -> HTTPResponse:
        """Say something to a TCP server that is no web server (a database, say): its answer is ``body``, trouble is ``error``."""
        return self.system.http(f"http://{host}:{port}/", TCP, 0, body=text)

    # -- what the shell asks -----------------------------------------------------------------------------------------

    @property
    def programs(self) -> tuple[str, ...]:
        """The image's own programs."""
        return self.image.programs

    @property
    def absent(self) -> tuple[str, ...]:
        """Commands that the shell knows but the image does not have."""
        return self.image.absent

    @property
    def unknown_runs(self) -> bool:
        """Whether the image stands for one whose programs nobody knows: then any name is a program."""
        return self.image.generic

    def unknown(self, argv: tuple[str, ...]) -> int:
        """Run an unknown program; when it ends (µs), 0 for at once, or FOREVER.

        Beside process 1 it ends at once; where the container is meant to end, after a moment; else never.
        """
        if self.main is not self:
            self.write(f"k8snb does not simulate {argv[0]} of this image: it ends well, and has done nothing\n")
            return 0
        self.state.program = True
        return self.now + BATCH if self.state.batch else FOREVER

    def begin(self, argv: tuple[str, ...]) -> None:
        """The shell starts the image's own program."""
        self.state.argv, self.state.program = argv, True
        self.main.state.consumption = None  # the shell's appetite ends, the program's begins
        self.image.start(self)

    def signal(self, name: str) -> None:
        """Send a signal to process 1 of the container."""
        self.image.signal(self.main, name)


def asked(process: Process, hook: str, call: Callable[[], Any], otherwise: Any) -> Any:
    """What a hook of an image answers to somebody who only looks; ``otherwise`` where a learner's raises."""
    if process.image.ours:
        return call()
    try:
        with guest(hook):
            return call()
    except Rejected:
        return otherwise


def appetite_of(process: Process) -> Appetite:
    """What the image says that the container uses."""
    found = asked(process, "appetite", lambda: process.image.appetite(process.main), process.image.uses)
    return found if isinstance(found, Appetite) else process.image.uses
