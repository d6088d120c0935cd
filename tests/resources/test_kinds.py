"""Laws that every kind with a file of its own keeps, whatever it is."""

import pytest

from k8snb.apimachinery.objects import FrozenDict, Object, freeze, put
from k8snb.apimachinery.resource import Resource
from k8snb.resources import OWN, RESOURCES

WITH_EXAMPLE = [resource for resource in OWN if resource.example is not None]
NOW = 1_767_225_600_000_000


def created(resource: Resource) -> Object:
    """The example as the server has it when it validates: defaulted, placed, with what the system gives."""
    obj: FrozenDict = freeze(resource.default(freeze(resource.example)))
    system = {"uid": "0f3a", "creationTimestamp": "2026-01-01T00:00:00Z"}
    meta = {**obj.get("metadata", {}), **system, **({"namespace": "shop"} if resource.namespaced else {})}
    return resource.prepare_for_create(resource.to_storage(put(obj, "metadata", meta)))


def test_every_served_kind_is_there_once() -> None:
    keys = [(resource.api_version, resource.kind) for resource in RESOURCES]
    assert len(keys) == len(set(keys)) == 68


@pytest.mark.parametrize("resource", OWN, ids=repr)
def test_a_kind_shows_what_it_looks_like(resource: Resource) -> None:
    assert resource.example is not None
    assert resource.example["kind"] == resource.kind
    assert resource.example["apiVersion"] == resource.api_version


@pytest.mark.parametrize("resource", WITH_EXAMPLE, ids=repr)
def test_the_example_is_valid_and_fills_its_row(resource: Resource) -> None:
    obj = created(resource)
    assert resource.validate(obj) == []
    if "list" in resource.verbs:
        assert len(resource.cells(resource.from_storage(obj), NOW)) == len(resource.columns)


@pytest.mark.parametrize("resource", WITH_EXAMPLE, ids=repr)
def test_defaulting_twice_changes_nothing_and_copies_nothing(resource: Resource) -> None:
    once = resource.default(freeze(resource.example))
    assert resource.default(once) is once


@pytest.mark.parametrize("resource", WITH_EXAMPLE, ids=repr)
def test_an_object_may_be_updated_to_itself(resource: Resource) -> None:
    obj = created(resource)
    assert resource.prepare_for_update(obj, obj) == obj
    assert resource.validate_update(obj, obj) == []
    assert resource.validate_status_update(obj, obj) == []
