"""The life of one pod, container by container, as a picture."""

from __future__ import annotations

from k8snb.cluster import Cluster

POD = """
apiVersion: v1
kind: Pod
metadata: {name: shop}
spec:
  initContainers:
  - {name: prepare, image: "busybox:1.36", command: [sh, -c, sleep 3]}
  - {name: proxy, image: "busybox:1.36", restartPolicy: Always, command: [sleep, "999"]}
  containers:
  - {name: app, image: "nginx:1.27", readinessProbe: {httpGet: {port: 80}, initialDelaySeconds: 2}}
"""


def rows(cluster: Cluster, pod: str) -> dict[str, str]:
    """The signs of each container's row."""
    lines = [line.split() for line in repr(cluster.timeline(f"pod/{pod}")).splitlines()[1:-1]]
    return {words[0]: words[1] for words in lines if len(words) == 2}


def test_what_waits_for_what_stands_below_it() -> None:
    cluster = Cluster(nodes=1)
    cluster.apply(POD)
    cluster.run_for(12)
    found = rows(cluster, "shop")
    assert list(found) == ["prepare", "proxy", "app"]
    assert found["proxy"].index("●") >= found["prepare"].index("✔")
    assert found["app"].index("◐") >= found["proxy"].index("●")
    assert found["app"].endswith("●")
    assert "<svg" in cluster.timeline("pod/shop").html


def test_restarts_alternate_with_their_pauses_and_a_pod_that_is_gone_is_remembered() -> None:
    cluster = Cluster(nodes=1)
    cluster.kubectl("run moody --image=k8snb/crasher:1.0 --env=AFTER=3")
    cluster.run_for(60)
    signs = rows(cluster, "moody")["moody"]
    assert signs.count("✖●") == 2
    cluster.kubectl("delete pod moody")
    assert rows(cluster, "moody")["moody"].startswith("●")
