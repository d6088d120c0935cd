"""CronJobs in trouble: each time is run once, even when it is run late."""

from tests.controllers.cronjob.words import CRONS, JOBS, cron
from tests.controllers.promises import made_once
from tests.controllers.scenarios import Scenario, change, create, wait
from tests.controllers.world import names

SCENARIOS = (
    Scenario(
        "three minutes",
        loop="cronjob",
        over=(CRONS, JOBS),
        acts=(create(cron()), wait(200), change(f"{CRONS}/tick", {"spec": {"suspend": True}})),
        reached=lambda cluster: len(names(cluster, JOBS)) == 3,
        promises=(made_once(JOBS),),
    ),
)
