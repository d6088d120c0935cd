"""Budgets in trouble: whoever evicts is refused rather than obeyed once too often."""

from k8snb.apimachinery.errors import ApiError
from tests.controllers.disruption.words import BUDGETS, budget, evict, status
from tests.controllers.promises import at_least_ready
from tests.controllers.scenarios import Scenario, create, do, wait
from tests.controllers.world import pods, workload


def evict_all(cluster):
    """As ``kubectl drain`` does: one after the other, and who is refused is left for the next time."""
    for pod in pods(cluster):
        try:
            evict(cluster, pod["metadata"]["name"])
        except ApiError as error:
            if error.code != 429:
                raise


INVOLUNTARY = "a pod on a machine that is cut off is not ready, and no budget can help it"

SCENARIOS = (
    Scenario(
        "evicted again and again",
        loop="disruption",
        over=(BUDGETS,),
        acts=(create(workload("Deployment", "web", replicas=4), budget(minAvailable=3)), wait(30), *(do(evict_all), wait(2)) * 6),
        reached=lambda cluster: status(cluster) == (4, 3, 4, 1),
        promises=(at_least_ready(3),),
        unkept={"a node is cut off": INVOLUNTARY},
    ),
)
