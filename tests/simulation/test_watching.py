"""Watches from outside: what a learner, or ``kubectl get --raw``, sees of the changes of a resource."""

import json

import pytest

from k8snb.cluster import Cluster


@pytest.fixture
def cluster():
    made = Cluster(nodes=0)
    made.kubectl("create configmap note --from-literal=text=one")
    return made


def write(cluster, text):
    cluster.kubectl(["patch", "configmap", "note", "-p", json.dumps({"data": {"text": text}})])


def seen(events):
    return [(event.type, event.name, event.object["data"]["text"]) for event in events]


def test_a_watch_begins_where_it_is_told_to_and_delivers_each_change_once(cluster):
    first = cluster.revision
    write(cluster, "two")
    watch = cluster.watch("configmaps", since=first)
    write(cluster, "three")
    cluster.kubectl("delete configmap note")
    events = watch.take()
    assert seen(events) == [
        ("MODIFIED", "default/note", "two"), ("MODIFIED", "default/note", "three"), ("DELETED", "default/note", "three"),
    ]  # fmt: skip
    assert [int(event.revision) for event in events] == [first + 1, first + 2, first + 3]
    assert len(watch.take()) == 0
    assert repr(events).splitlines()[0].split() == ["TYPE", "OBJECT", "REVISION"]


def test_without_a_revision_the_present_objects_come_first(cluster):
    watch = cluster.watch("cm", name="note", namespace="default")
    assert [(event.type, event.name) for event in watch.take()] == [("ADDED", "default/note")]
    write(cluster, "two")
    assert seen(watch.take()) == [("MODIFIED", "default/note", "two")]
    watch.close()
    write(cluster, "three")
    assert len(watch.take()) == 0
    assert repr(watch) == "<Watch configmaps: closed>"


def test_history_that_is_compacted_cannot_be_watched(cluster):
    first = cluster.revision
    write(cluster, "two")
    cluster.etcd.compact(cluster.revision)
    watch = cluster.watch("configmaps", since=first)
    (error,) = watch.take()
    assert (error.type, error.name) == ("ERROR", f"too old resource version: {first} ({first + 1})")
    assert (error.object["code"], error.object["reason"]) == (410, "Expired")
    write(cluster, "three")
    assert (len(watch.take()), watch.open) == (0, False)


def test_a_rewind_and_an_outage_end_the_connection_and_a_fork_has_none(cluster):
    watch, before = cluster.watch("configmaps"), cluster.position
    other = cluster.fork()
    write(other, "elsewhere")
    assert all(event.type == "ADDED" for event in watch.take())
    cluster.rewind(before)
    assert not watch.open


def test_kubectl_prints_a_watch_line_by_line_until_its_time_is_over(cluster):
    address = f"/api/v1/namespaces/default/configmaps?watch=true&resourceVersion={cluster.revision}&timeoutSeconds=3"
    write(cluster, "two")
    began = cluster.now
    printed = cluster.kubectl(["get", "--raw", address])
    assert printed.ok
    (line,) = printed.stdout.splitlines()
    assert (json.loads(line)["type"], json.loads(line)["object"]["data"]) == ("MODIFIED", {"text": "two"})
    assert cluster.now - began == 3_000_000


def test_kubectl_says_when_the_history_is_gone(cluster):
    first = cluster.revision
    write(cluster, "two")
    cluster.etcd.compact(cluster.revision)
    printed = cluster.kubectl(["get", "--raw", f"/api/v1/configmaps?watch=1&resourceVersion={first}"])
    (line,) = printed.stdout.splitlines()
    assert (printed.ok, printed.stderr, json.loads(line)["type"], json.loads(line)["object"]["code"]) == (True, "", "ERROR", 410)


def test_all_objects_are_asked_for_in_all_namespaces_or_in_one():
    cluster = Cluster(nodes=0)
    cluster.kubectl("create namespace shop")
    cluster.settle()
    cluster.kubectl("create configmap prices -n shop")
    assert [one["metadata"]["name"] for one in cluster.get("configmaps", namespace="shop")] == ["kube-root-ca.crt", "prices"]
    assert cluster.get("configmaps", namespace="nosuch") == []
    assert cluster.get("configmaps", "prices") is None
    assert cluster.get("configmaps", "prices", "shop") in cluster.get("configmaps")
