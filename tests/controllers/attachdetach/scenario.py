"""Attachments in trouble: a disk follows its pod from one machine to the next."""

from tests.controllers.scenarios import Scenario, create, remove, wait
from tests.storage.world import ATTACHMENTS, attached, claim, storage_class, user_of


def on(node, name):
    return user_of(name=name, nodeSelector={"kubernetes.io/hostname": node})


SCENARIOS = (
    Scenario(
        "moved to another machine",
        loop="attachdetach",
        over=(ATTACHMENTS,),
        acts=(create(storage_class(), claim(storageClassName="fast"), on("node-1", "first")), wait(25), remove("pods/first"),
              create(on("node-2", "second"))),
        reached=lambda cluster: attached(cluster) == {"node-2": True} and cluster.get("pods", "second")["status"]["phase"] == "Running",
        rest=60,
    ),
)  # fmt: skip
