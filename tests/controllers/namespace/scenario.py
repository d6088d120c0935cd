"""The end of a namespace in trouble: nothing of it stays, and nobody else is harmed."""

from tests.controllers.scenarios import Scenario, create, remove, wait
from tests.controllers.stories import deployment

SHOP = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


def within(obj):
    return {**obj, "metadata": {**obj["metadata"], "namespace": "shop"}}


def note(name):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def gone(cluster):
    everything = [obj for key in ("deployments.apps", "replicasets.apps", "pods", "configmaps", "secrets") for obj in cluster.get(key)]
    return cluster.get("namespaces", "shop") is None and not [o for o in everything if o["metadata"]["namespace"] == "shop"]


SCENARIOS = (
    Scenario(
        "full of things",
        loop="namespace",
        over=("namespaces", "deployments.apps", "replicasets.apps", "pods", "configmaps", "serviceaccounts"),
        acts=(create(SHOP), wait(1), create(within(deployment(2)), within(note("menu")), note("ours")), wait(15),
              remove("namespaces//shop")),
        reached=lambda cluster: gone(cluster) and cluster.get("configmaps", "ours") is not None,
        rest=60,
    ),
)  # fmt: skip
