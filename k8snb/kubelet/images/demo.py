"""Small programs made for lessons: one that crashes, one that starts slowly, one that says who it is.

They live on no registry; their names begin with ``k8snb/`` so that nobody takes them for real images. What they do is set by
environment variables, as one configures real programs.
"""

from __future__ import annotations

from typing import ClassVar

from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.process import Process
from k8snb.seams.cni import HTTPReply, HTTPRequest
from k8snb.sim.clock import MILLISECOND


class Crasher(Image):
    """Runs for ``AFTER`` seconds (default 5), then ends with code ``CODE`` (default 1)."""

    name = "k8snb/crasher"
    about = "images.crasher"
    versions: ClassVar[tuple[str, ...]] = ("latest", "1", "1.0")
    size = 6_000_000
    user = "65532"

    def start(self, process: Process) -> None:
        """Begin to count down."""
        process.log("starting")
        process.sleep(float(process.env.get("AFTER", "5")))

    def step(self, process: Process) -> None:
        """The time has come."""
        code = int(process.env.get("CODE", "1"))
        process.log(f"fatal: giving up with code {code}")
        process.exit(code)


class Web(Image):
    """Answers on port 8080 with the name of its pod and its version: to see which backend was chosen.

    ``/healthz`` is always healthy; ``/fail`` answers 500. ``DELAY_MS`` makes every answer slow.
    """

    name = "k8snb/web"
    about = "images.web"
    aliases: ClassVar[tuple[str, ...]] = ("docker.io/k8snb/echo", "docker.io/k8snb/hello")
    versions: ClassVar[tuple[str, ...]] = ("latest", "1", "2", "3", "4", "1.0", "2.0", "3.0", "v1", "v2", "v3", "v4", "blue", "green")
    size = 12_000_000
    user = "65532"
    ports: ClassVar[tuple[int, ...]] = (8080,)

    def start(self, process: Process) -> None:
        """Say hello in the log."""
        process.log(f"version {process.version} listens on :8080")

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Who answers, and in which version."""
        process.memory["requests"] = process.memory.get("requests", 0) + 1
        latency = int(process.env.get("DELAY_MS", "1")) * MILLISECOND
        if request.path == "/fail":
            return HTTPReply(500, "failed on request\n", latency=latency)
        if request.path == "/healthz":
            return HTTPReply(200, "ok\n", latency=latency)
        greeting = process.env.get("MESSAGE", "Hello")
        return HTTPReply(200, f"{greeting} from {process.hostname}, version {process.version}\n", latency=latency)

    def terminate(self, process: Process) -> None:
        """Finish what is under way and end."""
        process.log("SIGTERM: shutting down")
        process.exit(0)


class SlowStarter(Web):
    """Like :class:`Web`, but needs ``STARTUP`` seconds (default 20) before it listens: a case for startup probes."""

    name = "k8snb/slow-starter"
    about = "images.slow_starter"
    aliases: ClassVar[tuple[str, ...]] = ()

    def start(self, process: Process) -> None:
        """Begin to load."""
        process.log("loading ...")
        process.sleep(float(process.env.get("STARTUP", "20")))

    def step(self, process: Process) -> None:
        """Loaded."""
        process.memory["ready"] = True
        process.log(f"version {process.version} listens on :8080")

    def listens(self, process: Process, port: int) -> bool:
        """Only once it has loaded."""
        return port in self.ports and bool(process.memory.get("ready"))


class Pause(Image):
    """The pause container: does nothing, and ends well when asked."""

    name = "registry.k8s.io/pause"
    about = "images.pause"
    aliases: ClassVar[tuple[str, ...]] = (
        "k8s.gcr.io/pause",
        "docker.io/kubernetes/pause",
        "gcr.io/google_containers/pause",
        "registry.k8s.io/e2e-test-images/pause",
    )
    versions: ClassVar[tuple[str, ...]] = (
        "latest",
        "2.0",
        "3.0",
        "3.1",
        "3.2",
        "3.3",
        "3.4.1",
        "3.5",
        "3.6",
        "3.7",
        "3.8",
        "3.9",
        "3.10",
        "3.10.1",
    )
    size = 320_368
    user = "65535:65535"
    entrypoint: ClassVar[tuple[str, ...]] = ("/pause",)
    programs: ClassVar[tuple[str, ...]] = ("pause",)
    shell = False

    def terminate(self, process: Process) -> None:
        """End."""
        process.exit(0)


DEMO: tuple[type[Image], ...] = (Crasher, Web, SlowStarter, Pause)
