"""The hint about the size of the cluster, in trouble: every node carries it."""

from tests.controllers.scenarios import Scenario, change, create
from tests.controllers.ttl.words import HINT, hints

NEW = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "new"}}

SCENARIOS = (
    Scenario(
        "wiped off one node, and another comes",
        loop="ttl",
        over=(),
        acts=(change("nodes//node-1", {"metadata": {"annotations": {HINT: None}}}), create(NEW)),
        reached=lambda cluster: hints(cluster) == ["0"] * 4,
    ),
)
