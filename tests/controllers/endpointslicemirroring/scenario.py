"""Mirrors in trouble: what somebody wrote into Endpoints by hand is what the slices say."""

from tests.controllers.endpointslicemirroring.words import SLICES, endpoints, mirrors, service
from tests.controllers.scenarios import Scenario, change, create, remove, wait

NEW = {"subsets": [{"addresses": [{"ip": "192.0.2.9"}], "ports": [{"port": 5433}]}]}


def shown(cluster):
    return [(e["addresses"], s["ports"][0]["port"]) for s in mirrors(cluster) for e in s["endpoints"]]


SCENARIOS = (
    Scenario(
        "written and changed",
        loop="endpointslicemirroring",
        over=(SLICES,),
        acts=(create(service(), endpoints()), wait(5), change("endpoints/db", NEW, "merge")),
        reached=lambda cluster: shown(cluster) == [(["192.0.2.9"], 5433)],
    ),
    Scenario(
        "written and taken away",
        loop="endpointslicemirroring",
        over=(SLICES,),
        acts=(create(service(), endpoints()), wait(5), remove("endpoints/db")),
        reached=lambda cluster: mirrors(cluster) == [],
    ),
)
