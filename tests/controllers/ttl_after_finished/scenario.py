"""Finished Jobs that have had their time, in trouble."""

from tests.controllers.job.words import JOBS, job
from tests.controllers.scenarios import Scenario, create
from tests.controllers.world import names

SCENARIOS = (
    Scenario(
        "one goes and one stays",
        loop="ttl-after-finished",
        over=(JOBS, "pods"),
        acts=(create(job("brief", ttlSecondsAfterFinished=10), job("kept")),),
        reached=lambda cluster: names(cluster, JOBS) == ["kept"],
        rest=45,
    ),
)
