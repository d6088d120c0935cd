"""The image of ingress-nginx' controller: a process that listens on the ports of a web proxy.

Where a request goes from there is decided by the configuration that its control loop has written; loop and decision are on the
network's side (``k8snb/network/ingress``), so this program only listens, and tells its probes that it is well.

Models: registry.k8s.io/ingress-nginx/controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from k8snb.kubelet.images.image import Image, releases
from k8snb.kubelet.images.process import Process
from k8snb.seams.cni import HTTPReply, HTTPRequest

HEALTHZ = 10254


class IngressNginx(Image):
    """The controller's image."""

    name = "registry.k8s.io/ingress-nginx/controller"
    about = "images.ingress_nginx"
    versions: ClassVar[tuple[str, ...]] = tuple(f"v{release}" for release in releases(1, {11: 8, 12: 8, 13: 5, 14: 1}))
    size = 113_000_000
    user = "www-data"
    users: ClassVar[Mapping[str, tuple[int, int]]] = {"www-data": (101, 82)}
    entrypoint: ClassVar[tuple[str, ...]] = ("/usr/bin/dumb-init", "--")
    command: ClassVar[tuple[str, ...]] = ("/nginx-ingress-controller",)
    programs: ClassVar[tuple[str, ...]] = ("dumb-init", "nginx-ingress-controller", "nginx")
    ports: ClassVar[tuple[int, ...]] = (80, 443, HEALTHZ)

    def start(self, process: Process) -> None:
        """Say what it is."""
        process.log("NGINX Ingress controller")
        process.log("Starting NGINX process")

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Its own health; everything else is led on before it comes here."""
        return HTTPReply(200, "ok") if request.path == "/healthz" else HTTPReply(404, "default backend - 404")

    def terminate(self, process: Process) -> None:
        """Finish what is under way and end."""
        process.log("Received SIGTERM, shutting down")
        process.exit(0)
