"""kube-proxy: on each node, the component that turns Services and EndpointSlices into rules.

It watches both, waits a moment so that several changes make one write, and replaces the rules of the Services that changed.
The rules (:mod:`.rules`) are plain data in its state; packets are not sent through it, they only follow what it wrote. So a
stopped kube-proxy leaves its last rules behind, and traffic goes on by them, right or wrong, as on a real node.

Models: pkg/proxy/iptables/proxier.go (syncProxyRules), cmd/kube-proxy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.objects import Object
from k8snb.apiserver.request import User
from k8snb.client.component import Component, Environment
from k8snb.client.informer import key_of
from k8snb.network.rules import Backend, Rule, as_iptables, rules_of, usable
from k8snb.sim.clock import LATENCY, SECOND
from k8snb.sim.state import Shelf

SERVICE_LABEL = "kubernetes.io/service-name"


@dataclass(slots=True)
class ProxyState:
    """The node's rules, found by Service and by address; who was sent where (session affinity)."""

    rules: Shelf = field(default_factory=Shelf)  # service -> tuple of Rules
    by_address: Shelf = field(default_factory=Shelf)  # (address, port, protocol) -> (service, number of the rule)
    by_node_port: Shelf = field(default_factory=Shelf)  # (port, protocol) -> (service, number of the rule)
    changed: Shelf = field(default_factory=Shelf)  # Services whose rules must be written
    affinity: Shelf = field(default_factory=Shelf)  # (rule label, client) -> (Backend, when)


def _service_of(slice_: Object) -> list[str]:
    name = (slice_["metadata"].get("labels") or {}).get(SERVICE_LABEL)
    return [f"{slice_['metadata']['namespace']}/{name}"] if name else []


class KubeProxy(Component):
    """The kube-proxy of one node."""

    def __init__(self, env: Environment, node: str):
        self.node = node
        super().__init__(f"kube-proxy/{node}", env, user=User("system:kube-proxy", ("system:authenticated",)), agent="kube-proxy")
        self.services = self.informer("services")
        self.slices = self.informer("endpointslices.discovery.k8s.io")
        self.slices.add_index("service", _service_of)
        self.services.handlers.append(lambda old, new, cause: self._touch([key_of(new if new is not None else old or {})], cause))
        self.slices.handlers.append(self._slice_changed)

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
        return self.own

    def on_start(self) -> None:
        """Write everything anew: what was deleted meanwhile must go."""
        for service in sorted(set(self.own.rules) | set(self.services.state.cache)):
            self.own.changed[service] = True
        self._later(0)

    def _slice_changed(self, old: Object | None, new: Object | None, cause: int) -> None:
        self._touch([service for one in (old, new) if one is not None for service in _service_of(one)], cause)

    def _touch(self, services: list[str], cause: int) -> None:
        waiting = bool(self.own.changed)
        for service in services:
            self.own.changed[service] = True
        if services and not waiting:
            self._later(cause)

    def _later(self, cause: int) -> None:
        why = f"rules of {self.node} are written"
        self.kernel.after(LATENCY["dataplane sync"], self.name, ("sync",), why=why, causes=(cause,) if cause else ())

    def on_event(self, key: Any) -> None:
        """Write the rules of all Services that changed."""
        changed = sorted(self.own.changed)
        self.own.changed.clear()
        written = [service for service in changed if self._write(service)]
        if written:
            self.kernel.trace.add(self.kernel.now, "reconcile", self.name, "write rules", ", ".join(written), None, self.kernel.causes)

    def _write(self, service: str) -> bool:
        """Replace the rules of one Service; whether they are different now."""
        own = self.own
        obj = self.services.get(service)
        new = rules_of(obj, self.slices.by("service", service)) if obj is not None else ()
        old: tuple[Rule, ...] = own.rules.get(service, ())
        if new == old:
            return False
        for rule in old:
            for address in (rule.cluster_ip, *rule.addresses):
                own.by_address.pop((address, rule.port, rule.protocol), None)
            own.by_node_port.pop((rule.node_port, rule.protocol), None)
        own.rules.pop(service, None)
        if new:
            own.rules[service] = new
        for number, rule in enumerate(new):
            for address in (rule.cluster_ip, *rule.addresses):
                own.by_address[address, rule.port, rule.protocol] = (service, number)
            if rule.node_port:
                own.by_node_port[rule.node_port, rule.protocol] = (service, number)
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

    def choose(self, rule: Rule, client: str, *, external: bool = False) -> Backend | None:
        """One of the backends: drawn from the node's stream, or the one that the client had before (session affinity)."""
        targets = usable(rule, self.node, external=external)
        if not targets:
            return None
        known, since = self.own.affinity.get((rule.label, client), (None, 0))
        if rule.affinity and known in targets and self.kernel.now - since < rule.affinity * SECOND:
            chosen: Backend = known
        else:
            chosen = targets[self.kernel.rng(self.name).below(len(targets))] if len(targets) > 1 else targets[0]
        if rule.affinity:
            self.own.affinity[rule.label, client] = (chosen, self.kernel.now)
        return chosen

    def iptables(self) -> list[str]:
        """The node's rules as ``iptables-save`` prints them, sorted by Service."""
        return as_iptables([rule for service in sorted(self.own.rules) for rule in self.own.rules[service]], self.node)
