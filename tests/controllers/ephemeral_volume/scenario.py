"""Ephemeral volumes in trouble: a claim for each pod, and none without."""

from tests.controllers.ephemeral_volume.words import CLAIMS, with_scratch
from tests.controllers.scenarios import Scenario, create, remove, wait
from tests.controllers.world import names
from tests.storage.world import storage_class

SCENARIOS = (
    Scenario(
        "a pod comes, another goes",
        loop="ephemeral-volume",
        over=(CLAIMS, "pods"),
        acts=(create(storage_class(), with_scratch("one"), with_scratch("two")), wait(20), remove("pods/one")),
        reached=lambda cluster: (names(cluster, "pods"), names(cluster, CLAIMS)) == (["two"], ["two-disk"]),
        rest=60,
    ),
)
