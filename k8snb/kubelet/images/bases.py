"""Images that others are built on: distributions with their shells and tools, and interpreters of languages.

    busybox, alpine, bash, curl, debian, ubuntu, fedora        what one runs to look around; the shell is simulated
    python, node, golang, ruby, php, openjdk, perl             the shell is; programs in the language are not

Models: the official images. ``python -m http.server`` serves files; ``perl`` knows the one program of the tutorial on Jobs.
Simplified: package managers are not there; a program in a language that is not simulated runs (or, in a Job, ends after a
moment), does nothing, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from k8snb.kubelet.images.consumption import MIB, Appetite
from k8snb.kubelet.images.generic import Generic
from k8snb.kubelet.images.image import Image, releases
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.reference import Reference
from k8snb.kubelet.images.run import static
from k8snb.kubelet.images.shell.commands import Call, Command, Result
from k8snb.seams.cni import HTTPReply, HTTPRequest

_SMALL = ("curl", "wget", "nslookup", "dig", "nc", "ps", "top", "ping", "vi", "httpd", "netstat", "ip", "ifconfig", "free", "telnet")
"""What the slim images of Debian and its like do not bring along."""


class Busybox(Image):
    """The official image. Its default command ``sh`` reads from a terminal that is not there, and ends at once."""

    name = "busybox"
    about = "images.busybox"
    aliases: ClassVar[tuple[str, ...]] = (
        "registry.k8s.io/busybox",
        "k8s.gcr.io/busybox",
        "gcr.io/google_containers/busybox",
        "gcr.io/google-containers/busybox",
        "mirror.gcr.io/library/busybox",
        "public.ecr.aws/docker/library/busybox",
        "quay.io/prometheus/busybox",
        "registry.k8s.io/e2e-test-images/busybox",
    )
    versions: ClassVar[tuple[str, ...]] = (
        *("latest", "stable", "musl", "glibc", "uclibc", "1", "1.29-1", "1.29-2", "1.29-4", "1.36.1-1", "1.37.0-1"),
        *releases(1, {24: 2, 25: 1, 26: 2, 27: 2, 28: 4, 29: 3, 30: 1, 31: 1, 32: 1, 33: 1, 34: 1, 35: 0, 36: 1, 37: 0, 38: 0}),
    )
    variants: ClassVar[tuple[str, ...]] = ("", "-musl", "-glibc", "-uclibc")
    size = 2_160_406
    root_groups: ClassVar[Mapping[str, int]] = {"wheel": 10}
    command: ClassVar[tuple[str, ...]] = ("sh",)


class Alpine(Busybox):
    """Alpine Linux: BusyBox with a package manager, which is not simulated."""

    name = "alpine"
    about = "images.alpine"
    aliases: ClassVar[tuple[str, ...]] = ("mirror.gcr.io/library/alpine", "public.ecr.aws/docker/library/alpine", "docker.io/alpine/git")
    root_groups: ClassVar[Mapping[str, int]] = {
        "bin": 1, "daemon": 2, "sys": 3, "adm": 4, "disk": 6, "wheel": 10, "floppy": 11, "dialout": 20, "tape": 26, "video": 27,
    }  # fmt: skip
    versions: ClassVar[tuple[str, ...]] = (
        "latest",
        "edge",
        "3",
        *(f"3.{minor}" for minor in range(1, 24)),
        *(f"3.{minor}.{patch}" for minor in range(9, 24) for patch in range(11)),
    )
    variants: ClassVar[tuple[str, ...]] = ("",)
    size = 3_646_000
    command: ClassVar[tuple[str, ...]] = ("/bin/sh",)


class Bash(Alpine):
    """bash, on Alpine."""

    name = "bash"
    versions: ClassVar[tuple[str, ...]] = (
        "latest",
        "4",
        "5",
        *(f"5.{minor}" for minor in range(4)),
        *(f"5.2.{patch}" for patch in range(40)),
    )
    absent: ClassVar[tuple[str, ...]] = ("curl",)
    entrypoint: ClassVar[tuple[str, ...]] = ("docker-entrypoint.sh",)
    command: ClassVar[tuple[str, ...]] = ("bash",)
    size = 6_400_000


class Curl(Busybox):
    """curl, with the small tools of Alpine."""

    name = "curlimages/curl"
    about = "images.curl"
    aliases: ClassVar[tuple[str, ...]] = ("quay.io/curl/curl", "docker.io/alpine/curl", "docker.io/byrnedo/alpine-curl")
    versions: ClassVar[tuple[str, ...]] = (
        "latest",
        *(f"{major}.{minor}.{patch}" for major, minors in ((7, range(70, 89)), (8, range(22))) for minor in minors for patch in (0, 1)),
    )
    variants: ClassVar[tuple[str, ...]] = ("",)
    size = 9_600_000
    user = "curl_user"
    working_dir = "/home/curl_user"
    users: ClassVar[Mapping[str, tuple[int, int]]] = {"curl_user": (100, 101)}
    absent: ClassVar[tuple[str, ...]] = ("bash",)
    command: ClassVar[tuple[str, ...]] = ("curl",)


class NetworkTools(Busybox):
    """Everything that one wants for looking into a network."""

    name = "nicolaka/netshoot"
    about = "images.netshoot"
    aliases: ClassVar[tuple[str, ...]] = (
        "docker.io/praqma/network-multitool", "docker.io/wbitt/network-multitool", "docker.io/giantswarm/tiny-tools",
        "registry.k8s.io/e2e-test-images/jessie-dnsutils", "gcr.io/kubernetes-e2e-test-images/dnsutils", "docker.io/tutum/dnsutils",
        "docker.io/infoblox/dnstools", "docker.io/radial/busyboxplus",
    )  # fmt: skip
    versions: ClassVar[tuple[str, ...]] = (
        "latest",
        "curl",
        "1.3",
        "1.7",
        *(f"v0.{minor}" for minor in range(1, 15)),
        *(f"1.{minor}" for minor in range(9)),
    )
    variants: ClassVar[tuple[str, ...]] = ("",)
    size = 200_000_000
    absent: ClassVar[tuple[str, ...]] = ()
    command: ClassVar[tuple[str, ...]] = ("zsh",)


class Debian(Image):
    """Debian and what is built like it: bash, the usual commands, and nothing for the network."""

    name = "debian"
    about = "images.distribution"
    aliases: ClassVar[tuple[str, ...]] = (
        "mirror.gcr.io/library/debian",
        "public.ecr.aws/docker/library/debian",
        "registry.k8s.io/debian-base",
    )
    versions: ClassVar[tuple[str, ...]] = (
        *("latest", "stable", "testing", "sid", "trixie", "bookworm", "bullseye", "buster", "stretch", "stable-slim", "bookworm-slim"),
        *("trixie-slim", "bullseye-slim", *(str(major) for major in range(8, 14)), *(f"{major}.{minor}" for major in (10, 11, 12,
        13) for minor in range(14))),
    )  # fmt: skip
    variants: ClassVar[tuple[str, ...]] = ("", "-slim")
    size = 48_480_000
    absent: ClassVar[tuple[str, ...]] = _SMALL
    command: ClassVar[tuple[str, ...]] = ("bash",)


class Ubuntu(Debian):
    """Ubuntu."""

    name = "ubuntu"
    aliases: ClassVar[tuple[str, ...]] = (
        "mirror.gcr.io/library/ubuntu",
        "public.ecr.aws/docker/library/ubuntu",
        "public.ecr.aws/ubuntu/ubuntu",
    )
    versions: ClassVar[tuple[str, ...]] = (
        *("latest", "rolling", "noble", "jammy", "focal", "bionic", "xenial", "trusty"),
        *(f"{year}.{month}" for year in range(14, 27) for month in ("04", "10")),
    )  # fmt: skip
    variants: ClassVar[tuple[str, ...]] = ("",)
    size = 29_700_000


class Fedora(Debian):
    """Fedora, CentOS, Rocky and Amazon Linux, under their own names."""

    name = "fedora"
    aliases: ClassVar[tuple[str, ...]] = (
        "docker.io/library/centos", "docker.io/library/rockylinux", "docker.io/library/almalinux", "docker.io/library/amazonlinux",
        "docker.io/library/oraclelinux", "registry.access.redhat.com/ubi8/ubi", "registry.access.redhat.com/ubi9/ubi",
        "registry.access.redhat.com/ubi8/ubi-minimal", "registry.access.redhat.com/ubi9/ubi-minimal", "quay.io/centos/centos",
    )  # fmt: skip
    versions: ClassVar[tuple[str, ...]] = (
        "latest",
        "rawhide",
        "2",
        "2023",
        "6",
        "7",
        "8",
        "9",
        "stream8",
        "stream9",
        *(str(number) for number in range(25, 45)),
    )
    variants: ClassVar[tuple[str, ...]] = ("",)
    size = 62_000_000


class Interpreter(Generic):
    """An interpreter or compiler: any program in its language runs, and does nothing."""

    about = "images.interpreter"
    user = "0"
    absent: ClassVar[tuple[str, ...]] = _SMALL
    uses: ClassVar[Appetite] = Appetite(memory=15 * MIB)
    majors: ClassVar[tuple[str, ...]] = ()

    def has(self, reference: Reference) -> bool:
        """Its many tags: ``latest``, a number with endings, or a distribution."""
        return bool(reference.digest) or reference.tag.partition("-")[0].partition(".")[0] in (
            *self.majors, "latest", "alpine", "slim", "bookworm", "bullseye", "lts", "current", "stable", "rc", "buster", "trixie",
            "cli", "fpm",
            "apache", "openjdk", "jdk", "jre",
        )  # fmt: skip

    def start(self, process: Process) -> None:
        """Without a program it ends at once, as there is no terminal."""
        if len(process.argv) <= 1 and self.command == process.argv:
            process.exit(0)
            return
        process.log(f"k8snb: {' '.join(process.argv[:3])}: programs in this language are not simulated; this container does nothing")
        super().start(process)


def _interpreter(name: str, command: tuple[str, ...], programs: tuple[str, ...], majors: str, size: int) -> type[Interpreter]:
    facts = {
        "name": name, "command": command, "programs": programs, "majors": tuple(majors.split()), "size": size,
        "__doc__": f"The official image of {name}.", "__module__": __name__,
        "aliases": (f"mirror.gcr.io/library/{name}", f"public.ecr.aws/docker/library/{name}"),
    }  # fmt: skip
    return type(name.capitalize(), (Interpreter,), facts)


class Python(Interpreter):
    """The official image of Python."""

    name = "python"
    about = "images.python"
    aliases: ClassVar[tuple[str, ...]] = ("mirror.gcr.io/library/python", "public.ecr.aws/docker/library/python")
    majors: ClassVar[tuple[str, ...]] = ("2", "3")
    size = 50_000_000
    command: ClassVar[tuple[str, ...]] = ("python3",)
    programs: ClassVar[tuple[str, ...]] = ("python", "python3", "pip", "gunicorn", "flask", "uvicorn")

    @staticmethod
    def _server(process: Process) -> int:
        """The port of ``python -m http.server``; 0 for another program."""
        words = process.argv
        if words[1:3] == ("-m", "http.server"):
            return int(words[3]) if len(words) > 3 and words[3].isdecimal() else 8000
        return 0

    def start(self, process: Process) -> None:
        """The web server of the standard library, or whatever cannot be run here."""
        port = self._server(process)
        if not port:
            super().start(process)
            return
        process.log(f"Serving HTTP on 0.0.0.0 port {port} (http://0.0.0.0:{port}/) ...")

    def listens(self, process: Process, port: int) -> bool:
        """The port of that server, or what the pod declares."""
        own = self._server(process)
        return port == own if own else super().listens(process, port)

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Files of the working directory."""
        if not self._server(process):
            return super().http(process, request)
        root = process.state.working_dir.rstrip("/")
        path, place = request.path.partition("?")[0], (root + request.path.partition("?")[0]).rstrip("/") or "/"
        reply = static(process, root, request.path)
        if reply.status == 404 and process.files.is_directory(place):
            rows = "".join(f'<li><a href="{name}">{name}</a></li>\n' for name in process.files.listing(place))
            reply = HTTPReply(200, f"<title>Directory listing for {path}</title>\n<ul>\n{rows}</ul>\n", "text/html")
        process.log(f'{request.source} - - "{request.method} {request.path} HTTP/1.1" {reply.status} -')
        return reply


