"""What runs on every node beside the workloads: log collectors, exporters, and Prometheus.

    fluentd, fluent-bit      follow /var/log; they say which files they found
    prom/node-exporter       port 9100 /metrics: the node's figures, as far as the simulator has them
    prom/prometheus          port 9090: healthy and ready

Models: what these images log and answer.
Simplified: nothing is collected, and nothing is scraped.
"""

from __future__ import annotations

from typing import ClassVar

from k8snb.kubelet.images.consumption import MIB, Appetite
from k8snb.kubelet.images.echo import WebServer, option
from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.process import Process
from k8snb.seams.cni import HTTPReply, HTTPRequest


def _versions(major: str, last: int, *more: str) -> tuple[str, ...]:
    return ("latest", *more, *(f"{major}{minor}.{patch}" for minor in range(last + 1) for patch in range(11)))


class Fluentd(Image):
    """fluentd."""

    name = "fluent/fluentd"
    about = "images.fluentd"
    aliases: ClassVar[tuple[str, ...]] = (
        "docker.io/fluent/fluentd-kubernetes-daemonset", "quay.io/fluentd_elasticsearch/fluentd",
        "gcr.io/google-containers/fluentd-elasticsearch",
        "k8s.gcr.io/fluentd-elasticsearch", "registry.k8s.io/fluentd-elasticsearch", "gcr.io/fluentd-elasticsearch/fluentd",
        "k8s.gcr.io/fluentd-gcp", "registry.k8s.io/fluentd-gcp", "docker.io/library/fluentd",
        "gcr.io/google_containers/fluentd-elasticsearch",
    )  # fmt: skip
    versions: ClassVar[tuple[str, ...]] = (
        "latest", "edge", "1.30", "2.0.2", "v2.5.1", "v2.5.2", "v2.7.0", "v3.0.0", "v4.0.0", "v4.7.5", "v4.7.2", "v5.0.1", "v1",
        "v1-debian",
        *_versions("v1.", 19), "v1-debian-elasticsearch", "v1.16-debian-elasticsearch8-1", "v1.14-1", "v1.16-1", "v1.17-1", "v1.18-1",
    )  # fmt: skip
    size = 60_000_000
    entrypoint: ClassVar[tuple[str, ...]] = ("tini", "--", "/bin/entrypoint.sh")
    command: ClassVar[tuple[str, ...]] = ("fluentd",)
    programs: ClassVar[tuple[str, ...]] = ("fluentd", "tini", "entrypoint.sh", "run.sh")
    absent: ClassVar[tuple[str, ...]] = ("wget", "nslookup", "nc", "httpd")
    ports: ClassVar[tuple[int, ...]] = (24224, 24231)
    uses: ClassVar[Appetite] = Appetite(cpu=3, memory=90 * MIB)

    def start(self, process: Process) -> None:
        """Say what it follows."""
        process.log('[info]: parsing config file is succeeded path="/fluentd/etc/fluent.conf"')
        for path in [name for name in process.files.names() if name.startswith("/var/log/") and name.endswith(".log")]:
            process.log(f"[info]: #0 following tail of {path}")
        process.log("[info]: #0 fluentd worker is now running worker=0")

    def terminate(self, process: Process) -> None:
        """End well."""
        process.log("[info]: Worker 0 finished with status 0")
        process.exit(0)


class FluentBit(Fluentd):
    """Fluent Bit, with its health on 2020."""

    name = "fluent/fluent-bit"
    aliases: ClassVar[tuple[str, ...]] = ("cr.fluentbit.io/fluent/fluent-bit",)
    versions: ClassVar[tuple[str, ...]] = (*_versions("1.", 9), *_versions("2.", 2), *_versions("3.", 2), *_versions("4.", 2))
    size = 28_000_000
    entrypoint: ClassVar[tuple[str, ...]] = ()
    command: ClassVar[tuple[str, ...]] = ("/fluent-bit/bin/fluent-bit",)
    programs: ClassVar[tuple[str, ...]] = ("fluent-bit",)
    shell = False
    ports: ClassVar[tuple[int, ...]] = (2020,)
    uses: ClassVar[Appetite] = Appetite(cpu=1, memory=12 * MIB)

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Healthy."""
        return HTTPReply(200, "ok\n")


class NodeExporter(WebServer):
    """Prometheus' node exporter."""

    name = "prom/node-exporter"
    about = "images.node_exporter"
    aliases: ClassVar[tuple[str, ...]] = ("quay.io/prometheus/node-exporter",)
    versions: ClassVar[tuple[str, ...]] = (*_versions("v1.", 10), "v0.15.2", "v0.16.0", "v0.17.0", "v0.18.1")
    size = 13_000_000
    user = "nobody"
    entrypoint: ClassVar[tuple[str, ...]] = ("/bin/node_exporter",)
    programs: ClassVar[tuple[str, ...]] = ("node_exporter",)
    ports: ClassVar[tuple[int, ...]] = (9100,)
    uses: ClassVar[Appetite] = Appetite(cpu=1, memory=10 * MIB, request=10_000)

    def start(self, process: Process) -> None:
        """Say that it listens."""
        process.log('level=INFO msg="Listening on" address=:9100')

    def listens(self, process: Process, port: int) -> bool:
        """``--web.listen-address``."""
        return str(port) == option(process, "web.listen-address", ":9100").rpartition(":")[2]

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """A few metrics."""
        if request.path.partition("?")[0] != "/metrics":
            return HTTPReply(200, '<html><body><a href="/metrics">Metrics</a></body></html>\n', "text/html")
        number = "1.10.2" if process.version == "latest" else process.version.lstrip("v")
        rows = {f'node_exporter_build_info{{version="{number}"}}': "1", f'node_uname_info{{nodename="{process.hostname}"}}': "1"}
        rows["node_time_seconds"] = f"{process.now / 1_000_000:.6f}"
        return HTTPReply(200, "".join(f"{name} {value}\n" for name, value in rows.items()))


class Prometheus(WebServer):
    """Prometheus."""

    name = "prom/prometheus"
    about = "images.prometheus"
    aliases: ClassVar[tuple[str, ...]] = ("quay.io/prometheus/prometheus",)
    versions: ClassVar[tuple[str, ...]] = (*_versions("v2.", 55), *_versions("v3.", 12))
    size = 110_000_000
    user = "nobody"
    entrypoint: ClassVar[tuple[str, ...]] = ("/bin/prometheus",)
    programs: ClassVar[tuple[str, ...]] = ("prometheus",)
    ports: ClassVar[tuple[int, ...]] = (9090,)
    uses: ClassVar[Appetite] = Appetite(cpu=5, memory=80 * MIB)

    def start(self, process: Process) -> None:
        """Say that it is ready."""
        process.log('level=INFO msg="Server is ready to receive web requests."')

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """Healthy and ready."""
        names = {"/-/healthy": "Prometheus Server is Healthy.\n", "/-/ready": "Prometheus Server is Ready.\n"}
        return HTTPReply(
            200, names.get(request.path, "<html><title>Prometheus Time Series Collection and Processing Server</title></html>\n")
        )


AGENTS: tuple[type[Image], ...] = (Fluentd, FluentBit, NodeExporter, Prometheus)
