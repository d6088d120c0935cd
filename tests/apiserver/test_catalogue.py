"""Which resource somebody means."""

import pytest

from k8snb import Cluster
from k8snb.apiserver.catalogue import Catalogue


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Cluster(nodes=1).simulation.parts.server.catalogue


@pytest.mark.parametrize("word", ["deployments.apps", "deployments", "deployment", "deploy", "Deployment"])
def test_a_resource_has_many_names(catalogue: Catalogue, word: str) -> None:
    assert catalogue.named(word) is catalogue.by_key["deployments.apps"]


def test_an_object_is_meant_as_it_is_stored(catalogue: Catalogue) -> None:
    assert catalogue.named("events.events.k8s.io") is catalogue.by_key["events"]
    for resource in catalogue.all():
        found = catalogue.named(resource.key)
        assert found is not None
        assert catalogue.is_storage(found)


@pytest.mark.parametrize("word", ["", "deploymens", "apps"])
def test_what_nobody_serves_is_no_resource(catalogue: Catalogue, word: str) -> None:
    assert catalogue.named(word) is None
