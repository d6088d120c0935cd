"""A managed cluster in motion, as a program: ``python -m tests.cloud.scenario`` prints a digest of everything that happened.

Used by the determinism tests: under every hash seed it must give the same bytes.
"""

from __future__ import annotations

from k8snb.cluster import Cluster
from k8snb.sim.state import digest
from tests.cloud.world import WEB, managed


def run(*, shuffle: bool = False) -> Cluster:
    """Grow by itself, lose a zone, be asked from outside, be upgraded."""
    cluster = managed(2, shuffle=shuffle)
    cluster.apply(WEB)
    cluster.cloud.node_pools.add("user", count=1, zones="123").autoscale("user", 1, 3)
    cluster.run_for(100)
    cluster.kubectl("set resources deployment web --requests=cpu=900m")
    cluster.kubectl("scale deployment web --replicas=7")
    address = cluster.get("services", "web")["status"]["loadBalancer"]["ingress"][0]["ip"]
    cluster.load_test(f"http://{address}", rate=2, duration=120, shape="sine", wait=False)
    cluster.run_for(100)
    cluster.cloud.fail_zone("1")
    cluster.run_for(80)
    cluster.cloud.restore_zone("1")
    cluster.cloud.node_pools.upgrade("nodepool1")
    cluster.run_for(300)
    return cluster


if __name__ == "__main__":
    print(digest(run().simulation.root))
