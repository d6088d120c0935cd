"""Quotas in trouble: what they say is used is what there is."""

from tests.controllers.scenarios import Scenario, change, create, remove, wait
from tests.controllers.stories import deployment

HARD = {"pods": "10", "count/configmaps": "5", "count/deployments.apps": "2"}
QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": HARD}}
NOTE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "note"}}

SCENARIOS = (
    Scenario(
        "things come and go, and the limits change",
        loop="resourcequota",
        over=("resourcequotas",),
        acts=(create(QUOTA, deployment(3), NOTE), wait(15), remove("configmaps/note"),
              change("deployments.apps/web", {"spec": {"replicas": 2}}), change("resourcequotas/team", {"spec": {"hard": {"pods": "20"}}})),
        reached=lambda cluster: cluster.get("resourcequotas", "team")["status"]["used"]
        == {"pods": "2", "count/configmaps": "1", "count/deployments.apps": "1"},
        patience=400,  # what goes while the controller is away is found by its look at everything, every five minutes
    ),
)  # fmt: skip
