"""Pods whose machine is gone, in trouble: they are collected, and their neighbours are not."""

from tests.controllers.scenarios import Scenario, create, do, remove, wait
from tests.controllers.stories import pod
from tests.controllers.world import names

SCENARIOS = (
    Scenario(
        "a machine is taken away and comes back",
        loop="pod-garbage-collector",
        over=("pods",),
        acts=(create(pod("lost", nodeName="node-3"), pod("kept", nodeName="node-2")), wait(10),
              do(lambda cluster: cluster.faults.fail_node("node-3")), remove("nodes//node-3"), wait(300),
              do(lambda cluster: cluster.faults.restore_node("node-3"))),
        reached=lambda cluster: names(cluster, "pods") == ["kept"],
    ),
)  # fmt: skip
