"""Deployments in trouble: a release, and one that is taken back while it is under way."""

from tests.controllers.promises import asked_for_at_most
from tests.controllers.scenarios import Scenario, change, create, wait
from tests.controllers.stories import deployment, pods, ready, sizes

WEB = "deployments.apps/web"


def image(name):
    return {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": name}]}}}}


def runs(cluster, name, replicas):
    return ready(cluster) == replicas and {pod["spec"]["containers"][0]["image"] for pod in pods(cluster)} == {name}


SCENARIOS = (
    Scenario(
        "released",
        loop="deployment",
        over=("deployments.apps", "replicasets.apps", "pods"),
        acts=(create(deployment(4)), wait(20), change(WEB, image("nginx:1.27"))),
        reached=lambda cluster: runs(cluster, "nginx:1.27", 4) and sizes(cluster) == [0, 4],
        promises=(asked_for_at_most(5),),
    ),
    Scenario(
        "taken back in the middle of a release, then scaled",
        loop="deployment",
        over=("deployments.apps", "pods"),  # whether there is an empty ReplicaSet of the release depends on who was there to see it
        acts=(
            create(deployment(3)), wait(20), change(WEB, image("nginx:1.27")), wait(0.4), change(WEB, image("nginx:1.26")), wait(10),
            change(WEB, {"spec": {"replicas": 5}}),
        ),
        reached=lambda cluster: runs(cluster, "nginx:1.26", 5),
        promises=(asked_for_at_most(7),),
    ),
)  # fmt: skip
