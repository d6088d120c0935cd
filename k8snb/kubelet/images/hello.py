"""The web applications of well-known tutorials: each says who it is and which version.

    httpd                                       port 80     It works!
    gcr.io/google-samples/hello-app             port 8080   Hello, world! / Version / Hostname
    gcr.io/google-samples/kubernetes-bootcamp   port 8080   Hello Kubernetes bootcamp! | Running on: ... | v=1

Models: what these images answer to a GET request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from k8snb.kubelet.images.image import Image, releases
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.run import static
from k8snb.seams.cni import HTTPReply, HTTPRequest


class Httpd(Image):
    """The official image of the Apache HTTP server."""

    name = "httpd"
    about = "images.httpd"
    aliases: ClassVar[tuple[str, ...]] = (
        "public.ecr.aws/docker/library/httpd",
        "mirror.gcr.io/library/httpd",
        "registry.k8s.io/e2e-test-images/httpd",
    )
    versions: ClassVar[tuple[str, ...]] = ("latest", "2", "alpine", "2.4.38-4", "2.4.39-4", *releases(2, {4: 66}))
    variants: ClassVar[tuple[str, ...]] = ("", "-alpine", "-bookworm", "-trixie")
    size = 45_250_000
    command: ClassVar[tuple[str, ...]] = ("httpd-foreground",)
    programs: ClassVar[tuple[str, ...]] = ("httpd-foreground",)
    absent: ClassVar[tuple[str, ...]] = ("wget", "curl", "nslookup", "nc", "httpd")
    ports: ClassVar[tuple[int, ...]] = (80,)
    files: ClassVar[Mapping[str, str]] = {"/usr/local/apache2/htdocs/index.html": "<html><body><h1>It works!</h1></body></html>\n"}

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """A file below htdocs."""
        reply = static(process, "/usr/local/apache2/htdocs", request.path)
        process.log(f'{request.source} - - "{request.method} {request.path} HTTP/1.1" {reply.status} {len(reply.body)}')
        return reply

    def terminate(self, process: Process) -> None:
        """Finish at once."""
        process.exit(0)


class HelloApp(Image):
    """Google's hello-app."""

    name = "gcr.io/google-samples/hello-app"
    about = "images.hello_app"
    aliases: ClassVar[tuple[str, ...]] = ("us-docker.pkg.dev/google-samples/containers/gke/hello-app",)
    versions: ClassVar[tuple[str, ...]] = ("latest", "1.0", "2.0")
    size = 13_800_000
    user = "nonroot:nonroot"
    users: ClassVar[Mapping[str, tuple[int, int]]] = {"nonroot": (65532, 65532)}
    programs: ClassVar[tuple[str, ...]] = ("hello-app",)
    ports: ClassVar[tuple[int, ...]] = (8080,)

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Greeting, version, host name."""
        version = "1.0.0" if process.version == "latest" else f"{process.version}.0"
        return HTTPReply(200, f"Hello, world!\nVersion: {version}\nHostname: {process.hostname}\n")


class Bootcamp(Image):
    """The application of Kubernetes' own first tutorial."""

    name = "gcr.io/google-samples/kubernetes-bootcamp"
    about = "images.bootcamp"
    aliases: ClassVar[tuple[str, ...]] = ("docker.io/jocatalin/kubernetes-bootcamp", "gcr.io/k8s-minikube/kubernetes-bootcamp")
    versions: ClassVar[tuple[str, ...]] = ("v1", "v2", "latest")
    size = 83_600_000
    command: ClassVar[tuple[str, ...]] = ("/bin/sh", "-c", "node server.js")
    programs: ClassVar[tuple[str, ...]] = ("node",)
    ports: ClassVar[tuple[int, ...]] = (8080,)

    def start(self, process: Process) -> None:
        """Say that it has started."""
        process.log("Kubernetes Bootcamp App Started")

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """One line."""
        number = "2" if process.version == "v2" else "1"
        return HTTPReply(200, f"Hello Kubernetes bootcamp! | Running on: {process.hostname} | v={number}\n")


HELLO: tuple[type[Image], ...] = (Httpd, HelloApp, Bootcamp)
