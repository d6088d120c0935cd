"""The kubelet's own server: logs of containers, commands run in them, connections to their ports.

Models: pkg/kubelet/server/server.go, pkg/kubelet/kubelet_pods.go (validateContainerLogStatus, GetKubeletContainerLogs),
k8s.io/kubelet/pkg/cri/streaming/portforward; containerd's words (internal/cri/server/sandbox_portforward_linux.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from k8snb.apimachinery.errors import ApiError, bad_request
from k8snb.apimachinery.meta import micro_timestamp
from k8snb.kubelet.kubelet import Kubelet
from k8snb.kubelet.node import SYSTEM_CPU, SYSTEM_MEMORY
from k8snb.kubelet.outage import NO_RUNTIME
from k8snb.kubelet.state import RUNNING, ContainerState, PodState
from k8snb.kubelet.status import init_done
from k8snb.seams.cni import HTTPReply, HTTPRequest
from k8snb.seams.cri import Executed, Usage
from k8snb.seams.kubelet import ContainerStats, LogOptions, NodeStats, PodStats
from k8snb.sim.clock import HOUR

_PULLING = ("ErrImagePull", "ImagePullBackOff")


class Endpoint:
    """Implements :class:`k8snb.seams.kubelet.KubeletEndpoint` for one node."""

    def __init__(self, kubelet: Kubelet, cut_off: bool = False):
        self.kubelet, self.cut_off = kubelet, cut_off

    def log(self, namespace: str, name: str, container: str, options: Mapping[str, Any]) -> str:
        """The log of a container, as its options cut it."""
        state, found = self._container(namespace, name, container, f"containerLogs/{namespace}/{name}/{container}")
        if self.kubelet.own.runtime_lost_at and found.id:
            raise bad_request(f"unable to retrieve container logs for {found.id}")
        return self._cut(state, found, LogOptions(**options))

    def _cut(self, state: PodState, container: ContainerState, options: LogOptions) -> str:
        lines = self.kubelet.runtime.log(self._log_of(state, container, options.previous)) or []
        shown = [(when, line) for when, line in lines if when >= options.since]
        shown = shown[len(shown) - options.tail :] if 0 <= options.tail < len(shown) else shown
        text = "".join(f"{micro_timestamp(when)} {line}\n" if options.timestamps else f"{line}\n" for when, line in shown)
        return text.encode()[: options.limit_bytes].decode(errors="ignore") if options.limit_bytes else text

    def run(
        self, namespace: str, name: str, container: str, command: tuple[str, ...], stdin: str = "",
        *, session: Mapping[str, Any] | None = None,
    ) -> Executed:  # fmt: skip
        """Run a command in a running container, to its end, at one instant."""
        asked = (*(("command", word) for word in command), ("error", "1"), *((("input", "1"),) if stdin else ()), ("output", "1"))
        found = self._talk(namespace, name, container, "exec", asked)
        result = self.kubelet.runtime.execute(found.id, command, HOUR, stdin, session)
        if result.failed:
            raise ApiError(500, "InternalError", f"Internal error occurred: error executing command in container: {result.output}")
        return result

    def attach(self, namespace: str, name: str, container: str, stdin: str) -> None:
        """Type into process 1 of a running container; nothing: only see whether one could."""
        asked = (("error", "1"), *((("input", "1"),) if stdin else ()), ("output", "1"))
        found = self._talk(namespace, name, container, "attach", asked)
        if stdin:
            self.kubelet.runtime.attach(found.id, stdin)

    def forward(self, namespace: str, name: str, request: Mapping[str, Any]) -> HTTPReply:
        """Connect to a port inside of a pod, and send a request there if there is one."""
        self._reach(f"portForward/{namespace}/{name}", talks=True)
        self._ask_runtime()
        uid, port = self.kubelet.own.uids.get(f"{namespace}/{name}", ""), request["port"]
        prefix = f"error forwarding port {port} to pod {uid or name}, uid : "
        if uid not in self.kubelet.own.pods:
            raise ApiError(500, "InternalError", f'{prefix}failed to find sandbox "{name}" in store: not found', {})
        if not self.kubelet.runtime.listens(uid, port):
            dialed = f"IPv4: {_refused('tcp4', '127.0.0.1', port)} IPv6 {_refused('tcp6', '[::1]', port)} "
            failed = f'failed to connect to localhost:{port} inside namespace "{uid}", {dialed}'
            inside = f'failed to execute portforward in network namespace "/var/run/netns/cni-{uid}": {failed}'
            raise ApiError(500, "InternalError", prefix + inside, {})
        asked = HTTPRequest(**{**request, "source": "127.0.0.1"}) if request.get("method") else None
        return (self.kubelet.runtime.serve(uid, asked) if asked is not None else None) or HTTPReply(0)

    def http(self, path: str) -> HTTPReply:
        """Its health; of other pages nothing is simulated."""
        self._reach(path.lstrip("/"))
        return HTTPReply(200, "ok") if path in ("/healthz", "/healthz/ping") else HTTPReply(404, "404 page not found\n")

    def stats(self) -> NodeStats:
        """What the machine uses: its system, and the containers that run."""
        self._reach("metrics/resource")
        usage = self.kubelet.runtime.node_usage()
        pods = tuple(found for state in self.kubelet.own.pods.values() if (found := self._stats_of(state, usage)) is not None)
        used = [one.usage for pod in pods for one in pod.containers]
        system = SYSTEM_MEMORY + self.kubelet.own.foreign.get("memory", 0)
        return NodeStats(SYSTEM_CPU + sum(one.cpu for one in used), system + sum(one.memory for one in used), pods)

    def _stats_of(self, state: PodState, usage: Mapping[str, Usage]) -> PodStats | None:
        running = [(name, found) for name, found in state.containers.items() if found.phase == RUNNING and found.id in usage]
        if not running:
            return None
        stats = tuple(ContainerStats(name, found.started_at, usage[found.id]) for name, found in running)
        return PodStats(state.namespace, state.name, state.uid, stats)

    def _reach(self, path: str, *, talks: bool = False) -> None:
        """Raise ApiError where the kubelet does not answer. ``talks``: to a request that is to become a conversation."""
        if self.cut_off or not self.kubelet.state.running:
            address = f"{self.kubelet.address}:10250"
            problem = f"dial tcp {address}: {'i/o timeout' if self.cut_off else 'connect: connection refused'}"
            if talks:
                words = f'Internal error occurred: error sending request: Post "https://{address}/{path}": {problem}'
                raise ApiError(500, "InternalError", words, {})
            raise ApiError(500, "", f'Get "https://{address}/{path}": {problem}', {})

    def _ask_runtime(self) -> None:
        """Raise ApiError where the kubelet cannot ask the container runtime to begin a conversation."""
        if self.kubelet.own.runtime_lost_at:
            words = f"Internal error occurred: unable to upgrade connection: {NO_RUNTIME}"
            raise ApiError(500, "InternalError", words, {})

    def _talk(self, namespace: str, name: str, container: str, what: str, asked: tuple[tuple[str, str], ...]) -> ContainerState:
        """The container with which a conversation is to begin. Raises ApiError where it cannot."""
        state, found = self._container(namespace, name, container, f"{what}/{namespace}/{name}/{container}?{urlencode(asked)}", talks=True)
        self._ask_runtime()
        if found.phase != RUNNING or self.kubelet.runtime.ended(found.id) is not None:
            absent = f"container {found.name} not found in pod {state.name}_{state.namespace}"
            absent = f'container not found ("{found.name}")' if what == "exec" else absent
            raise ApiError(500, "InternalError", f"unable to upgrade connection: {absent}")
        return found

    def _container(
        self, namespace: str, name: str, container: str, path: str, *, talks: bool = False
    ) -> tuple[PodState, ContainerState]:  # fmt: skip
        kubelet = self.kubelet
        self._reach(path, talks=talks)
        state = kubelet.own.pods.get(kubelet.own.uids.get(f"{namespace}/{name}", ""))
        if state is None or container not in state.containers:
            raise bad_request(f'container "{container}" in pod "{name}" is not available')
        return state, state.containers[container]

    def _log_of(self, state: PodState, container: ContainerState, previous: bool) -> str:
        """The id of the container whose log is asked for. Raises ApiError where there is none."""
        ended = container.phase != RUNNING and container.last is not None
        if previous:
            wanted = container.id if ended and container.reason == "CrashLoopBackOff" else container.last_id
            if not wanted:
                raise bad_request(f'previous terminated container "{container.name}" in pod "{state.name}" not found')
            return wanted
        if not container.id:
            reason = container.reason or ("ContainerCreating" if container.kind == "app" and init_done(state) else "PodInitializing")
            why = "trying and failing to pull image" if reason in _PULLING else reason
            raise bad_request(f'container "{container.name}" in pod "{state.name}" is waiting to start: {why}')
        return container.id


def _refused(network: str, address: str, port: int) -> str:
    """Go's words for a port on which nothing listens."""
    return f"dial {network} {address}:{port}: connect: connection refused"
