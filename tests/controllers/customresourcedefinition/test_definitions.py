"""CustomResourceDefinitions end to end: defined, established, used, copied by a fork, and taken away with their objects."""

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import condition_status
from k8snb.apimachinery.objects import freeze, put
from k8snb.cluster import Cluster
from tests.controllers.customresourcedefinition.words import DEFINITIONS, EXAMPLE, WIDGETS, widget


@pytest.fixture
def cluster():
    made = Cluster(nodes=0)
    made.client.create(DEFINITIONS, EXAMPLE)
    made.settle()
    return made


def test_an_established_kind_is_served_like_any_other(cluster):
    assert condition_status(cluster.client.get(DEFINITIONS, WIDGETS), "Established") == "True"
    made = cluster.client.create(WIDGETS, widget("a", size=2), "default")
    assert made["metadata"]["generation"] == 1
    bigger = cluster.client.update(WIDGETS, put(made, "spec.size", 3))
    assert bigger["metadata"]["generation"] == 2
    with pytest.raises(ApiError) as error:
        cluster.client.create(WIDGETS, widget("b", size=0), "default")
    assert error.value.message.startswith('Widget.example.com "b" is invalid: spec.size: Invalid value: 0')
    assert "widgets" in cluster.kubectl("api-resources --api-group=example.com").text


def test_a_name_that_is_taken_is_not_established(cluster):
    names = {"plural": "gadgets", "kind": "Widget"}
    second = put(put(freeze(EXAMPLE), "spec.names", names), "metadata.name", "gadgets.example.com")
    cluster.client.create(DEFINITIONS, second)
    cluster.settle()
    status = cluster.client.get(DEFINITIONS, "gadgets.example.com")["status"]
    assert [(c["type"], c["status"], c["reason"]) for c in status["conditions"]] == [
        ("NamesAccepted", "False", "ListKindConflict"),
        ("Established", "False", "NotAccepted"),
    ]


def test_a_fork_serves_the_same_kinds(cluster):
    cluster.client.create(WIDGETS, widget("a", size=2), "default")
    assert cluster.fork().client.get(WIDGETS, "a", "default")["spec"] == {"size": 2}


def test_a_definition_takes_its_objects_with_it(cluster):
    cluster.client.create(WIDGETS, widget("a", size=2), "default")
    cluster.client.delete(DEFINITIONS, WIDGETS)
    going = cluster.client.get(DEFINITIONS, WIDGETS)
    assert going["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    cluster.settle()
    assert cluster.client.list(DEFINITIONS) == []
    with pytest.raises(ApiError) as error:
        cluster.client.list(WIDGETS)
    assert error.value.code == 404
