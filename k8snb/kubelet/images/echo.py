"""Web servers that answer with who they are: what one puts behind a Service to see where a request went.

    traefik/whoami                 port 80     the host name, addresses, the request
    registry.k8s.io/echoserver     port 8080   the same, at length; also gcr.io/k8s-minikube and e2e-test-images/echoserver
    hashicorp/http-echo            port 5678   the text of -text
    podinfo, kuard, node-hello, hello-frontend, test-webserver, jpetazzo/color, nginxdemos/hello

Models: what these images answer to a GET request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from k8snb.kubelet.images.consumption import MIB, Appetite
from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.process import Process
from k8snb.seams.cni import HTTPReply, HTTPRequest


def option(process: Process, name: str, default: str) -> str:
    """An option of the command line: ``-name=x``, ``--name x``."""
    for at, word in enumerate(process.argv):
        key, equals, value = word.lstrip("-").partition("=")
        if word.startswith("-") and key == name:
            return value if equals else "".join(process.argv[at + 1 : at + 2])
    return default


class WebServer(Image):
    """A web server that ends well when it is asked to."""

    ports: ClassVar[tuple[int, ...]] = (8080,)
    uses: ClassVar[Appetite] = Appetite(memory=6 * MIB)

    def terminate(self, process: Process) -> None:
        """End well."""
        process.exit(0)


class Echo(WebServer):
    """hashicorp's http-echo: on port 5678 (or ``-listen``) the text of ``-text``."""

    name = "hashicorp/http-echo"
    about = "images.http_echo"
    versions: ClassVar[tuple[str, ...]] = ("latest", "0.2.3", "0.2.1", "1.0", "1.0.0", "alpine")
    size = 3_100_000
    user = "65532"
    entrypoint: ClassVar[tuple[str, ...]] = ("/http-echo",)
    programs: ClassVar[tuple[str, ...]] = ("http-echo",)
    shell = False
    ports: ClassVar[tuple[int, ...]] = (5678,)

    def start(self, process: Process) -> None:
        """Without a text it does not start."""
        if not self._text(process):
            process.log("Missing -text option!")
            process.exit(127)
            return
        process.log(f"[INFO] server is listening on {option(process, 'listen', ':5678')}")

    @staticmethod
    def _text(process: Process) -> str:
        """What to say; from version 1.0 on the image has a default."""
        default = "" if process.version.startswith("0.") else "hello-world"
        return option(process, "text", process.env.get("ECHO_TEXT", default)).strip("\"'")

    def listens(self, process: Process, port: int) -> bool:
        """The port of ``-listen``."""
        return option(process, "listen", ":5678").rsplit(":", 1)[-1] == str(port)

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """The text."""
        process.log(f'{request.host} {request.source} "{request.method} {request.path} HTTP/1.1" 200')
        return HTTPReply(200, self._text(process) + "\n")


def _headers(request: HTTPRequest) -> str:
    return "".join(f"{name}: {value}\n" for name, value in request.headers)


