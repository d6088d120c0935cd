"""Servers whose protocol is not simulated: they start, listen, are probed, use memory and end; nobody can talk to them.

    memcached, mongo, rabbitmq, cassandra, etcd, zookeeper, elasticsearch, kafka

Models: the ports, the logs and the appetite of these images.
Simplified: a connection is accepted and what is said in it goes unanswered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from k8snb.kubelet.images.consumption import MIB, Appetite
from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.process import Process
from k8snb.kubelet.images.shell.commands import Call, Command, Result
from k8snb.seams.cni import HTTPReply, HTTPRequest


class OpaqueServer(Image):
    """A server that listens on its ports ``startup`` seconds after it has begun."""

    about = "images.opaque"
    startup: ClassVar[float] = 1.0
    ready_line: ClassVar[str] = "ready to accept connections"
    absent: ClassVar[tuple[str, ...]] = ("curl", "wget", "nslookup", "nc", "httpd", "ping")

    def start(self, process: Process) -> None:
        """Begin to load."""
        process.log(f"starting {process.argv[0].rpartition('/')[2] if process.argv else self.name}")
        process.sleep(self.startup)

    def step(self, process: Process) -> None:
        """Listen."""
        process.memory["ready"] = True
        process.log(self.ready_line)

    def listens(self, process: Process, port: int) -> bool:
        """Once it has started."""
        return port in self.ports and bool(process.memory.get("ready"))

    def http(self, process: Process, request: HTTPRequest) -> HTTPReply:
        """It hangs up."""
        return HTTPReply(0)

    def terminate(self, process: Process) -> None:
        """End well."""
        process.log("shutting down")
        process.exit(0)


def _numbers(*majors: str) -> tuple[str, ...]:
    return ("latest", "alpine", *majors, *(f"{major}.{minor}" for major in majors for minor in range(21)))


class Memcached(OpaqueServer):
    """memcached."""

    name = "memcached"
    versions: ClassVar[tuple[str, ...]] = (*_numbers("1"), *(f"1.6.{patch}" for patch in range(41)), "1.5.22", "1.4.39")
    variants: ClassVar[tuple[str, ...]] = ("", "-alpine", "-bookworm")
    ports: ClassVar[tuple[int, ...]] = (11211,)
    command: ClassVar[tuple[str, ...]] = ("memcached",)
    user = "memcache"
    users: ClassVar[Mapping[str, tuple[int, int]]] = {"memcache": (11211, 11211)}
    programs: ClassVar[tuple[str, ...]] = ("memcached", "docker-entrypoint.sh")
    startup = 0.1
    uses: ClassVar[Appetite] = Appetite(memory=3 * MIB)


def _ping(call: Call) -> Result:
    """A client that only asks whether the server is there."""
    said = " ".join(call.args)
    if "ping" not in said and "status" not in said:
        return Result(status=127, err=f"{call.name}: k8snb simulates only the question whether the server is up\n")
    ready = bool(call.process.main.memory.get("ready"))
    return Result("{ ok: 1 }\n" if ready else "", 0 if ready else 1, "" if ready else f"{call.name}: connection refused\n")


class Mongo(OpaqueServer):
    """MongoDB."""

    name = "mongo"
    aliases: ClassVar[tuple[str, ...]] = (
        "mirror.gcr.io/library/mongo",
        "mcr.microsoft.com/mirror/docker/library/mongo",
        "docker.io/bitnami/mongodb",
    )
    versions: ClassVar[tuple[str, ...]] = _numbers("3", "4", "5", "6", "7", "8")
    variants: ClassVar[tuple[str, ...]] = ("", "-jammy", "-noble", "-focal")
    ports: ClassVar[tuple[int, ...]] = (27017,)
    command: ClassVar[tuple[str, ...]] = ("mongod",)
    drops_to = "mongodb"
    users: ClassVar[Mapping[str, tuple[int, int]]] = {"mongodb": (999, 999)}
    programs: ClassVar[tuple[str, ...]] = ("mongod", "docker-entrypoint.sh")
    tools: ClassVar[Mapping[str, Command]] = {"mongosh": _ping, "mongo": _ping}
    size = 280_000_000
    startup = 2.0
    ready_line = '{"s":"I","c":"NETWORK","msg":"Waiting for connections","attr":{"port":27017,"ssl":"off"}}'
    uses: ClassVar[Appetite] = Appetite(cpu=5, memory=170 * MIB)


class RabbitMQ(OpaqueServer):
    """RabbitMQ, with its management page on 15672."""

    name = "rabbitmq"
    aliases: ClassVar[tuple[str, ...]] = (
        "mcr.microsoft.com/azurelinux/base/rabbitmq-server",
        "mcr.microsoft.com/mirror/docker/library/rabbitmq",
    )
    versions: ClassVar[tuple[str, ...]] = (
        *_numbers("3", "4"),
        *(f"4.{minor}.{patch}" for minor in range(5) for patch in range(10)),
        "3.10-management-alpine",
    )
    variants: ClassVar[tuple[str, ...]] = ("", "-management", "-alpine", "-management-alpine")
    ports: ClassVar[tuple[int, ...]] = (5672, 15672)
    command: ClassVar[tuple[str, ...]] = ("rabbitmq-server",)
    drops_to = "rabbitmq"
    users: ClassVar[Mapping[str, tuple[int, int]]] = {"rabbitmq": (999, 999)}
    programs: ClassVar[tuple[str, ...]] = ("rabbitmq-server", "docker-entrypoint.sh")
    tools: ClassVar[Mapping[str, Command]] = {"rabbitmq-diagnostics": _ping, "rabbitmqctl": _ping}
    size = 105_000_000
    startup = 5.0
    ready_line = "Server startup complete; 4 plugins started."
    uses: ClassVar[Appetite] = Appetite(cpu=10, memory=110 * MIB)


class Cassandra(OpaqueServer):
    """Cassandra."""

    name = "cassandra"
    aliases: ClassVar[tuple[str, ...]] = ("gcr.io/google-samples/cassandra",)
    versions: ClassVar[tuple[str, ...]] = (*_numbers("3", "4", "5"), *(f"v{number}" for number in range(11, 15)))
    ports: ClassVar[tuple[int, ...]] = (7000, 7001, 7199, 9042)
    command: ClassVar[tuple[str, ...]] = ("cassandra", "-f")
    drops_to = "cassandra"
    users: ClassVar[Mapping[str, tuple[int, int]]] = {"cassandra": (999, 999)}
    programs: ClassVar[tuple[str, ...]] = ("cassandra", "run.sh", "docker-entrypoint.sh")
    tools: ClassVar[Mapping[str, Command]] = {"nodetool": _ping}
    size = 150_000_000
    startup = 20.0
    ready_line = "Starting listening for CQL clients on /0.0.0.0:9042"
    uses: ClassVar[Appetite] = Appetite(cpu=30, memory=400 * MIB)


class Etcd(OpaqueServer):
    """etcd, as a workload."""

    name = "quay.io/coreos/etcd"
    aliases: ClassVar[tuple[str, ...]] = ("registry.k8s.io/etcd", "gcr.io/etcd-development/etcd")
    versions: ClassVar[tuple[str, ...]] = (
        "latest", "v3.0.15", *(f"v3.{minor}.{patch}" for minor in range(2, 7) for patch in range(25)),
        *(f"3.{minor}.{patch}-0" for minor in range(4, 7) for patch in range(25)),
    )  # fmt: skip
    ports: ClassVar[tuple[int, ...]] = (2379, 2380)
    command: ClassVar[tuple[str, ...]] = ("etcd",)
    programs: ClassVar[tuple[str, ...]] = ("etcd",)
    ready_line = '{"level":"info","msg":"ready to serve client requests"}'
    uses: ClassVar[Appetite] = Appetite(cpu=10, memory=30 * MIB)


class Zookeeper(OpaqueServer):
    """ZooKeeper."""

    name = "zookeeper"
    aliases: ClassVar[tuple[str, ...]] = ("registry.k8s.io/kubernetes-zookeeper", "k8s.gcr.io/kubernetes-zookeeper")
    versions: ClassVar[tuple[str, ...]] = (*_numbers("3"), "1.0-3.4.10")
    ports: ClassVar[tuple[int, ...]] = (2181, 2888, 3888)
    command: ClassVar[tuple[str, ...]] = ("zkServer.sh", "start-foreground")
    drops_to = "zookeeper"
    users: ClassVar[Mapping[str, tuple[int, int]]] = {"zookeeper": (1000, 1000)}
    programs: ClassVar[tuple[str, ...]] = ("zkServer.sh", "start-zookeeper", "docker-entrypoint.sh")
    tools: ClassVar[Mapping[str, Command]] = {"zookeeper-ready": lambda call: _ping(call._replace(args=("ping",)))._replace(out="")}
    startup = 3.0
    uses: ClassVar[Appetite] = Appetite(cpu=5, memory=90 * MIB)


SERVERS: tuple[type[Image], ...] = (Memcached, Mongo, RabbitMQ, Cassandra, Etcd, Zookeeper)
