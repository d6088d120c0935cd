"""The rules by which one node handles packets for Services: data, made by pure functions from Services and EndpointSlices.

One :class:`Rule` stands for one port of one Service, as one node sees it: which endpoints it may use with the traffic policy
``Cluster``, and which with ``Local``. :func:`judge` says what becomes of a packet; :mod:`.iptables` and :mod:`.nftables` print
rules in the two forms in which one meets them on a node. Three laws of upstream:

* only ready endpoints get traffic; where there are none at all, those that are terminating but still serve;
* hints of topology hold only if *every* ready endpoint has them and one of them is meant for this node;
* a Local policy never falls back to other nodes: without an endpoint of its own, a node drops the packet.

Models: pkg/proxy/{serviceport,endpoint,topology}.go (CategorizeEndpoints), pkg/proxy/iptables/proxier.go.
Simplified: IPv4 only.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig
from k8snb.component_helpers.timing import timing
from k8snb.sim.clock import SECOND

SEND, REJECT, DROP = "send", "reject", "drop"
NO_HINTS, SAME_ZONE, SAME_NODE = "", "PreferSameZone", "PreferSameNode"


class Backend(NamedTuple):
    """One endpoint behind a port. ``ready`` False: it is terminating, but still serves."""

    address: str
    port: int
    node: str
    pod: str  # namespace/name, or empty
    ready: bool

    @property
    def target(self) -> str:
        """``10.244.0.5:8080``."""
        return f"{self.address}:{self.port}"


class Endpoint(NamedTuple):
    """A backend with the hints that its slice gives."""

    backend: Backend
    zones: tuple[str, ...]
    nodes: tuple[str, ...]


class Rule(NamedTuple):
    """What becomes of packets for one port of a Service on one node. Backends stand in a fixed order."""

    service: str  # namespace/name
    name: str  # of the port; may be empty
    protocol: str
    cluster_ip: str
    port: int
    node_port: int
    external_ips: tuple[str, ...]
    balancer_ips: tuple[str, ...]  # of status.loadBalancer, where packets keep that address
    source_ranges: tuple[str, ...]  # who may come through a load balancer; empty: everybody
    health_port: int  # healthCheckNodePort
    cluster: tuple[Backend, ...]  # for the policy Cluster
    local: tuple[Backend, ...]  # for the policy Local
    anywhere: bool  # there is a usable endpoint on some node
    internal_local: bool  # internalTrafficPolicy: Local
    external_local: bool  # externalTrafficPolicy: Local
    affinity: int  # seconds of ClientIP affinity; 0: none
    topology: str = NO_HINTS

    @property
    def label(self) -> str:
        """``shop/web:http``."""
        return f"{self.service}:{self.name}" if self.name else self.service

    @property
    def external(self) -> bool:
        """Whether anything but the cluster IP leads here."""
        return bool(self.node_port or self.external_ips or self.balancer_ips)

    @property
    def inside(self) -> tuple[Backend, ...]:
        """The backends for the cluster IP."""
        return self.local if self.internal_local else self.cluster

    @property
    def outside(self) -> tuple[Backend, ...]:
        """The backends for packets that come from outside of the cluster."""
        return self.local if self.external_local else self.cluster

    @property
    def reachable(self) -> tuple[Backend, ...]:
        """Every backend that some packet of this node may be sent to."""
        used = [*(self.cluster if self.external or not self.internal_local else ()), *(self.local if self.uses_local else ())]
        return tuple(dict.fromkeys(used))

    @property
    def uses_local(self) -> bool:
        """Whether a Local policy applies to something."""
        return self.internal_local or (self.external_local and self.external)


def rules_of(service: Object, slices: Iterable[Object], node: str, zone: Callable[[], str]) -> tuple[Rule, ...]:
    """The rules of a Service on a node. A headless one, and an ExternalName, has none. ``zone`` is asked where hints are given."""
    spec, meta = service["spec"], service["metadata"]
    cluster_ip = spec.get("clusterIP", "")
    if spec.get("type") == "ExternalName" or cluster_ip in ("", "None"):
        return ()
    known = list(slices)
    stays = timing("session affinity") // SECOND
    affinity = dig(spec, "sessionAffinityConfig.clientIP.timeoutSeconds", stays) if spec.get("sessionAffinity") == "ClientIP" else 0
    found = []
    for port in spec.get("ports") or ():
        endpoints = endpoints_of(known, port.get("name", ""))
        cluster, topology = for_cluster(endpoints, node, zone)
        found.append(Rule(
            f"{meta['namespace']}/{meta['name']}", port.get("name", ""), port.get("protocol", "TCP"), cluster_ip, port["port"],
            port.get("nodePort", 0), tuple(spec.get("externalIPs") or ()), _balancer_ips(service),
            tuple(spec.get("loadBalancerSourceRanges") or ()), spec.get("healthCheckNodePort", 0), cluster, for_local(endpoints, node),
            bool(endpoints), spec.get("internalTrafficPolicy") == "Local", spec.get("externalTrafficPolicy") == "Local", affinity, topology,
        ))  # fmt: skip
    return tuple(found)


def _balancer_ips(service: Object) -> tuple[str, ...]:
    """The addresses of a load balancer that reach the node as they are (``ipMode: Proxy`` says that they do not)."""
    given = dig(service, "status.loadBalancer.ingress", EMPTY_LIST)
    return tuple(item["ip"] for item in given if item.get("ip") and item.get("ipMode", "VIP") == "VIP")


def endpoints_of(slices: Sequence[Object], port_name: str) -> tuple[Endpoint, ...]:
    """All endpoints for a port that are ready, or terminating and still serve."""
    found: list[Endpoint] = []
    for one in slices:
        for port in one.get("ports") or ():
            if (port.get("name") or "") == port_name and port.get("port"):
                found += [_endpoint(endpoint, port["port"]) for endpoint in one.get("endpoints") or () if _may_serve(endpoint)]
    return tuple(sorted(dict.fromkeys(found)))  # an endpoint may stand in two slices for a moment


def _may_serve(endpoint: Object) -> bool:
    conditions = endpoint.get("conditions") or {}
    return bool(conditions.get("ready", True) or (conditions.get("serving") and conditions.get("terminating")))


def _endpoint(endpoint: Object, port: int) -> Endpoint:
    ref, hints = endpoint.get("targetRef") or {}, endpoint.get("hints") or {}
    pod = f"{ref.get('namespace', '')}/{ref['name']}" if ref.get("kind") == "Pod" else ""
    ready = (endpoint.get("conditions") or {}).get("ready", True) is not False
    backend = Backend(endpoint["addresses"][0], port, endpoint.get("nodeName", ""), pod, ready)
    zones, nodes = (tuple(hint["name"] for hint in hints.get(key) or ()) for key in ("forZones", "forNodes"))
    return Endpoint(backend, zones, nodes)


def for_cluster(endpoints: Sequence[Endpoint], node: str, zone: Callable[[], str]) -> tuple[tuple[Backend, ...], str]:
    """The backends for the policy Cluster on a node, and the hint that chose them."""
    ready = [one for one in endpoints if one.backend.ready]
    if not ready:
        return tuple(one.backend for one in endpoints), NO_HINTS
    if all(one.nodes for one in ready) and (near := [one for one in ready if node in one.nodes]):
        return tuple(one.backend for one in near), SAME_NODE
    if all(one.zones for one in ready) and (near := [one for one in ready if zone() in one.zones]):
        return tuple(one.backend for one in near), SAME_ZONE
    return tuple(one.backend for one in ready), NO_HINTS


def for_local(endpoints: Sequence[Endpoint], node: str) -> tuple[Backend, ...]:
    """The backends for the policy Local: those on the node; the terminating ones only where no other is ready *here*."""
    here = [one.backend for one in endpoints if one.backend.node == node]
    return tuple([backend for backend in here if backend.ready] or here)


# -- what becomes of a packet ------------------------------------------------------------------------------------------


class Packet(NamedTuple):
    """What a rule looks at: how the packet met it, and where it comes from."""

    entry: str  # "services" (an address of the Service) or "nodeports"
    destination: str  # the address
    source: str = ""  # the address of the client, as it arrives
    pod: bool = False  # from the address range of pods
    here: bool = False  # from this very node


class Verdict(NamedTuple):
    """What a node does with a packet: send it to one of ``backends``, ``reject`` or ``drop`` it; through which chains; and whether
    the client's address is replaced by the node's (masquerade), so that answers come back the same way."""

    action: str
    backends: tuple[Backend, ...] = ()
    chains: tuple[str, ...] = ()  # kinds of chains, see :func:`k8snb.network.chains.chain`
    masquerade: bool = False


def judge(rule: Rule, packet: Packet) -> Verdict:
    """The verdict of a node's rules on a packet for a port of a Service."""
    inside = packet.entry == "services" and packet.destination == rule.cluster_ip
    balanced = packet.entry == "services" and packet.destination in rule.balancer_ips
    if balanced and rule.source_ranges and not _within(packet.source, rule.source_ranges):
        return Verdict(DROP, chains=("services", "firewall", "proxy-firewall"))
    if not rule.anywhere:
        return Verdict(REJECT, chains=("no-endpoints",))
    if inside:
        if not rule.inside:
            return Verdict(DROP, chains=("no-endpoints",))
        return Verdict(SEND, rule.inside, ("services", "local" if rule.internal_local else "cluster"), not packet.pod)
    way = (packet.entry, *(["firewall"] if balanced and rule.source_ranges else []), "external")
    if not rule.external_local:
        return Verdict(SEND, rule.cluster, (*way, "cluster"), masquerade=True)
    if packet.pod or packet.here:  # as if it had gone out to the load balancer and come back to some node that has an endpoint
        return Verdict(SEND, rule.cluster, (*way, "cluster"), masquerade=packet.here and not packet.pod)
    return Verdict(SEND, rule.local, (*way, "local")) if rule.local else Verdict(DROP, chains=("no-local-endpoints",))


def _within(address: str, ranges: Sequence[str]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in ipaddress.ip_network(cidr.strip(), strict=False) for cidr in ranges)
