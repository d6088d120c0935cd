"""Evictions by taints in trouble: who does not tolerate goes, who tolerates for a while goes later, who tolerates stays."""

from tests.controllers.scenarios import Scenario, change, create, wait
from tests.controllers.stories import pod
from tests.controllers.world import names

TAINT = {"spec": {"taints": [{"key": "maintenance", "value": "now", "effect": "NoExecute"}]}}


def on_node_2(name, **toleration):
    tolerations = [{"key": "maintenance", "operator": "Exists", "effect": "NoExecute", **toleration}]
    known = {"tolerations": tolerations} if name != "plain" else {}
    return pod(name, nodeName="node-2", terminationGracePeriodSeconds=1, **known)


SCENARIOS = (
    Scenario(
        "three pods and a taint",
        loop="taint-eviction",
        over=("pods",),
        acts=(create(on_node_2("plain"), on_node_2("patient", tolerationSeconds=20), on_node_2("rock")), wait(15),
              change("nodes//node-2", TAINT)),
        reached=lambda cluster: names(cluster, "pods") == ["rock"],
    ),
    Scenario(
        "the taint goes before its time has come",
        loop="taint-eviction",
        over=("pods",),
        acts=(create(on_node_2("patient", tolerationSeconds=300)), wait(15), change("nodes//node-2", TAINT), wait(10),
              change("nodes//node-2", {"spec": {"taints": None}}, "merge")),
        reached=lambda cluster: names(cluster, "pods") == ["patient"],
        rest=330,
    ),
)  # fmt: skip
