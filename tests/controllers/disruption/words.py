"""Words for stories about budgets."""

from tests.controllers.world import NS, manifest

BUDGETS = "poddisruptionbudgets.policy"


def budget(**spec):
    whole = {"selector": {"matchLabels": {"app": "web"}}, **spec}
    return manifest("PodDisruptionBudget", "web", whole, version="policy/v1")








def status(cluster):
    found = cluster.get(BUDGETS, "web")["status"]
    return tuple(found[name] for name in ("expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed"))


def evict(cluster, name):
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    return cluster.client.create("pods", body, NS, subresource="eviction", name=name)
