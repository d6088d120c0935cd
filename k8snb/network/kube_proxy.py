"""kube-proxy: on each node, the component that turns Services and EndpointSlices into rules.

It watches both. On news it takes stock at once, and a moment later the rules of the Services that changed are replaced; what
it hears meanwhile has to wait until ``minSyncPeriod`` is over. That second is the time in which a node may send packets to a pod
that has just ended. The rules (:mod:`.rules`) are plain data in its state; packets are not sent
through it, they only follow what it wrote. So a stopped kube-proxy leaves its last rules behind, and traffic goes on by them,
right or wrong, as on a real node.

Beside the rules it answers two small questions over HTTP, which load balancers ask: ``:10256/healthz`` (do you run?), and for
Services with ``externalTrafficPolicy: Local`` on their ``healthCheckNodePort`` (have you an endpoint of your own?).

Models: pkg/proxy/iptables/proxier.go (syncProxyRules), pkg/proxy/runner/bounded_frequency_runner.go, pkg/proxy/healthcheck.
Simplified: it does not look at its node's labels again after it was put up.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.objects import Object
from k8snb.apiserver.request import User
from k8snb.client.component import Component, Environment
from k8snb.client.informer import key_of
from k8snb.component_helpers.timing import timing
from k8snb.network import iptables, nftables
from k8snb.network.chains import IPTABLES, MODES
from k8snb.network.rules import Backend, Rule, rules_of
from k8snb.seams.cni import HTTPReply
from k8snb.sim.clock import LATENCY, SECOND
from k8snb.sim.state import Shelf

SERVICE_LABEL = "kubernetes.io/service-name"
MIN_SYNC_PERIOD = timing("proxy sync")
HEALTHZ_PORT = 10256
REMEMBERED = 10_000  # clients that a node remembers for session affinity


@dataclass(slots=True)
class ProxyState:
    """The node's rules, found by Service and by address; who was sent where (session affinity)."""

    rules: Shelf = field(default_factory=Shelf)  # service -> tuple of Rules
    by_address: Shelf = field(default_factory=Shelf)  # (address, port, protocol) -> (service, number of the rule)
    by_node_port: Shelf = field(default_factory=Shelf)  # (port, protocol) -> (service, number of the rule)
    health_ports: Shelf = field(default_factory=Shelf)  # healthCheckNodePort -> service
    changed: Shelf = field(default_factory=Shelf)  # Services whose rules must be made anew
    made: Shelf = field(default_factory=Shelf)  # Service -> its new rules, on their way into the kernel
    affinity: Shelf = field(default_factory=Shelf)  # (rule label, client) -> (Backend, when)
    synced: int = -MIN_SYNC_PERIOD  # when it took stock last


def service_of(slice_: Object) -> list[str]:
    """The Service that an EndpointSlice belongs to."""
    name = (slice_["metadata"].get("labels") or {}).get(SERVICE_LABEL)
    return [f"{slice_['metadata']['namespace']}/{name}"] if name else []


