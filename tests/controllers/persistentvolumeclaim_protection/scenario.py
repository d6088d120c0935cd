"""Claims that are used, in trouble: they go when their pod has gone."""

from tests.controllers.persistentvolume.words import CLAIMS, VOLUMES, claim, phases, using, volume
from tests.controllers.scenarios import Scenario, create, remove, wait

SCENARIOS = (
    Scenario(
        "one is used, one is not",
        loop="persistentvolumeclaim-protection",
        over=(CLAIMS,),
        acts=(create(volume("disk"), claim(), claim("idle", storageClassName="none"), using(terminationGracePeriodSeconds=1)), wait(45),
              remove(f"{CLAIMS}/data"), remove(f"{CLAIMS}/idle")),
        reached=lambda cluster: [name for name in phases(cluster) if name != "disk"] == ["data"],
    ),
    Scenario(
        "its pod goes, too",
        loop="persistentvolumeclaim-protection",
        over=(CLAIMS, VOLUMES, "pods"),
        acts=(create(volume("disk"), claim(), using(terminationGracePeriodSeconds=1)), wait(45), remove(f"{CLAIMS}/data"), wait(2),
              remove("pods/app")),
        reached=lambda cluster: phases(cluster) == {"disk": "Released"},
    ),
)  # fmt: skip
