"""Binding in trouble: a claim has one volume, a volume one claim."""

from tests.controllers.persistentvolume.words import CLAIMS, VOLUMES, claim, phases, volume
from tests.controllers.scenarios import Scenario, create, remove, wait

SCENARIOS = (
    Scenario(
        "two claims, three volumes, one of them kept for a third",
        loop="persistentvolume",
        over=(CLAIMS, VOLUMES),
        acts=(create(volume("small"), volume("large", "5Gi"), volume("kept", claimRef={"namespace": "default", "name": "later"})), wait(25),
              create(claim("a")), wait(2), create(claim("b", "3Gi")), wait(2), create(claim("later"))),
        reached=lambda cluster: set(phases(cluster).values()) == {"Bound"},
    ),
    Scenario(
        "a claim goes",
        loop="persistentvolume",
        over=(CLAIMS, VOLUMES),
        acts=(create(volume("disk"), claim()), wait(60), remove(f"{CLAIMS}/data"), wait(30), create(claim("next"))),
        reached=lambda cluster: phases(cluster) == {"next": "Pending", "disk": "Released"},
    ),
)  # fmt: skip
