"""What learners write into their first controllers: one sentence each, and a cluster that forks and replays as before."""

import asyncio
import copy
import random
import sys
import threading
import time
import urllib.request

import pytest

from k8snb import Controller, Watches
from k8snb.sim.state import digest
from tests.simulation.futures import whole

RS = "replicasets.apps"


def controller(reconcile, **members):
    return type("Mine", (Controller,), {"watches": (RS,), "reconcile": reconcile, "__module__": __name__, **members})


def the_rs(self, key):
    return self.informers[RS].get(key)


def forgets_self(key):
    return key


async def is_async(self, key):
    await asyncio.sleep(1)


def is_a_generator(self, key):
    yield key


def asks_the_clock(self, key):
    self.client.patch(RS, key, {"metadata": {"annotations": {"at": str(time.time())}}}, "default")


def asks_for_luck(self, key):
    return random.choice([1, 2])


def sleeps(self, key):
    time.sleep(5)


def asks_the_learner(self, key):
    return input("how many? ")


def reaches_out(self, key):
    return urllib.request.urlopen("http://localhost")


def reads_a_file(self, key):
    with open("wanted.txt", encoding="utf-8") as file:
        return file.read()


def starts_a_thread(self, key):
    threading.Thread(target=print).start()


def _helper():
    return time.monotonic()


def asks_through_a_helper(self, key):
    return _helper()


def nothing(self, key):
    """All is well."""


def own_init(self):
    self.seen = 0


def init_without_super(self, process):
    self.seen = 0


def hangs_in_init(self, process):
    while True:
        pass