class Whoami(WebServer):
    """traefik/whoami."""

    name = "traefik/whoami"
    about = "images.whoami"
    aliases: ClassVar[tuple[str, ...]] = ("docker.io/containous/whoami", "ghcr.io/traefik/whoami", "docker.io/jwilder/whoami")
    versions: ClassVar[tuple[str, ...]] = (
        "latest",
        "v1.5.0",
        *(f"v1.{minor}" for minor in range(6, 12)),
        *(f"v1.{minor}.0" for minor in range(6, 12)),
    )
    size = 2_900_000
    entrypoint: ClassVar[tuple[str, ...]] = ("/whoami",)
    programs: ClassVar[tuple[str, ...]] = ("whoami",)
    shell = False
    ports: ClassVar[tuple[int, ...]] = (80,)

    def listens(self, process: Process, port: int) -> bool:
        """Port 80, or ``--port``, or ``WHOAMI_PORT_NUMBER``."""
        return str(port) == option(process, "port", process.env.get("WHOAMI_PORT_NUMBER", "80"))

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Who answers, and what was asked."""
        path = request.path.partition("?")[0]
        if path == "/health":
            return HTTPReply(process.memory.get("health", 200) if request.method == "GET" else 200)
        if path == "/api":
            return HTTPReply(200, f'{{"hostname":"{process.hostname}","ip":["127.0.0.1"],"url":"{request.path}"}}\n', "application/json")
        name = option(process, "name", process.env.get("WHOAMI_NAME", ""))
        said = (f"Name: {name}\n" if name else "") + f"Hostname: {process.hostname}\nIP: 127.0.0.1\nRemoteAddr: {request.source}:41214\n"
        return HTTPReply(200, f"{said}{request.method} {request.path} HTTP/1.1\nHost: {request.host}\n{_headers(request)}\n")


class EchoServer(WebServer):
    """The echo server of Kubernetes' own tutorials."""

    name = "registry.k8s.io/echoserver"
    about = "images.echoserver"
    aliases: ClassVar[tuple[str, ...]] = (
        "k8s.gcr.io/echoserver", "gcr.io/google_containers/echoserver", "gcr.io/k8s-minikube/echoserver",
        "gcr.io/google-containers/echoserver",
        "registry.k8s.io/e2e-test-images/echoserver", "docker.io/kicbase/echo-server", "docker.io/ealen/echo-server",
        "docker.io/jmalloc/echo-server", "gcr.io/k8s-staging-gateway-api/echo-basic",
    )  # fmt: skip
    versions: ClassVar[tuple[str, ...]] = (
        "latest", "1.0", *(f"1.{minor}" for minor in range(1, 11)), *(f"2.{minor}" for minor in range(8)), "0.3.1", "0.3.7", "0.9.2",
    )  # fmt: skip
    size = 46_000_000
    ports: ClassVar[tuple[int, ...]] = (8080, 8443)
    programs: ClassVar[tuple[str, ...]] = ("nginx", "run.sh", "echo-server")

    def listens(self, process: Process, port: int) -> bool:
        """8080; the small rewrites listen on 80, or on PORT."""
        return port in self.ports or str(port) == process.env.get("PORT", "80")

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """The request, as it arrived."""
        pod = f"\nHostname: {process.hostname}\n\nPod Information:\n\t-no pod information available-\n"
        head = f"\nRequest Information:\n\tclient_address={request.source}\n\tmethod={request.method}\n\treal path={request.path}\n"
        tail = f"\trequest_uri=http://{request.host}:{request.port}{request.path}\n\nRequest Headers:\n\thost={request.host}\n"
        headers = "".join(f"\t{name.lower()}={value}\n" for name, value in request.headers)
        body = f"\nRequest Body:\n\t{request.body or '-no body in request-'}\n"
        return HTTPReply(200, f"{pod}{head}{tail}{headers}{body}")


