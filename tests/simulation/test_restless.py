"""Loops that never come to rest are named, soon; those that end are waited for."""

import pytest

from k8snb import Cluster, Controller, Watches, owned_by
from k8snb.messages import LANGUAGES, set_language


class Counts(Controller):
    """Writes whenever it is called, and so calls itself."""

    watches = ("deployments.apps",)

    def reconcile(self, key):
        found = self.informers["deployments.apps"].get(key)
        times = int(found["metadata"].get("labels", {}).get("times", "0"))
        self.client.patch("deployments.apps", "web", {"metadata": {"labels": {"times": str(times + 1)}}}, "default")


class Unpaused(Controller):
    """Wants another number of replicas than somebody else."""

    watches = ("deployments.apps",)
    wanted = 2

    def reconcile(self, key):
        if self.informers["deployments.apps"].get(key)["spec"]["replicas"] != self.wanted:
            self.client.patch("deployments.apps", "web", {"spec": {"replicas": self.wanted}}, "default")


class Three(Unpaused):
    wanted = 3


class Makes(Controller):
    """Does not find what it has made."""

    watches = ("configmaps",)

    def reconcile(self, key):
        self.client.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "more-"}}, "default")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_loop_that_calls_itself_is_named_with_what_it_changes(cluster, language):
    cluster.controllers.run(Counts)
    set_language(language)
    settled = cluster.settle()
    said = repr(settled)
    set_language(LANGUAGES[0])
    assert not settled.settled
    assert settled.events < 6_000
    assert "learner-counts/counts" in said
    assert "deployments.apps default/web" in said
    assert said.splitlines()[1:] == [f"  {settled.restless!r}"] or language != LANGUAGES[0]


def test_two_that_disagree_are_both_named(cluster):
    cluster.controllers.run(Unpaused)
    cluster.controllers.run(Three)
    said = repr(cluster.settle())
    assert "learner-unpaused/unpaused" in said
    assert "learner-three/three" in said
    assert "each undoes what the other has done" in said
    assert "learner-three/three" in repr(cluster.step("settle"))


def test_one_that_creates_without_an_end_is_named_with_what_it_creates(cluster):
    cluster.controllers.run(Makes)
    restless = cluster.settle().restless
    assert (restless.actor, restless.verb, restless.subject) == ("learner-makes/makes", "create", "configmaps")
    assert len(cluster.get("configmaps")) < 1_000


def test_settling_once_more_goes_on_and_a_mended_world_settles(cluster):
    cluster.controllers.run(Counts)
    first, second = cluster.settle(), cluster.settle()
    assert second.restless
    assert second.now > first.now
    cluster.controllers.restore("counts")
    assert cluster.settle().settled


def test_a_large_rollout_is_no_unrest():
    cluster = Cluster(nodes=12, runtime="hollow")
    cluster.kubectl("create deployment web --image=nginx --replicas=600")
    settled = cluster.settle()
    assert settled.settled
    assert settled.restless is None
    assert cluster.get("deployments", "web")["status"]["readyReplicas"] == 600


def test_a_learners_own_replicaset_of_a_hundred_pods_is_none_either(cluster):
    class Own(Controller):
        watches = ("replicasets.apps", Watches("pods", owned_by("ReplicaSet")))

        def reconcile(self, key):
            rs = self.informers["replicasets.apps"].get(key)
            ready = [pod for pod in self.informers["pods"].all() if pod["status"].get("phase") == "Running"]
            if len(ready) != rs["metadata"].get("annotations", {}).get("seen"):
                patch = {"metadata": {"annotations": {"seen": str(len(ready))}}}
                self.client.patch("replicasets.apps", rs["metadata"]["name"], patch, "default")

    cluster.controllers.run(Own)
    cluster.kubectl("scale deployment web --replicas=100")
    assert cluster.settle().settled
