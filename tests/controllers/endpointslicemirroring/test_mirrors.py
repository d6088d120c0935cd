"""Small loops: aggregated roles, hints about the size of the cluster, mirrored endpoints."""

import pytest

from k8snb.controllers.node.ttl import step_after
from tests.controllers.world import NS, cluster_of, manifest

ROLES, SLICES = "clusterroles.rbac.authorization.k8s.io", "endpointslices.discovery.k8s.io"


@pytest.fixture
def cluster():
    return cluster_of(2)


def role(name, rules, **labels):
    meta = {"name": name, "labels": {f"rbac.authorization.k8s.io/{key.replace('_', '-')}": "true" for key in labels}}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": meta, "rules": rules}


def view_covers(cluster, group):
    return any(group in rule.get("apiGroups", ()) for rule in cluster.get(ROLES, "view")["rules"])


def test_a_label_adds_a_roles_rules_to_view_and_its_removal_takes_them(cluster):
    cluster.settle()
    before = cluster.get(ROLES, "view")["metadata"]["resourceVersion"]
    rules = [{"apiGroups": ["example.com"], "resources": ["widgets"], "verbs": ["get", "list"]}]
    cluster.client.create(ROLES, role("widgets", rules, aggregate_to_view=True))
    cluster.settle()
    assert view_covers(cluster, "example.com")
    cluster.client.delete(ROLES, "widgets")
    cluster.settle()
    assert not view_covers(cluster, "example.com")
    assert before != cluster.get(ROLES, "view")["metadata"]["resourceVersion"]


def test_the_roles_of_a_fresh_cluster_are_right_already(cluster):
    roles = {name: cluster.get(ROLES, name)["metadata"]["resourceVersion"] for name in ("admin", "edit", "view")}
    cluster.settle()
    assert {name: cluster.get(ROLES, name)["metadata"]["resourceVersion"] for name in roles} == roles


def test_nodes_of_a_small_cluster_carry_no_delay(cluster):
    cluster.settle()
    assert [n["metadata"]["annotations"]["node.alpha.kubernetes.io/ttl"] for n in cluster.get("nodes")] == ["0", "0"]


def test_boundaries_overlap():
    assert [step_after(0, nodes) for nodes in (100, 101, 501, 5000)] == [0, 1, 2, 4]
    assert step_after(1, 95) == 1


def by_hand(cluster, **labels):
    cluster.client.create("services", manifest("Service", "db", {"ports": [{"port": 5432}]}, version="v1"), NS)
    endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "db", "labels": labels},
                 "subsets": [{"addresses": [{"ip": "192.0.2.1"}],
                              "notReadyAddresses": [{"ip": "192.0.2.2"}], "ports": [{"port": 5432}]}]}  # fmt: skip
    cluster.client.create("endpoints", endpoints, NS)
    cluster.settle()


def mirrors(cluster):
    return [s for s in cluster.get(SLICES) if s["metadata"]["labels"].get("kubernetes.io/service-name") == "db"]


def test_endpoints_written_by_hand_are_mirrored(cluster):
    by_hand(cluster)
    (made,) = mirrors(cluster)
    assert [(e["addresses"], e["conditions"]["ready"]) for e in made["endpoints"]] == [(["192.0.2.1"], True), (["192.0.2.2"], False)]
    cluster.client.patch("endpoints", "db", {"subsets": [{"addresses": [{"ip": "192.0.2.9"}], "ports": [{"port": 5432}]}]}, NS)
    cluster.settle()
    assert [e["addresses"] for e in mirrors(cluster)[0]["endpoints"]] == [["192.0.2.9"]]
    cluster.client.delete("endpoints", "db", NS)
    cluster.settle()
    assert mirrors(cluster) == []


def test_unless_they_ask_to_be_left_out(cluster):
    by_hand(cluster, **{"endpointslice.kubernetes.io/skip-mirror": "true"})
    assert mirrors(cluster) == []


def test_a_mirror_that_somebody_deletes_comes_back_after_an_error(cluster):
    by_hand(cluster)
    cluster.faults.api_errors(1, verb="create", resource="endpointslices")
    cluster.client.delete(SLICES, mirrors(cluster)[0]["metadata"]["name"], NS)
    cluster.settle()
    assert len(mirrors(cluster)) == 1
