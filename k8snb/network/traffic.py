"""Requests on the cluster's network, followed hop by hop.

    name       cluster DNS, with the search path of the client's pod
    ways       load balancers, the rules of nodes, policies, the network between nodes (:mod:`.paths`)
    server     the process in the container answers; a pod of an Ingress controller leads the request on (:mod:`.proxying`)

Everything is a function of the state at ``now``: nothing is waited for, latencies add up in the answer. (A server may count
its requests and write its log, and the choice of a backend draws from the node's stream.)

Models: what a packet meets on nodes with kube-proxy.
Simplified: TCP only; a connection is one request, unless its client keeps it (:mod:`.conntrack`); TLS is looked into at Ingress
controllers and at the API server alone.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from k8snb.component_helpers.apiserver import AUTHORITY
from k8snb.component_helpers.resolver import ADDRESS, DOMAIN, Resolver, cluster_first
from k8snb.messages import Mistake, Plain, text
from k8snb.network import chains
from k8snb.network.api_server import NAME as API_SERVER
from k8snb.network.cni import CNI
from k8snb.network.conntrack import Conntrack, Entry, Key, row
from k8snb.network.dns import NXDOMAIN, ClusterDNS
from k8snb.network.dns import PATIENCE as DNS_PATIENCE
from k8snb.network.dns import POD as DNS_POD
from k8snb.network.ingress.controller import IngressController, is_controller
from k8snb.network.kube_proxy import KubeProxy
from k8snb.network.paths import CLIENT, Draw, Every, Paths, Way
from k8snb.network.policy import Party, PolicyAgent, Ruling
from k8snb.network.proxying import Proxying
from k8snb.seams.cni import (
    ANYBODY,
    CERTIFICATE,
    DNS_TIMEOUT,
    EMPTY,
    NO_SUCH_NAME,
    REFUSED,
    TIMEOUT,
    Answer,
    Connection,
    Headers,
    Hop,
    HTTPReply,
    HTTPRequest,
    HTTPResponse,
    Server,
    Source,
    header,
    phrase,
)
from k8snb.sim.clock import LATENCY, SECOND

PATIENCE = 10 * SECOND
"""How long a client waits for a connection when it does not say."""

_URL = re.compile(r"(?:(?P<scheme>https?)://)?(?P<host>[^/:?\s]+)(?::(?P<port>\d{1,5}))?(?P<path>[/?].*)?")


class URL(NamedTuple):
    """A URL in its parts."""

    scheme: str
    host: str
    port: int
    path: str


def parse_url(url: str) -> URL:
    """The parts of a URL. Raises ``ValueError`` for what is none."""
    found = _URL.fullmatch(url)
    if not found:
        raise Mistake(text("hop.no_url", url=url))
    scheme = found["scheme"] or "http"
    return URL(scheme, found["host"], int(found["port"] or (443 if scheme == "https" else 80)), found["path"] or "/")


class ClusterNetwork:
    """Implements :class:`k8snb.seams.cni.Network` over the parts of one cluster."""

    dns_address = ADDRESS

    def __init__(
        self, cni: CNI, dns: ClusterDNS, proxies: Mapping[str, KubeProxy], server: Server, node_of: Callable[[str], str],
        *, policies: PolicyAgent | None = None, ingress: IngressController | None = None,
    ):  # fmt: skip
        self.cni, self.dns, self.proxies, self.server, self.policies = cni, dns, proxies, server, policies
        self.paths = Paths(cni, proxies, policies, node_of)
        self.draw, self.tracking = Draw(dns.kernel.rng), Conntrack(cni.state.tracked)
        self.proxying = Proxying(ingress, self.paths, server) if ingress is not None else None

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
        """A connection straight to a pod, past all rules: what a kubelet's probe does."""
        return self.cni.connect(source, address, port)

    def map_ports(self, node: str, uid: str, ports: tuple[tuple[int, int, str], ...]) -> None:
        """Ports of the node that lead to a pod."""
        self.cni.map_ports(node, uid, ports)

    def set_resolver(self, namespace: str, pod: str, resolver: Resolver | None) -> None:
        """How a pod looks names up, where it is not as usual."""
        if resolver is not None:
            self.cni.state.resolvers[f"{namespace}/{pod}"] = resolver
        else:
            self.cni.state.resolvers.pop(f"{namespace}/{pod}", None)

    def resolver(self, namespace: str, pod: str) -> Resolver:
        """A pod's resolv.conf."""
        found: Resolver | None = self.cni.state.resolvers.get(f"{namespace}/{pod}")
        return found or cluster_first(namespace)

    # -- names and addresses -----------------------------------------------------------------------------------------

    def resolve(self, name: str, source: Source, kind: str = "A") -> Answer:
        """Look up a name as the source does. Outside of pods nobody asks cluster DNS."""
        return self.resolve_ruled(name, source, kind)[0]

    def resolve_ruled(self, name: str, source: Source, kind: str = "A") -> tuple[Answer, Ruling | None]:
        """The same, with the policies that forbid the pod to ask."""
        if kind == "A" and (address := _literal(name, source)):
            return Answer((address,), name), None
        resolver = self.resolver(source.namespace, source.pod) if source.pod else None
        if resolver is None or ADDRESS not in resolver.nameservers[:1]:
            found = self.dns.outside(name.rstrip("."))
            return Answer(found, name) if found else Answer(error=NO_SUCH_NAME, asked=(name,), code=NXDOMAIN), None
        if self.cni.state.down.get(source.node):
            return Answer(error=DNS_TIMEOUT, asked=(name,), latency=DNS_PATIENCE), None
        ruling = self._may_ask(source)
        if ruling is not None and not ruling.allowed:
            return Answer(error=DNS_TIMEOUT, asked=(name,), latency=DNS_PATIENCE), ruling
        return self.dns.resolve(name, resolver, kind), None

    def _may_ask(self, source: Source) -> Ruling | None:
        if self.policies is None:
            return None
        namespace, _, pod = DNS_POD.partition("/")
        server = Party(ADDRESS, namespace=namespace, pod=pod)
        client = self.paths.party(source)
        leaving = self.policies.egress(client, server, 53, "UDP")
        return leaving if not leaving.allowed else self.policies.ingress(client, server, 53, "UDP")

    def dial(self, host: str, port: int, source: Source) -> Connection:
        """Open a connection to a name or an address, through Services."""
        answer = self.resolve(host, source)
        if answer.error or not answer.addresses:
            return Connection(answer.error or NO_SUCH_NAME, latency=answer.latency)
        if (answer.addresses[0], port) == (ADDRESS, 53) and source.pod:
            return self._to_dns(source)
        way = self._go(source, answer.addresses[0], port)
        if way.error:
            return Connection(way.error, way.made.node, way.made.uid, answer.latency)
        return way.made._replace(latency=way.made.latency + answer.latency)

    def _to_dns(self, source: Source) -> Connection:
        """A connection to cluster DNS itself, which is no pod here."""
        ruling = self._may_ask(source)
        if ruling is not None and not ruling.allowed:
            return Connection(TIMEOUT)
        return Connection("" if self.dns.state.running else REFUSED, latency=2 * LATENCY["network hop"])

    def _go(self, source: Source, address: str, port: int) -> Way:
        """The way that this connection takes; session affinity remembers it."""
        way = next(self.paths.ways(source, address, port, self.draw))
        if way.chosen is not None:
            chosen = way.chosen
            self.proxies[chosen.node].remember(chosen.rule, chosen.client, chosen.backend)
        return way

    # -- requests ----------------------------------------------------------------------------------------------------

    def http(
        self, url: str, source: Source, *, method: str = "GET", timeout: int = 0,
        headers: Headers = (), body: str = "", trust: str = "", connection: int = 0,
    ) -> HTTPResponse:  # fmt: skip
        """Send a request and follow it. Never raises for what goes wrong on the way: the response says it.

        Raises ``ValueError`` for what is no URL.
        """
        parts, hops = parse_url(url), list[Hop]()
        address, way = self._connected(source, parts, connection, hops)
        hops += way.hops
        if way.error:
            return _failed(way.error, hops, timeout, address)
        host = header(headers, "host") or parts.host
        request = HTTPRequest(method, parts.path, host, way.port, way.seen, body, headers, parts.scheme)
        if self.proxying is not None and is_controller(way.made.pod):
            return self._proxied(way, request, hops, timeout, address, insecure=trust == ANYBODY)
        if way.made.uid == API_SERVER and request.scheme == "https" and (hop := self._not_trusted(parts.host, trust)) is not None:
            return _failed(CERTIFICATE, [*hops, hop], timeout, address)._replace(certificate=API_SERVER)
        return self._answer(way, request, hops, timeout, address)

    def _connected(self, source: Source, parts: URL, connection: int, hops: list[Hop]) -> tuple[str, Way]:
        """A connection for a request, kept or new: the address that the client sees, and the way."""
        key = Key(source.address or CLIENT, connection, parts.host, parts.port) if connection else None
        if key is not None and (kept := self._kept(source, key, hops)) is not None:
            return kept
        address, error = self._address(parts.host, source, hops)
        if error:
            return "", Way(source, parts.host, parts.port, error=error)
        way = self._go(source, address, parts.port)
        if key is not None and not way.error:
            self._keep(key, address, way)
        return address, way

    # -- connections that are kept -----------------------------------------------------------------------------------

    def _kept(self, source: Source, key: Key, hops: list[Hop]) -> tuple[str, Way] | None:
        """The way of an established connection; None where there is none, or its server has closed it."""
        entry = self.tracking.find(key, self.dns.kernel.now)
        if entry is None:
            return None
        way = self.paths.kept(source, key.port, entry)
        gone = way.error != TIMEOUT and self.server.listener(way.made.node, way.made.uid, entry.backend_port) != entry.server
        if gone:
            self.tracking.close(key)
            said = text("hop.closed_kept", destination=f"{entry.address}:{key.port}", target=f"{entry.backend}:{entry.backend_port}")
            hops.append(Hop(f"conntrack/{entry.node or source.label}", said))
            return None
        if way.error:
            self.tracking.close(key)  # the client's patience is over: it gives the connection up
        else:
            self.tracking.put(key, entry._replace(used=self.dns.kernel.now))
        return entry.address, way

    def _keep(self, key: Key, address: str, way: Way) -> None:
        """Remember a new connection."""
        made, chosen = way.made, way.chosen
        server = self.server.listener(made.node, made.uid, way.port)
        node, masquerade = (chosen.node, chosen.masquerade) if chosen is not None else ("", False)
        reply_to = self.proxies[node].address if masquerade else key.client
        self.tracking.put(key, Entry(address, way.address, way.port, node, server, reply_to, masquerade, self.dns.kernel.now))

    def kept_of(self, url: str, source: Source) -> tuple[tuple[Key, Entry], ...]:
        """The connections that a client keeps to the host and port of a URL. Raises ``ValueError`` for what is no URL."""
        parts, client, now = parse_url(url), source.address or CLIENT, self.dns.kernel.now
        wanted = ((key, entry) for key, entry in sorted(self.tracking.table.items()) if self.tracking.find(key, now))
        return tuple((key, entry) for key, entry in wanted if (key.client, key.host, key.port) == (client, parts.host, parts.port))

    def conntrack(self, node: str) -> Plain:
        """The established connections that a node's rules have translated, as ``conntrack -L`` prints them there."""
        now = self.dns.kernel.now
        return Plain("\n".join(row(key, entry, now) for key, entry in self.tracking.of(node) if self.tracking.find(key, now)))

    def _not_trusted(self, host: str, trust: str) -> Hop | None:
        """The stage at which a client refuses the API server's certificate; None where it is content with it."""
        assert self.paths.api is not None
        if trust == ANYBODY or (AUTHORITY in trust and self.paths.api.shows_a_name(host)):
            return None
        return Hop(API_SERVER, text("hop.certificate_unknown", host=host, subject=API_SERVER))

    def _address(self, host: str, source: Source, hops: list[Hop]) -> tuple[str, str]:
        if address := _literal(host, source):
            return address, ""
        answer, ruling = self.resolve_ruled(host, source)
        hops.append(self.name_hop(host, source, answer, ruling))
        return (answer.addresses[0], "") if answer.addresses and not answer.error else ("", answer.error or NO_SUCH_NAME)

    def name_hop(self, host: str, source: Source, answer: Answer, ruling: Ruling | None) -> Hop:
        """The stage at which a name became an address, or did not."""
        if ruling is not None:
            names = ", ".join(ruling.policies)
            said = text("hop.policy_drops", direction=ruling.direction, pod=ruling.pod, policies=names)
            return Hop("network-policy", f"{text('hop.dns_asks', name=host)} {said}", answer.latency, f"NetworkPolicy {names}")
        if answer.addresses and not answer.error:
            addresses = ", ".join(answer.addresses)
            if not answer.name.endswith("." + DOMAIN):
                where = self.dns.name if source.pod else "dns"
                return Hop(where, text("hop.public_name", name=host, addresses=addresses), answer.latency)
            return Hop(self.dns.name, text("hop.name", name=host, full=answer.name, addresses=addresses), answer.latency)
        if not source.pod:
            return Hop(source.label, text("hop.outside_name", name=host), answer.latency)
        said = text("hop.no_name", name=host, error=answer.error or NO_SUCH_NAME, asked=", ".join(answer.asked))
        return Hop(self.dns.name, said, answer.latency, answer.code)

    def _answer(self, way: Way, request: HTTPRequest, hops: list[Hop], timeout: int, address: str) -> HTTPResponse:
        made, pod = way.made, way.made.pod
        where = f"pod/{pod}" if pod else made.uid or f"kube-proxy/{made.node}"
        reply = self._reply(made, request)
        if reply is None:
            return _failed(REFUSED, hops, timeout, address)
        if not reply.status:
            hops.append(Hop(f"pod/{pod}", text("hop.no_http"), reply.latency))
            return _failed(EMPTY, hops, timeout, address)
        latency = sum(hop.latency for hop in hops) + reply.latency
        if latency > (timeout or PATIENCE):
            hops.append(Hop(where, text("hop.busy"), reply.latency))
            return _failed(TIMEOUT, hops, timeout, address)
        said = text("hop.answered", method=request.method, path=request.path, status=phrase(reply.status))
        hops.append(Hop(where, said, reply.latency))
        return _response(reply, hops, pod, address)

    def _reply(self, made: Connection, request: HTTPRequest) -> HTTPReply | None:
        """What the process at the other end of a connection says; None where there is none."""
        if made.uid == API_SERVER and self.paths.api is not None:
            return self.paths.api.serve(request)
        return self.server.serve(made.node, made.uid, request) if made.pod else self.proxies[made.node].health(request.port)

    def _proxied(self, way: Way, request: HTTPRequest, hops: list[Hop], timeout: int, address: str, *, insecure: bool) -> HTTPResponse:
        """A request that reached a pod of an Ingress controller: TLS first, then on to an endpoint."""
        assert self.proxying is not None
        certificate = ""
        if request.scheme == "https":
            certificate, hop, trusted = self.proxying.shows(request.host, way.made.pod)
            hops.append(hop)
            if not trusted and not insecure:
                return _failed(CERTIFICATE, hops, timeout, address)._replace(certificate=certificate)
        reply, onward, backend = self.proxying.handle(way, request)
        hops += onward
        if sum(hop.latency for hop in hops) > (timeout or PATIENCE):
            hops.append(Hop(f"pod/{way.made.pod}", text("hop.busy")))
            return _failed(TIMEOUT, hops, timeout, address)
        return _response(reply, hops, backend or way.made.pod, address)._replace(certificate=certificate)

    # -- traces ------------------------------------------------------------------------------------------------------

    def trace(self, url: str, source: Source, *, mode: str = chains.IPTABLES, headers: Headers = ()) -> tuple[Way, ...]:
        """Every way that a request could take now, with its share. A look: nothing is drawn, sent, counted or remembered.

        Raises ``ValueError`` for what is no URL.
        """
        parts, named = parse_url(url), tuple[Hop, ...]()
        address = parts.host
        if literal := _literal(parts.host, source):
            address = literal
        else:
            answer, ruling = self.resolve_ruled(parts.host, source)
            named = (self.name_hop(parts.host, source, answer, ruling),)
            if answer.error or not answer.addresses:
                return (Way(source, parts.host, parts.port, hops=named, error=answer.error or NO_SUCH_NAME, seen=source.address or CLIENT),)
            address = answer.addresses[0]
        request = HTTPRequest("GET", parts.path, header(headers, "host") or parts.host, parts.port, "", "", headers, parts.scheme)
        found: list[Way] = []
        for bare in self.paths.ways(source, address, parts.port, Every(), mode):
            way = bare._replace(hops=(*named, *bare.hops))
            if self.proxying is not None and not way.error and is_controller(way.made.pod):
                found += self.proxying.ways(way, request)
            else:
                found.append(way)
        return tuple(found)


def _response(reply: HTTPReply, hops: list[Hop], backend: str, address: str) -> HTTPResponse:
    latency = sum(hop.latency for hop in hops)
    return HTTPResponse(reply.status, reply.body, "", tuple(hops), latency, backend, reply.content_type, address, reply.headers)


def _failed(error: str, hops: list[Hop], timeout: int, address: str = "") -> HTTPResponse:
    latency = (timeout or PATIENCE) if error == TIMEOUT else sum(hop.latency for hop in hops)
    return HTTPResponse(0, "", error, tuple(hops), latency, address=address)


def _literal(host: str, source: Source) -> str:
    """The address that needs no looking up: one that is written out, or (``localhost``) the client's own. Else empty."""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return ""
    return (source.address if loopback else host) or host
