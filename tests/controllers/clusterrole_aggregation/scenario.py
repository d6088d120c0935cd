"""Aggregated roles in trouble: their rules are those of the roles with the label."""

from tests.controllers.clusterrole_aggregation.words import ROLES, role, view_covers
from tests.controllers.scenarios import Scenario, change, create, remove, wait

GROUPS = ("one.example", "two.example", "new.example")


def rules(group):
    return [{"apiGroups": [group], "resources": ["widgets"], "verbs": ["get"]}]


SCENARIOS = (
    Scenario(
        "a role comes, changes, and another goes",
        loop="clusterrole-aggregation",
        over=(ROLES,),
        acts=(create(role("one", rules("one.example"), aggregate_to_view=True), role("two", rules("two.example"), aggregate_to_view=True)),
              wait(3), change(f"{ROLES}//one", {"rules": rules("new.example")}), remove(f"{ROLES}//two")),
        reached=lambda cluster: [group for group in GROUPS if view_covers(cluster, group)] == ["new.example"],
    ),
)  # fmt: skip
