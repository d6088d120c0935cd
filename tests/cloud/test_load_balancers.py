"""Services of type LoadBalancer: addresses, health probes, and what takes a node out."""

from __future__ import annotations

import pytest

from k8snb.cluster import Cluster
from tests.cloud.world import WEB, address, managed, node_names, reasons


@pytest.fixture
def cluster() -> Cluster:
    cluster = managed(3)
    cluster.apply(WEB)
    cluster.settle()
    return cluster


def healthy(cluster: Cluster) -> list[str]:
    return list(cluster.cloud.load_balancers["default/web"].healthy(80))


def test_the_address_is_pending_while_the_cloud_works(cluster: Cluster) -> None:
    assert address(cluster) == ""
    assert "<pending>" in str(cluster.kubectl("get svc web"))
    cluster.run_for(15)
    assert address(cluster) == "20.50.0.11"
    assert reasons(cluster, "web")[-2:] == ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]
    assert cluster.get("services", "web")["metadata"]["finalizers"] == ["service.kubernetes.io/load-balancer-cleanup"]
    assert healthy(cluster) == node_names(cluster)


def test_without_a_cloud_it_is_pending_for_ever() -> None:
    bare = Cluster(nodes=1)
    bare.apply(WEB)
    bare.run_for(600)
    assert address(bare) == ""


def test_an_internal_one_has_an_address_of_the_own_network(cluster: Cluster) -> None:
    internal = {"metadata": {"annotations": {"service.beta.kubernetes.io/azure-load-balancer-internal": "true"}}}
    cluster.client.patch("services", "web", internal, "default")
    cluster.run_for(30)
    assert address(cluster).startswith("10.224.")


def test_a_node_that_fails_is_out_after_two_probes_long_before_kubernetes_notices(cluster: Cluster) -> None:
    cluster.run_for(15)
    dead = node_names(cluster)[0]
    cluster.faults.fail_node(dead)
    cluster.run_for(11)
    assert healthy(cluster) == [name for name in node_names(cluster) if name != dead]
    assert "NodeNotReady" not in reasons(cluster, dead)
    cluster.faults.restore_node(dead)
    cluster.run_for(30)
    assert dead in healthy(cluster)


def test_deleting_the_service_waits_until_the_cloud_has_cleaned_up(cluster: Cluster) -> None:
    cluster.run_for(15)
    cluster.client.delete("services", "web", "default")
    cluster.run_for(1)
    assert cluster.get("services", "web")["metadata"]["deletionTimestamp"]
    cluster.run_for(5)
    assert cluster.get("services", "web") is None
    assert len(cluster.cloud.load_balancers) == 0
    assert reasons(cluster, "web")[-2:] == ["DeletingLoadBalancer", "DeletedLoadBalancer"]


def test_a_service_that_becomes_internal_to_the_cluster_gives_its_address_back(cluster: Cluster) -> None:
    cluster.run_for(15)
    cluster.client.patch("services", "web", {"spec": {"type": "ClusterIP"}}, "default")
    cluster.run_for(10)
    assert address(cluster) == ""
    assert not cluster.get("services", "web")["metadata"].get("finalizers")


def test_new_nodes_become_backends_and_excluded_ones_do_not(cluster: Cluster) -> None:
    cluster.run_for(15)
    excluded = node_names(cluster)[0]
    label = {"metadata": {"labels": {"node.kubernetes.io/exclude-from-external-load-balancers": "true"}}}
    cluster.client.patch("nodes", excluded, label)
    cluster.cloud.node_pools.scale("nodepool1", 4)
    cluster.run_for(100)
    assert healthy(cluster) == [name for name in node_names(cluster) if name != excluded]
    assert "UpdatedLoadBalancer" in reasons(cluster, "web")


def test_while_nodes_come_and_go_it_goes_on_serving(cluster: Cluster) -> None:
    cluster.run_for(15)
    load = cluster.load_test("http://20.50.0.11", rate=5, duration=300, wait=False)
    cluster.cloud.node_pools.scale("nodepool1", 4)
    cluster.run_for(120)
    cluster.cloud.node_pools.upgrade("nodepool1")
    cluster.run_for(180)
    assert load.error_rate < 0.01, load


def test_a_controller_that_restarts_in_the_middle_finishes_what_was_begun(cluster: Cluster) -> None:
    cluster.faults.stop("cloud-controller-manager")
    cluster.run_for(30)
    assert address(cluster) == ""
    cluster.faults.start("cloud-controller-manager")
    cluster.run_for(5)
    assert address(cluster) == "20.50.0.11"
    assert len(cluster.cloud.load_balancers) == 1


def test_requests_from_outside_come_in_through_the_public_address(cluster: Cluster) -> None:
    assert cluster.http("http://20.50.0.11").error == "timed out"
    cluster.run_for(15)
    backends = {cluster.http("http://20.50.0.11").backend for _ in range(20)}
    assert len(backends) == 3
    assert cluster.http("http://20.50.0.11:81").error == "timed out"


def test_with_policy_local_only_nodes_with_a_pod_get_traffic_and_the_client_is_seen(cluster: Cluster) -> None:
    cluster.client.patch("deployments.apps", "web", {"spec": {"replicas": 1}}, "default")
    cluster.client.patch("services", "web", {"spec": {"externalTrafficPolicy": "Local"}}, "default")
    cluster.run_for(40)
    [home] = [pod["spec"]["nodeName"] for pod in cluster.get("pods")]
    assert healthy(cluster) == [home]
    assert all(cluster.http(f"http://{address(cluster)}").ok for _ in range(10))


def test_until_the_probes_notice_a_share_of_the_requests_is_lost(cluster: Cluster) -> None:
    cluster.run_for(15)
    cluster.faults.fail_node(node_names(cluster)[0])
    before = [cluster.http("http://20.50.0.11").ok for _ in range(40)]
    cluster.run_for(11)
    assert before.count(False) > 5
    after = [cluster.http("http://20.50.0.11") for _ in range(40)]
    lost = sum(not answer.ok for answer in after)
    assert lost > 0  # kube-proxy on the other nodes still sends to the dead node's pod
    cluster.run_for(60)
    assert all(cluster.http("http://20.50.0.11").ok for _ in range(40))
