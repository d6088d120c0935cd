"""NetworkPolicy: which connections the network lets through.

A pod that no policy selects may talk to everybody. As soon as one selects it for a direction, only what some rule of some such
policy allows gets through in that direction; policies can only add, so their order does not matter. Both ends are asked: the
client's pod for Egress, the server's for Ingress. A refused packet is *dropped*: the client waits until it gives up. Answers to
what was let through always pass. Rules see packets after the Service's address was translated: pods and their ports.

    selected? no  -> allowed
              yes -> any rule of any selecting policy matches (peer and port)?  yes -> allowed   no -> dropped

Without any policy in the cluster the agent watches nothing but policies, and a connection costs one look at an empty shelf.

Models: networking.k8s.io/v1 NetworkPolicy as its API documents it; the agents of network plugins (Calico's Felix and others).
Simplified: one agent for all nodes; what it has heard of holds at once, everywhere. Pods with ``hostNetwork`` are their node.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, Object, dig
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.apiserver.request import User
from k8snb.client.component import Component, Environment
from k8snb.client.informer import key_of
from k8snb.sim.state import Shelf

NAME = "network-policy"
POLICIES, PODS, NAMESPACES = "networkpolicies.networking.k8s.io", "pods", "namespaces"
INGRESS, EGRESS = "Ingress", "Egress"
_RULES = {INGRESS: ("ingress", "from"), EGRESS: ("egress", "to")}  # direction -> field of rules, field of peers


class Party(NamedTuple):
    """One end of a connection. Without a pod it is a node, or somebody outside."""

    address: str
    node: str = ""
    namespace: str = ""
    pod: str = ""

    @property
    def key(self) -> str:
        """``namespace/name`` of the pod."""
        return f"{self.namespace}/{self.pod}"


class Ruling(NamedTuple):
    """What the policies say of a connection at one of its ends. ``policies`` are those that select the pod, ``by`` the one that allows."""

    allowed: bool = True
    direction: str = ""
    pod: str = ""
    policies: tuple[str, ...] = ()
    by: str = ""


FREE = Ruling()
"""Nothing selects the pod."""


@dataclass(slots=True)
class PolicyState:
    """What the nodes enforce. It stays when the agent stops."""

    policies: dict[str, Shelf] = field(default_factory=dict)  # namespace -> name -> policy
    pods: Shelf = field(default_factory=Shelf)  # namespace/name -> pod; filled while there are policies
    namespaces: Shelf = field(default_factory=Shelf)  # name -> namespace


class PolicyAgent(Component):
    """Watches policies, and while there are any, pods and namespaces. ``standing``: by key, pods that stand for components which
    are no pods here (cluster DNS)."""

    def __init__(self, env: Environment, standing: Mapping[str, Object] = EMPTY_DICT):
        self.standing = standing
        super().__init__(NAME, env, user=User("system:network-policy", ("system:masters", "system:authenticated")))
        for resource, keep in ((POLICIES, self._policy), (PODS, self._shelved("pods")), (NAMESPACES, self._shelved("namespaces"))):
            self.informer(resource).tell(keep)

    def new_state(self) -> PolicyState:
        """Everything is allowed."""
        return PolicyState()

    @property
    def own(self) -> PolicyState:
        """What is enforced."""
        found: PolicyState = self.state.own
        return found

    def on_stop(self) -> PolicyState:
        """The rules lie in the nodes: they stay when the agent ends."""
        return self.own

    def start(self) -> None:
        """List policies; pods and namespaces only where there are any."""
        self.state.running = True
        self.list_and_watch(POLICIES)
        self._forget_gone()
        if self.own.policies:
            self._watch_pods()

    def on_event(self, key: Any) -> None:
        """It has no work of its own."""

    def _watch_pods(self) -> None:
        for resource in (PODS, NAMESPACES):
            if not self.informers[resource].state.watch:
                self.list_and_watch(resource)

    def _forget_gone(self) -> None:
        """After a start: what was deleted while nobody watched is enforced no longer."""
        cache = self.informers[POLICIES].state.cache
        if self.informers[POLICIES].state.synced:
            for namespace, kept in list(self.own.policies.items()):
                for name in [name for name in kept if f"{namespace}/{name}" not in cache]:
                    self._drop(namespace, name)

    def _policy(self, old: Object | None, new: Object | None, cause: int) -> None:
        meta = (new if new is not None else old or {})["metadata"]
        if new is None:
            self._drop(meta["namespace"], meta["name"])
            return
        self.own.policies.setdefault(meta["namespace"], Shelf())[meta["name"]] = new
        self._watch_pods()

    def _drop(self, namespace: str, name: str) -> None:
        policies = self.own.policies
        policies.get(namespace, Shelf()).pop(name, None)
        if not policies.get(namespace):
            policies.pop(namespace, None)
        if not policies:
            for resource in (PODS, NAMESPACES):
                self.informers[resource].stop()
            self.own.pods.clear()
            self.own.namespaces.clear()

    def _shelved(self, name: str) -> Callable[[Object | None, Object | None, int], None]:
        def keep(old: Object | None, new: Object | None, cause: int) -> None:
            shelf: Shelf = getattr(self.own, name)
            if new is not None:
                shelf[key_of(new)] = new
            elif old is not None:
                shelf.pop(key_of(old), None)

        return keep

    # -- what the nodes ask ------------------------------------------------------------------------------------------

    def egress(self, client: Party, server: Party, port: int, protocol: str = "TCP") -> Ruling:
        """Whether a connection may leave the client's pod. No policy keeps a pod from itself."""
        if not self.own.policies or (client.pod and client.key == server.key):
            return FREE
        return self._at(EGRESS, client, server, (server, port, protocol))

    def ingress(self, client: Party, server: Party, port: int, protocol: str = "TCP") -> Ruling:
        """Whether a connection may enter the server's pod. A node always reaches the pods that run on it."""
        own_node = client.node and not client.pod and client.node == server.node
        if not self.own.policies or own_node or (client.pod and client.key == server.key):
            return FREE
        return self._at(INGRESS, server, client, (server, port, protocol))

    def _at(self, direction: str, subject: Party, peer: Party, to: tuple[Party, int, str]) -> Ruling:
        pod = self._pod(subject)
        if pod is None or _on_host(pod):
            return FREE
        selecting = list(self._selecting(subject.namespace, pod, direction))
        if not selecting:
            return FREE
        names = tuple(key_of(policy) for policy in selecting)
        server, port, protocol = to
        target = self._pod(server)
        for policy in selecting:
            if any(self._matches(rule, direction, policy, peer, (target, port, protocol)) for rule in _rules(policy, direction)):
                return Ruling(True, direction, subject.key, names, key_of(policy))
        return Ruling(False, direction, subject.key, names)

    def _pod(self, party: Party) -> Object | None:
        if not party.pod:
            return None
        found: Object | None = self.own.pods.get(party.key)
        return found if found is not None else self.standing.get(party.key)

    def _selecting(self, namespace: str, pod: Object, direction: str) -> Iterator[Object]:
        labels = pod["metadata"].get("labels")
        for policy in self.own.policies.get(namespace, Shelf()).values():
            spec = policy["spec"]
            if direction in spec["policyTypes"] and from_label_selector(spec.get("podSelector") or EMPTY_DICT).matches(labels):
                yield policy

    def _matches(self, rule: Object, direction: str, policy: Object, peer: Party, target: tuple[Object | None, int, str]) -> bool:
        ports, peers = rule.get("ports"), rule.get(_RULES[direction][1])
        if ports and not any(_port_matches(port, *target) for port in ports):
            return False
        return not peers or any(self._is_peer(one, policy["metadata"]["namespace"], peer) for one in peers)

    def _is_peer(self, wanted: Object, namespace: str, peer: Party) -> bool:
        if "ipBlock" in wanted:
            return _in_block(wanted["ipBlock"], peer.address)
        pod = self._pod(peer)
        if pod is None or _on_host(pod):
            return False
        if "namespaceSelector" in wanted:
            labels = dig(self.own.namespaces.get(peer.namespace), "metadata.labels", EMPTY_DICT)
            if not from_label_selector(wanted["namespaceSelector"]).matches(labels):
                return False
        elif peer.namespace != namespace:
            return False
        return "podSelector" not in wanted or from_label_selector(wanted["podSelector"]).matches(pod["metadata"].get("labels"))


