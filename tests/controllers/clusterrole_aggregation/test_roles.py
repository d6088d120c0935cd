"""Aggregated roles: what carries their label adds its rules to them."""

import pytest

from tests.controllers.clusterrole_aggregation.words import ROLES, role, view_covers
from tests.controllers.world import cluster_of


@pytest.fixture
def cluster():
    return cluster_of(2)


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


def test_what_came_and_went_while_nobody_looked_is_made_up(cluster):
    cluster.settle()
    rules = [{"apiGroups": ["example.com"], "resources": ["widgets"], "verbs": ["get"]}]
    cluster.client.create(ROLES, role("goes", rules, aggregate_to_view=True))
    cluster.settle()
    cluster.faults.stop("kube-controller-manager")
    cluster.client.delete(ROLES, "goes")
    cluster.client.create(ROLES, role("comes", [{**rules[0], "apiGroups": ["new.example"]}], aggregate_to_view=True))
    cluster.run_for(20)
    assert (view_covers(cluster, "example.com"), view_covers(cluster, "new.example")) == (True, False)
    cluster.faults.start("kube-controller-manager")
    cluster.settle()
    assert (view_covers(cluster, "example.com"), view_covers(cluster, "new.example")) == (False, True)
