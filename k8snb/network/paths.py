"""The ways of a packet: from a client through Services, nodes and policies to the process that it reaches, or to where it ends.

    outside -> load balancer -> a node           a cloud's public address
    outside -> a node: NodePort                   the node's rules translate the destination
    pod     -> rules of its own node              cluster IP, external IP: translated before the packet leaves
    then    -> policies of both ends -> from node to node -> the pod

Where something is chosen by chance (a node by a load balancer, an endpoint by a rule) there are several ways. A *chooser*
decides which are followed: :class:`Draw` draws one, as a packet does; :class:`Every` follows all of them, with their shares, and
draws nothing. So a request and a trace of it are the same walk.

Models: what a packet meets on nodes with kube-proxy.
Every packet here begins a connection, but for those of :meth:`Paths.kept`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

from k8snb.messages import text
from k8snb.network import chains
from k8snb.network.api_server import NAME as API_SERVER
from k8snb.network.api_server import ApiServerDoor
from k8snb.network.cni import CNI
from k8snb.network.conntrack import Entry
from k8snb.network.kube_proxy import KubeProxy
from k8snb.network.policy import Party, PolicyAgent, Ruling
from k8snb.network.rules import DROP, REJECT, Backend, Packet, Rule, Verdict, judge
from k8snb.seams.cloud import CloudNetwork
from k8snb.seams.cni import NO_ENDPOINTS, REFUSED, TIMEOUT, Connection, Hop, Source
from k8snb.sim.clock import LATENCY
from k8snb.sim.rng import Stream

CLIENT = "192.0.2.1"
"""The address of whoever is outside (a range that is set aside for documentation)."""


class Chosen(NamedTuple):
    """An endpoint that a node's rules chose: what session affinity remembers."""

    node: str
    rule: Rule
    client: str
    backend: Backend
    masquerade: bool = False


class Way(NamedTuple):
    """A way, as far as it was followed. At its end: ``error`` is why it leads nowhere, or ``made`` is the connection."""

    source: Source
    address: str  # of the destination, as it stands in the packet now
    port: int
    share: float = 1.0  # how much of the traffic goes this way
    hops: tuple[Hop, ...] = ()
    seen: str = ""  # the client's address as the packet carries it now
    at: str = ""  # the node where the packet is; empty: outside
    error: str = ""
    made: Connection = Connection()
    chosen: Chosen | None = None

    def hop(self, where: str, what: str, latency: int = 0, rule: str = "") -> Way:
        """The way with one stage more."""
        return self._replace(hops=(*self.hops, Hop(where, what, latency, rule)))

    def ends(self, error: str) -> Way:
        """The way, which ends here."""
        return self._replace(error=error)


class Chooser(Protocol):
    """Decides where chance decides: gives the options that are followed, each with its share."""

    def node(self, balancer: str, nodes: tuple[str, ...]) -> Iterator[tuple[str, float]]:
        """To which node a load balancer sends."""
        ...

    def backend(self, proxy: KubeProxy, rule: Rule, client: str, backends: tuple[Backend, ...]) -> Iterator[tuple[Backend, float]]:
        """To which endpoint a node sends."""
        ...


class Draw:
    """One option, drawn."""

    def __init__(self, stream: Callable[[str], Stream]):
        self.stream = stream

    def node(self, balancer: str, nodes: tuple[str, ...]) -> Iterator[tuple[str, float]]:
        """One of the nodes, from the load balancer's stream."""
        yield nodes[self.stream(f"load-balancer/{balancer}").below(len(nodes))] if len(nodes) > 1 else nodes[0], 1.0

    def backend(self, proxy: KubeProxy, rule: Rule, client: str, backends: tuple[Backend, ...]) -> Iterator[tuple[Backend, float]]:
        """The one that the client had before, or one that is drawn from the node's stream."""
        yield proxy.remembered(rule, client, backends) or proxy.draw(backends), 1.0


