"""The rules by which a node handles packets for Services: data, made by pure functions from Services and EndpointSlices.

One :class:`Rule` stands for one port of one Service. :func:`as_iptables` prints rules in the form in which one meets them on
a node; the chain names are those of the real kube-proxy, because they are hashes of the Service's name.

Models: pkg/proxy/{service,endpoints,topology}.go, pkg/proxy/iptables/proxier.go.
Simplified: no topology hints; load balancer source ranges and health check ports are not looked at.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig


class Backend(NamedTuple):
    """One endpoint behind a port. ``ready`` False: it is terminating, but still serves."""

    address: str
    port: int
    node: str
    pod: str  # namespace/name, or empty
    ready: bool


class Rule(NamedTuple):
    """What becomes of packets for one port of a Service. ``backends`` are all that may get traffic, in a fixed order."""

    service: str  # namespace/name
    name: str  # of the port; may be empty
    protocol: str
    cluster_ip: str
    port: int
    node_port: int
    addresses: tuple[str, ...]  # external and load balancer addresses
    backends: tuple[Backend, ...]
    internal_local: bool  # internalTrafficPolicy: Local
    external_local: bool  # externalTrafficPolicy: Local
    affinity: int  # seconds of ClientIP affinity; 0: none

    @property
    def label(self) -> str:
        """``shop/web:http``."""
        return f"{self.service}:{self.name}" if self.name else self.service


def rules_of(service: Object, slices: Iterable[Object]) -> tuple[Rule, ...]:
    """The rules of a Service. A headless one, and an ExternalName, has none."""
    spec, meta = service["spec"], service["metadata"]
    cluster_ip = spec.get("clusterIP", "")
    if spec.get("type") == "ExternalName" or cluster_ip in ("", "None"):
        return ()
    known = list(slices)
    external = [item["ip"] for item in dig(service, "status.loadBalancer.ingress", EMPTY_LIST) if item.get("ip")]
    affinity = dig(spec, "sessionAffinityConfig.clientIP.timeoutSeconds", 10800) if spec.get("sessionAffinity") == "ClientIP" else 0
    return tuple(
        Rule(
            f"{meta['namespace']}/{meta['name']}", port.get("name", ""), port.get("protocol", "TCP"), cluster_ip,
            port["port"], port.get("nodePort", 0), (*(spec.get("externalIPs") or ()), *external), backends_of(known, port.get("name", "")),
            spec.get("internalTrafficPolicy") == "Local", spec.get("externalTrafficPolicy") == "Local", affinity,
        )
        for port in spec.get("ports") or ()
    )  # fmt: skip


def backends_of(slices: Sequence[Object], port_name: str) -> tuple[Backend, ...]:
    """The endpoints for a port: the ready ones; where there are none, those that are terminating but still serve."""
    found: list[Backend] = []
    for one in slices:
        for port in one.get("ports") or ():
            if (port.get("name") or "") == port_name and port.get("port"):
                found += [_backend(endpoint, port["port"]) for endpoint in one.get("endpoints") or () if _may_serve(endpoint)]
    unique = sorted(dict.fromkeys(found))  # an endpoint may stand in two slices for a moment
    return tuple([backend for backend in unique if backend.ready] or unique)


def _may_serve(endpoint: Object) -> bool:
    conditions = endpoint.get("conditions") or {}
    return bool(conditions.get("ready", True) or (conditions.get("serving") and conditions.get("terminating")))


def _backend(endpoint: Object, port: int) -> Backend:
    ref = endpoint.get("targetRef") or {}
    pod = f"{ref.get('namespace', '')}/{ref['name']}" if ref.get("kind") == "Pod" else ""
    return Backend(
        endpoint["addresses"][0],
        port,
        endpoint.get("nodeName", ""),
        pod,
        (endpoint.get("conditions") or {}).get("ready", True) is not False,
    )


def usable(rule: Rule, node: str, *, external: bool) -> tuple[Backend, ...]:
    """The backends that a node may choose from: with a Local policy only its own."""
    if rule.external_local if external else rule.internal_local:
        return tuple(backend for backend in rule.backends if backend.node == node)
    return rule.backends


# -- the form in which one meets them on a node ----------------------------------------------------------------------


def chain(prefix: str, *parts: str) -> str:
    """The name of a chain: ``KUBE-SVC-`` and sixteen letters of a hash."""
    digest = hashlib.sha256("".join(parts).encode()).digest()
    return prefix + base64.b32encode(digest).decode()[:16]


def as_iptables(rules: Iterable[Rule], node: str) -> list[str]:
    """The rules as lines that ``iptables-save`` would print (the nat table, without masquerading)."""
    heads: list[str] = []
    bodies: list[str] = []
    for rule in rules:
        protocol = rule.protocol.lower()
        service_chain = chain("KUBE-SVC-", rule.label, protocol)
        targets = usable(rule, node, external=False)
        match = f"-d {rule.cluster_ip}/32 -p {protocol}"
        if targets:
            heads.append(
                f'-A KUBE-SERVICES {match} -m comment --comment "{rule.label} cluster IP"'
                f" -m {protocol} --dport {rule.port} -j {service_chain}"
            )
        else:
            comment = f'-m comment --comment "{rule.label} has no endpoints"'
            heads.append(
                f"-A KUBE-SERVICES {match} {comment} -m {protocol} --dport {rule.port} -j REJECT --reject-with icmp-port-unreachable"
            )
        if rule.node_port:
            comment = f'-m comment --comment "{rule.label}"'
            heads.append(f"-A KUBE-NODEPORTS -p {protocol} {comment} -m {protocol} --dport {rule.node_port} -j {service_chain}")
        bodies += _service_chain(rule, service_chain, targets, protocol)
    return heads + bodies


def _service_chain(rule: Rule, service_chain: str, targets: Sequence[Backend], protocol: str) -> list[str]:
    lines: list[str] = []
    ends: list[str] = []
    for at, backend in enumerate(targets):
        target = f"{backend.address}:{backend.port}"
        endpoint_chain = chain("KUBE-SEP-", rule.label, protocol, target)
        rest = len(targets) - at
        chance = f" -m statistic --mode random --probability {1 / rest:.10f}" if rest > 1 else ""
        lines.append(f'-A {service_chain} -m comment --comment "{rule.label} -> {target}"{chance} -j {endpoint_chain}')
        recent = f" -m recent --set --name {endpoint_chain}" if rule.affinity else ""
        ends.append(
            f'-A {endpoint_chain} -p {protocol} -m comment --comment "{rule.label}"{recent} -m {protocol} -j DNAT --to-destination {target}'
        )
    if rule.affinity:
        for backend in reversed(targets):
            endpoint_chain = chain("KUBE-SEP-", rule.label, protocol, f"{backend.address}:{backend.port}")
            seen = f"-m recent --rcheck --seconds {rule.affinity} --reap --name {endpoint_chain}"
            lines.insert(
                0, f'-A {service_chain} -m comment --comment "{rule.label} -> {backend.address}:{backend.port}" {seen} -j {endpoint_chain}'
            )
    return lines + ends
