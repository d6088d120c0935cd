"""Endpoints follow the Pods: their labels, readiness, ends; in slices of at most a hundred."""

import pytest

from k8snb.cluster import Cluster
from tests.controllers.endpointslice.words import service
from tests.controllers.stories import deployment, pods

SLICES = "endpointslices.discovery.k8s.io"


@pytest.fixture
def cluster():
    made = Cluster(nodes=2)
    made.client.create("services", service(), "default")
    return made


def endpoints(cluster):
    return [e for s in cluster.get(SLICES) if s["metadata"]["name"].startswith("web-") for e in s.get("endpoints") or ()]


def test_a_service_without_pods_has_one_empty_slice(cluster):
    cluster.settle()
    assert [s["endpoints"] for s in cluster.get(SLICES) if s["metadata"]["name"].startswith("web-")] == [None]
    assert "subsets" not in cluster.get("endpoints", "web")


def test_ready_pods_become_endpoints_and_deleted_ones_go(cluster):
    cluster.client.create("deployments.apps", deployment(2), "default")
    cluster.settle()
    assert sorted(e["targetRef"]["uid"] for e in endpoints(cluster)) == sorted(p["metadata"]["uid"] for p in pods(cluster))
    assert all(e["conditions"] == {"ready": True, "serving": True, "terminating": False} for e in endpoints(cluster))
    cluster.client.patch("deployments.apps", "web", {"spec": {"replicas": 0}}, "default")
    cluster.settle(limit=60)
    assert endpoints(cluster) == []


def test_a_pod_on_its_way_out_serves_but_is_not_ready(cluster):
    cluster.client.create("deployments.apps", deployment(1), "default")
    cluster.settle()
    cluster.faults.stop(f"kubelet/{pods(cluster)[0]['spec']['nodeName']}")  # nobody ends it
    cluster.client.delete("pods", pods(cluster)[0]["metadata"]["name"], "default")
    cluster.run_for(5)
    leaving = [e["conditions"] for e in endpoints(cluster) if e["conditions"]["terminating"]]
    assert leaving == [{"ready": False, "serving": True, "terminating": True}]


def test_many_endpoints_are_in_slices_of_a_hundred_and_few_of_them_change():
    cluster = Cluster(nodes=10, runtime="hollow")
    cluster.client.create("services", service(), "default")
    small = deployment(250)
    small["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1m"}}
    cluster.client.create("deployments.apps", small, "default")
    cluster.settle()
    web = lambda: {s["metadata"]["name"]: s for s in cluster.get(SLICES) if s["metadata"]["name"].startswith("web-")}  # noqa: E731
    before = web()
    assert sum(len(s["endpoints"]) for s in before.values()) == 250
    assert max(len(s["endpoints"]) for s in before.values()) <= 100
    cluster.client.delete("pods", pods(cluster)[0]["metadata"]["name"], "default", grace=0)
    cluster.settle()
    changed = [name for name, found in web().items() if before.get(name) != found]
    assert len(endpoints(cluster)) == 250
    assert len(changed) <= 2


def test_slices_go_with_their_service(cluster):
    cluster.settle()
    cluster.client.delete("services", "web", "default")
    cluster.settle()
    assert not [s for s in cluster.get(SLICES) if s["metadata"]["name"].startswith("web-")]
    assert cluster.get("endpoints", "web") is None


def test_while_its_watch_is_late_traffic_goes_to_a_pod_that_is_gone(cluster):
    cluster.client.create("deployments.apps", deployment(2, image="k8snb/web:1"), "default")
    cluster.client.patch("services", "web", {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}, "default")
    cluster.settle(limit=60)
    address = cluster.get("services", "web")["spec"]["clusterIP"]
    asked = lambda: [cluster.http(f"http://{address}", from_node="node-1").status for _ in range(20)]  # noqa: E731
    assert asked() == [200] * 20
    cluster.faults.delay_watches("kube-controller-manager", 30, "pods")
    cluster.client.delete("pods", pods(cluster)[0]["metadata"]["name"], "default", grace=0)
    cluster.run_for(10)
    answers = asked()
    assert 200 in answers
    assert 0 in answers  # somebody waits for a machine that is not there: no answer at all
    cluster.run_for(60)
    assert len(endpoints(cluster)) == 2
    assert asked() == [200] * 20
