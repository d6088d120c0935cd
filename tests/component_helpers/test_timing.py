"""The table of waiting times: each is what the documents of Kubernetes 1.36 say, and what the components really use."""

from __future__ import annotations

from k8snb.admission import default_toleration_seconds
from k8snb.component_helpers.timing import TIMING, timing
from k8snb.controllers.node import lifecycle, pod_gc
from k8snb.kubelet import node, restarts
from k8snb.sim.clock import SECOND, duration

DOCUMENTED = {
    "crash back-off, first": "10s", "crash back-off, most": "5m", "crash back-off, forgotten": "10m", "image back-off, first": "10s",
    "image back-off, most": "5m", "termination grace": "30s", "grace after preStop": "2s", "probe period": "10s", "probe timeout": "1s",
    "post-start limit": "10m", "retry": "10s", "volume refresh": "1m", "resize retry": "3m",
    "mount back-off, first": "500ms", "mount back-off, most": "2m2s", "attach and mount": "2m3s",
    "forced detach": "6m", "claim resync": "15s", "volume binding": "10m", "volume binding poll": "1s", "node lease renewal": "10s",
    "node lease duration": "40s", "node status report": "5m", "runtime silence": "30s", "container listing": "3m",
    "eviction monitoring": "10s", "pressure transition": "5m",
    "eviction grace": "1s", "pod kill limit": "10s", "eviction cleanup poll": "1s", "eviction cleanup limit": "30s",
    "image minimum age": "2m", "image collection": "5m", "node monitor": "5s", "node grace": "50s",
    "node startup grace": "1m", "taint toleration": "5m", "taint pass": "100ms", "zone eviction": "10s", "zone eviction, slow": "1m40s",
    "pod collection": "20s", "pod quarantine": "40s",
    "node provision": "15m", "node group back-off, first": "5m", "node group back-off, most": "30m",
    "node group back-off, forgotten": "3h", "own service": "10s",
    "proxy sync": "1s", "connection tracking": "24h",
    "session affinity": "3h", "name lookup": "10s", "ingress connect": "5s", "ingress read": "1m",
}  # fmt: skip


def test_every_waiting_time_is_the_documented_one() -> None:
    print()  # pytest -s shows the table
    for name, row in TIMING.items():
        print(f"{name:31} {duration(row.value):>7}  {row.source:52} {row.meaning}")
    assert {name: duration(row.value) for name, row in TIMING.items()} == DOCUMENTED


def test_the_components_wait_as_the_table_says() -> None:
    assert (restarts.BACKOFF_FIRST, restarts.BACKOFF_MOST, restarts.BACKOFF_FORGOTTEN) == (10 * SECOND, 300 * SECOND, 600 * SECOND)
    assert (timing("node lease renewal"), timing("node lease duration")) == (node.LEASE_PERIOD, node.LEASE_SECONDS * SECOND)
    assert (lifecycle.MONITOR_PERIOD, lifecycle.GRACE_PERIOD) == (5 * SECOND, 50 * SECOND)
    assert (pod_gc.PERIOD, pod_gc.QUARANTINE) == (20 * SECOND, 40 * SECOND)
    assert timing("taint toleration") == default_toleration_seconds.SECONDS * SECOND
