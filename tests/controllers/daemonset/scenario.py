"""DaemonSets in trouble: an update while a node changes its mind."""

from tests.controllers.promises import one_on_a_node
from tests.controllers.scenarios import Scenario, change, create, wait
from tests.controllers.world import images, new_image, nodes_of, pods, ready, template, workload

AGENT = "daemonsets.apps/agent"
LOGS = workload("DaemonSet", "agent", template={**template("agent", nodeSelector={"logs": "yes"})})


def labelled(node, value):
    return change(f"nodes//{node}", {"metadata": {"labels": {"logs": value}}})


SCENARIOS = (
    Scenario(
        "updated on every node",
        loop="daemonset",
        over=("daemonsets.apps", "pods"),
        acts=(create(workload("DaemonSet", "agent")), wait(15), change(AGENT, new_image("nginx:1.27"))),
        reached=lambda cluster: ready(pods(cluster)) == 3 and images(pods(cluster)) == ["nginx:1.27"] * 3,
        promises=(one_on_a_node,),
        unkept={"answers are lost": "a pod whose name is drawn is made once more when nobody heard that it was made"},
    ),
    Scenario(
        "nodes that begin and cease to be meant",
        loop="daemonset",
        over=("daemonsets.apps", "pods"),
        acts=(create(LOGS), labelled("node-1", "yes"), labelled("node-2", "yes"), wait(10), labelled("node-2", None),
              labelled("node-3", "yes")),
        reached=lambda cluster: nodes_of(pods(cluster)) == ["node-1", "node-3"],
    ),
)  # fmt: skip
