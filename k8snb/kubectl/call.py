"""One run of one command: what was said, who asks, where the output goes.

A command is a function of a :class:`Call`. It reads flags and arguments, asks the server through ``call.api``, lets virtual time
pass through ``call.host`` where it has to wait, and prints. It never catches a refusal unless kubectl does.

Models: k8s.io/kubectl/pkg/cmd/util/factory.go and genericclioptions (IOStreams).
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from k8snb.apimachinery.errors import quote
from k8snb.apiserver.impersonation import impersonated, named
from k8snb.apiserver.request import Request, User
from k8snb.kubectl.api import Api, Send
from k8snb.kubectl.flags import Flag, Values, boolean
from k8snb.kubectl.mapper import Discovered, Mapper
from k8snb.kubectl.result import Failure
from k8snb.kubectl.text import MICROS


class Watching(Protocol):
    """An open watch, looked at as time passes."""

    @property
    def open(self) -> bool:
        """Whether there may be more to come."""

    def written(self) -> list[dict[str, Any]]:
        """What has come since the last look."""

    def close(self) -> None:
        """End it."""


class Host(Protocol):
    """What kubectl needs beside requests and their answers: the clock, streams, and files."""

    @property
    def now(self) -> int:
        """Microseconds since the epoch."""

    def advance(self, until: Callable[[], bool], timeout_us: int) -> bool:
        """Let time pass until the condition holds or the timeout is over; what the condition says then."""

    def watch(self, request: Request) -> Watching:
        """Open a watch. Raises ApiError."""

    def read(self, path: str) -> str:
        """The text of a file. Raises OSError."""

    def write(self, path: str, text: str) -> None:
        """Write a file, and the folders on the way. Raises OSError."""

    def listing(self, path: str) -> list[str]:
        """The files below a folder, by their paths inside it; empty where it is none."""

    def forward(self, namespace: str, pod: str, port: int, local: int) -> int:
        """Open a port of this machine that leads to a pod (``local`` 0: any free one). Its number, or 0 where it is taken."""


FILENAME = (Flag("filename", "f", "array"), Flag("kustomize", "k"), boolean("recursive", "R"))
SELECTOR = Flag("selector", "l")
FIELD_SELECTOR = Flag("field-selector")
ALL = boolean("all")
ALL_NAMESPACES = boolean("all-namespaces", "A")
DRY_RUN = Flag("dry-run", default="none", bare="unchanged")
VALIDATE = Flag("validate", default="strict", bare="strict")
SUBRESOURCE = Flag("subresource")
CHUNK_SIZE = Flag("chunk-size", kind="int", default=500)
RECORD = Flag("record", kind="bool", deprecated="--record will be removed in the future")
CHANGE_CAUSE = "kubernetes.io/change-cause"
PRINT = (
    Flag("output", "o"), Flag("template"), boolean("allow-missing-template-keys", default=True), boolean("show-managed-fields"),
)  # fmt: skip


def field_manager(name: str) -> Flag:
    """The flag that says in whose name fields are changed."""
    return Flag("field-manager", default=name)


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table of commands: its words, what it does, its flags, and the function that does it."""

    name: str
    short: str
    usage: str = ""
    run: Callable[[Call], None] | None = None
    flags: tuple[Flag, ...] = ()
    aliases: tuple[str, ...] = ()
    subcommands: tuple[Command, ...] = ()
    remark: str = "unknown command"  # what is said of a subcommand that does not exist
    long: str = ""  # what its help begins with, where that is more than ``short``; examples included

    def find(self, word: str) -> Command | None:
        """The subcommand of that name or alias."""
        return next((command for command in self.subcommands if word == command.name or word in command.aliases), None)


@dataclass(slots=True)
class Session:
    """What outlives one command: the server, the host, who asks, the default namespace, what discovery said."""

    send: Send
    host: Host
    user: User
    namespace: str = "default"
    known: Discovered = field(default_factory=Discovered)


