"""Autoscaling in trouble: busy pods are joined by others until the limit."""

from functools import cache

import yaml

from k8snb.cluster import Cluster
from tests.controllers.horizontalpodautoscaler.words import WEB, replicas
from tests.controllers.scenarios import Scenario, begun, create


@cache
def measured() -> Cluster:
    """A cluster in which use is measured."""
    return begun(Cluster(nodes=2, metrics=True, loud=False))


SCENARIOS = (
    Scenario(
        "busy pods",
        loop="horizontalpodautoscaler",
        over=("deployments.apps",),
        acts=(create(*yaml.safe_load_all(WEB)),),
        reached=lambda cluster: replicas(cluster) == 5,
        begin=measured,
        rest=150,
    ),
)
