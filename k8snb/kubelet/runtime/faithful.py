"""The faithful runtime of one node: images are pulled, processes run, print, serve, crash and end.

It is a part of the machine and not of the kubelet: when a kubelet stops, its containers go on. Its own kernel events,
``("wake", container id)`` for the component ``containerd/<node>``, let a process continue that asked to sleep. What a
process printed stays until the container is removed.

Models: containerd behind the CRI plugin; its sentences for what can go wrong.
How CPU and memory are used, and when a container is killed for it, says :mod:`k8snb.kubelet.images.consumption`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from k8snb.kubelet.images import Catalogue, Image
from k8snb.kubelet.images import run as processes
from k8snb.kubelet.images.consumption import Consumption, charge, cpu_at, exhausted_at, hunger_at, memory_at
from k8snb.kubelet.images.files import Files, size_of, text_of
from k8snb.kubelet.images.process import Process, ProcessState, appetite_of
from k8snb.kubelet.registries import Registries
from k8snb.kubelet.runtime.cpu import Claim, allocate
from k8snb.kubelet.runtime.image_store import ImageStore
from k8snb.kubelet.runtime.system import ContainerSystem
from k8snb.kubelet.runtime.volumes import ContainerLogs, Volumes, VolumesState
from k8snb.seams.cni import HTTPReply, HTTPRequest, Network
from k8snb.seams.cri import ContainerConfig, Ended, Executed, Latencies, MountPoint, PodVolume, Resources, Started, Usage
from k8snb.seams.csi import Driver
from k8snb.sim.clock import LATENCY
from k8snb.sim.kernel import Event, Kernel
from k8snb.sim.state import Shelf


@dataclass(slots=True)
class Container:
    """One container of the runtime. ``ended_at`` 0: it runs."""

    config: ContainerConfig
    process: ProcessState
    ended_at: int = 0
    code: int = 0
    oom: bool = False  # it was killed for want of memory
    resting: int = 0  # bytes that it uses as long as it does nothing
    idling: int = 0  # and millicores
    wake: int = 0
    exhausted_at: int = 0  # when its memory will pass its limit, as far as is known


@dataclass(slots=True)
class RuntimeState:
    """What lies on the machine: containers by id, ids by pod, volumes by pod, images."""

    containers: dict[str, Container] = field(default_factory=dict)
    pods: dict[str, list[str]] = field(default_factory=dict)
    volumes: VolumesState = field(default_factory=VolumesState)
    images: Shelf = field(default_factory=Shelf)  # full reference -> size


class FaithfulRuntime(ImageStore):
    """Implements :class:`k8snb.seams.cri.Runtime` for one node."""

    instant = False
    latencies = Latencies(LATENCY["sandbox"], LATENCY["container start"], LATENCY["container stop"])

    def __init__(
        self, kernel: Kernel, state: RuntimeState, node: str, network: Network, catalogue: Catalogue, *,
        registries: Registries, cores: int = 4000,
        drivers: Mapping[str, Driver] = MappingProxyType({}),
    ):  # fmt: skip
        super().__init__(state.images, catalogue, registries)
        self.kernel, self.state, self.node, self.network = kernel, state, node, network
        self.cores = cores  # millicores of the machine that its pods may use
        self.volumes = Volumes(state.volumes, drivers, lambda image: self.image_of(image).files, ContainerLogs(self._logs))
        self.name, self.kubelet = f"containerd/{node}", f"kubelet/{node}"
        kernel.handlers[self.name] = self.handle

    def _logs(self) -> Iterator[tuple[ContainerConfig, Sequence[tuple[int, str]]]]:
        """Of each container: what it was made from, and what it has printed."""
        return ((container.config, container.process.log) for container in self.state.containers.values())

    # -- containers --------------------------------------------------------------------------------------------------

    def set_volume(self, pod_uid: str, name: str, volume: PodVolume) -> None:
        """A volume of a pod is mounted on the machine."""
        self.volumes.mount(pod_uid, name, volume)

    def write_volume(self, pod_uid: str, name: str, tree: Mapping[str, Any]) -> None:
        """Replace the files of a pod's own volume."""
        self.volumes.write(pod_uid, name, tree)

    def volume_files(self, pod_uid: str, name: str) -> Mapping[str, Any]:
        """The tree of a pod's volume."""
        return self.volumes.files(pod_uid, name)

    def unmount_volumes(self, pod_uid: str) -> None:
        """The pod has ended: what was its own is gone."""
        self.volumes.forget(pod_uid)

    def make_directory(self, pod_uid: str, name: str, path: str) -> None:
        """Make an empty directory in a volume."""
        files = Files(Shelf(), {}, (MountPoint("/v", name),), self.volumes.of(pod_uid), now=self.kernel.now)
        files.make_directory(f"/v/{path}")

    def host_kind(self, path: str) -> str:
        """What is at a path of the machine."""
        return self.volumes.host_kind(path)

    def make_on_host(self, path: str, kind: str) -> None:
        """Make an empty directory or file on the machine."""
        self.volumes.make_on_host(path, kind, self.kernel.now)

    def start(self, config: ContainerConfig) -> Started:
        """Create and start it."""
        image = self.image_of(config.image)
        argv = (*(config.command or image.entrypoint), *(config.args or (() if config.command else image.command)))
        state = ProcessState(
            image=config.image, argv=argv, env=Shelf({"PATH": _PATH, **image.environment}),
            hostname=config.hostname, working_dir=config.working_dir or image.working_dir, mounts=config.mounts, ports=config.ports,
            batch=config.batch, resources=config.resources, interactive=config.stdin, shared=self._inherited(config.pod_uid),
        )  # fmt: skip
        state.env.update({"HOSTNAME": config.hostname, "HOME": image.home(config.run_as), **dict(config.env)})
        state.files.update(self._etc(config))
        container = Container(config, state)
        process = self._process_of(container, image)
        try:
            processes.begin(process)
        except processes.NotExecutable as error:
            return Started(_RUNC + str(error))
        resting = process.consumption()
        container.resting, container.idling = resting.memory, resting.cpu
        if resting.growth:
            process.own_consumption()  # it leaks even if it does nothing
        self.state.containers[config.id] = container
        self.state.pods.setdefault(config.pod_uid, []).append(config.id)
        self._settle(container)
        return Started()

    def _etc(self, config: ContainerConfig) -> dict[str, str]:
        return {
            "/etc/hostname": config.hostname + "\n",
            "/etc/hosts": f"# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n{config.address}\t{config.hostname}\n",
            "/etc/resolv.conf": self.network.resolver(config.namespace, config.pod).text,
        }

    def _process(self, container: Container) -> Process:
        return self._process_of(container, self.image_of(container.config.image))

    def _process_of(self, container: Container, image: Image) -> Process:
        config, now = container.config, self.kernel.now
        volumes = self.volumes.of(config.pod_uid) if config.mounts else {}
        hosts = text_of(container.process.files.get("/etc/hosts")) or ""
        system = ContainerSystem(self.kernel, self.network, config, self.node, hosts)
        who = image.identity(config.run_as)
        files = Files(container.process.files, image.tree, config.mounts, volumes, now=now, read_only=config.read_only, who=who)
        return Process(container.process, image, files, system)

    def _settle(self, container: Container) -> None:
        """After a process ran: note its end, or arrange for its next turn."""
        state = container.process
        if container.config.pod_uid in self.state.volumes.in_memory:
            self._charge_files(container)
        if state.exit_code is None and state.resources.memory_limit:
            self._watch_memory(container)
        if state.exit_code is not None and not container.ended_at:
            container.ended_at, container.code = self.kernel.now, state.exit_code & 255
            self._tell(container)
            return
        wake = processes.next_wake(state)
        if wake and wake != container.wake:
            container.wake = wake
            why = f"{container.config.pod}/{container.config.name} goes on"
            self.kernel.after(max(0, wake - self.kernel.now), self.name, ("wake", container.config.id), why=why)

    def _charge_files(self, writer: Container) -> None:
        """What has come into the pod's memory-backed volumes is memory of the container that wrote it; what is gone is nobody's."""
        change = self.volumes.grown(writer.config.pod_uid)
        writer.process.shared += change
        for other in self._running(writer.config.pod_uid):
            debt = min(0, writer.process.shared)
            if debt and other is not writer:
                given = max(debt, -other.process.shared)
                other.process.shared, writer.process.shared = other.process.shared + given, writer.process.shared - given
        writer.process.shared = max(0, writer.process.shared)

    def _inherited(self, pod_uid: str) -> int:
        """Bytes in the pod's memory-backed volumes that no running container has to answer for: its next one does."""
        written = self.state.volumes.in_memory.get(pod_uid)
        return max(0, written - sum(container.process.shared for container in self._running(pod_uid))) if written else 0

    def _watch_memory(self, container: Container) -> None:
        """Kill the container if its memory is beyond its limit, or arrange for the instant at which it will be."""
        state, now = container.process, self.kernel.now
        when = exhausted_at(self._process(container).consumption(), now, max(1, state.resources.memory_limit - state.shared))
        if when == now:
            container.oom, state.exit_code = True, 137
        elif when != container.exhausted_at:
            container.exhausted_at = when
            if when:
                why = f"{container.config.pod}/{container.config.name} runs out of memory"
                self.kernel.after(when - now, self.name, ("memory", container.config.id), why=why)

    def _tell(self, container: Container) -> None:
        config = container.config
        key = ("exited", config.pod_uid, config.id)
        why = f"{config.pod}/{config.name} ended with {container.code}"
        self.kernel.after(self.latencies.stop, self.kubelet, key, why=why, causes=self.kernel.causes)

    def handle(self, event: Event) -> None:
        """A process that slept goes on; or one that leaks has come to its limit."""
        if self.is_moot(event):
            return
        container = self.state.containers[event.key[1]]
        if event.key[0] == "wake":
            container.wake = 0
            process = self._process(container)
            processes.go_on(process)
            self._charge(container, process, process.spent or 0, 0)
            self._settle(container)
        elif event.key[0] == "memory":
            container.exhausted_at = 0
            self._settle(container)

    def is_moot(self, event: Event) -> bool:
        """Whether nothing will come of an event: its container has ended meanwhile, or waits for another moment."""
        container = self.state.containers.get(event.key[1])
        if container is None or container.ended_at:
            return True
        return event.time != (container.wake if event.key[0] == "wake" else container.exhausted_at)

    def _charge(self, container: Container, process: Process, cost: int, requests: int) -> int:
        """Note CPU time; how much longer the work takes than on an idle machine (µs)."""
        if not cost and not requests:
            return 0
        limit = process.state.resources.cpu_limit
        return charge(
            process.own_consumption(), self.kernel.now, cost=cost, requests=requests, speed=self._speed(container), limit=limit
        )  # fmt: skip

    def _speed(self, worker: Container) -> int:
        """Millicores that the machine can give a container that has work to do, beside all others."""
        claims = self._claims(hunger_at)
        free = self.cores - sum(claim.want for claim in claims if claim.container != worker.config.id)
        if 2 * free >= self.cores:
            return free  # nobody has to give way; what a weight would add to it is not worth a look at every request
        return allocate(self.cores, (one._replace(want=self.cores) if one.container == worker.config.id else one for one in claims))[
            worker.config.id
        ]

    def _claims(self, wish: Callable[[Consumption, int, Resources], int]) -> list[Claim]:
        """What each running container would have of the CPU. One that never did anything wants what it did at its start."""
        now, found = self.kernel.now, []
        for number, container in self.state.containers.items():
            if not container.ended_at:
                own, config, resources = container.process.consumption, container.config, container.process.resources
                want = container.idling if own is None else wish(own, now, resources)
                found.append(Claim(number, config.pod_uid, config.qos, resources.cpu_request, want))
        return found

    def ended(self, container_id: str) -> Ended | None:
        """How it ended. A container that nobody knows any more counts as lost."""
        container = self.state.containers.get(container_id)
        if container is None:
            return Ended(137, self.kernel.now, "ContainerStatusUnknown", "The container could not be located when the pod was terminated")
        if not container.ended_at:
            return None
        config, process = container.config, container.process
        message = text_of(process.files.get(config.message_path)) or process.message
        if not message and config.message_from_log and container.code:
            message = "".join(f"{line}\n" for _, line in process.log[-80:])[-2048:]
        reason = "OOMKilled" if container.oom else "Completed" if container.code == 0 else "Error"
        return Ended(container.code, container.ended_at, reason, message[-4096:])

    def stop(self, container_id: str) -> None:
        """SIGTERM, or the container's own stop signal."""
        container = self.state.containers.get(container_id)
        if container is not None and not container.ended_at:
            processes.terminate(self._process(container), container.config.stop_signal or "TERM")
            self._settle(container)

    def kill(self, container_id: str) -> None:
        """SIGKILL."""
        container = self.state.containers.get(container_id)
        if container is not None and not container.ended_at:
            container.process.exit_code = 137
            self._settle(container)

    # -- use of CPU, memory and disk ---------------------------------------------------------------------------------

    def update_resources(self, container_id: str, resources: Resources) -> None:
        """Other limits, from now on."""
        container = self.state.containers.get(container_id)
        if container is not None and not container.ended_at:
            container.config = container.config._replace(resources=resources)
            container.process.resources = resources
            self._settle(container)

    def oom_kill(self, container_id: str) -> None:
        """The node has no memory left, and this container pays for it."""
        container = self.state.containers.get(container_id)
        if container is not None and not container.ended_at:
            container.oom = True
            self.kill(container_id)

    def usage(self, container_id: str) -> Usage | None:
        """What a running container uses."""
        container = self.state.containers.get(container_id)
        if container is None or container.ended_at:
            return None
        return self._usage(container, allocate(self.cores, self._claims(cpu_at))[container_id])

    def _usage(self, container: Container, cpu: int) -> Usage:
        state = container.process
        disk = size_of(state.files) + sum(len(path) for path in state.files) + sum(len(line) for _, line in state.log)
        own = self._process(container).consumption()
        memory = memory_at(own, self.kernel.now) + state.shared
        return Usage(cpu, memory, disk, inodes=len(state.files) + 1, processes=processes.count(state, own))

    def node_usage(self) -> Mapping[str, Usage]:
        """What every running container uses, by its id."""
        parts = allocate(self.cores, self._claims(cpu_at))
        return {number: self._usage(self.state.containers[number], cpu) for number, cpu in parts.items()}

    def memory(self, at: int = 0) -> int:
        """What all containers use. One that never did anything uses what it did at its start, so this is cheap."""
        when, total = at or self.kernel.now, sum(self.state.volumes.in_memory.values())
        for container in self.state.containers.values():
            if not container.ended_at:
                own = container.process.consumption
                total += container.resting if own is None else memory_at(own, when)
        return total

    def written(self) -> tuple[int, int]:
        """What all containers have written."""
        running, volumes = self.node_usage().values(), [self.volumes.on_disk(uid) for uid in self.state.volumes.own]
        return (
            sum(use.disk for use in running) + sum(size for size, _ in volumes),
            sum(use.inodes for use in running) + sum(files for _, files in volumes),
        )

    def pod_usage(self, pod_uid: str) -> Mapping[str, Usage]:
        """What the running containers of a pod use."""
        running, parts = self._running(pod_uid), allocate(self.cores, self._claims(cpu_at))
        return {container.config.name: self._usage(container, parts[container.config.id]) for container in running}

    def volume_usage(self, pod_uid: str) -> Mapping[str, int]:
        """What is in the volumes of a pod."""
        return self.volumes.usage(pod_uid)

    def volume_inodes(self, pod_uid: str) -> Mapping[str, int]:
        """How many files they are."""
        return self.volumes.inodes(pod_uid)

    # -- faults ------------------------------------------------------------------------------------------------------

    def crash(self, pod_uid: str, name: str, code: int) -> bool:
        """A fault: the process dies. False where no such container runs."""
        for container in self._running(pod_uid):
            if not name or container.config.name == name:
                container.process.exit_code = code
                self._settle(container)
                return True
        return False

    def remove_pod(self, pod_uid: str) -> None:
        """Forget everything of a pod."""
        for container_id in self.state.pods.pop(pod_uid, []):
            self.state.containers.pop(container_id, None)
        self.volumes.forget(pod_uid)

    def remove_container(self, container_id: str) -> None:
        """Forget a dead container."""
        container = self.state.containers.pop(container_id, None)
        if container is not None:
            self.state.pods[container.config.pod_uid].remove(container_id)

    def log(self, container_id: str) -> list[tuple[int, str]] | None:
        """What it printed."""
        container = self.state.containers.get(container_id)
        if container is None:
            return None
        partial = [(self.kernel.now, container.process.partial)] if container.process.partial else []
        return [*container.process.log, *partial]

    def attach(self, container_id: str, stdin: str) -> None:
        """Type into process 1."""
        container = self.state.containers.get(container_id)
        if container is not None and not container.ended_at:
            processes.attach(self._process(container), stdin)
            self._settle(container)

    def execute(
        self, container_id: str, command: tuple[str, ...], limit: int, stdin: str = "", session: Mapping[str, Any] | None = None
    ) -> Executed:  # fmt: skip
        """Run a command beside process 1."""
        container = self.state.containers[container_id]
        try:
            result = processes.execute(self._process(container), command, limit, stdin, session)
        except processes.NotExecutable as error:
            result = Executed(f"{_EXEC}{error}: unknown", 127, 0, failed=True)
        self._settle(container)  # `kill 1` may have ended it
        return result

    # -- the network's side ------------------------------------------------------------------------------------------

    def _running(self, pod_uid: str) -> list[Container]:
        found = [self.state.containers[i] for i in self.state.pods.get(pod_uid, ()) if i in self.state.containers]
        return [container for container in found if not container.ended_at]

    def listens(self, pod_uid: str, port: int) -> bool:
        """Whether a container of the pod listens there."""
        return any(processes.listens(self._process(container), port) for container in self._running(pod_uid))

    def listener(self, pod_uid: str, port: int) -> str:
        """The id of the container that listens there; empty: none."""
        return next((one.config.id for one in self._running(pod_uid) if processes.listens(self._process(one), port)), "")

    def health(self, pod_uid: str, port: int, service: str) -> str | None:
        """What the first container that listens there says of itself."""
        for container in self._running(pod_uid):
            process = self._process(container)
            if processes.listens(process, port):
                return processes.health(process, service)
        return None

    def serve(self, pod_uid: str, request: HTTPRequest) -> HTTPReply | None:
        """The answer of the first container that listens."""
        for container in self._running(pod_uid):
            process = self._process(container)
            reply = processes.serve(process, request)
            if reply is not None:
                cost = appetite_of(process).request if process.spent is None else process.spent
                reply = reply._replace(latency=reply.latency + self._charge(container, process, cost, 1))
                self._settle(container)
                return reply
        return None

    def say(self, pod_uid: str, line: str) -> None:
        """A line in the log of the pod's first container."""
        for container in self._running(pod_uid)[:1]:
            self._process(container).log(line)

    def process_memory(self, pod_uid: str, name: str) -> Mapping[str, object]:
        """What a program remembers: for views of a load generator's results."""
        for container in self._running(pod_uid):
            if container.config.name == name:
                return container.process.memory
        return {}


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_EXEC = "failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: "
_RUNC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: error during container init: "
)

__all__ = ["Container", "FaithfulRuntime", "MountPoint", "RuntimeState"]
