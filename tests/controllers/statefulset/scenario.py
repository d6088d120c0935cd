"""StatefulSets in trouble: one after the other, up, through an update, and down."""

from tests.controllers.promises import in_order, one_of_a_name
from tests.controllers.scenarios import Scenario, change, create, wait
from tests.controllers.world import images, new_image, pods, ready, workload

DB = "statefulsets.apps/db"


def runs(cluster, image, replicas):
    return images(pods(cluster)) == [image] * replicas and ready(pods(cluster)) == replicas


SCENARIOS = (
    Scenario(
        "put up in order",
        loop="statefulset",
        over=("statefulsets.apps", "controllerrevisions.apps", "pods"),
        acts=(create(workload("StatefulSet", "db", serviceName="db", replicas=4)),),
        reached=lambda cluster: runs(cluster, "nginx:1.26", 4),
        promises=(in_order("db-"), one_of_a_name),
    ),
    Scenario(
        "updated and scaled down",
        loop="statefulset",
        over=("statefulsets.apps", "pods"),
        acts=(create(workload("StatefulSet", "db", serviceName="db", replicas=3)), wait(30), change(DB, new_image("nginx:1.27")), wait(3),
              change(DB, {"spec": {"replicas": 2}})),
        reached=lambda cluster: runs(cluster, "nginx:1.27", 2),
        promises=(one_of_a_name,),
    ),
)  # fmt: skip
