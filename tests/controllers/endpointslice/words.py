"""Words for stories about Services and where they lead."""

from tests.controllers.scenarios import Scenario, change, create, do, wait
from tests.controllers.stories import deployment, names, pods, ready
from tests.simulation.invariants import endpoints_are_the_ready_pods

WEB = "deployments.apps/web"
PORTS = {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}


def service(**spec):
    """A Service over ``app: web``."""
    whole = {"selector": {"app": "web"}, "ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": whole}


def lose_one(cluster):
    cluster.client.delete("pods", names(pods(cluster))[0], "default")


def as_it_should_be(cluster):
    endpoints_are_the_ready_pods(cluster)
    return ready(cluster) == 4


def followed(*, loop, key):
    """The scenarios of a loop that writes down, in the resource ``key``, where Services lead."""
    return (
        Scenario(
            "pods come, go and are replaced",
            loop=loop,
            over=(key,),
            acts=(create(service(), deployment(3)), wait(45), do(lose_one), wait(5), change(WEB, {"spec": {"replicas": 4}})),
            reached=as_it_should_be,
        ),
        Scenario(
            "the ports and the labels of a Service change",
            loop=loop,
            over=(key,),
            acts=(create(service(), deployment(2)), wait(45), change("services/web", PORTS, "merge"), wait(1),
                  change("services/web", {"metadata": {"labels": {"team": "a"}}})),
            reached=lambda cluster: all(word in str(cluster.get(key)) for word in ("8080", "team")),
        ),
    )  # fmt: skip
