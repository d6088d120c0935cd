"""What every namespace is given, in trouble: its ServiceAccount."""

from tests.controllers.scenarios import Scenario, create, remove, wait

SHOP = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}

SCENARIOS = (
    Scenario(
        "somebody deletes it",
        loop="service-account",
        over=("serviceaccounts",),
        acts=(create(SHOP), wait(3), remove("serviceaccounts/shop/default")),
        reached=lambda cluster: cluster.get("serviceaccounts", "default", "shop") is not None,
    ),
)
