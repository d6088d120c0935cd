"""Addresses and ports that the server gives to Services: cluster IPs, node ports, health check ports.

What was given out is state of the server, by address and by port; a Service keeps what it has until it no longer needs it. As
upstream, addresses are drawn from the upper part of the range, so that those which somebody chooses by hand rarely clash.

Models: pkg/registry/core/service/storage/alloc.go, pkg/registry/core/service/{ipallocator,portallocator}.
Simplified: one IPv4 range; ServiceCIDR and IPAddress objects do not drive it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, object_invalid
from k8snb.apimachinery.objects import FrozenDict, FrozenList, Object, put
from k8snb.resources.core.service_validation import is_headless, needs_health_check
from k8snb.sim.state import Shelf

IPS, PORTS = "cluster ips", "node ports"
RESERVED_PORTS = 86  # the lower band of the default range, for those who choose by hand


def allocate(context: Any, service: Object, old: Object | None) -> Object:
    """The Service with the addresses and ports that it needs. 422 for what cannot be had. A dry run takes nothing."""
    if old is None and context.get("services", service["metadata"]["name"], service["metadata"].get("namespace", "")) is not None:
        return service  # the store refuses it
    service = _with_families(service)
    taking = _Taking(context, service, old)
    service = taking.ports(taking.address(service))
    if taking.errors:
        raise object_invalid("", "Service", service["metadata"]["name"], taking.errors)
    if not context.request.options.dry_run:
        _remember(context.server, service, old)
    return service


def release(server: Any, service: Object) -> None:
    """A deleted Service gives back what it had."""
    for pool, value in _held(service):
        _pool(server, pool).pop(value, None)


def needs_node_ports(spec: Mapping[str, Any]) -> bool:
    """Whether every port of the Service is also a port of every node."""
    kind = spec.get("type")
    return kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False)


def _pool(server: Any, name: str) -> Shelf:
    pool: Shelf = server.state.allocated.setdefault(name, Shelf())
    return pool


def _owner(service: Object) -> str:
    return f"{service['metadata'].get('namespace', '')}/{service['metadata']['name']}"


def _held(service: Object) -> Iterator[tuple[str, str | int]]:
    spec = service["spec"]
    for address in spec.get("clusterIPs") or ():
        if address != "None":
            yield IPS, address
    for port in spec.get("ports") or ():
        if port.get("nodePort"):
            yield PORTS, port["nodePort"]
    if spec.get("healthCheckNodePort"):
        yield PORTS, spec["healthCheckNodePort"]


def _remember(server: Any, service: Object, old: Object | None) -> None:
    kept = list(_held(service))
    for pool, value in _held(old) if old is not None else ():
        if (pool, value) not in kept:
            _pool(server, pool).pop(value, None)
    for pool, value in kept:
        _pool(server, pool)[value] = _owner(service)


def _with_families(service: Object) -> Object:
    """``ipFamilies`` and ``ipFamilyPolicy``, as a cluster with IPv4 alone fills them in."""
    spec = service["spec"]
    if spec.get("type") == "ExternalName":
        return service
    families, policy = list(spec.get("ipFamilies") or ()), spec.get("ipFamilyPolicy")
    if policy is None and (len(families) == 2 or len(spec.get("clusterIPs") or ()) == 2):
        policy = "RequireDualStack"
    if is_headless(spec) and not spec.get("selector"):
        policy = policy or "RequireDualStack"
        families = families or ["IPv4"]
        families += [{"IPv4": "IPv6", "IPv6": "IPv4"}[families[0]]] if len(families) < 2 and policy != "SingleStack" else []
    else:
        _refuse_other_families(service, families, policy)
        policy, families = policy or "SingleStack", families or ["IPv4"]
    return put(put(service, "spec.ipFamilies", families), "spec.ipFamilyPolicy", policy)


def _refuse_other_families(service: Object, families: list[str], policy: str | None) -> None:
    errors: Errors = []
    if policy == "RequireDualStack":
        errors.append(invalid("spec.ipFamilyPolicy", policy, "this cluster is not configured for dual-stack services"))
    for index, family in enumerate(families):
        if family != "IPv4":
            errors.append(invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster"))
    if errors:
        raise object_invalid("", "Service", service["metadata"]["name"], errors)


class _Taking:
    """One request's turn at the pools. What it takes is only remembered when all of it could be had."""

    def __init__(self, context: Any, service: Object, old: Object | None):
        self.context, self.owner, self.errors = context, _owner(service), Errors()
        self.dry = context.request.options.dry_run
        self.had = set(_held(old)) if old is not None else set()
        self.taken: set[tuple[str, str | int]] = set()

    def is_free(self, pool: str, value: str | int) -> bool:
        """Whether nobody has it, or this Service itself."""
        if (pool, value) in self.had:
            return True
        return (pool, value) not in self.taken and value not in _pool(self.context.server, pool)

    def draw(self, pool: str, size: int, make: Callable[[int], str | int]) -> str | int | None:
        """A free value of ``size`` possible ones, at random; None where there is none."""
        start = self.context.below(size)
        for step in range(size):
            value = make((start + step) % size)
            if self.is_free(pool, value):
                self.taken.add((pool, value))
                return value
        return None

    def address(self, service: Object) -> Object:
        """The cluster IP: the one asked for, or one that is free."""
        spec = service["spec"]
        if spec.get("type") == "ExternalName" or is_headless(spec):
            return service
        network = ipaddress.IPv4Network(self.context.server.config.service_cidr)
        asked = list(spec.get("clusterIPs") or ())
        if asked:
            self._ask(asked, network)
            return service
        lower = min(max(16, network.num_addresses // 16), 256)
        found = self.draw(IPS, network.num_addresses - lower - 1, lambda n: str(network[lower + n]))
        if found is None:
            self.errors.append(invalid("spec.clusterIPs", None, "failed to allocate a serviceIP: range is full"))
            return service
        return put(put(service, "spec.clusterIP", found), "spec.clusterIPs", [found])

    def _ask(self, asked: list[str], network: ipaddress.IPv4Network) -> None:
        address = asked[0]
        parsed = ipaddress.ip_address(address)
        if parsed not in network or parsed in (network.network_address, network.broadcast_address):
            why = f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {network}"
            self.errors.append(invalid("spec.clusterIPs", asked, f"failed to allocate IP {address}: {why}"))
        elif not self.is_free(IPS, address):
            self.errors.append(invalid("spec.clusterIPs", asked, f"failed to allocate IP {address}: provided IP is already allocated"))

    def ports(self, service: Object) -> Object:
        """Node ports, where the type has them, and the port of the health check."""
        spec = service["spec"]
        if needs_node_ports(spec) or any(port.get("nodePort") for port in spec.get("ports") or ()):
            found = self._node_ports(list(spec.get("ports") or ()), draw=needs_node_ports(spec))
            service = put(service, "spec.ports", FrozenList(found))
        if not needs_health_check(spec):
            return service
        if port := spec.get("healthCheckNodePort"):
            self._ask_port("spec.healthCheckNodePort", port)
            return service
        return put(service, "spec.healthCheckNodePort", self._draw_port())

    def _node_ports(self, ports: list[Mapping[str, Any]], *, draw: bool) -> list[Mapping[str, Any]]:
        same: dict[int, tuple[str, int]] = {}  # port -> protocol and node port: TCP and UDP of one port share a node port
        found = []
        for index, port in enumerate(ports):
            number, kind = port.get("nodePort", 0), port.get("protocol", "")
            shared = same.get(port.get("port", 0))
            if number and (shared is None or shared[1] != number or shared[0] == kind):
                self._ask_port(f"spec.ports[{index}].nodePort", number)
            elif not number and draw:
                number = shared[1] if shared is not None and shared[0] != kind else self._draw_port()
            same.setdefault(port.get("port", 0), (kind, number))
            found.append(FrozenDict({**port, "nodePort": number}) if number else port)
        return found

    def _ask_port(self, field: str, port: int) -> None:
        first, last = self.context.server.config.node_port_range
        if self.dry:
            return  # the real server does not look either
        if not first <= port <= last:
            why = f"provided port is not in the valid range. The range of valid ports is {first}-{last}"
            self.errors.append(invalid(field, port, why))
        elif not self.is_free(PORTS, port):
            self.errors.append(invalid(field, port, "provided port is already allocated"))
        self.taken.add((PORTS, port))

    def _draw_port(self) -> int:
        first, last = self.context.server.config.node_port_range
        lower = min(RESERVED_PORTS, (last - first) // 2)
        found = self.draw(PORTS, last - first + 1 - lower, lambda n: first + lower + n)
        if found is None:
            self.errors.append(invalid("spec.ports", None, "failed to allocate a nodePort: range is full"))
        return int(found or 0)
