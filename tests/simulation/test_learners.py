"""A learner's own controller: in place of a built-in one or beside it, in every future, and unable to break anything."""

import re

import pytest

from k8snb import Cluster, Controller, Watches, owned_by
from k8snb.apimachinery.meta import owner_reference
from k8snb.sim.state import digest


class MyReplicaSet(Controller):
    """Counts, and writes the difference."""

    watches = ("replicasets.apps", Watches("pods", owned_by("ReplicaSet")))

    def reconcile(self, key):
        rs = self.informers["replicasets.apps"].get(key)
        if rs is None:
            return
        namespace = rs["metadata"]["namespace"]
        mine = [p for p in self.client.list("pods", namespace) if "mine" in p["metadata"].get("labels", {})]
        template = rs["spec"]["template"]
        for _ in range(rs["spec"]["replicas"] - len(mine)):
            meta = {"generateName": "mine-", "labels": {**template["metadata"]["labels"], "mine": "yes"}}
            meta["ownerReferences"] = [owner_reference(rs)]
            self.client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}, namespace)


class Clumsy(MyReplicaSet):
    def reconcile(self, key):
        raise KeyError("spec")


def mine(cluster):
    return [p["metadata"]["name"] for p in cluster.get("pods") if p["metadata"]["name"].startswith("mine-")]


def test_it_takes_the_place_of_a_built_in_one(cluster):
    cluster.controllers.replace("replicaset", MyReplicaSet)
    cluster.kubectl("scale deployment web --replicas=3")
    cluster.settle()
    assert len(mine(cluster)) == 3  # it counts only its own, and the built-in one no longer minds
    assert "replicaset: built in, off, because MyReplicaSet has its place" in repr(cluster.controllers)


def test_restored_the_built_in_one_looks_at_everything(cluster):
    cluster.controllers.replace("replicaset", MyReplicaSet)
    cluster.settle()
    assert len(cluster.get("pods")) == 4
    cluster.controllers.restore("replicaset")
    cluster.settle()
    assert len([p for p in cluster.get("pods") if "deletionTimestamp" not in p["metadata"]]) == 2
    assert repr(cluster.controllers["replicaset"]).startswith("replicaset: built in, part of kube-controller-manager")


def test_a_fork_runs_it_and_a_rewind_to_before_does_not(cluster):
    before = cluster.position
    cluster.controllers.replace("replicaset", MyReplicaSet)
    cluster.run_for(1)
    other = cluster.fork()
    assert digest(other.simulation.root) == digest(cluster.simulation.root)
    for each in (cluster, other):
        each.kubectl("scale deployment web --replicas=4")
        each.settle()
    assert len(mine(other)) == len(mine(cluster)) == 4
    other.controllers.restore("replicaset")
    assert cluster.controllers["replicaset"].code == "MyReplicaSet"
    cluster.rewind(before)
    assert cluster.controllers["replicaset"].code == ""
    cluster.settle()
    assert mine(cluster) == []


def test_a_rewind_to_a_moment_at_which_it_ran_replays_it(cluster):
    cluster.controllers.replace("replicaset", MyReplicaSet)
    cluster.settle()
    then, was = cluster.position, digest(cluster.simulation.root)
    cluster.controllers.restore("replicaset")
    cluster.settle()
    cluster.rewind(then)
    assert digest(cluster.simulation.root) == was
    assert cluster.controllers["replicaset"].code == "MyReplicaSet"


def test_a_stopped_one_begins_without_its_memory(cluster):
    class Counter(MyReplicaSet):
        def reconcile(self, key):
            self.turns = getattr(self, "turns", 0) + 1

    cluster.controllers.replace("replicaset", Counter)
    cluster.settle()
    process = cluster.simulation.parts.components["learner-replicaset"]
    assert process.controllers["replicaset"].turns > 0
    cluster.faults.stop("learner-replicaset")
    assert "(stopped)" in repr(cluster.controllers["replicaset"])
    cluster.faults.start("learner-replicaset")
    assert not hasattr(process.controllers["replicaset"], "turns")


def test_what_it_raises_becomes_back_off_and_one_line(cluster):
    cluster.controllers.replace("replicaset", Clumsy)
    cluster.run_for(1)
    loop = cluster.controllers["replicaset"]
    (key,) = loop.failures
    assert loop.failures[key] > 3
    assert loop.due[key] > 0
    assert loop.errors[key].startswith("KeyError: 'spec', line ")
    assert f"failed    {key}, {loop.failures[key]} times in a row, again in" in repr(loop)


def test_a_turn_that_never_stops_asking_is_ended(cluster):
    class Flood(MyReplicaSet):
        def reconcile(self, key):
            while True:
                try:
                    self.client.list("pods")
                except Exception:  # noqa: BLE001  (what a learner might write)
                    continue

    cluster.controllers.replace("replicaset", Flood)
    cluster.run_for(0.01)
    (error,) = cluster.controllers["replicaset"].errors.values()
    assert error.startswith("TooManyRequests: more than 200 requests in one reconcile, line ")