class Podinfo(WebServer):
    """podinfo: a small web service with everything that one expects of one."""

    name = "ghcr.io/stefanprodan/podinfo"
    about = "images.podinfo"
    aliases: ClassVar[tuple[str, ...]] = ("docker.io/stefanprodan/podinfo", "quay.io/stefanprodan/podinfo", "docker.io/deavon/podinfo")
    versions: ClassVar[tuple[str, ...]] = (
        "latest", "secure-port", *(f"{major}.{minor}.{patch}" for major in range(2, 7) for minor in range(16) for patch in range(6)),
    )  # fmt: skip
    size = 22_000_000
    user = "app"
    users: ClassVar[Mapping[str, tuple[int, int]]] = {"app": (100, 101)}
    command: ClassVar[tuple[str, ...]] = ("./podinfo",)
    programs: ClassVar[tuple[str, ...]] = ("podinfo",)
    absent: ClassVar[tuple[str, ...]] = ("bash",)
    ports: ClassVar[tuple[int, ...]] = (9898, 9797, 9999)
    uses: ClassVar[Appetite] = Appetite(cpu=1, memory=16 * MIB, request=500)

    def listens(self, process: Process, port: int) -> bool:
        """``--port``, ``--port-metrics``, ``--grpc-port``."""
        chosen = (option(process, "port", "9898"), option(process, "port-metrics", "9797"), option(process, "grpc-port", "9999"))
        return str(port) in chosen

    def health(self, process: Process, service: str) -> str:
        """It serves the health protocol beside its pages."""
        return "SERVING"

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Its best-known paths."""
        path, number = request.path.partition("?")[0], "6.9.0" if process.version == "latest" else process.version
        if path in ("/healthz", "/readyz"):
            return self._health(process, request, path)
        if path == "/version":
            return HTTPReply(200, f'{{\n  "commit": "k8snb",\n  "version": "{number}"\n}}\n', "application/json")
        if path == "/env":
            rows = ",\n".join(f'  "{name}={value}"' for name, value in process.env.items())
            return HTTPReply(200, f"[\n{rows}\n]\n", "application/json")
        if path.startswith("/status/") and path[8:].isdecimal():
            return HTTPReply(int(path[8:]), f'{{\n  "status": {path[8:]}\n}}\n', "application/json")
        if path.startswith("/delay/") and path[7:].isdecimal():
            return HTTPReply(200, f'{{\n  "delay": {path[7:]}\n}}\n', "application/json", int(path[7:]) * 1_000_000)
        if path == "/panic":
            process.log('{"level":"panic","msg":"Panic command received"}')
            process.exit(255)
            return HTTPReply(0)
        color, message = (
            process.env.get("PODINFO_UI_COLOR", "#34577c"),
            process.env.get("PODINFO_UI_MESSAGE", f"greetings from podinfo v{number}"),
        )
        body = f'  "hostname": "{process.hostname}",\n  "version": "{number}",\n  "color": "{color}",\n  "message": "{message}"\n'
        return HTTPReply(200, f"{{\n{body}}}\n", "application/json")

    @staticmethod
    def _health(process: Process, request: HTTPRequest, path: str) -> HTTPReply:
        key = path[1:]
        if request.path.endswith(("/enable", "/disable")) or request.method == "POST":
            process.memory[key] = not request.path.endswith("/disable")
        good = process.memory.get(key, True)
        return HTTPReply(200 if good else 503, f'{{\n  "status": "{"OK" if good else "unavailable"}"\n}}\n', "application/json")


class Greeter(WebServer):
    """Small servers that say one line. Which one decides the image's name."""

    name = "gcr.io/google-samples/node-hello"
    about = "images.greeter"
    aliases: ClassVar[tuple[str, ...]] = (
        "gcr.io/google-samples/hello-frontend", "gcr.io/google-samples/hello-go-gke", "registry.k8s.io/test-webserver",
        "docker.io/jpetazzo/color", "docker.io/nginxdemos/hello", "docker.io/monopole/hello", "docker.io/paulbouwer/hello-kubernetes",
        "gcr.io/kuar-demo/kuard-amd64", "us-docker.pkg.dev/google-samples/containers/gke/whereami",
        "us-docker.pkg.dev/google-samples/containers/gke/hello-app-cdn",
    )  # fmt: skip
    versions: ClassVar[tuple[str, ...]] = (
        "latest",
        "1",
        "1.0",
        "2.0",
        "v1",
        "1.5",
        "1.8",
        "1.10",
        "blue",
        "green",
        "purple",
        "v1.2.27",
        "plain-text",
    )
    size = 20_000_000
    programs: ClassVar[tuple[str, ...]] = ("node", "server", "hello", "kuard")
    ports: ClassVar[tuple[int, ...]] = (80, 8080)

    def listens(self, process: Process, port: int) -> bool:
        """Its own port, or that of PORT."""
        return port in self.ports or str(port) == process.env.get("PORT", "")

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """One line; always healthy."""
        if request.path in ("/healthz", "/healthy", "/ready"):
            return HTTPReply(200, "ok")
        return HTTPReply(200, process.env.get("MESSAGE", "Hello Kubernetes!") + f" (from {process.hostname}, version {process.version})\n")


ECHO: tuple[type[Image], ...] = (Echo, Whoami, EchoServer, Podinfo, Greeter)
