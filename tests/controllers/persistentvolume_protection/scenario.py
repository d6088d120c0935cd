"""Volumes that are bound, in trouble: they go when their claim has gone."""

from tests.controllers.persistentvolume.words import CLAIMS, VOLUMES, claim, phases, volume
from tests.controllers.scenarios import Scenario, create, remove, wait

SCENARIOS = (
    Scenario(
        "deleted while it is bound",
        loop="persistentvolume-protection",
        over=(VOLUMES,),
        acts=(create(volume("disk"), claim()), wait(45), remove(f"{VOLUMES}//disk")),
        reached=lambda cluster: phases(cluster) == {"data": "Bound", "disk": "Bound"},
    ),
    Scenario(
        "deleted, and then its claim",
        loop="persistentvolume-protection",
        over=(CLAIMS, VOLUMES),
        acts=(create(volume("disk"), claim()), wait(45), remove(f"{VOLUMES}//disk"), wait(2), remove(f"{CLAIMS}/data")),
        reached=lambda cluster: phases(cluster) == {},
    ),
)
