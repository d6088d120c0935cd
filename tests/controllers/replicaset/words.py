"""Words for stories about loops that keep a number of Pods right."""

from tests.controllers.promises import at_most
from tests.controllers.scenarios import Scenario, change, create, do, wait
from tests.controllers.stories import names, pods, ready


def lose_one(cluster):
    cluster.client.delete("pods", names(pods(cluster))[0], "default")


def release_one(cluster):
    cluster.client.patch("pods", names(pods(cluster))[-1], {"metadata": {"labels": {"app": "debug"}}}, "default")


def counted(*, loop, key, made):
    """The scenarios of such a loop: ``made`` is called web, of the resource ``key``, and wants three Pods of ``app: web``."""
    return (
        Scenario(
            "scaled, robbed and scaled again",
            loop=loop,
            over=(key, "pods"),
            acts=(create(made), wait(10), change(f"{key}/web", {"spec": {"replicas": 5}}), wait(8), do(lose_one), wait(5),
                  change(f"{key}/web", {"spec": {"replicas": 2}})),
            reached=lambda cluster: ready(cluster) == 2,
            promises=(at_most(5),),
            unkept={"answers are lost": "a pod whose name is drawn is made once more when nobody heard that it was made"},
        ),
        Scenario(
            "a pod leaves the selector",
            loop=loop,
            over=(key, "pods"),
            acts=(create(made), wait(10), do(release_one)),
            reached=lambda cluster: ready(cluster) == 3 and "ownerReferences" not in pods(cluster, "debug")[0]["metadata"],
        ),
    )  # fmt: skip
