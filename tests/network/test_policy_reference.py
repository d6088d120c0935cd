"""NetworkPolicies against a straightforward reading of their definition, for many clusters of policies."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snb.apimachinery.objects import freeze
from k8snb.cluster import Cluster
from k8snb.network.policy import Party

PODS = {  # namespace/name -> (address, labels, its ports by name)
    "a/one": ("10.244.0.2", {"app": "web", "tier": "front"}, {"http": 8080}),
    "a/two": ("10.244.0.3", {"app": "db"}, {"sql": 5432, "http": 8081}),
    "b/three": ("10.244.1.2", {"app": "web"}, {"http": 8080}),
    "b/four": ("10.244.1.3", {}, {}),
}
NAMESPACES = {"a": {"team": "a"}, "b": {"team": "b", "env": "prod"}}
OUTSIDE = Party("192.0.2.1")

labels = st.sampled_from([{}, {"app": "web"}, {"app": "db"}, {"tier": "front"}, {"app": "none"}])
selectors = labels.map(lambda wanted: {"matchLabels": wanted} if wanted else {})
namespaces = st.sampled_from([{}, {"matchLabels": {"team": "a"}}, {"matchLabels": {"env": "prod"}}, {"matchLabels": {"team": "x"}}])
blocks = st.sampled_from(
    [{"cidr": "10.244.0.0/16"}, {"cidr": "10.244.0.0/16", "except": ["10.244.1.0/24"]}, {"cidr": "0.0.0.0/0"}, {"cidr": "192.0.2.0/24"}]
)
peers = st.one_of(
    st.builds(lambda pod: {"podSelector": pod}, selectors),
    st.builds(lambda space: {"namespaceSelector": space}, namespaces),
    st.builds(lambda space, pod: {"namespaceSelector": space, "podSelector": pod}, namespaces, selectors),
    st.builds(lambda block: {"ipBlock": block}, blocks),
)
ports = st.sampled_from(
    [
        {"protocol": "TCP", "port": 8080},
        {"protocol": "TCP", "port": "http"},
        {"protocol": "TCP", "port": 8000, "endPort": 8090},
        {"protocol": "UDP"},
    ]
)


@st.composite
def rules(draw: Any, field: str) -> dict[str, Any]:
    rule: dict[str, Any] = {}
    if draw(st.booleans()):
        rule[field] = draw(st.lists(peers, min_size=1, max_size=2))
    if draw(st.booleans()):
        rule["ports"] = draw(st.lists(ports, min_size=1, max_size=2))
    return rule


@st.composite
def policies(draw: Any) -> dict[str, Any]:
    types = draw(st.sampled_from([["Ingress"], ["Egress"], ["Ingress", "Egress"]]))
    spec: dict[str, Any] = {"podSelector": draw(selectors), "policyTypes": types}
    for direction, field in (("ingress", "from"), ("egress", "to")):
        if direction.capitalize() in types and draw(st.booleans()):
            spec[direction] = draw(st.lists(rules(field), max_size=2))
    return {"namespace": draw(st.sampled_from(["a", "b"])), "spec": spec}


def selected(selector: dict[str, Any], given: dict[str, str]) -> bool:
    return all(given.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def is_peer(peer: dict[str, Any], space: str, other: Party) -> bool:
    if "ipBlock" in peer:
        address = ipaddress.ip_address(other.address)
        inside = address in ipaddress.ip_network(peer["ipBlock"]["cidr"])
        return inside and not any(address in ipaddress.ip_network(cidr) for cidr in peer["ipBlock"].get("except", []))
    if not other.pod:
        return False
    in_space = selected(peer["namespaceSelector"], NAMESPACES[other.namespace]) if "namespaceSelector" in peer else other.namespace == space
    return in_space and selected(peer.get("podSelector", {}), PODS[other.key][1])


def is_port(wanted: dict[str, Any], server: Party, port: int) -> bool:
    number = wanted.get("port")
    if wanted["protocol"] != "TCP":
        return False
    if isinstance(number, str):
        return bool(server.pod) and PODS[server.key][2].get(number) == port
    return number is None or number <= port <= wanted.get("endPort", number)


def reference(every: list[dict[str, Any]], client: Party, server: Party, port: int) -> bool:
    """Whether a connection gets through, read off the definition."""
    for direction, subject, other, field in (("Egress", client, server, "to"), ("Ingress", server, client, "from")):
        mine = [p for p in every if subject.pod and p["namespace"] == subject.namespace and direction in p["spec"]["policyTypes"]]
        mine = [p for p in mine if selected(p["spec"]["podSelector"], PODS[subject.key][1])]
        allowed = [
            rule
            for p in mine
            for rule in p["spec"].get(direction.lower(), [])
            if ("ports" not in rule or any(is_port(one, server, port) for one in rule["ports"]))
            and (field not in rule or any(is_peer(one, p["namespace"], other) for one in rule[field]))
        ]
        if mine and not allowed:
            return False
    return True


@pytest.fixture(scope="module")
def agent() -> Any:
    agent = Cluster(nodes=0).simulation.parts.components["network-policy"]
    for key, (_, own, named) in PODS.items():
        containers = [{"name": "c", "ports": [{"name": name, "containerPort": port} for name, port in named.items()]}]
        agent.own.pods[key] = freeze({"metadata": {"labels": own}, "spec": {"containers": containers}})
    for name, own in NAMESPACES.items():
        agent.own.namespaces[name] = freeze({"metadata": {"name": name, "labels": own}})
    return agent


def party(key: str) -> Party:
    namespace, _, name = key.partition("/")
    return Party(PODS[key][0], "node-1", namespace, name)


@settings(max_examples=60, deadline=None)
@given(every=st.lists(policies(), max_size=4), port=st.sampled_from([8080, 8081, 5432, 80]))
def test_the_agent_rules_as_the_definition_says(agent: Any, every: list[dict[str, Any]], port: int) -> None:
    agent.own.policies.clear()
    for number, one in enumerate(every):
        obj = freeze({"metadata": {"name": f"p{number}", "namespace": one["namespace"]}, "spec": one["spec"]})
        agent.own.policies.setdefault(one["namespace"], {})[f"p{number}"] = obj
    ends = [*(party(key) for key in PODS), OUTSIDE]
    for client in ends:
        for server in ends:
            if client is not server:
                through = agent.egress(client, server, port).allowed and agent.ingress(client, server, port).allowed
                assert through == reference(every, client, server, port), (client, server)
