"""Ranges of pod addresses in trouble: each node has one, and no two the same."""

from tests.controllers.scenarios import Scenario, create, remove, wait


def machine(name):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


def ranges(cluster):
    return [node["spec"].get("podCIDR") for node in cluster.get("nodes")]


SCENARIOS = (
    Scenario(
        "machines come and go",
        loop="node-ipam",
        over=(),
        acts=(create(machine("a"), machine("b")), wait(1), remove("nodes//a"), create(machine("c"), machine("d"))),
        reached=lambda cluster: None not in ranges(cluster) and len(set(ranges(cluster))) == len(cluster.get("nodes")) == 6,
    ),
)
