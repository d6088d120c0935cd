"""Watches: what is told, to whom, in which order; and what happens when a watch breaks."""

import pytest

from k8snb.apimachinery import meta
from k8snb.apiserver.request import Options, Request

POD = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "image": "nginx"}]}}


def watch(cluster, resource="configmaps", **options):
    answer = cluster.send(Request("watch", resource=resource, namespace="default", options=Options(**options)))
    assert answer.ok, answer.body
    hub = cluster.simulation.parts.server.visitors
    return lambda: [(event.type, event.object.get("metadata", {}).get("name", "")) for event in hub.take(answer.body["id"])]


def config_map(name, **meta):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}}


def test_a_watch_tells_of_every_change_in_order(cluster, client):
    take = watch(cluster, resource_version=str(cluster.revision))
    client.create("configmaps", config_map("a"), "default")
    client.patch("configmaps", "a", {"data": {"x": "1"}}, "default")
    client.delete("configmaps", "a", "default")
    assert take() == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert take() == []


def test_a_watch_from_an_earlier_revision_catches_up(cluster, client):
    begin = cluster.revision
    client.create("configmaps", config_map("a"), "default")
    client.create("configmaps", config_map("b"), "kube-system")
    assert watch(cluster, resource_version=str(begin))() == [("ADDED", "a")]


def test_a_watch_from_a_compacted_revision_is_gone(cluster, client):
    begin = cluster.revision
    client.create("configmaps", config_map("a"), "default")
    cluster.simulation.parts.store.compact(cluster.revision)
    take = watch(cluster, resource_version=str(begin))
    assert take() == [("ERROR", "")]
    client.create("configmaps", config_map("b"), "default")
    assert take() == []


@pytest.mark.parametrize(("revision", "why"), [("soon", "invalid syntax"), ("-1", "invalid syntax"), ("9" * 30, "value out of range")])
def test_a_revision_that_is_no_number_is_refused(cluster, revision, why):
    said = f'resourceVersion: Invalid value: "{revision}": strconv.ParseUint: parsing "{revision}": {why}'
    for verb in ("list", "watch"):
        answer = cluster.send(Request(verb, resource="configmaps", namespace="default", options=Options(resource_version=revision)))
        assert (answer.code, answer.body["message"]) == (500, said)
    assert not cluster.simulation.parts.server.visitors.state.watches


def test_initial_events_end_with_a_bookmark(cluster):
    take = watch(cluster, send_initial_events=True, allow_watch_bookmarks=True)
    assert take() == [("ADDED", "kube-root-ca.crt"), ("BOOKMARK", "")]


def test_an_object_that_leaves_the_selector_is_deleted_for_the_watcher(cluster, client):
    take = watch(cluster, label_selector="app=web", resource_version=str(cluster.revision))
    client.create("configmaps", config_map("a", labels={"app": "web"}), "default")
    client.patch("configmaps", "a", {"metadata": {"labels": {"app": "db"}}}, "default")
    client.patch("configmaps", "a", {"metadata": {"labels": {"app": "web"}}}, "default")
    assert take() == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "a")]


def test_a_kubelet_hears_of_the_pods_of_its_node_only(cluster, client):
    take = watch(cluster, "pods", field_selector="spec.nodeName=node-1", resource_version=str(cluster.revision))
    for name in ("mine", "other"):
        client.create("pods", {**POD, "metadata": {"name": name}}, "default")
    for name, node in (("mine", "node-1"), ("other", "node-2")):
        target = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": {"kind": "Node", "name": node}}
        client.create("pods", target, "default", name=name, subresource="binding")
    assert take() == [("ADDED", "mine")]


SELECTIONS = [  # (namespace, options, the ConfigMaps that are heard of)
    ("", {}, ["default/a", "default/b", "kube-system/a"]),
    ("default", {}, ["default/a", "default/b"]),
    ("", {"field_selector": "metadata.name=a"}, ["default/a", "kube-system/a"]),
    ("default", {"field_selector": "metadata.name=a"}, ["default/a"]),
    ("", {"field_selector": "metadata.name=a,metadata.namespace=kube-system"}, ["kube-system/a"]),
    ("", {"field_selector": "metadata.name!=a"}, ["default/b"]),
    ("", {"field_selector": "metadata.namespace=kube-system"}, ["kube-system/a"]),
    ("", {"label_selector": "app=web"}, ["default/b"]),
    ("default", {"label_selector": "app=web", "field_selector": "metadata.name=a"}, []),
]


@pytest.mark.parametrize(("namespace", "options", "heard"), SELECTIONS)
def test_a_watch_hears_of_what_it_selects_however_it_is_found(cluster, client, namespace, options, heard):
    asked = Options(resource_version=str(cluster.revision), **options)
    answer = cluster.send(Request("watch", resource="configmaps", namespace=namespace, options=asked))
    client.create("configmaps", config_map("a"), "default")
    client.create("configmaps", config_map("b", labels={"app": "web"}), "default")
    client.create("configmaps", config_map("a"), "kube-system")
    told = cluster.simulation.parts.server.visitors.take(answer.body["id"])
    assert sorted(meta.key_of(event.object) for event in told) == heard


def test_a_broken_watch_makes_the_informer_list_again(cluster, client):
    cluster.faults.stop("kube-scheduler")
    controllers = cluster.simulation.parts.components["kube-controller-manager"]
    cluster.faults.break_watches("kube-controller-manager")
    client.create("configmaps", config_map("missed"), "default")
    cluster.run_for(0.5)
    assert controllers.informers["configmaps"].get("default/missed") is None  # the event was lost ...
    cluster.run_for(2)
    assert controllers.informers["configmaps"].get("default/missed") is not None  # ... and the list made up for it


def test_a_delayed_watch_leaves_a_cache_stale(cluster, client):
    controllers = cluster.simulation.parts.components["kube-controller-manager"]
    cluster.faults.delay_watches("kube-controller-manager", 5)
    client.create("configmaps", config_map("late"), "default")
    cluster.run_for(4)
    assert controllers.informers["configmaps"].get("default/late") is None
    cluster.run_for(2)
    assert controllers.informers["configmaps"].get("default/late") is not None
