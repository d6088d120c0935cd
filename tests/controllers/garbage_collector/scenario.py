"""Collecting in trouble: what nobody owns any more goes, what somebody owns stays."""

from tests.controllers.scenarios import Scenario, create, do, remove, wait
from tests.controllers.stories import deployment, ready

WORLD = ("deployments.apps", "replicasets.apps", "pods", "configmaps")
NOTE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}}


def own(cluster):
    """Two notes of the owner; and one of somebody who never was."""
    uid = cluster.get("configmaps", "owner")["metadata"]["uid"]
    ghost = "11111111-2222-4333-8444-555555555555"
    for name, owner in (("first", uid), ("second", uid), ("lost", ghost)):
        ref = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner" if owner == uid else "ghost", "uid": owner}
        if cluster.get("configmaps", name) is None:
            note = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "ownerReferences": [ref]}}
            cluster.client.create("configmaps", note, "default")


def left(cluster):
    return [obj["metadata"]["name"] for key in WORLD for obj in cluster.get(key) if obj["metadata"].get("namespace") == "default"]


SCENARIOS = (
    Scenario(
        "in the background",
        loop="garbage-collector",
        over=WORLD,
        acts=(create(deployment(2), NOTE), do(own), wait(15), remove("deployments.apps/web"), remove("configmaps/owner")),
        reached=lambda cluster: left(cluster) == ["kube-root-ca.crt"],
        rest=60,
    ),
    Scenario(
        "in the foreground",
        loop="garbage-collector",
        over=WORLD,
        acts=(create(deployment(2)), wait(15), remove("deployments.apps/web", propagation="Foreground")),
        reached=lambda cluster: left(cluster) == ["kube-root-ca.crt"],
        rest=60,
    ),
    Scenario(
        "leaving orphans",
        loop="garbage-collector",
        over=WORLD,
        acts=(create(deployment(2), NOTE), do(own), wait(15), remove("deployments.apps/web", propagation="Orphan"),
              remove("configmaps/owner", propagation="Orphan")),
        reached=lambda cluster: ready(cluster) == 2 and len(left(cluster)) == 6,
    ),
)  # fmt: skip