class Call:
    """A command being run. ``chunks`` collects what it prints, in order; ``manifests`` the files that it reads: (name, text).
    ``found`` counts the objects that it is about; -1: it has not looked for any."""

    def __init__(self, session: Session, send: Send, *, path: str, values: Values, inputs: Inputs):
        self.session, self.host, self.path, self.values, self.inputs = session, session.host, path, values, inputs
        self.chunks: list[tuple[str, str]] = []
        self.manifests: list[tuple[str, str]] = []
        self.found = -1
        self.enforced = values.said("namespace")
        self.namespace: str = values.get("namespace") or session.namespace
        other = User(values.get("as") or "", tuple(values.get("as-group") or ()), values.get("as-uid") or "")
        user = impersonated(session.user, named(other))
        self.api = Api(send, user, lambda text: self.err(f"Warning: {text}"), session.known)

    @property
    def args(self) -> list[str]:
        """The positional arguments."""
        return self.values.args

    @property
    def mapper(self) -> Mapper:
        """Which resources the server serves."""
        return self.api.mapper

    def flag(self, name: str, default: Any = None) -> Any:
        """The value of a flag; ``default`` where this command does not have it."""
        return self.values.get(name, default)

    def write(self, text: str) -> None:
        """Print text as it is."""
        if text:
            self.chunks.append(("stdout", text))

    def out(self, line: str) -> None:
        """Print a line."""
        self.write(line + "\n")

    def err(self, line: str) -> None:
        """Print a line on standard error."""
        self.chunks.append(("stderr", line + "\n"))

    @property
    def dry_run(self) -> str:
        """none, client or server."""
        said = str(self.flag("dry-run", "none"))
        if said == "unchanged":
            raise Failure('--dry-run flag without a value was specified. A value must be set: "none", "server", or "client".')
        if said not in ("none", "client", "server"):
            raise Failure(f'Invalid dry-run value ({said}). Must be "none", "server", or "client".')
        return said

    @property
    def writes(self) -> dict[str, Any]:
        """The options of every writing request: dry run, field manager, field validation."""
        options: dict[str, Any] = {"dry_run": self.dry_run == "server", "field_manager": self.flag("field-manager", "") or ""}
        if "validate" in self.values.known:
            options["field_validation"] = validation(str(self.flag("validate")))
        return options

    @property
    def cause(self) -> dict[str, Any]:
        """What ``--record`` writes down: a merge patch with the command as the cause of the change; empty without the flag."""
        if not self.flag("record"):
            return {}
        said = " ".join([self.path, *self.args, *self.values.line])
        return {"metadata": {"annotations": {CHANGE_CAUSE: said}}}

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """Let virtual time pass until something holds, or so many seconds are over; whether it held. Once held, it is not asked again."""
        held: list[bool] = []

        def latched() -> bool:
            if not held and until():
                held.append(True)
            return bool(held)

        return self.host.advance(latched, int(seconds * MICROS))

    def local_files(self, path: str) -> dict[str, str]:
        """A file (under an empty name) or all files of a folder of this machine, by their paths inside it. Raises Failure."""
        given, root = dict(self.inputs.files), path.rstrip("/")
        if root in given:
            return {"": given[root]}
        inside = {name[len(root) + 1 :]: text for name, text in given.items() if name.startswith(root + "/")}
        try:
            return inside or {name: self.host.read(f"{root}/{name}") for name in self.host.listing(root)} or {"": self.host.read(root)}
        except (OSError, UnicodeDecodeError):
            return {}

    def save(self, path: str, text: str) -> None:
        """Write a file of this machine: into the files that were given, where some were, else on the disk. Raises Failure."""
        if self.inputs.sink is not None:
            self.inputs.sink[path] = text
            return
        try:
            self.host.write(path, text)
        except OSError as problem:
            raise Failure(f"{path}: {problem.strerror}") from None

    def exactly_one_name(self) -> str:
        """The NAME of a create command."""
        if len(self.args) != 1:
            raise Failure(f"exactly one NAME is required, got {len(self.args)}\nSee '{self.path} -h' for help and examples")
        return self.args[0]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a command may read: standard input, and files by name (others come from the host)."""

    stdin: str | None = None
    files: tuple[tuple[str, str], ...] = ()
    sink: MutableMapping[str, str] | None = None  # where files are written to, if not on the disk


def validation(text: str) -> str:
    """``--validate`` as the server's field validation. Raises Failure."""
    known = {"strict": "Strict", "true": "Strict", "warn": "Warn", "ignore": "Ignore", "false": "Ignore"}
    if text.lower() not in known:
        raise Failure(f"invalid - validate option {quote(text)}; must be one of: strict (or true), warn, ignore (or false)")
    return known[text.lower()]