def digits_of_pi(count: int) -> str:
    """Pi with so many digits in all, by Machin's formula in whole numbers.

    >>> digits_of_pi(6)
    '3.14159'
    """
    unit: int = 10 ** (count + 10)

    def arctan(inverse: int) -> int:
        total: int = unit // inverse
        term = total
        divisor, sign = 3, -1
        while term:
            term //= inverse * inverse
            total += sign * (term // divisor)
            divisor, sign = divisor + 2, -sign
        return total

    digits = str(4 * (4 * arctan(5) - arctan(239)))
    return f"{digits[0]}.{digits[1:count]}"


def perl(call: Call) -> Result:
    """``perl -Mbignum=bpi -wle 'print bpi(2000)'``: the program of the tutorial on Jobs, and no other."""
    found = re.search(r"print bpi\((\d+)\)", " ".join(call.args))
    if not found:
        return Result(status=127, err="perl: k8snb runs only the program that prints digits of pi\n")
    count = min(int(found[1]), 20_000)
    return Result(digits_of_pi(count) + "\n", delay=1_000_000 + count * 1_000)


class Perl(Image):
    """The official image of Perl."""

    name = "perl"
    about = "images.perl"
    aliases: ClassVar[tuple[str, ...]] = ("mirror.gcr.io/library/perl", "public.ecr.aws/docker/library/perl")
    versions: ClassVar[tuple[str, ...]] = (
        "latest",
        "5",
        "slim",
        *(f"5.{minor}" for minor in range(18, 44)),
        *(f"5.{minor}.{patch}" for minor in range(18, 44) for patch in range(4)),
    )
    variants: ClassVar[tuple[str, ...]] = ("", "-slim")
    size = 340_000_000
    command: ClassVar[tuple[str, ...]] = ("perl", "-de0")
    tools: ClassVar[Mapping[str, Command]] = {"perl": perl}
    absent: ClassVar[tuple[str, ...]] = _SMALL


BASES: tuple[type[Image], ...] = (
    Busybox, Alpine, Bash, Curl, NetworkTools, Debian, Ubuntu, Fedora, Python, Perl,
    _interpreter("node", ("node",), ("node", "npm", "npx", "yarn"), " ".join(map(str, range(6, 26))), 45_000_000),
    _interpreter("golang", ("bash",), ("go",), "1", 230_000_000),
    _interpreter("openjdk", ("jshell",), ("java", "javac", "jshell"), " ".join(map(str, range(7, 26))), 190_000_000),
    _interpreter("ruby", ("irb",), ("ruby", "irb", "rails", "bundle"), "2 3", 70_000_000),
    _interpreter("php", ("php", "-a"), ("php", "apache2-foreground", "php-fpm"), "5 7 8", 160_000_000),
)  # fmt: skip
