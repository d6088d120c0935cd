"""What is stored is as decoding and defaulting give it, so a part that a client sends back unchanged need not be looked at again."""

import pytest

from k8snb.apimachinery.decode import decode
from k8snb.apimachinery.objects import freeze, put, thaw
from k8snb.cluster import Cluster
from k8snb.resources import OWN
from tests.simulation.scenario import begin, go_on


def assert_canonical(cluster):
    server, seen = cluster.simulation.parts.server, 0
    for item in server.store.kept("/registry/"):
        resource = server.catalogue.by_kind.get((item.get("apiVersion"), item.get("kind")))
        fields = resource.schema.fields if resource is not None and resource.schema is not None else {}
        for key in [key for key in item if key in fields and isinstance(item[key], dict)]:
            anew = decode(fields[key].type, freeze(thaw(item[key])))  # a copy: nothing is remembered on it
            assert anew.value == item[key], f"{key} of {item['kind']} {item['metadata']['name']}"
            assert anew.strict_errors == ()
            seen += 1
        if resource is not None:
            assert resource.default(freeze(thaw(item))) == item, f"{item['kind']} {item['metadata']['name']} lacks a default"
    return seen


def test_everything_that_a_rich_cluster_has_stored_decodes_to_itself():
    assert assert_canonical(go_on(begin(), dead_node=True)) > 500


@pytest.mark.parametrize("resource", [r for r in OWN if r.example and "create" in r.verbs and r.answer is None], ids=repr)
def test_every_kind_is_stored_in_the_form_that_decoding_gives(resource):
    cluster, body = Cluster(nodes=0), freeze(resource.example)
    where = body["metadata"].get("namespace", "default") if resource.namespaced else ""
    if where not in ("", "default"):
        cluster.client.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": where}})
    cluster.client.with_versions({resource.group: resource.version}).create(resource.key, body, where)
    assert assert_canonical(cluster)


def test_what_a_client_changes_in_a_part_is_looked_at():
    cluster = Cluster(nodes=0)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}}
    made = cluster.client.create("configmaps", body, "default")
    changed = cluster.client.update("configmaps", put(made, "metadata.labels", {"app": "web"}))
    assert changed["metadata"]["labels"] == {"app": "web"}
    assert cluster.client.update("configmaps", put(changed, "metadata.unheard", "of"))["metadata"].get("unheard") is None