class Every:
    """All options, each with its share. Draws and remembers nothing."""

    def node(self, balancer: str, nodes: tuple[str, ...]) -> Iterator[tuple[str, float]]:
        """All nodes, equally."""
        yield from ((node, 1 / len(nodes)) for node in nodes)

    def backend(self, proxy: KubeProxy, rule: Rule, client: str, backends: tuple[Backend, ...]) -> Iterator[tuple[Backend, float]]:
        """The one that the client had before, or all of them equally."""
        known = proxy.remembered(rule, client, backends)
        yield from [(known, 1.0)] if known else ((backend, 1 / len(backends)) for backend in backends)


class Paths:
    """Follows packets through one cluster. Changes nothing."""

    def __init__(self, cni: CNI, proxies: Mapping[str, KubeProxy], policies: PolicyAgent | None, node_of: Callable[[str], str]):
        self.cni, self.proxies, self.policies, self.node_of = cni, proxies, policies, node_of
        self.cloud: CloudNetwork | None = None  # wired where there is one
        self.api: ApiServerDoor | None = None  # wired where containers are simulated

    def ways(self, source: Source, address: str, port: int, chooser: Chooser, mode: str = chains.IPTABLES) -> Iterator[Way]:
        """The ways of a connection from ``source`` to an address and TCP port, to their ends."""
        way = Way(source, address, port, seen=source.address or CLIENT, at=source.node)
        walk = _Walk(self, chooser, mode)
        yield from walk.inside(way) if source.node else walk.outside(way)

    def to_pod(self, source: Source, address: str, port: int) -> Way:
        """The one way from a pod straight to an endpoint, as a proxy inside of the cluster takes it."""
        way = Way(source, address, port, seen=source.address, at=source.node)
        return _Walk(self, Every(), chains.IPTABLES).direct(way)

    def kept(self, source: Source, port: int, entry: Entry) -> Way:
        """The one way of a packet of an established connection: past all rules, to the endpoint that it has."""
        way, proxy = Way(source, entry.address, port, seen=source.address or CLIENT, at=source.node), self.proxies.get(entry.node)
        target = f"{entry.backend}:{entry.backend_port}"
        said = text("hop.kept", destination=f"{entry.address}:{port}", target=target)
        onward = way.hop(f"conntrack/{entry.node or source.label}", said, LATENCY["network hop"], "ESTABLISHED")
        onward = onward._replace(address=entry.backend, port=entry.backend_port)
        walk = _Walk(self, Every(), chains.IPTABLES)
        return walk.direct(onward) if proxy is None else walk.deliver(onward, proxy, entry.masquerade, leaves=source.node == proxy.node)

    def party(self, source: Source) -> Party:
        """A client as policies see it: a pod in its node's network is the node."""
        on_host = not source.pod or self.node_of(source.address)
        return Party(source.address or CLIENT, source.node) if on_host else Party(source.address, source.node, source.namespace, source.pod)


