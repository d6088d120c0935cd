"""What a container image does: the base class of all of them.

An image is a class with a few facts (name, versions, default command, ports, files) and hooks that the runtime calls. The
hooks keep nothing on ``self``: whatever must be remembered goes into ``process.memory``, because containers are state and
state can be forked and rewound. One file a family of images; a new one is a subclass and a row in ``IMAGES``. Its
``programs`` are servers: they run until they end. Its ``tools`` are commands beside those of the shell (``redis-cli``, ``psql``).
``about`` is the key of the sentence that says what the image stands for, and what of the real one is not there; a learner's
image says it in its docstring. Learners write them too:

    class Counter(Image):
        name = "counter"

        def http(self, process, request):
            process.memory["hits"] = process.memory.get("hits", 0) + 1
            return HTTPReply(body=f"{process.memory['hits']}\\n")

Whatever a hook raises ends the container with code 1 and a short line in its log; the cluster goes on.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import ClassVar

from k8snb.kubelet.images import accounts
from k8snb.kubelet.images.consumption import MIB, Appetite
from k8snb.kubelet.images.files import Entry, File, text_of
from k8snb.kubelet.images.ownership import Identity
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.reference import Reference
from k8snb.kubelet.images.shell import machine
from k8snb.kubelet.images.shell.commands import Command
from k8snb.messages import text
from k8snb.seams.cni import HTTPReply, HTTPRequest
from k8snb.seams.cri import RunAs

SHELL = Appetite(memory=MIB)


def releases(major: int, patches: Mapping[int, int]) -> tuple[str, ...]:
    """The tags of a version line: for each minor version its own, and one for each patch up to the last.

    >>> releases(1, {14: 2})
    ('1.14', '1.14.0', '1.14.1', '1.14.2')
    """
    found = []
    for minor, last in patches.items():
        found += [f"{major}.{minor}", *(f"{major}.{minor}.{patch}" for patch in range(last + 1))]
    return tuple(found)


DIRECTORIES = (
    "/bin/", "/dev/", "/etc/", "/home/", "/lib/", "/mnt/", "/opt/", "/proc/", "/root/", "/run/", "/sbin/", "/srv/", "/sys/", "/tmp/",
    "/usr/bin/", "/usr/lib/", "/usr/local/bin/", "/usr/share/", "/var/log/", "/var/lib/", "/var/run/", "/var/tmp/",
)  # fmt: skip
"""The directories that every image has."""
ACCOUNTS = {
    accounts.PASSWD: "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n",
    accounts.GROUP: "root:x:0:\nnobody:x:65534:\n",
}


class Image:
    """The base: a program that runs until it is told to stop, and serves nothing."""

    name: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()  # other repositories, in full: "quay.io/nginx/nginx-unprivileged"
    about: ClassVar[str] = ""  # the sentence of messages/*/images.toml that explains it
    versions: ClassVar[tuple[str, ...]] = ("latest",)
    variants: ClassVar[tuple[str, ...]] = ("",)  # endings that every version has: "-alpine"
    size: ClassVar[int] = 25_000_000  # bytes
    entrypoint: ClassVar[tuple[str, ...]] = ()
    command: ClassVar[tuple[str, ...]] = ()
    programs: ClassVar[tuple[str, ...]] = ()  # names of its own executables
    tools: ClassVar[Mapping[str, Command]] = {}  # commands of its own that run to an end
    shell: ClassVar[bool] = True  # whether it has a shell and its commands at all
    absent: ClassVar[tuple[str, ...]] = ("curl", "bash")  # commands of the shell that it does not have
    ports: ClassVar[tuple[int, ...]] = ()
    files: ClassVar[Mapping[str, str]] = {}
    environment: ClassVar[Mapping[str, str]] = {}
    uses: ClassVar[Appetite] = Appetite()  # CPU and memory, idle and for each request
    user: ClassVar[str | None] = "0"  # its USER: a number or one of ``users``; None: nobody knows
    working_dir: ClassVar[str] = "/"
    users: ClassVar[Mapping[str, tuple[int, int]]] = {}  # the accounts that it adds: name -> user and group
    root_groups: ClassVar[Mapping[str, int]] = {}  # the groups that its root is in, beside its own
    drops_to: ClassVar[str] = ""  # the account to which its program, or its workers, change from root
    generic: ClassVar[bool] = False  # stands for an image whose programs are not known

    @functools.cached_property
    def ours(self) -> bool:
        """Whether it belongs to the simulator, and is no learner's."""
        return type(self).__module__.startswith("k8snb.")

    def __setattr__(self, name: str, value: object) -> None:
        """One image stands behind many containers, in all futures: it remembers nothing."""
        raise AttributeError(text("images.no_attribute", name=name))

    def __repr__(self) -> str:
        return f"<Image {self.name}>"

    def has(self, reference: Reference) -> bool:
        """Whether there is such a version. A digest is taken at its word."""
        return bool(reference.digest) or reference.tag in self._tags

    @functools.cached_property
    def _tags(self) -> frozenset[str]:
        """Every tag that a registry has of it."""
        return frozenset(version + variant for version in self.versions for variant in self.variants)

    @functools.cached_property
    def tree(self) -> Mapping[str, Entry]:
        """Its files, with the directories that every image has."""
        passwd, group = accounts.lines(self.users, self.root_groups)
        known = {accounts.PASSWD: ACCOUNTS[accounts.PASSWD] + passwd, accounts.GROUP: ACCOUNTS[accounts.GROUP] + group}
        homes = {f"/home/{name}/": File("", 0o755, 0, 0, *numbers) for name, numbers in self.users.items()}
        return {**dict.fromkeys(DIRECTORIES, ""), "/root/": File("", 0o700), **homes, **known, **self.files}

    @functools.cached_property
    def _accounts(self) -> tuple[str, str]:
        """The texts of its passwd and group files."""
        return text_of(self.tree[accounts.PASSWD]) or "", text_of(self.tree[accounts.GROUP]) or ""

    def identity(self, wanted: RunAs) -> Identity:
        """As whom a container of it runs."""
        return accounts.identity(*self._accounts, self.user or "", wanted)

    def home(self, wanted: RunAs) -> str:
        """The home directory of that user."""
        account = accounts.account_of(self._accounts[0], self.identity(wanted).user)
        return account.home if account else "/"

    def brings(self, command: str) -> bool:
        """Whether it has a command of the shell (or the shell itself)."""
        return self.shell and command not in self.absent

    # -- hooks -------------------------------------------------------------------------------------------------------

    def start(self, process: Process) -> None:
        """The program begins."""

    def step(self, process: Process) -> None:
        """The time that ``process.sleep`` asked for is over."""

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Somebody sends a request to a port on which the program listens."""
        return HTTPReply(404, "not found\n")

    def tcp(self, process: Process, said: str) -> str:
        """Somebody says something to a port in a protocol other than HTTP; the answer."""
        return ""

    def listens(self, process: Process, port: int) -> bool:
        """Whether the program listens on a TCP port."""
        return port in self.ports

    def health(self, process: Process, service: str) -> str:
        """What its gRPC health service says (``SERVING``, ``NOT_SERVING``); empty: it speaks no gRPC."""
        return ""

    def terminate(self, process: Process) -> None:
        """SIGTERM (or the image's own stop signal): end in good time, or do nothing and be killed."""
        process.exit(143)

    def appetite(self, process: Process) -> Appetite:
        """What the container uses: the image's program, or only a shell."""
        return self.uses if process.state.program else SHELL

    # -- what the runtime calls --------------------------------------------------------------------------------------

    def signal(self, process: Process, name: str) -> None:
        """A signal to process 1. SIGKILL cannot be handled; a shell without a trap ignores the others, as process 1 does."""
        if name == "KILL":
            return  # the Linux kernel does not let a process of the container kill process 1
        shell = process.state.shell
        if shell is not None and not process.state.program:
            machine.deliver(shell, name)
        elif name in ("TERM", "QUIT", "INT"):
            self.terminate(process)
