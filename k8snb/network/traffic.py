"""Requests on the cluster's network, followed hop by hop.

    name       cluster DNS, with the search path of the client's pod
    Service    the rules of the client's node (or of the node whose port is asked): one backend is chosen
    network    from node to node, if both are up and reach each other
    server     the process in the container answers

Everything is a function of the state at ``now``: nothing is waited for, latencies add up in the answer. (A server may count
its requests and write its log, and the choice of a backend draws from the node's stream.)

Models: what a packet meets on nodes with kube-proxy in iptables mode.
Simplified: TCP only; a connection is one request; TLS is not looked into.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from k8snb.messages import text
from k8snb.network.cni import CNI
from k8snb.network.dns import ADDRESS, ClusterDNS
from k8snb.network.kube_proxy import KubeProxy
from k8snb.network.rules import Rule, usable
from k8snb.seams.cni import (
    DNS_TIMEOUT,
    NO_ENDPOINTS,
    NO_SUCH_NAME,
    REFUSED,
    TIMEOUT,
    Answer,
    Connection,
    Hop,
    HTTPRequest,
    HTTPResponse,
    Server,
    Source,
)
from k8snb.sim.clock import LATENCY, SECOND

PATIENCE = 10 * SECOND
"""How long a client waits for a connection when it does not say."""

_URL = re.compile(r"(?:(?P<scheme>https?)://)?(?P<host>[^/:?]+)(?::(?P<port>\d+))?(?P<path>[/?].*)?")


class Route(NamedTuple):
    """Where a connection leads after all translations; ``error`` is empty when it leads to a pod."""

    address: str
    port: int
    error: str
    hops: tuple[Hop, ...]


class ClusterNetwork:
    """Implements :class:`k8snb.seams.cni.Network` over the parts of one cluster."""

    dns_address = ADDRESS

    def __init__(self, cni: CNI, dns: ClusterDNS, proxies: Mapping[str, KubeProxy], server: Server, node_of: Callable[[str], str]):
        self.cni, self.dns, self.proxies, self.server, self._node_of = cni, dns, proxies, server, node_of

    # -- what the kubelet needs --------------------------------------------------------------------------------------

    def attach(self, node: str, uid: str, *, namespace: str, pod: str, cidr: str) -> str:
        """An address for a pod."""
        return self.cni.attach(node, uid, namespace=namespace, pod=pod, cidr=cidr)

    def attach_host(self, address: str, node: str, uid: str, *, namespace: str, pod: str) -> None:
        """A pod that shares its node's address."""
        self.cni.attach_host(address, node, uid, namespace=namespace, pod=pod)

    def detach(self, node: str, uid: str) -> None:
        """Give it back."""
        self.cni.detach(node, uid)

    def connect(self, source: Source, address: str, port: int) -> Connection:
        """A connection straight to a pod."""
        return self.cni.connect(source, address, port)

    # -- names and addresses -----------------------------------------------------------------------------------------

    def resolve(self, name: str, source: Source, kind: str = "A") -> Answer:
        """Look up a name. Outside of pods nobody asks cluster DNS."""
        if _is_address(name):
            return Answer((name,), name)
        if not source.pod:
            return Answer(error=NO_SUCH_NAME, asked=(name,))
        if self.cni.state.down.get(source.node):
            return Answer(error=DNS_TIMEOUT, asked=(name,), latency=PATIENCE)
        return self.dns.resolve(name, source.namespace, kind)

    def dial(self, host: str, port: int, source: Source) -> Connection:
        """Open a connection to a name or an address, through Services."""
        answer = self.resolve(host, source)
        if answer.error or not answer.addresses:
            return Connection(answer.error or NO_SUCH_NAME, latency=answer.latency)
        route = self._route(answer.addresses[0], port, source)
        if route.error:
            return Connection(route.error, latency=answer.latency)
        made = self.cni.connect(source, route.address, route.port)
        return made._replace(latency=made.latency + answer.latency)

    def _route(self, address: str, port: int, source: Source) -> Route:
        """Follow the rules of Services for a destination."""
        node = self._node_of(address)
        if node:
            return self._through_node(node, address, port, source)
        proxy = self.proxies.get(source.node)
        rule = proxy.match(address, port) if proxy else None
        if proxy is None or rule is None:
            return self._without_rule(address, port, source)
        return self._translate(proxy, rule, f"{address}:{port}", source, external=False)

    def _through_node(self, node: str, address: str, port: int, source: Source) -> Route:
        """A port of a node: a NodePort Service answers there, or nobody."""
        if not self.cni.reaches(source.node, node):
            return Route(address, port, TIMEOUT, (Hop(f"node/{node}", text("hop.silent")),))
        proxy = self.proxies.get(node)
        rule = proxy.match_node_port(port) if proxy else None
        if proxy is None or rule is None:
            if self.cni.state.hosts.get(address):
                return Route(address, port, "", ())  # pods with hostNetwork may listen there
            return Route(address, port, REFUSED, (Hop(f"node/{node}", text("hop.closed", port=port)),))
        return self._translate(proxy, rule, f"{address}:{port}", source, external=not source.pod)

    def _without_rule(self, address: str, port: int, source: Source) -> Route:
        if self.cni.owner(address) is not None:
            if not source.node:
                return Route(address, port, TIMEOUT, (Hop(source.label, text("hop.no_way", address=address)),))
            return Route(address, port, "", ())
        where = f"kube-proxy/{source.node}" if source.node else source.label
        return Route(address, port, TIMEOUT, (Hop(where, text("hop.no_rule", destination=f"{address}:{port}")),))

    def _translate(self, proxy: KubeProxy, rule: Rule, destination: str, source: Source, *, external: bool) -> Route:
        chosen = proxy.choose(rule, source.address or source.label, external=external)
        if chosen is None:
            return Route("", 0, NO_ENDPOINTS, (Hop(proxy.name, text("hop.no_endpoints", destination=destination, service=rule.label)),))
        count = len(usable(rule, proxy.node, external=external))
        target = f"{chosen.address}:{chosen.port}"
        said = text("hop.rule", destination=destination, service=rule.label, target=target, count=count)
        return Route(chosen.address, chosen.port, "", (Hop(proxy.name, said, LATENCY["network hop"]),))

    # -- requests ----------------------------------------------------------------------------------------------------

    def http(self, url: str, source: Source, *, method: str = "GET", timeout: int = 0) -> HTTPResponse:
        """Send a request and follow it. Never raises for what goes wrong on the way: the response says it.

        Raises ``ValueError`` for what is no URL.
        """
        found = _URL.fullmatch(url)
        if not found:
            raise ValueError(f"{url!r} is not a URL such as http://web:8080/path")
        host, path = found["host"], found["path"] or "/"
        port = int(found["port"] or (443 if found["scheme"] == "https" else 80))
        hops: list[Hop] = []
        address, error = self._address(host, source, hops)
        if error:
            return _failed(error, hops, timeout)
        route = self._route(address, port, source)
        hops += route.hops
        if route.error:
            return _failed(route.error, hops, timeout, address)
        made = self.cni.connect(source, route.address, route.port)
        hops.append(self._network_hop(source, route, made))
        if made.error:
            return _failed(made.error, hops, timeout, address)
        request = HTTPRequest(method, path, host, route.port, source.address or "192.0.2.1")
        return self._answer(made, request, hops, timeout, address)

    def _address(self, host: str, source: Source, hops: list[Hop]) -> tuple[str, str]:
        answer = self.resolve(host, source)
        if _is_address(host):
            return host, ""
        if answer.error or not answer.addresses:
            hops.append(_unresolved(host, source, answer))
            return "", answer.error or NO_SUCH_NAME
        said = text("hop.name", name=host, full=answer.name, addresses=", ".join(answer.addresses))
        hops.append(Hop(self.dns.name, said, answer.latency))
        return answer.addresses[0], ""

    def _network_hop(self, source: Source, route: Route, made: Connection) -> Hop:
        key = "hop.nowhere" if not made.node else "hop.within" if made.node == source.node else "hop.between"
        target, outcome = f"{route.address}:{route.port}", made.error or text("hop.connected")
        said = text(key, target=target, node=made.node, source=source.node or source.label, outcome=outcome)
        return Hop("network", said, made.latency)

    def _answer(self, made: Connection, request: HTTPRequest, hops: list[Hop], timeout: int, address: str) -> HTTPResponse:
        pod = made.pod
        reply = self.server.serve(made.node, made.uid, request)
        if reply is None:
            return _failed(REFUSED, hops, timeout, address)
        latency = sum(hop.latency for hop in hops) + reply.latency
        if latency > (timeout or PATIENCE):
            hops.append(Hop(f"pod/{pod}", text("hop.busy"), reply.latency))
            return _failed(TIMEOUT, hops, timeout, address)
        hops.append(
            Hop(f"pod/{pod}", text("hop.answered", method=request.method, path=request.path, status=_phrase(reply.status)), reply.latency)
        )
        return HTTPResponse(reply.status, reply.body, "", tuple(hops), latency, pod, reply.content_type, address)


def _unresolved(host: str, source: Source, answer: Answer) -> Hop:
    """The hop at which a name was not found."""
    if not source.pod:
        return Hop(source.label, text("hop.outside_name", name=host), answer.latency)
    said = text("hop.no_name", name=host, error=answer.error or NO_SUCH_NAME, asked=", ".join(answer.asked))
    return Hop("coredns", said, answer.latency)


def _failed(error: str, hops: list[Hop], timeout: int, address: str = "") -> HTTPResponse:
    latency = (timeout or PATIENCE) if error == TIMEOUT else sum(hop.latency for hop in hops)
    return HTTPResponse(0, "", error, tuple(hops), latency, address=address)


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
