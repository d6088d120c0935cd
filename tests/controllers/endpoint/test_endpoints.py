"""Endpoints: all addresses of a Service in one object; and what a client meets while nobody keeps it."""

import pytest

from k8snb.cluster import Cluster
from tests.controllers.endpointslice.words import service
from tests.controllers.stories import deployment, names, pods


@pytest.fixture
def cluster():
    made = Cluster(nodes=2)
    made.client.create("services", service(), "default")
    made.client.create("deployments.apps", deployment(2), "default")
    made.settle()
    return made


def addresses(cluster, sort="addresses"):
    subsets = cluster.get("endpoints", "web").get("subsets") or []
    return sorted(address["ip"] for subset in subsets for address in subset.get(sort) or ())


def test_ready_pods_are_addresses_and_others_are_listed_apart(cluster):
    assert addresses(cluster) == sorted(pod["status"]["podIP"] for pod in pods(cluster))
    slow = deployment(3)
    slow["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = {"exec": {"command": ["false"]}}
    cluster.client.patch("deployments.apps", "web", {"spec": slow["spec"]}, "default", kind="strategic")
    cluster.run_for(30)
    assert len(addresses(cluster)) >= 2
    assert addresses(cluster, "notReadyAddresses")


def test_a_service_that_loses_its_selector_keeps_the_addresses_that_it_has(cluster):
    before = addresses(cluster)
    cluster.client.patch("services", "web", {"spec": {"selector": None}}, "default")
    cluster.client.delete("pods", names(pods(cluster))[0], "default")
    cluster.run_for(60)
    assert addresses(cluster) == before  # from now on they are somebody else's business


def test_while_the_controller_is_away_a_dead_pod_stays_an_address_and_afterwards_it_is_none(cluster):
    victim = pods(cluster)[0]
    cluster.faults.stop("kube-controller-manager")
    cluster.client.delete("pods", victim["metadata"]["name"], "default", grace=0)
    cluster.run_for(60)
    assert victim["status"]["podIP"] in addresses(cluster)
    cluster.faults.start("kube-controller-manager")
    cluster.settle()
    assert addresses(cluster) == sorted(pod["status"]["podIP"] for pod in pods(cluster))
    assert len(addresses(cluster)) == 2


def test_what_somebody_else_wrote_into_it_is_put_right(cluster):
    right = addresses(cluster)
    cluster.faults.break_watches("kube-controller-manager")
    cluster.client.patch("endpoints", "web", {"subsets": [{"addresses": [{"ip": "192.0.2.9"}], "ports": [{"port": 80}]}]}, "default")
    cluster.settle()
    assert addresses(cluster) == right
