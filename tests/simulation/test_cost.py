"""What a Pod costs on its way to Running, in counts: no clock is asked, so a busy machine changes nothing.

The numbers are upper bounds, a tenth above what is needed. Who raises one has made every Pod dearer, and should know why.
"""

from collections import Counter

import pytest

from k8snb.apimachinery import decode
from k8snb.apiserver import decode as server_decode
from k8snb.apiserver.server import Server
from k8snb.apiserver.watch import Hub
from k8snb.client.informer import Informer
from k8snb.cluster import Cluster
from k8snb.resources.common import pod_validation
from k8snb.scheduler.plugins import pod_topology_spread
from tests.benchmarks.scenarios import deployment, running

SMALL, LARGE = 20, 60


def counted(monkeypatch, counts, owner, name, label):
    original = getattr(owner, name)

    def wrapper(*args, **kwargs):
        counts[label] += 1
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, wrapper)


def cost(replicas):
    """Counts of what happens from the creation of a Deployment of so many replicas until all are ready."""
    counts = Counter()
    with pytest.MonkeyPatch.context() as patch:
        counted(patch, counts, Server, "handle", "requests")
        counted(patch, counts, Hub, "_offer", "watch deliveries")
        counted(patch, counts, Informer, "_apply", "changes of caches")
        counted(patch, counts, pod_validation, "_validate", "specs validated")
        counted(patch, counts, pod_topology_spread, "count_matching", "nodes counted for spreading")
        counted(patch, counts, pod_topology_spread, "is_counted", "pods looked at for spreading")
        patch.setattr(server_decode, "of_typed_client", lambda _schema, body: body)  # all tests check it (conftest.py); not this one
        shape, walk = decode._CONTAINERS["struct"]
        patch.setitem(decode._CONTAINERS, "struct", (shape, lambda *args: (counts.update(["structs decoded"]), walk(*args))[1]))
        cluster = Cluster(nodes=4)
        cluster.client.create("deployments.apps", deployment(2, name="first"), "default")  # images are pulled, types are read
        running(cluster, "first")
        before = counts.copy() | totals(cluster)
        cluster.client.create("deployments.apps", deployment(replicas), "default")
        running(cluster)
    return (counts | totals(cluster)) - before


def totals(cluster):
    root = cluster.simulation.root
    return Counter({"kernel events": root.kernel.processed, "writes": root.store.revision})


@pytest.fixture(scope="module")
def costs():
    return cost(SMALL), cost(LARGE)


@pytest.mark.parametrize(
    ("what", "most"),
    [
        ("writes", 11), ("requests", 14), ("watch deliveries", 14), ("changes of caches", 14), ("structs decoded", 6.5),
        ("kernel events", 13), ("specs validated", 1), ("nodes counted for spreading", 0), ("pods looked at for spreading", 3.4),
    ],
)  # fmt: skip
def test_one_pod_more_costs_no_more_than(costs, what, most):
    small, large = costs
    assert large[what] > 0
    assert (large[what] - small[what]) / (LARGE - SMALL) <= most


def test_the_cost_of_a_pod_does_not_grow_with_their_number(costs):
    small, large = costs
    for what in ("writes", "requests", "watch deliveries", "structs decoded", "kernel events"):
        assert large[what] / LARGE <= 1.15 * small[what] / SMALL, what
