"""Endpoints in trouble: in the end they are the ready pods, whatever was missed."""

from tests.controllers.endpointslice.words import service
from tests.controllers.scenarios import Scenario, change, create, do, wait
from tests.controllers.stories import deployment, names, pods, ready
from tests.simulation.invariants import endpoints_are_the_ready_pods

WEB = "deployments.apps/web"
PORTS = {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}


def lose_one(cluster):
    cluster.client.delete("pods", names(pods(cluster))[0], "default")


def as_it_should_be(cluster):
    endpoints_are_the_ready_pods(cluster)
    return ready(cluster) == 4


SCENARIOS = (
    Scenario(
        "pods come, go and are replaced",
        loop="endpoint",
        over=("endpoints",),
        acts=(create(service(), deployment(3)), wait(45), do(lose_one), wait(5), change(WEB, {"spec": {"replicas": 4}})),
        reached=as_it_should_be,
    ),
    Scenario(
        "the ports and the labels of a Service change",
        loop="endpoint",
        over=("endpoints",),
        acts=(create(service(), deployment(2)), wait(45), change("services/web", PORTS, "merge"), wait(1),
              change("services/web", {"metadata": {"labels": {"team": "a"}}})),
        reached=lambda cluster: all(word in str(cluster.get("endpoints")) for word in ("8080", "team")),
    ),
)  # fmt: skip
