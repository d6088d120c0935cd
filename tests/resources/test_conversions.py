"""Kinds that are served in several forms: autoscaling in two versions, events in two groups, scale of anything, kinds of a CRD."""

import pytest

from k8snb.apimachinery.decode import decode_object
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import dig, freeze, put
from k8snb.apiserver.request import Request
from k8snb.cluster import Cluster
from k8snb.resources.apiextensions.custom_resource import custom_resources
from k8snb.resources.apiextensions.customresourcedefinition import RESOURCE as DEFINITIONS
from k8snb.resources.apiextensions.customresourcedefinition import established_status
from k8snb.resources.autoscaling import horizontalpodautoscaler_v1 as hpa_v1
from k8snb.resources.autoscaling.scale import from_scale, to_scale

NOW = 1_767_225_600_000_000


@pytest.fixture
def client():
    return Cluster(nodes=0).client


def test_a_cpu_percentage_of_version_1_is_a_metric_of_version_2():
    old = freeze(hpa_v1.EXAMPLE)
    new = hpa_v1.to_v2(old)
    (metric,) = new["spec"]["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    assert hpa_v1.to_v1(new)["spec"] == old["spec"]


def test_what_version_1_has_no_field_for_travels_in_annotations():
    memory = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}}
    new = put(hpa_v1.to_v2(freeze(hpa_v1.EXAMPLE)), "spec.metrics", [memory])
    old = hpa_v1.to_v1(new)
    assert "targetCPUUtilizationPercentage" not in old["spec"]
    assert hpa_v1.to_v2(old)["spec"]["metrics"] == [memory]


def test_an_autoscaler_written_in_one_version_is_read_in_the_other(client):
    where = {"group": "autoscaling", "resource": "horizontalpodautoscalers", "namespace": "default"}
    made = client._send(Request("create", version="v1", body=hpa_v1.EXAMPLE, **where))
    assert made.code == 201
    read = client._send(Request("get", version="v2", name="web", **where))
    assert dig(read.body["spec"]["metrics"][0], "resource.target.averageUtilization") == 50
    assert read.body["apiVersion"] == "autoscaling/v2"


def deployment(client):
    pod = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": pod}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    return client.create("deployments.apps", body, "default")


def test_scale_is_a_small_object_and_writes_back():
    obj = freeze({"metadata": {"name": "a", "uid": "u"}, "spec": {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}}})
    scale = to_scale(obj)
    assert (scale["kind"], scale["spec"], scale["status"]) == ("Scale", {"replicas": 2}, {"replicas": 0, "selector": "a=b"})
    assert from_scale(obj, put(scale, "spec.replicas", 5))["spec"]["replicas"] == 5


def test_a_deployment_is_scaled_through_its_subresource(client):
    deployment(client)
    scale = client.request("get", "deployments.apps", name="web", namespace="default", subresource="scale")
    assert scale["spec"] == {"replicas": 2}
    written = client.update("deployments.apps", put(scale, "spec.replicas", 3), subresource="scale")
    assert written["spec"] == {"replicas": 3}
    patch = {"spec": {"replicas": 4}}
    client.patch("deployments.apps", "web", patch, "default", subresource="scale")
    found = client.get("deployments.apps", "web", "default")
    assert (found["spec"]["replicas"], found["metadata"]["generation"]) == (4, 3)


def test_a_scale_below_zero_is_invalid(client):
    deployment(client)
    scale = client.request("get", "deployments.apps", name="web", namespace="default", subresource="scale")
    with pytest.raises(ApiError) as error:
        client.update("deployments.apps", put(scale, "spec.replicas", -1), subresource="scale")
    words = 'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'
    assert error.value.message == words


WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a", "creationTimestamp": "2026-01-01T00:00:00Z"}}


def definition(**version):
    properties = {"size": {"type": "integer", "minimum": 1}, "color": {"type": "string", "default": "red"}}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
    made = {**DEFINITIONS.example["spec"]["versions"][0], "schema": {"openAPIV3Schema": schema}, **version}
    other = {**made, "name": "v2", "storage": False}
    return DEFINITIONS.default(put(freeze(DEFINITIONS.example), "spec.versions", [made, other]))


def test_a_definition_names_what_follows_from_its_kind():
    assert definition()["spec"]["names"] == {"plural": "widgets", "kind": "Widget", "singular": "widget", "listKind": "WidgetList"}


def test_a_defined_kind_is_pruned_defaulted_and_validated_by_its_schema():
    widgets = custom_resources(definition())[0]
    body = freeze({**WIDGET, "spec": {"size": 0, "unknown": 1}})
    obj, _ = decode_object(widgets.schema, body, kind="Widget", version="v1", field_validation="Ignore")
    obj = widgets.default(obj)
    assert obj["spec"] == {"size": 0, "color": "red"}
    assert [str(e) for e in widgets.validate(obj)] == [
        "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"
    ]


def test_its_columns_come_from_paths():
    columns = [
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
        {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    widgets = custom_resources(definition(additionalPrinterColumns=columns))[0]
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    assert [column["name"] for column in widgets.columns] == ["Name", "Size", "Ready", "Age"]
    assert widgets.cells(freeze({**WIDGET, "spec": {"size": 3}, "status": status}), NOW + 60_000_000) == ["a", 3, "True", "60s"]
    assert widgets.cells(freeze(WIDGET), NOW) == ["a", None, None, "0s"]


def test_its_versions_differ_by_name_and_are_stored_in_one():
    first, second = custom_resources(definition())
    assert second.to_storage(freeze({**WIDGET, "apiVersion": "example.com/v2"}))["apiVersion"] == "example.com/v1"
    assert second.from_storage(freeze(WIDGET))["apiVersion"] == "example.com/v2"
    assert (first.key, second.key) == ("widgets.example.com", "widgets.example.com")


def test_its_scale_follows_its_paths():
    paths = {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.ready", "labelSelectorPath": ".status.selector"}
    obj = freeze({**WIDGET, "spec": {"size": 3}, "status": {"ready": 2, "selector": "a=b"}})
    scale = to_scale(obj, paths)
    assert (scale["spec"], scale["status"]) == ({"replicas": 3}, {"replicas": 2, "selector": "a=b"})
    assert from_scale(obj, put(scale, "spec.replicas", 9), paths)["spec"]["size"] == 9


def test_names_that_are_free_establish_a_definition():
    status = established_status(definition(), resources=(), kinds=(), now=NOW)
    assert [(c["type"], c["status"]) for c in status["conditions"]] == [("NamesAccepted", "True"), ("Established", "True")]
    taken = established_status(definition(), resources={"widgets"}, kinds=(), now=NOW)
    assert [(c["type"], c["reason"]) for c in taken["conditions"]] == [("NamesAccepted", "PluralConflict"), ("Established", "NotAccepted")]


def test_reviews_are_answered_and_not_stored(client):
    attributes = {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "default"}}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}}
    jane = client.create("subjectaccessreviews.authorization.k8s.io", {**review, "spec": {**attributes, "user": "jane"}}, "")
    assert jane["status"] == {"allowed": False}
    masters = {**attributes, "user": "root", "groups": ["system:masters"]}
    root = client.create("subjectaccessreviews.authorization.k8s.io", {**review, "spec": masters}, "")
    assert root["status"]["allowed"]
    with pytest.raises(ApiError) as error:
        client.create("subjectaccessreviews.authorization.k8s.io", {**review, "spec": {"user": "jane"}}, "")
    assert "exactly one of nonResourceAttributes or resourceAttributes must be specified" in error.value.message
