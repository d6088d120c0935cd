"""The image that stands for every image nobody wrote a class for.

It runs, says nothing, and answers on every port that the pod declares or probes, so that manifests from the wild come up. Where
its container is meant to end (an init container, a pod of a Job), it ends well after five seconds.
The kubelet warns once for each such image, because nothing of what its program really does is simulated.
"""

from __future__ import annotations

from typing import ClassVar

from k8snb.kubelet.images.consumption import MIB, Appetite
from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.process import BATCH, Process
from k8snb.kubelet.images.reference import Reference
from k8snb.seams.cni import HTTPReply, HTTPRequest
from k8snb.sim.clock import SECOND


class Generic(Image):
    """Any well-formed image on a registry that can be reached."""

    name = "*"
    about = "images.generic"
    size = 50_000_000
    absent: ClassVar[tuple[str, ...]] = ()
    generic = True
    user: ClassVar[str | None] = None  # a pod that asks for runAsNonRoot is let through

    def has(self, reference: Reference) -> bool:
        """Every version exists, for all we know."""
        return True

    def appetite(self, process: Process) -> Appetite:
        """Nobody knows; at most half of what it may have, so that it is never killed for a guess."""
        limit = process.state.resources.memory_limit
        return Appetite(memory=min(20 * MIB, limit // 2) if limit else 20 * MIB)

    def start(self, process: Process) -> None:
        """A program that is meant to end (in a Job, in an init container) ends well after a moment."""
        if process.state.batch:
            process.sleep(BATCH / SECOND)

    def step(self, process: Process) -> None:
        """That moment is over."""
        process.exit(0)

    def listens(self, process: Process, port: int) -> bool:
        """On the ports that the pod names."""
        return port in process.state.ports

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Something that probes are content with."""
        return HTTPReply(200, f"{process.state.image} is not simulated: a generic container answers\n")

    def health(self, process: Process, service: str) -> str:
        """Whatever is asked, it is well."""
        return "SERVING"
