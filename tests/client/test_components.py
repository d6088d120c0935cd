"""Processes: informers, loops, Events; stopping, starting, and a learner's own controller that raises."""

import pytest

from k8snb.apimachinery.objects import freeze
from k8snb.client.controller import Controller, Watches
from k8snb.client.indexes import by_label, labels_of
from k8snb.client.informer import OfPart
from k8snb.cluster import Cluster


def config_map(name, data=None):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data or {}}


class Copier(Controller):
    """For every ConfigMap ``x`` there is a Secret-like ConfigMap ``x-copy``."""

    name = "copier"
    watches = (Watches("configmaps"),)

    def reconcile(self, key):
        source = self.informers["configmaps"].get(key)
        if source is None or key.endswith("-copy"):
            return
        if "broken" in source.get("data", {}):
            raise ValueError("this one is broken")
        name, namespace = source["metadata"]["name"], source["metadata"]["namespace"]
        if self.informers["configmaps"].get(f"{key}-copy") is None:
            self.client.create("configmaps", config_map(f"{name}-copy", source.get("data")), namespace)
            self.recorder.event(source, "Normal", "Copied", f"Copied {name}")


@pytest.fixture
def cluster():
    return Cluster(nodes=0)


@pytest.fixture
def process(cluster):
    cluster.controllers.run(Copier)
    return cluster.simulation.parts.components["learner-copier"]


def copies(cluster):
    return sorted(
        c["metadata"]["name"]
        for c in cluster.get("configmaps")
        if c["metadata"]["name"].endswith("-copy") and c["metadata"]["namespace"] == "default"
    )


def test_a_loop_sees_a_change_and_writes_the_difference(cluster, process):
    cluster.client.create("configmaps", config_map("a"), "default")
    cluster.settle()
    assert copies(cluster) == ["a-copy", "kube-root-ca.crt-copy"]


def test_what_happened_while_it_was_stopped_is_found_by_listing(cluster, process):
    cluster.settle()
    cluster.faults.stop("learner-copier")
    cluster.client.create("configmaps", config_map("missed"), "default")
    cluster.settle()
    assert "missed-copy" not in copies(cluster)
    cluster.faults.start("learner-copier")
    cluster.settle()
    assert "missed-copy" in copies(cluster)


def test_an_exception_of_a_learner_becomes_back_off_and_a_short_message(cluster, process):
    cluster.client.create("configmaps", config_map("bad", {"broken": "yes"}), "default")
    cluster.client.create("configmaps", config_map("good"), "default")
    cluster.run_for(1)
    assert "good-copy" in copies(cluster)  # one bad key does not hold up the others
    errors = [
        r.detail
        for r in cluster.simulation.parts.kernel.trace.since(0)
        if r.actor == "learner-copier/copier" and r.detail and r.detail[0] == "error"
    ]
    assert errors[0][1].startswith("ValueError: this one is broken, line ")
    assert [delay for _, _, delay in errors[:3]] == [5_000, 10_000, 20_000]


def test_api_errors_are_retried_until_they_pass(cluster, process):
    cluster.settle()
    cluster.faults.api_errors(3, verb="create", resource="configmaps")
    before = cluster.send  # the user's own create is the first to fail
    assert before is not None
    with pytest.raises(Exception, match="injected fault"):
        cluster.client.create("configmaps", config_map("a"), "default")
    cluster.client.request(
        "update",
        "configmaps",
        namespace="default",
        name="kube-root-ca.crt",
        body={**cluster.get("configmaps", "kube-root-ca.crt"), "data": {"ca.crt": "changed"}},
    )
    cluster.settle()
    assert cluster.get("configmaps", "kube-root-ca.crt")["data"]["ca.crt"] != "changed"  # its publisher has put it right


def test_the_same_sentence_again_is_counted_not_repeated(cluster, process):
    about = cluster.client.create("configmaps", config_map("a"), "default")
    for _ in range(3):
        process.recorder.event(about, "Warning", "Odd", "Something is odd")
    events = [e for e in cluster.get("events") if e["reason"] == "Odd"]
    assert [(e["message"], e["count"]) for e in events] == [("Something is odd", 3)]


def test_who_talks_too_much_is_silenced(cluster, process):
    about = cluster.client.create("configmaps", config_map("a"), "default")
    for _ in range(40):
        process.recorder.event(about, "Warning", "Noise", "again and again")
    assert [e["count"] for e in cluster.get("events") if e["reason"] == "Noise"] == [25]


def test_objects_of_the_cache_cannot_be_changed(cluster, process):
    cluster.client.create("configmaps", config_map("a", {"k": "v"}), "default")
    cluster.settle()
    cached = process.informers["configmaps"].get("default/a")
    with pytest.raises(TypeError, match="shared with the whole cluster"):
        cached["data"]["k"] = "mine"
    assert freeze(cached) is cached


def test_an_index_is_asked_only_where_its_part_of_an_object_is_another(cluster, process):
    asked = []

    def by_app(obj):
        asked.append(obj["metadata"]["name"])
        return by_label(obj)

    cache = process.informers["configmaps"]
    cache.add_index("app", OfPart(labels_of, by_app))
    body = config_map("a", {"n": "1"})
    body["metadata"]["labels"] = {"app": "web"}
    cluster.client.create("configmaps", body, "default")
    cluster.settle()
    assert [obj["data"] for obj in cache.by("app", "default/app=web")] == [{"n": "1"}]
    asked.clear()
    cluster.client.patch("configmaps", "a", {"data": {"n": "2"}}, "default")
    cluster.settle()
    assert [obj["data"] for obj in cache.by("app", "default/app=web")] == [{"n": "2"}]
    assert not asked
    cluster.client.patch("configmaps", "a", {"metadata": {"labels": {"app": "db"}}}, "default")
    cluster.settle()
    assert not cache.by("app", "default/app=web")
    assert [obj["data"] for obj in cache.by("app", "default/app=db")] == [{"n": "2"}]


def test_another_object_of_the_same_name_is_seen_as_an_end_and_a_beginning(cluster, process):
    seen = []
    process.informers["configmaps"].tell(lambda old, new, _cause: seen.append((old is not None, new is not None)))
    cluster.client.create("configmaps", config_map("a"), "default")
    cluster.settle()
    seen.clear()
    cluster.faults.break_watches()
    cluster.client.delete("configmaps", "a", "default")
    cluster.client.create("configmaps", config_map("a", {"again": "yes"}), "default")
    cluster.settle()
    assert seen[:2] == [(True, False), (False, True)]


def test_what_a_learner_says_is_read_like_any_request():
    class Loud(Controller):
        watches = ("configmaps",)

        def reconcile(self, key):
            about = self.informers["configmaps"].get(key)
            self.recorder.event(about, "Normal", 5, None)  # refused, and lost as Events are
            self.recorder.event(about, "Normal", "", "no reason")

    cluster = Cluster(nodes=0)
    cluster.controllers.run(Loud)
    cluster.client.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}, "default")
    cluster.settle()
    said = [event for event in cluster.get("events") if event["involvedObject"]["name"] == "a"]
    assert [(event["message"], "reason" in event) for event in said] == [("no reason", False)]