def _rules(policy: Object, direction: str) -> Any:
    return policy["spec"].get(_RULES[direction][0]) or EMPTY_LIST


def _on_host(pod: Object) -> bool:
    return bool(pod["spec"].get("hostNetwork"))


def _port_matches(wanted: Object, pod: Object | None, port: int, protocol: str) -> bool:
    if wanted.get("protocol", "TCP") != protocol:
        return False
    number = wanted.get("port")
    if number is None:
        return True
    if isinstance(number, str):
        return port in _named_ports(pod, number, protocol)
    last: int = wanted.get("endPort") or number
    return bool(number <= port <= last)


def _named_ports(pod: Object | None, name: str, protocol: str) -> list[int]:
    """The container ports of that name: they are looked up in the pod that is connected to."""
    containers = dig(pod, "spec.containers", EMPTY_LIST) if pod is not None else EMPTY_LIST
    ports = [port for container in containers for port in container.get("ports") or EMPTY_LIST]
    return [port["containerPort"] for port in ports if port.get("name") == name and port.get("protocol", "TCP") == protocol]


@functools.lru_cache(maxsize=1024)
def _network(cidr: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(cidr, strict=False)


def _in_block(block: Object, address: str) -> bool:
    if not address:
        return False
    found = ipaddress.ip_address(address)
    return found in _network(block["cidr"]) and not any(found in _network(part) for part in block.get("except") or ())
