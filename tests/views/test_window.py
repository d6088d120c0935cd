"""A window onto a real (simulated) cluster: now, then, why, and every picture by name."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from k8snb.apiserver.request import Request
from k8snb.cluster import Cluster
from k8snb.views import live
from k8snb.views.window import GRAPHS, Window

LABELS = {"app": "web"}
REPLICA_SET: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}},
    },
}


def make(cluster: Cluster, resource: str, obj: dict[str, Any], group: str = "") -> None:
    answer = cluster.send(Request("create", group, "v1", resource, namespace="default", body=obj))
    assert answer.ok, answer.body


@pytest.fixture
def cluster() -> Cluster:
    found = Cluster(nodes=2, seed=1)
    make(found, "replicasets", REPLICA_SET, "apps")
    found.settle()
    return found


def pods(cluster: Cluster) -> list[str]:
    return [pod["metadata"]["name"] for pod in cluster.get("pods")]


def test_the_present_shows_what_the_api_server_would_say(cluster: Cluster) -> None:
    shown = live.frame(Window(cluster.simulation).moment(None, 0))
    assert list(shown["pods"]) == [f"pods default/{name}" for name in pods(cluster)]
    assert shown["workloads"]["replicasets.apps default/web"]["kind"] == "ReplicaSet"
    assert shown["meta"]["live"] is True


def test_every_position_of_the_timeline_differs_from_its_neighbour(cluster: Cluster) -> None:
    window = Window(cluster.simulation)
    length = window.moment(None, 0).length
    worlds = [{key: list(objects) for key, objects in window.snapshot(at).items()} for at in range(length - 8, length + 1)]
    assert all(a != b for a, b in pairwise(worlds))


def test_the_past_shows_the_world_before_the_pods_and_what_was_just_done(cluster: Cluster) -> None:
    window = Window(cluster.simulation)
    journal = cluster.simulation.root.store.journal
    asked = next(at for at, change in enumerate(journal, 1) if change.key.endswith("/replicasets/default/web"))
    then = window.moment(asked, 0)
    shown = live.frame(then)
    assert list(shown["pods"]) == []
    assert next(iter(shown["workloads"])) == "replicasets.apps default/web"
    assert shown["meta"]["live"] is False
    assert [row["actor"] for row in list(shown["log"].values())[-1:]] == ["kubectl"]
    assert then.now < cluster.now


def test_a_closeup_tells_who_changed_it_last_and_what(cluster: Cluster) -> None:
    seen = Window(cluster.simulation).closeup("replicasets.apps default/web")
    assert seen.obj == cluster.get("replicasets.apps", "web")
    assert seen.previous is not None
    assert "kube-controller-manager/replicaset" in seen.said
    assert Window(cluster.simulation).closeup("pods default/nobody").obj is None
    assert Window(cluster.simulation).closeup("<script> x/y").obj is None


def test_why_leads_back_to_the_user(cluster: Cluster) -> None:
    why = cluster.why(f"pod/{pods(cluster)[0]}")
    assert (why.path[0].actor, why.path[0].verb) == ("kubectl", "create")
    assert any(record.kind == "reconcile" for record in why.path)
    assert cluster.why(cluster.get("pods")[0]).path == why.path


def test_of_what_never_was_there_is_no_picture_of_causes(cluster: Cluster) -> None:
    with pytest.raises(LookupError, match="nothing called pods default/nosuch"):
        cluster.graph("causes", "pod/nosuch")


def test_a_pod_that_replaces_another_is_there_for_two_reasons(cluster: Cluster) -> None:
    before = pods(cluster)
    cluster.send(Request("delete", "", "v1", "pods", namespace="default", name=before[0], body={"gracePeriodSeconds": 0}))
    cluster.settle()
    [new] = set(pods(cluster)) - set(before)
    path = [(record.actor, record.verb) for record in cluster.why(f"pods/{new}").path]
    assert ("kubectl", "create") in path  # two are wanted
    assert ("kubectl", "delete") in path  # one was seen


def test_what_was_deleted_and_is_still_there_is_kept_by_its_finalizers() -> None:
    cluster = Cluster(nodes=1)
    cluster.kubectl("create configmap prices")
    cluster.kubectl("""patch configmap prices -p '{"metadata":{"finalizers":["example.com/audit"]}}'""")
    assert "example.com/audit" not in repr(cluster.why("configmap/prices"))
    cluster.kubectl("delete configmap prices --wait=false")
    assert repr(cluster.why("configmap/prices")).splitlines()[-1].endswith("metadata.finalizers: example.com/audit")
    cluster.kubectl("""patch configmap prices -p '{"metadata":{"finalizers":null}}'""")
    assert "example.com/audit" not in repr(cluster.why("configmap/prices")), "it is gone"


def test_a_name_that_nobody_knows_is_refused_in_words(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="frobs"):
        cluster.why("frobs/web")
    with pytest.raises(ValueError, match="ownership"):
        cluster.graph("family")
    with pytest.raises(LookupError, match="web-9"):
        cluster.graph("ownership", "pod/web-9")


def test_every_picture_can_be_had_by_name_and_is_the_same_twice(cluster: Cluster) -> None:
    make(
        cluster,
        "services",
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": LABELS, "ports": [{"port": 80}]}},
    )
    cluster.settle()
    for kind in GRAPHS:
        of = {"traffic": "web", "causes": "rs/web"}.get(kind, "")
        assert cluster.graph(kind, of).html == cluster.graph(kind, of).html


def test_a_namespace_narrows_who_owns_whom_to_what_is_in_it(cluster: Cluster) -> None:
    cluster.kubectl("create service clusterip shop --tcp=80 -n kube-system")
    cluster.settle()
    assert "Service shop" in repr(cluster.graph("ownership"))
    assert repr(cluster.graph("ownership", namespace="kube-system")).splitlines()[1] == "└─ Service shop"
    assert "ReplicaSet web" in repr(cluster.graph("ownership", namespace="default"))
    assert "shop" not in repr(cluster.graph("ownership", namespace="default"))
    with pytest.raises(LookupError, match="no namespace nosuch in this cluster"):
        cluster.graph("storage", namespace="nosuch")


def test_components_show_the_requests_since_the_user_last_asked(cluster: Cluster) -> None:
    before = cluster.graph("components")
    assert before.title.endswith("kubectl create replicasets.apps default/web")
    make(cluster, "configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}})
    assert "create configmaps ⇒ kube-apiserver" in repr(cluster.graph("components"))
    assert "pods" not in repr(cluster.graph("components"))


def test_a_stopped_etcd_can_still_be_looked_at(cluster: Cluster) -> None:
    cluster.faults.stop("etcd")
    shown = live.frame(Window(cluster.simulation).moment(None, 0))
    assert shown["components"]["etcd"]["word"] == "stopped"
    assert len(shown["pods"]) == 2


def test_the_past_knows_what_was_stopped_then(cluster: Cluster) -> None:
    cluster.faults.stop("kube-scheduler")
    make(cluster, "configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}})
    at = Window(cluster.simulation).moment(None, 0).length
    cluster.faults.start("kube-scheduler")
    make(cluster, "configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}})
    assert live.frame(Window(cluster.simulation).moment(at, 0))["components"]["kube-scheduler"]["word"] == "stopped"
    assert live.frame(Window(cluster.simulation).moment(None, 0))["components"]["kube-scheduler"]["word"] != "stopped"


def test_a_rewound_cluster_is_read_as_it_then_is(cluster: Cluster) -> None:
    window, position = Window(cluster.simulation), cluster.position
    newest = cluster.simulation.parts.kernel.trace.last
    make(cluster, "configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}})
    cluster.rewind(position)
    assert window.moment(None, newest + 50).fresh <= newest + 1
    assert window.closeup("configmaps default/c").obj is None


def test_the_timeline_remembers_pods_that_are_gone(cluster: Cluster) -> None:
    gone = pods(cluster)[0]
    cluster.send(Request("delete", "", "v1", "pods", namespace="default", name=gone, body={"gracePeriodSeconds": 0}))
    cluster.settle()
    lives = {life.name: life for life in cluster.timeline("rs/web").lives}
    assert set(lives) == {gone, *pods(cluster)}
    assert lives[gone].spans[-1].end < cluster.now
    assert repr(cluster.timeline("rs/web")).startswith("Pods of replicaset default/web, over ")
    assert repr(cluster.timeline("service/kubernetes")).endswith("ever made.")
    with pytest.raises(LookupError, match="nobody"):
        cluster.timeline("rs/nobody")
