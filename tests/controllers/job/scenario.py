"""Jobs in trouble: every success is counted once, by number and by index."""

from tests.controllers.job.words import JOBS, conditions, job
from tests.controllers.promises import at_most, counted_right
from tests.controllers.scenarios import Scenario, create

TWICE = "a pod whose name is drawn is made once more when nobody heard that it was made"

SCENARIOS = (
    Scenario(
        "four times, two at a time",
        loop="job",
        over=(JOBS, "pods"),
        acts=(create(job(script="sleep 3", completions=4, parallelism=2)),),
        reached=lambda cluster: "Complete" in conditions(cluster) and len(cluster.get("pods")) == 4,
        promises=(counted_right(4), at_most(2)),
        otherwise={"answers are lost": TWICE},
    ),
    Scenario(
        "each index once, and one that fails",
        loop="job",
        over=(JOBS,),
        acts=(create(job(script="sleep 1; test $JOB_COMPLETION_INDEX -ne 1", completions=4, parallelism=2, completionMode="Indexed",
                         backoffLimitPerIndex=1)),),
        reached=lambda cluster: conditions(cluster).get("Failed") == "FailedIndexes",
        promises=(counted_right(3), at_most(2)),
        otherwise={"answers are lost": TWICE},
        rest=60,
    ),
)  # fmt: skip
