"""What every namespace is given, in trouble: the certificate of its authority."""

from tests.controllers.scenarios import Scenario, change, create, wait

SHOP = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}

SCENARIOS = (
    Scenario(
        "somebody writes into it",
        loop="root-ca-cert-publisher",
        over=("configmaps",),
        acts=(create(SHOP), wait(3), change("configmaps/shop/kube-root-ca.crt", {"data": {"ca.crt": "mine"}})),
        reached=lambda cluster: "BEGIN CERTIFICATE" in cluster.get("configmaps", "kube-root-ca.crt", "shop")["data"]["ca.crt"],
    ),
)
