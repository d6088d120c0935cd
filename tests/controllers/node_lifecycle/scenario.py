"""Silent machines in trouble: they are marked, and the marks go when they are heard of again."""

from tests.controllers.scenarios import Scenario, do, wait

NODE = "node-2"


def marks(cluster):
    return sorted(f"{taint['key']}:{taint['effect']}" for node in cluster.get("nodes") for taint in node["spec"].get("taints") or ())


SCENARIOS = (
    Scenario(
        "a machine is lost",
        loop="node-lifecycle",
        over=("nodes",),
        acts=(do(lambda cluster: cluster.faults.fail_node(NODE)),),
        reached=lambda cluster: marks(cluster) == [f"node.kubernetes.io/unreachable:{effect}" for effect in ("NoExecute", "NoSchedule")],
        rest=120,
    ),
    Scenario(
        "a machine is lost and found",
        loop="node-lifecycle",
        over=("nodes",),
        acts=(do(lambda cluster: cluster.faults.partition_node(NODE)), wait(90), do(lambda cluster: cluster.faults.restore_node(NODE))),
        reached=lambda cluster: marks(cluster) == [],
        rest=60,
    ),
)