def test_a_turn_that_waits_for_its_cache_is_ended(cluster):
    class Waiting(MyReplicaSet):
        def reconcile(self, key):
            while self.informers["pods"].get("default/godot") is None:
                pass

    cluster.controllers.replace("replicaset", Waiting)
    cluster.run_for(0.01)
    (error,) = cluster.controllers["replicaset"].errors.values()
    assert re.fullmatch(r"TooManyLines: more than 200000 lines in one reconcile; it goes round and round, line \d+, in reconcile", error)


def test_a_mapping_that_raises_is_shown_and_does_no_harm(cluster):
    class Odd(MyReplicaSet):
        watches = (Watches("pods", lambda _self, _old, new: [new["nothing"]]),)

    cluster.controllers.replace("replicaset", Odd)
    cluster.kubectl("run lone --image=nginx")
    cluster.settle()
    assert "watches pods: KeyError: 'nothing', line " in repr(cluster.controllers)
    assert cluster.get("pods", "lone")["status"]["phase"] == "Running"


def test_something_that_is_no_object_is_refused_as_a_request(cluster):
    class Strange(MyReplicaSet):
        def reconcile(self, key):
            self.client.create("pods", {"metadata": {"name": object()}}, "default")

    cluster.controllers.replace("replicaset", Strange)
    cluster.run_for(0.1)
    assert "cannot unmarshal object" in next(iter(cluster.controllers["replicaset"].errors.values()))


def test_a_function_is_enough(cluster):
    seen = []

    def count(self, key):
        seen.append(key)

    loop = cluster.controllers.run(count, watches=["deployments.apps"])
    assert (loop.name, loop.process, loop.code) == ("count", "learner-count", "count")
    cluster.settle()
    assert "default/web" in seen
    assert cluster.controllers.restore("count") is None
    assert "count" not in list(cluster.controllers)


def test_a_plain_class_is_enough(cluster):
    class Plain:
        watches = "deployments.apps"

        def reconcile(self, key):
            self.client.patch("deployments.apps", "web", {"metadata": {"labels": {"seen": "yes"}}}, "default")

    cluster.controllers.run(Plain)
    cluster.settle()
    assert cluster.get("deployments", "web")["metadata"]["labels"]["seen"] == "yes"


def test_a_file_holds_no_code_and_says_so(cluster):
    cluster.controllers.replace("replicaset", MyReplicaSet)
    cluster.settle()
    loaded = Cluster.load(cluster.save())
    assert "were yours when the cluster was saved, and are not here now: replicaset (MyReplicaSet)" in repr(loaded.controllers)
    loaded.settle()
    assert len([p for p in loaded.get("pods") if "deletionTimestamp" not in p["metadata"]]) == 2
    assert cluster.controllers["replicaset"].code == "MyReplicaSet"


class NoReconcile:
    watches = ("pods",)


class NoKey(NoReconcile):
    def reconcile(self):
        pass


class NoWatches:
    def reconcile(self, key):
        pass


class Unknown(NoWatches):
    watches = ("replicasets",)


class Numbers(NoWatches):
    watches = (42,)


class Stillborn(MyReplicaSet):
    def __init__(self, process):
        raise RuntimeError("not today")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (NoReconcile, "has no reconcile"), (NoKey, r"must take \(self, key\)"), (NoWatches, "watches nothing"), (42, "has no reconcile"),
        (Unknown, r"Did you mean: replicasets\.apps"), (Numbers, "cannot be watched"), (Stillborn, "cannot begin: RuntimeError: not today"),
    ],
)  # fmt: skip
def test_code_that_cannot_run_is_told_in_one_sentence_and_changes_nothing(cluster, code, sentence):
    before = digest(cluster.simulation.root)
    with pytest.raises(ValueError, match=sentence):
        cluster.controllers.replace("replicaset", code)
    assert digest(cluster.simulation.root) == before
    assert cluster.controllers["replicaset"].code == ""


def test_a_loop_that_does_not_exist_is_named_with_those_that_do(cluster):
    with pytest.raises(ValueError, match=r"no controller 'replicasets' here\. These run: .*replicaset"):
        cluster.controllers.replace("replicasets", MyReplicaSet)
    with pytest.raises(ValueError, match="replace"):
        cluster.controllers.run(MyReplicaSet, name="replicaset")
    with pytest.raises(ValueError, match="nobody"):
        cluster.controllers.restore("nobody")


def test_views_know_the_process_of_a_learner(cluster):
    cluster.controllers.replace("replicaset", MyReplicaSet)
    cluster.settle()
    assert "learner-replicaset" in repr(cluster.graph("components"))
    assert "learner-replicaset/replicaset" in repr(cluster.why(f"pod/{mine(cluster)[0]}"))


def test_news_of_one_resource_can_be_late_while_the_others_are_not(cluster):
    seen = []

    def look(self, key):
        seen.append((self.informers["deployments.apps"].get(key)["spec"]["replicas"], len(self.informers["pods"].all())))

    cluster.controllers.run(look, watches=["deployments.apps", Watches("pods", lambda _self, _old, _new: ["default/web"])])
    cluster.settle()
    cluster.faults.delay_watches("learner-look", 2, resource="pods")
    cluster.kubectl("scale deployment web --replicas=3")
    cluster.run_for(1)
    assert seen[-1] == (3, 2)
    cluster.settle()
    assert seen[-1] == (3, 3)