REFUSED = [  # (class or function, what the sentence names)
    (controller(forgets_self), "must take (self, key)"),
    (controller(is_async), "Mine.reconcile is async or has a yield"),
    (controller(is_a_generator), "Mine.reconcile is async or has a yield"),
    (controller(asks_the_clock), "Mine.reconcile uses time.time(), the time of your computer"),
    (controller(asks_for_luck), "Mine.reconcile uses random.choice()"),
    (controller(sleeps), "Mine.reconcile uses time.sleep()"),
    (controller(asks_the_learner), "Mine.reconcile uses input()"),
    (controller(asks_through_a_helper), "Mine.reconcile uses time.monotonic()"),
    (controller(reaches_out), "Mine.reconcile uses request.urlopen(), which reaches out"),
    (controller(reads_a_file), "Mine.reconcile uses open(), which reaches out"),
    (controller(starts_a_thread), "Mine.reconcile uses threading.Thread(), which goes on beside"),
    (controller("create the pods"), "must take (self, key)"),
    (42, "has no reconcile"),
    (controller(nothing, watches=None), "watches of Mine is a tuple of what it watches"),
    (controller(nothing, watches={"pods"}), "watches of Mine is a tuple of what it watches"),
    (controller(nothing, watches=("pod",)), "Did you mean: pods"),
    (controller(nothing, watches=("Deployment",)), "Did you mean: deployments.apps"),
    (controller(nothing, reads=("nodez",)), "Did you mean: nodes"),
    (controller(nothing, watches=(Watches("pods", lambda old, new: []),)), "The mapping of pods in Mine must take"),
    (controller(nothing, watches=(Watches("pods", "ReplicaSet"),)), "The mapping of pods in Mine must take"),
    (controller(nothing, __init__=own_init), "cannot begin: TypeError"),
    (controller(nothing, __init__=init_without_super), "super().__init__(process)"),
    (controller(nothing, __init__=hangs_in_init), "cannot begin: TooManyLines"),
    (controller(nothing, on_start=lambda self: self.nope), "cannot begin: AttributeError"),
    (controller(nothing, new_state=lambda self: {"seen": object()}), "cannot begin: TypeError: state may not hold a object"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_can_be_seen_beforehand_is_refused_and_changes_nothing(cluster, number):
    code, words = REFUSED[number]
    before = digest(cluster.simulation.root)
    with pytest.raises(ValueError) as refused:  # noqa: PT011  (the words are looked at below)
        cluster.controllers.replace("replicaset", code)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert digest(cluster.simulation.root) == before


def leaves(self, key):
    sys.exit()


def leaves_with_a_word(self, key):
    raise SystemExit("done")


def recurses(self, key):
    recurses(self, key)


def writes_in_place(self, key):
    the_rs(self, key)["spec"]["replicas"] = 5


def appends_in_place(self, key):
    the_rs(self, key)["spec"]["template"]["spec"]["containers"].append({})


def copies_shallowly(self, key):
    mine = dict(the_rs(self, key))
    mine["spec"]["replicas"] = 5


def uses_dots(self, key):
    return the_rs(self, key).spec.replicas


def uses_dots_on_a_list(self, key):
    return self.informers[RS].all().items


def forgets_that_it_may_be_gone(self, key):
    return self.informers[RS].get("default/godot")["spec"]


def reads_what_it_does_not_watch(self, key):
    return self.informers["pods"].all()


def forgets_an_import(self, key):
    return dig(the_rs(self, key), "spec.replicas")  # noqa: F821  (that is the mistake)


def asks_for_a_wrong_resource(self, key):
    self.client.list("pod", "default")


def names_it_by_a_number(self, key):
    self.client.get(RS, 5, "default")


def misspells_the_client(self, key):
    self.client.lst("pods")


def sends_no_object(self, key):
    self.client.create("pods", "nginx", "default")


def sends_itself(self, key):
    endless = {}
    endless["metadata"] = endless
    self.client.create("pods", endless, "default")


def loops(self, key):
    count = 0
    while True:
        count += 1


def loops_and_catches_everything(self, key):
    while True:
        try:
            self.client.get("pods", key)
        except:  # noqa: E722  (what a learner might write)
            continue


def computes_and_catches_everything(self, key):
    count = 0
    while True:
        try:
            count += 1
        except:  # noqa: E722
            count = 0


def puts_an_object_into_the_queue(self, key):
    self.queue.add(5)


def waits_half_a_second(self, key):
    self.queue.add_after(key, 0.5, "later")


def uses_the_cluster_from_inside(self, key):
    CLUSTERS[-1].kubectl("delete pod --all")


def lets_time_pass_from_inside(self, key):
    CLUSTERS[-1].settle()


def forks_from_inside(self, key):
    CLUSTERS[-1].fork()


def overwrites_now(self, key):
    self.now = 5


def cancels(self, key):
    raise asyncio.CancelledError


def keeps_an_object(self, key):
    self.own["seen"] = object()


CLUSTERS = []
TOLD = [  # (reconcile, what the one line names)
    (leaves, "SystemExit", "return instead"),
    (leaves_with_a_word, "SystemExit: done", "return instead"),
    (recurses, "RecursionError", "without an end"),
    (writes_in_place, "shared with the whole cluster", "put("),
    (appends_in_place, "shared with the whole cluster", "put("),
    (copies_shallowly, "shared with the whole cluster", "put("),
    (uses_dots, "has no attribute 'spec'", 'write ["spec"]'),
    (uses_dots_on_a_list, "'list' object has no attribute 'items'", ""),
    (forgets_that_it_may_be_gone, "'NoneType' object is not subscriptable", "where nothing is"),
    (reads_what_it_does_not_watch, "no cache of 'pods', only of: replicasets.apps", 'reads = ("pods",)'),
    (forgets_an_import, "NameError: name 'dig' is not defined", ""),
    (asks_for_a_wrong_resource, 'cannot list resource "pod"', "plural"),
    (names_it_by_a_number, 'replicasets.apps "5" not found', ""),
    (misspells_the_client, "'Client' object has no attribute 'lst'", ""),
    (sends_no_object, "", ""),
    (sends_itself, "RecursionError", ""),
    (loops, "TooManyLines: more than 200000 lines in one reconcile", "in loops"),
    (loops_and_catches_everything, "TooManyLines: more than 200000 lines in one reconcile", "in loops_and_catches_everything"),
    (computes_and_catches_everything, "TooManyLines: more than 200000 lines in one reconcile", "in computes_and_catches_everything"),
    (puts_an_object_into_the_queue, "A key is text such as default/web, not 5", ""),
    (waits_half_a_second, "A delay is a whole number of microseconds", "0.5"),
    (uses_the_cluster_from_inside, "cluster.kubectl cannot be used inside of reconcile", "self.client"),
    (lets_time_pass_from_inside, "cluster.settle cannot be used inside of reconcile", ""),
    (forks_from_inside, "cluster.fork cannot be used inside of reconcile", ""),
    (overwrites_now, "AttributeError", "now"),
    (cancels, "CancelledError", ""),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(TOLD)))
def test_what_a_turn_raises_is_one_line_and_the_cluster_is_whole(cluster, number):
    reconcile, *words = TOLD[number]
    CLUSTERS[:] = [cluster]
    cluster.controllers.replace("replicaset", controller(reconcile))
    cluster.run_for(0.05)
    (error,) = cluster.controllers["replicaset"].errors.values()
    assert error
    assert "\n" not in error
    assert all(word in error for word in words)
    assert "\n" not in repr(cluster.controllers["replicaset"]).splitlines()[1]
    assert whole(cluster)
    cluster.controllers.restore("replicaset")
    cluster.kubectl("scale deployment web --replicas=3")
    cluster.settle()
    assert cluster.get("deployments", "web")["status"]["readyReplicas"] == 3


def test_what_cannot_be_forked_is_not_remembered(cluster):
    cluster.controllers.replace("replicaset", controller(keeps_an_object, new_state=lambda self: {}))
    cluster.run_for(0.05)
    (error,) = cluster.controllers["replicaset"].errors.values()
    assert "state may not hold a object" in error
    assert whole(cluster)


def test_a_deep_copy_is_ones_own(cluster):
    def scales(self, key):
        mine = copy.deepcopy(the_rs(self, key))
        mine["metadata"].setdefault("labels", {})["seen"] = "yes"
        self.client.update(RS, mine)

    cluster.controllers.run(controller(scales), name="copies")
    cluster.settle()
    assert cluster.get(RS)[0]["metadata"]["labels"]["seen"] == "yes"
    assert whole(cluster)


def test_harmless_habits_do_no_harm(cluster, capsys):
    def prints_and_returns(self, key):
        print("reconciling", key)
        return {"requeue": True}

    cluster.controllers.run(controller(prints_and_returns), name="prints")
    assert cluster.settle().settled
    assert "reconciling default/web-" in capsys.readouterr().out
    assert cluster.controllers["prints"].errors == {}
    assert whole(cluster)


def test_a_mapping_that_gives_a_text_is_told(cluster):
    watches = (Watches("pods", lambda _self, _old, new: new["metadata"]["name"]),)
    cluster.controllers.run(controller(nothing, watches=watches), name="letters")
    cluster.kubectl("run lone --image=nginx")
    cluster.settle()
    assert "a mapping gives a list of keys" in cluster.controllers["letters"].errors["watches pods"]
    assert whole(cluster)


def test_a_hook_that_raises_at_a_restart_is_told(cluster):
    class Once(Controller):
        watches = (RS,)
        starts = 0

        def on_start(self):
            type(self).starts += 1
            if self.starts > 2:  # the rehearsal, and the start
                raise KeyError("again")

        def reconcile(self, key):
            """All is well."""

    cluster.controllers.run(Once)
    cluster.faults.stop("learner-once")
    cluster.faults.start("learner-once")
    assert "KeyError: 'again', line " in cluster.controllers["once"].errors["on_start"]


def test_a_controller_that_is_called_instead_of_handed_over_says_so():
    with pytest.raises(ValueError, match="Mine is an object already: give the class itself, without the brackets"):
        controller(the_rs)()