class _Walk(NamedTuple):
    """One walk: where it goes, who decides at its forks, and in which form chains are named."""

    paths: Paths
    chooser: Chooser
    mode: str

    def outside(self, way: Way) -> Iterator[Way]:
        """A packet on the internet: to a load balancer, or to a node's own address."""
        cloud = self.paths.cloud
        balancer = cloud.load_balancer(way.address, way.port) if cloud is not None else None
        if balancer is not None:
            name, nodes = f"load-balancer/{balancer.name}", balancer.nodes
            if not nodes:
                yield way.hop(name, text("hop.no_healthy_node")).ends(TIMEOUT)
                return
            for node, share in self.chooser.node(balancer.name, nodes):
                said = text("hop.balanced", destination=f"{way.address}:{way.port}", node=node, count=len(nodes))
                onward = way._replace(share=way.share * share).hop(name, said, LATENCY["network hop"])
                yield from self.at_node(onward, node, balancer.node_port or way.port, own=bool(balancer.node_port))
        elif node := self.paths.node_of(way.address):
            yield from self.at_node(way, node, way.port, own=True)
        elif self.paths.cni.owner(way.address) is not None:
            yield way.hop(way.source.label, text("hop.no_way", address=way.address)).ends(TIMEOUT)
        else:
            yield way.hop(way.source.label, text("hop.unknown_outside", address=way.address)).ends(TIMEOUT)

    def inside(self, way: Way) -> Iterator[Way]:
        """A packet that begins on a node: the node's own rules come first."""
        proxy = self.paths.proxies.get(way.at)
        rule = proxy.match(way.address, way.port) if proxy else None
        if proxy is not None and rule is not None:
            yield from self.translate(way, proxy, rule, "services")
        elif node := self.paths.node_of(way.address):
            left = self.leave(way, Party(way.address, node))
            yield from [left] if left.error else self.at_node(left, node, way.port, own=True)
        elif self.paths.cni.owner(way.address) is not None or _pod_range(way.address) or self._is_control_plane(way):
            yield self.direct(way)
        elif self.paths.cloud is not None and self.paths.cloud.load_balancer(way.address, way.port):
            left = self.leave(way, Party(way.address))
            yield from [left] if left.error else self.outside(left)
        else:
            yield way.hop(f"kube-proxy/{way.at}", text("hop.no_rule", destination=f"{way.address}:{way.port}")).ends(TIMEOUT)

    def at_node(self, way: Way, node: str, port: int, *, own: bool) -> Iterator[Way]:
        """A packet that arrives at a node: for its own address, or for an address that a load balancer has kept."""
        paths = self.paths
        if not paths.cni.reaches(way.at, node):
            yield way.hop(f"node/{node}", text("hop.silent")).ends(TIMEOUT)
            return
        proxy = paths.proxies.get(node)
        rule = (proxy.match_node_port(port) if own else proxy.match(way.address, port)) if proxy else None
        if proxy is not None and rule is not None:
            yield from self.translate(way, proxy, rule, "nodeports" if own else "services")
        elif own and proxy is not None and proxy.health(port) is not None:
            yield way._replace(made=Connection(node=node, latency=LATENCY["network hop"]))
        elif own and (behind := paths.cni.behind(node, port)) is not None:
            said = text("hop.host_port", destination=f"{way.address}:{port}", target=f"{behind[0]}:{behind[1]}")
            mapped = way.hop(f"node/{node}", said, LATENCY["network hop"], "CNI-HOSTPORT-DNAT")
            yield self.to_owner(mapped._replace(address=behind[0], port=behind[1], at=node))
        elif own and paths.cni.state.hosts.get(way.address):
            yield self.connect(way._replace(port=port))  # pods with hostNetwork may listen there
        else:
            yield way.hop(f"node/{node}", text("hop.closed", port=port)).ends(REFUSED)

    def translate(self, way: Way, proxy: KubeProxy, rule: Rule, entry: str) -> Iterator[Way]:
        """The rules of a node: what becomes of the packet, and to which endpoint it is sent."""
        source, paths = way.source, self.paths
        pod = bool(source.pod) and not paths.node_of(way.seen)
        here = source.node == proxy.node and not pod
        verdict = judge(rule, Packet(entry, way.address, way.seen, pod, here))
        destination = f"{way.address}:{way.port}"
        if verdict.action in (REJECT, DROP):
            yield self.stopped(way, proxy, rule, verdict)
            return
        count = len(verdict.backends)
        for backend, share in self.chooser.backend(proxy, rule, way.seen, verdict.backends):
            said = text("hop.rule", destination=destination, service=rule.label, target=backend.target, count=count)
            chain = chains.way(verdict.chains, rule, self.mode, backend)
            onward = way.hop(proxy.name, said, LATENCY["network hop"], chain)
            masquerade = verdict.masquerade or backend.address == way.seen
            chosen = Chosen(proxy.node, rule, way.seen, backend, masquerade)
            onward = onward._replace(address=backend.address, port=backend.port, share=way.share * share, chosen=chosen)
            yield self.deliver(onward, proxy, masquerade, leaves=source.node == proxy.node)

    def stopped(self, way: Way, proxy: KubeProxy, rule: Rule, verdict: Verdict) -> Way:
        """A packet that the rules refuse or drop."""
        destination, chain = f"{way.address}:{way.port}", chains.way(verdict.chains, rule, self.mode)
        if verdict.action == REJECT:
            said = text("hop.no_endpoints", destination=destination, service=rule.label)
            return way.hop(proxy.name, said, rule=chain).ends(NO_ENDPOINTS)
        if "firewall" in verdict.chains:
            said = text("hop.source_range", destination=destination, service=rule.label, source=way.seen)
        else:
            said = text("hop.no_local", destination=destination, service=rule.label, node=proxy.node)
        return way.hop(proxy.name, said, rule=chain).ends(TIMEOUT)

    def deliver(self, way: Way, proxy: KubeProxy, masquerade: bool, *, leaves: bool) -> Way:
        """A translated packet on its way from the node whose rules it met. ``leaves``: its sender is on that node."""
        server = self.server(way)
        if leaves and (way := self.leave(way, server)).error:
            return way
        client = self.paths.party(way.source)
        if masquerade and server.node != proxy.node:
            client = Party(proxy.address, proxy.node)  # policies of another node see who the packet says that it comes from
        way = way._replace(at=proxy.node, seen=proxy.address if masquerade else way.seen)
        return self.enter(way, client, server)

    def direct(self, way: Way) -> Way:
        """A packet straight to a pod's address."""
        left = self.leave(way, self.server(way))
        return left if left.error else self.to_owner(left)

    def to_owner(self, way: Way) -> Way:
        """A packet that only has to enter the pod whose address it carries."""
        return self.enter(way, self.paths.party(way.source), self.server(way))

    def server(self, way: Way) -> Party:
        """Whose address the packet carries now."""
        owner = self.paths.cni.owner(way.address)
        return Party(way.address, owner.node, owner.namespace, owner.pod) if owner else Party(way.address)

    def leave(self, way: Way, server: Party) -> Way:
        """The policies of the client's pod."""
        policies = self.paths.policies
        return way if policies is None else _ruled(way, policies.egress(self.paths.party(way.source), server, way.port))

    def enter(self, way: Way, client: Party, server: Party) -> Way:
        """The policies of the server's pod, then the network between the nodes."""
        policies = self.paths.policies
        way = way if policies is None else _ruled(way, policies.ingress(client, server, way.port))
        return way if way.error else self.connect(way)

    def connect(self, way: Way) -> Way:
        """The last stage: from node to node, to a process that listens or not."""
        if self._is_control_plane(way):
            return self.to_control_plane(way)
        made = self.paths.cni.connect(way.source._replace(node=way.at), way.address, way.port)
        key = "hop.nowhere" if not made.node else "hop.within" if made.node == way.at else "hop.between"
        outcome, target = made.error or text("hop.connected"), f"{way.address}:{way.port}"
        said = text(key, target=target, node=made.node, source=way.at or way.source.label, outcome=outcome)
        return way.hop("network", said, made.latency)._replace(made=made, error=made.error)


    def _is_control_plane(self, way: Way) -> bool:
        return self.paths.api is not None and self.paths.api.is_here(way.address, way.port)

    def to_control_plane(self, way: Way) -> Way:
        """To the API server, which is on no node."""
        assert self.paths.api is not None
        cut_off = bool(self.paths.cni.state.down.get(way.at))
        error = TIMEOUT if cut_off else "" if self.paths.api.running else REFUSED
        made = Connection(error, uid=API_SERVER, latency=2 * LATENCY["network hop"])
        said = text("hop.control_plane", target=f"{way.address}:{way.port}", outcome=error or text("hop.connected"))
        return way.hop("network", said, made.latency)._replace(made=made, error=error)


def _ruled(way: Way, ruling: Ruling) -> Way:
    """The way after the policies of one pod were asked."""
    if not ruling.policies:
        return way
    names = ", ".join(ruling.policies)
    if ruling.allowed:
        said = text("hop.policy_allows", direction=ruling.direction, pod=ruling.pod, policy=ruling.by)
        return way.hop("network-policy", said, rule=f"NetworkPolicy {ruling.by}")
    said = text("hop.policy_drops", direction=ruling.direction, pod=ruling.pod, policies=names)
    return way.hop("network-policy", said, rule=f"NetworkPolicy {names}").ends(TIMEOUT)


_PODS = tuple(ipaddress.ip_network(f"10.{number}.0.0/16") for number in range(244, 256))


def _pod_range(address: str) -> bool:
    return any(ipaddress.ip_address(address) in network for network in _PODS)
