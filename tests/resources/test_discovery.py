"""Exactly what a real server serves is served, each kind under its own names."""

import pytest

from k8snb.resources import RESOURCES
from k8snb.resources.discovery import bootstrap, served, type_name, with_handlers


def test_every_resource_of_a_real_server_is_served_once():
    keys = [(r.api_version, r.plural) for r in RESOURCES]
    assert len(keys) == len(set(keys)) == 68
    assert ("v1", "pods") in keys
    assert ("autoscaling/v1", "horizontalpodautoscalers") in keys


def test_a_deployment_is_known_by_its_short_name_and_scales():
    deployments = served("apps/v1", "Deployment", simulated=True)
    assert (deployments.key, deployments.short_names, deployments.simulated) == ("deployments.apps", ("deploy",), True)
    assert deployments.subresources["scale"].kind == "autoscaling/v1 Scale"
    assert [column["name"] for column in deployments.columns][:4] == ["Name", "Ready", "Up-to-date", "Available"]


def test_what_a_real_server_does_not_serve_is_refused():
    with pytest.raises(KeyError):
        served("extensions/v1beta1", "Deployment")


def test_a_handler_joins_the_verbs_that_discovery_gives_to_its_subresource():
    pods = with_handlers(served("v1", "Pod"), eviction=lambda context, request, obj: obj)
    assert pods.subresources["eviction"].verbs == ("create",)
    assert pods.subresources["eviction"].handler


@pytest.mark.parametrize(
    ("api_version", "kind", "name"),
    [
        ("v1", "Pod", "io.k8s.api.core.v1.Pod"),
        ("networking.k8s.io/v1", "Ingress", "io.k8s.api.networking.v1.Ingress"),
        ("apiregistration.k8s.io/v1", "APIService", "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService"),
    ],
)
def test_a_kind_knows_the_name_of_its_type(api_version, kind, name):
    assert type_name(api_version, kind) == name


def test_a_fresh_server_makes_the_default_roles():
    assert {"cluster-admin", "view"} <= {role["metadata"]["name"] for role in bootstrap()["clusterroles"]}
