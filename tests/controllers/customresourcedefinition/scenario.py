"""Definitions in trouble: they are established, and go with their objects."""

from k8snb.apimachinery.meta import condition_status
from tests.controllers.customresourcedefinition.words import DEFINITIONS, EXAMPLE, WIDGETS, widget
from tests.controllers.scenarios import Scenario, create, do, remove, wait


def make_one(cluster):
    """A user who tries until the kind is served."""
    cluster.run_until(lambda c: condition_status(c.get(DEFINITIONS, WIDGETS), "Established") == "True", 120)
    if cluster.client.find(WIDGETS, "a", "default") is None:
        cluster.client.create(WIDGETS, widget("a", size=2), "default")


SCENARIOS = (
    Scenario(
        "defined",
        loop="customresourcedefinition",
        over=(DEFINITIONS,),
        acts=(create(EXAMPLE),),
        reached=lambda cluster: condition_status(cluster.get(DEFINITIONS, WIDGETS), "Established") == "True",
    ),
    Scenario(
        "defined, used, and taken away",
        loop="customresourcedefinition",
        over=(DEFINITIONS,),
        acts=(create(EXAMPLE), wait(2), do(make_one), wait(2), remove(f"{DEFINITIONS}//{WIDGETS}")),
        reached=lambda cluster: cluster.get(DEFINITIONS) == [],
    ),
)
