"""The machines of a cluster and what runs on each: a kubelet over a container runtime, a kube-proxy, and the network between.

    machine = kubelet/NODE + containerd/NODE (or the hollow runtime) + kube-proxy/NODE

Kubelet and network are siblings that may not import each other; here they meet, through :mod:`k8snb.seams`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.quantity import milli_value
from k8snb.client.component import Component, ComponentState, Environment
from k8snb.kubelet import reboot, shutdown
from k8snb.kubelet.configuration import settings
from k8snb.kubelet.endpoint import Endpoint
from k8snb.kubelet.images import Catalogue
from k8snb.kubelet.kubelet import Kubelet
from k8snb.kubelet.node import SYSTEM_CPU
from k8snb.kubelet.runtime.faithful import FaithfulRuntime, RuntimeState
from k8snb.kubelet.runtime.hollow import HollowRuntime, HollowState
from k8snb.kubelet.status import FAITHFUL, HOLLOW, HOLLOW_EXITS, Style
from k8snb.messages import Mistake, several, text
from k8snb.network.cni import CNI, CNIState
from k8snb.network.conntrack import Entry, Key
from k8snb.network.dns import POD, STANDING, ClusterDNS
from k8snb.network.ingress.controller import IngressController
from k8snb.network.kube_proxy import KubeProxy
from k8snb.network.paths import CLIENT, Way
from k8snb.network.policy import PolicyAgent
from k8snb.network.traffic import ClusterNetwork, parse_url
from k8snb.seams.cni import NO_ROUTE, REFUSED, TIMEOUT, Headers, HTTPReply, HTTPRequest, HTTPResponse, Source
from k8snb.seams.cri import Runtime
from k8snb.seams.kubelet import KubeletEndpoint
from k8snb.simulation.outside import LOCAL, through
from k8snb.simulation.root import Root

STYLES: dict[str, Style] = {"faithful": FAITHFUL, "hollow": HOLLOW, "hollow-exits": HOLLOW_EXITS}
FAILED = "failed"
DIALED = {REFUSED: "connect: connection refused", TIMEOUT: "i/o timeout", NO_ROUTE: "connect: no route to host"}  # as Go says it
PODS = "pod network"  # whose state it is, among the states of components


@dataclass(slots=True)
class Machines:
    """The parts that stand on nodes. Implements :class:`k8snb.seams.cni.Server` for all of them."""

    env: Environment
    root: Root
    catalogue: Catalogue
    runtimes: dict[str, Runtime] = field(default_factory=dict)
    kubelets: dict[str, Kubelet] = field(default_factory=dict)
    proxies: dict[str, KubeProxy] = field(default_factory=dict)
    by_address: dict[str, str] = field(default_factory=dict)
    components: dict[str, Component] = field(default_factory=dict)  # all of the cluster's; machines come and go at run time
    network: Any = None
    cni: Any = None

    def listens(self, node: str, uid: str, port: int) -> bool:
        """Whether a process of the pod listens on a port."""
        return node in self.runtimes and self.runtimes[node].listens(uid, port)

    def listener(self, node: str, uid: str, port: int) -> str:
        """Which process of the pod listens there."""
        runtime = self.runtimes.get(node)
        return runtime.listener(uid, port) if isinstance(runtime, FaithfulRuntime) else ""

    def serve(self, node: str, uid: str, request: HTTPRequest) -> HTTPReply | None:
        """The answer of the process behind a port."""
        reply: HTTPReply | None = self.runtimes[node].serve(uid, request) if node in self.runtimes else None
        return reply

    def say(self, node: str, uid: str, line: str) -> None:
        """A line in the log of a pod's process."""
        runtime = self.runtimes.get(node)
        if isinstance(runtime, FaithfulRuntime):
            runtime.say(uid, line)

    def node_of(self, address: str) -> str:
        """The machine that has this address itself, or empty."""
        return self.by_address.get(address, "")

    def memory(self, pod: str, container: str) -> Mapping[str, object]:
        """What the program of a container remembers, such as a load generator's results. Empty where it does not run."""
        source = self.source(pod)
        runtime = self.runtimes[source.node]
        uid = self.kubelets[source.node].own.uids.get(f"{source.namespace}/{source.pod}", "")
        return runtime.process_memory(uid, container) if isinstance(runtime, FaithfulRuntime) else {}

    def http(self, url: str, *, pod: str = "", node: str = "", method: str = "GET", **options: Any) -> HTTPResponse:
        """A request from a pod, from a node, or from the outside. Raises ValueError for an unknown pod and for no URL."""
        source, kernel = self.source(pod, node), self.env.kernel
        forwarded = None if pod or node else self._forwarded(url, method, **options)
        response: HTTPResponse = forwarded or self.network.http(url, source, method=method, **options)
        kernel.trace.add(kernel.now, "note", source.label, method, url, str(response.status or response.error))
        return response

    def _forwarded(self, url: str, method: str, **options: Any) -> HTTPResponse | None:
        """The answer through a port that ``kubectl port-forward`` has opened; None where the URL names no such port."""
        parts = parse_url(url)
        found = self.root.outside.forwards.get(parts.port) if parts.host in LOCAL else None
        if found is None:
            return None
        headers, body = options.get("headers", ()), options.get("body", "")
        return through(self, found, HTTPRequest(method, parts.path, parts.host, found.port, "127.0.0.1", body, headers))

    def trace(self, url: str, *, pod: str = "", node: str = "", mode: str = "iptables", headers: Headers = ()) -> tuple[Way, ...]:
        """Every way that a request could take. Only looks. Raises ValueError as :meth:`http` does."""
        found: tuple[Way, ...] = self.network.trace(url, self.source(pod, node), mode=mode, headers=headers)
        return found

    def kept(self, url: str, *, pod: str = "", node: str = "") -> tuple[tuple[Key, Entry], ...]:
        """The connections to a host and port that a client keeps."""
        found: tuple[tuple[Key, Entry], ...] = self.network.kept_of(url, self.source(pod, node))
        return found

    def known(self, node: str) -> None:
        """Raise ValueError, with the machines that there are, for one that is not there."""
        if node not in self.kubelets:
            raise Mistake(text("fault.no_node", node=node, names=several(list(self.kubelets))))

    def source(self, pod: str = "", node: str = "") -> Source:
        """Who sends a request: a pod (``namespace/name``), a node, or the outside. Raises ValueError for an unknown pod."""
        if node:
            self.known(node)
        if not pod:
            return Source(node, address=self.kubelets[node].address if node in self.kubelets else "")
        namespace, _, name = pod.rpartition("/")
        found: Source | None = self.cni.source(namespace or "default", name)
        if found is None:
            raise Mistake(text("hop.no_address", pod=f"{namespace or 'default'}/{name}"))
        return found

    def add(self, name: str, manifest: Object) -> list[Component]:
        """Put a machine up; gives its components, not yet started."""
        runtime = self._runtime(name, manifest)
        style, given = STYLES[self.root.config.runtime], settings(self.root.config.kubelet)
        kubelet = Kubelet(self.env, manifest, runtime, self.network, style=style, settings=given)
        self.env.kernel.handlers[shutdown.init_system(name)] = lambda _event: self.switch(name, on=False)
        self.runtimes[name], self.kubelets[name], self.by_address[kubelet.address] = runtime, kubelet, name
        if runtime.instant:
            return [kubelet]  # hollow containers send nothing, so nobody needs rules
        self.proxies[name] = KubeProxy(self.env, name, kubelet.address, lambda: self._zone(name))
        return [kubelet, self.proxies[name]]

    def _zone(self, name: str) -> str:
        """The zone that a machine stands in."""
        return str(dig(self.kubelets[name].node, "metadata.labels", EMPTY_DICT).get("topology.kubernetes.io/zone", ""))

    # -- a hall of machines for a cloud: implements k8snb.seams.cloud.Hall ----------------------------------------------

    def put_up(self, name: str, manifest: Object) -> None:
        """A new machine, at run time: it is part of the state from now on, and its components start."""
        self.root.nodes[name] = manifest
        for component in self.add(name, manifest):
            self.components[component.name] = component
            component.start()

    def take_down(self, name: str) -> None:
        """A machine is gone for good. Its Node object stays until somebody deletes it."""
        if self.root.nodes.pop(name, None) is None:
            return
        for component in self.on(name):
            component.stop()
            del self.components[component.name], self.env.states[component.name], self.env.kernel.handlers[component.name]
        del self.by_address[self.kubelets[name].address], self.kubelets[name], self.runtimes[name]
        self.proxies.pop(name, None)
        containers = f"containerd/{name}"
        self.env.kernel.cancel(containers)
        self.env.kernel.cancel(shutdown.init_system(name))
        self.env.states.pop(containers, None)
        self.cni.forget(name)

    def switch(self, name: str, *, on: bool) -> None:
        """Power off: the containers are dead, the kubelet is gone, nothing reaches the machine; or on again."""
        if name not in self.kubelets:
            return
        if on:
            self.restore(name)
            return
        self.cni.fail(name, FAILED)
        reboot.lose_power(self.kubelets[name])
        for component in self.on(name):
            if component.state.running:
                component.stop()

    def restore(self, name: str) -> None:
        """Power, network and kubelet are there again."""
        self.cni.restore(name)
        for component in self.on(name):
            component.state.partitioned = False
            if not component.state.running:
                component.start()

    def on(self, name: str) -> list[Component]:
        """The components that run on a machine."""
        return [component for key, component in self.components.items() if key.partition("/")[2] == name]

    def endpoint(self, node: str) -> KubeletEndpoint:
        """What answers on port 10250 of a node. Raises ApiError where there is no such machine."""
        if node not in self.kubelets:
            raise ApiError(500, "InternalError", f"dial tcp: lookup {node}: no such host")
        return Endpoint(self.kubelets[node], cut_off=node in self.cni.state.down)

    def dial(self, address: str, request: Mapping[str, Any]) -> HTTPReply:
        """What a pod answers to the API server itself, which stands outside of the nodes and past all policies.

        ``request`` holds fields of :class:`~k8snb.seams.cni.HTTPRequest`. Raises ApiError 503 in Go's words where nobody answers.
        """
        port = request["port"]
        made = self.cni.connect(Source(), address, port)
        reply = None if made.error else self.serve(made.node, made.uid, HTTPRequest(**{**request, "source": CLIENT}))
        if reply is not None and reply.status:
            return reply
        problem = f"dial tcp {address}:{port}: {DIALED[made.error]}" if made.error else "EOF"
        raise ApiError(503, "ServiceUnavailable", f"error trying to reach service: {problem}", {})

    def _runtime(self, name: str, manifest: Object) -> Runtime:
        kind, states = self.root.config.runtime, self.env.states
        owner = f"containerd/{name}"
        if kind == "faithful":
            state = states.setdefault(owner, ComponentState(own=RuntimeState())).own
            cores = milli_value(dig(manifest, "status.capacity.cpu") or "1") - SYSTEM_CPU
            drivers, registries = self.env.services.drivers, self.root.outside.registries
            return FaithfulRuntime(
                self.env.kernel, state, name, self.network, self.catalogue, registries=registries, cores=cores, drivers=drivers
            )
        state = states.setdefault(owner, ComponentState(own=HollowState())).own
        return HollowRuntime(self.env.kernel, state, f"kubelet/{name}", self.catalogue, exits=kind == "hollow-exits")


def put_up(root: Root, env: Environment, catalogue: Catalogue) -> tuple[Machines, list[Component]]:
    """All machines of the root's list, the network between them and cluster DNS; and their components in order."""
    machines = Machines(env, root, catalogue)
    state = env.states.setdefault(PODS, ComponentState(own=CNIState())).own
    machines.cni = CNI(state, machines)
    components = _on_no_node(root, env, machines)
    for name, manifest in root.nodes.items():
        components += machines.add(name, manifest)
    return machines, components


def _on_no_node(root: Root, env: Environment, machines: Machines) -> list[Component]:
    """What belongs to the network and stands on no machine; with it the network is made."""
    if root.config.runtime != "faithful":
        machines.network = ClusterNetwork(machines.cni, ClusterDNS(env), machines.proxies, machines, machines.node_of)
        return []
    ingress = IngressController(env) if root.config.ingress else None
    dns = ClusterDNS(env, ingress.addresses if ingress is not None else lambda _name: ())
    policies = PolicyAgent(env, {POD: STANDING})
    machines.network = ClusterNetwork(
        machines.cni, dns, machines.proxies, machines, machines.node_of, policies=policies, ingress=ingress
    )  # fmt: skip
    return [dns, policies, *([ingress] if ingress is not None else [])]