class Rules(tuple[str, ...]):
    """The lines of a node's rules. Prints as the text."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        """A line; or, of a slice, the rules that it leaves, which print as text too."""
        found = super().__getitem__(index)
        return Rules(found) if isinstance(index, slice) else found

    def __repr__(self) -> str:
        return "\n".join(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("..." if cycle else repr(self))


class KubeProxy(Component):
    """The kube-proxy of one node. ``address``: the node's own; ``zone``: gives the zone that it stands in."""

    def __init__(self, env: Environment, node: str, address: str = "", zone: Callable[[], str] = str):
        self.node, self.address, self.zone = node, address, zone
        super().__init__(f"kube-proxy/{node}", env, user=User("system:kube-proxy", ("system:authenticated",)), agent="kube-proxy")
        self.services = self.informer("services")
        self.slices = self.informer("endpointslices.discovery.k8s.io")
        self.slices.add_index("service", service_of)
        self.services.tell(lambda old, new, cause: self._touch([key_of(new if new is not None else old or {})], cause))
        self.slices.tell(self._slice_changed)

    def new_state(self) -> ProxyState:
        """No rules."""
        return ProxyState()

    @property
    def own(self) -> ProxyState:
        """Its rules."""
        found: ProxyState = self.state.own
        return found

    def on_stop(self) -> ProxyState:
        """The rules lie in the node's kernel: they stay when the process ends."""
        self.own.changed.clear()
        self.own.made.clear()
        return self.own

    def on_start(self) -> None:
        """Write everything anew: what was deleted meanwhile must go."""
        for service in sorted(set(self.own.rules) | set(self.services.state.cache)):
            self.own.changed[service] = True
        self._later(0)

    def _slice_changed(self, old: Object | None, new: Object | None, cause: int) -> None:
        self._touch([service for one in (old, new) if one is not None for service in service_of(one)], cause)

    def _touch(self, services: list[str], cause: int) -> None:
        waiting = bool(self.own.changed)
        for service in services:
            self.own.changed[service] = True
        if services and not waiting:
            self._later(cause)

    def _later(self, cause: int) -> None:
        why = f"{self.node} takes stock of Services"
        delay = max(0, self.own.synced + MIN_SYNC_PERIOD - self.kernel.now)
        self.kernel.after(delay, self.name, ("sync",), why=why, causes=(cause,) if cause else ())

    def on_event(self, key: Any) -> None:
        """Take stock of all Services that changed (``sync``), or put the new rules in their place (``write``)."""
        own = self.own
        if key == ("sync",):
            for service in sorted(own.changed):
                obj = self.services.get(service)
                own.made[service] = rules_of(obj, self.slices.by("service", service), self.node, self.zone) if obj is not None else ()
            own.changed.clear()
            own.synced = self.kernel.now
            why = f"rules of {self.node} are written"
            self.kernel.after(LATENCY["dataplane sync"], self.name, ("write",), why=why, causes=self.kernel.causes)
            return
        made = dict(own.made)
        own.made.clear()
        written = [service for service, rules in made.items() if self._write(service, rules)]
        if written:
            self.kernel.trace.add(self.kernel.now, "reconcile", self.name, "write rules", ", ".join(written), None, self.kernel.causes)

    def _write(self, service: str, new: tuple[Rule, ...]) -> bool:
        """Replace the rules of one Service; whether they are different now."""
        own = self.own
        old: tuple[Rule, ...] = own.rules.get(service, ())
        if new == old:
            return False
        for rule in old:
            for address in (rule.cluster_ip, *rule.external_ips, *rule.balancer_ips):
                own.by_address.pop((address, rule.port, rule.protocol), None)
            own.by_node_port.pop((rule.node_port, rule.protocol), None)
            own.health_ports.pop(rule.health_port, None)
        own.rules.pop(service, None)
        if new:
            own.rules[service] = new
        for number, rule in enumerate(new):
            for address in (rule.cluster_ip, *rule.external_ips, *rule.balancer_ips):
                own.by_address[address, rule.port, rule.protocol] = (service, number)
            if rule.node_port:
                own.by_node_port[rule.node_port, rule.protocol] = (service, number)
            if rule.health_port:
                own.health_ports[rule.health_port] = service
        return True

    # -- what packets ask --------------------------------------------------------------------------------------------

    def match(self, address: str, port: int, protocol: str = "TCP") -> Rule | None:
        """The rule for a destination address of a Service."""
        return self._rule(self.own.by_address.get((address, port, protocol)))

    def match_node_port(self, port: int, protocol: str = "TCP") -> Rule | None:
        """The rule for a port of the node itself."""
        return self._rule(self.own.by_node_port.get((port, protocol)))

    def _rule(self, found: tuple[str, int] | None) -> Rule | None:
        if found is None:
            return None
        rule: Rule = self.own.rules[found[0]][found[1]]
        return rule

    def remembered(self, rule: Rule, client: str, backends: tuple[Backend, ...]) -> Backend | None:
        """The backend that this client had before, where session affinity still holds."""
        known, since = self.own.affinity.get((rule.label, client), (None, 0))
        return known if rule.affinity and known in backends and self.kernel.now - since < rule.affinity * SECOND else None

    def draw(self, backends: tuple[Backend, ...]) -> Backend:
        """One of the backends, each as likely as the others, from the node's stream."""
        return backends[self.kernel.rng(self.name).below(len(backends))] if len(backends) > 1 else backends[0]

    def remember(self, rule: Rule, client: str, backend: Backend) -> None:
        """Session affinity: the client's time begins anew with every connection."""
        if rule.affinity:
            known = self.own.affinity
            known.pop((rule.label, client), None)
            known[rule.label, client] = (backend, self.kernel.now)
            if len(known) > REMEMBERED:
                del known[next(iter(known))]  # who has not come for the longest time

    def health(self, port: int) -> HTTPReply | None:
        """The answer of its own small servers; None where it has none on that port, or does not run."""
        service = self.own.health_ports.get(port)
        if not self.state.running or (service is None and port != HEALTHZ_PORT):
            return None
        if service is None:
            return HTTPReply(200, json.dumps({"nodeEligible": True}), "application/json")
        namespace, _, name = service.partition("/")
        local = {backend.address for rule in self.own.rules[service] for backend in rule.local if backend.ready}
        said = {"service": {"namespace": namespace, "name": name}, "localEndpoints": len(local), "serviceProxyHealthy": True}
        return HTTPReply(200 if local else 503, json.dumps(said), "application/json")

    def text(self, mode: str = IPTABLES, service: str = "") -> Rules:
        """The node's rules as ``iptables-save`` or ``nft list`` prints them; of all Services, or what one of them adds.

        Raises ValueError for an unknown mode.
        """
        if mode not in MODES:
            raise ValueError(f"kube-proxy has no mode {mode!r}; one of {', '.join(MODES)}")
        wanted = [service] if service else sorted(self.own.rules)
        rules = [rule for name in wanted for rule in self.own.rules.get(name, ())]
        if service:
            return Rules(iptables.of_service(rules) if mode == IPTABLES else nftables.of_service(rules))
        return Rules(iptables.as_iptables(rules) if mode == IPTABLES else nftables.as_nftables(rules, [self.address]))
