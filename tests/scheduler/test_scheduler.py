"""kube-scheduler at work: through the API server, in time, with everything that may go wrong on the way."""

from __future__ import annotations

import json

import pytest

from k8snb.apimachinery.objects import freeze
from k8snb.scheduler.cluster_event import ASSIGNED_POD, DELETE, Change
from k8snb.scheduler.diagnosis import Status, unresolvable, unschedulable
from k8snb.scheduler.framework import Cycle, FilterPlugin, PermitPlugin, Plugin, PreEnqueuePlugin, Profile, ScorePlugin
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.plugins import DEFAULT_PLUGINS, DEFAULT_PROFILE, DEFAULT_WEIGHTS
from k8snb.sim.clock import SECOND
from k8snb.sim.state import clone, decode, encode
from tests.scheduler.control_plane import ControlPlane
from tests.scheduler.world import node, pod, three_nodes


def small(name: str = "node-1") -> ControlPlane:
    return ControlPlane([node(name)])


def test_a_pod_gets_a_node_and_the_trace_says_why() -> None:
    plane = ControlPlane(three_nodes())
    plane.create(pod("web", cpu="100m"))
    plane.run()
    chosen = plane.node_of("web")
    assert chosen in {"node-1", "node-2", "node-3"}
    assert plane.events("web") == [("Scheduled", f"Successfully assigned default/web to {chosen}")]
    decision = next(record for record in plane.kernel.trace.since(0) if record.kind == "decision")
    assert (decision.actor, decision.subject, decision.detail["selected"]) == ("default-scheduler", "default/web", chosen)
    assert set(decision.detail["scores"]) == {"node-1", "node-2", "node-3"}
    binding = next(r for r in plane.kernel.trace.since(decision.id) if r.kind == "request")
    assert decision.id in binding.causes
    assert decision.causes


def test_a_pod_that_fits_nowhere_says_so_and_is_placed_when_a_node_comes() -> None:
    plane = small()
    plane.create(pod("giant", cpu="2"))
    plane.run()
    condition = plane.condition("giant")
    tail = "no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    message = f"0/1 nodes are available: 1 Insufficient cpu. {tail}"
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "Unschedulable", message)
    assert plane.events("giant") == [("FailedScheduling", message)]
    plane.client.create("nodes", {"apiVersion": "v1", **node("large", cpu="4")})
    plane.run()
    assert plane.node_of("giant") == "large"


def test_a_pod_counts_on_its_node_before_the_binding_is_confirmed() -> None:
    plane = small()
    plane.create(pod("first", cpu="600m"), pod("second", cpu="600m"))
    plane.run()
    assert (plane.node_of("first"), plane.node_of("second")) == ("node-1", "")


def test_room_made_by_a_deletion_is_used() -> None:
    plane = small()
    plane.create(pod("first", cpu="600m"), pod("second", cpu="600m"))
    plane.run()
    plane.client.delete("pods", "first", "default", grace=0)
    plane.run(2)
    assert plane.node_of("second") == "node-1"


def test_preemption_marks_evicts_and_waits_for_the_victim() -> None:
    plane = small()
    plane.create(pod("low", cpu="600m"))
    plane.run()
    plane.create(pod("vip", cpu="600m", priority=1000))
    plane.run()
    vip = plane.pod("vip")
    assert (vip["status"]["nominatedNodeName"], plane.node_of("vip")) == ("node-1", "")
    assert plane.events("vip") == [("FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.")]
    assert plane.events("low")[-1] == ("Preempted", f"Preempted by pod {vip['metadata']['uid']} on node node-1")
    target = plane.condition("low", "DisruptionTarget")
    assert (target["reason"], target["message"]) == (
        "PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod",
    )  # fmt: skip
    assert plane.pod("low")["metadata"]["deletionTimestamp"]
    plane.create(pod("thief", cpu="600m"))
    plane.client.delete("pods", "low", "default", grace=0)
    plane.run(3)
    assert (plane.node_of("vip"), plane.node_of("thief")) == ("node-1", "")
    assert "nominatedNodeName" not in plane.pod("vip")["status"]


def test_victims_are_evicted_a_moment_after_the_decision_and_the_pod_waits_for_that() -> None:
    plane = small()
    plane.create(pod("low", cpu="600m"), pod("other", cpu="100m"))
    plane.run()
    plane.create(pod("vip", cpu="600m", priority=1000))
    while not plane.scheduler.own.preempting:
        plane.kernel.step()
    assert plane.condition("vip")["message"] == "0/1 nodes are available: 1 Insufficient cpu."
    assert "deletionTimestamp" not in plane.pod("low")["metadata"]
    queue = plane.scheduler.own.queue
    plane.scheduler.queue_of_pods.move(Change(ASSIGNED_POD, DELETE, old=freeze(plane.pod("other"))))  # it would wake the pod
    assert queue.pods["default/vip"].where == "gated"
    plane.kernel.step()
    assert plane.pod("low")["metadata"]["deletionTimestamp"]
    assert (queue.pods["default/vip"].where, plane.scheduler.own.preempting) == ("unschedulable", {})
    plane.client.delete("pods", "low", "default", grace=0)
    plane.run(3)
    assert plane.node_of("vip") == "node-1"


def test_a_restart_in_the_middle_of_a_preemption_chooses_victims_again() -> None:
    plane = small()
    plane.create(pod("low", cpu="600m"))
    plane.run()
    plane.create(pod("vip", cpu="600m", priority=1000))
    while not plane.scheduler.own.preempting:
        plane.kernel.step()
    plane.scheduler.stop()
    plane.run()
    assert "deletionTimestamp" not in plane.pod("low")["metadata"]
    plane.scheduler.start()
    plane.run()
    assert plane.pod("low")["metadata"]["deletionTimestamp"]


def test_what_happens_while_permission_is_awaited_counts_when_it_is_refused() -> None:
    plane = ControlPlane([node("node-1")], profiles=(DEFAULT_PROFILE, with_plugins(Together())))
    plane.create(pod("other", cpu="100m"), pod("one", cpu="400m", schedulerName="learner"))
    plane.run()
    plane.client.delete("pods", "other", "default", grace=0)
    plane.run()
    plane.scheduler.refuse_permission("default/one", "not now", "NodeResourcesFit")
    assert plane.scheduler.own.queue.pods["default/one"].where == "backoff"
    plane.run(3)
    plane.scheduler.refuse_permission("default/one", "not now", "NodeName")
    assert plane.scheduler.own.queue.pods["default/one"].where == "unschedulable"
    assert plane.scheduler.own.queue.flying == {}


def test_a_pod_deleted_while_it_is_being_bound_frees_what_it_held() -> None:
    plane = small()
    plane.create(pod("short", cpu="600m"))
    while not plane.scheduler.own.binding:
        plane.kernel.step()
    plane.client.delete("pods", "short", "default", grace=0)
    plane.create(pod("next", cpu="600m"))
    plane.run(3)
    assert plane.node_of("next") == "node-1"
    assert "default/short" not in plane.scheduler.own.cache.pods


def test_a_new_pod_of_the_same_name_is_not_taken_for_the_old_one() -> None:
    plane = small()
    plane.create(pod("web", cpu="600m"))
    while not plane.scheduler.own.binding:
        plane.kernel.step()
    plane.client.delete("pods", "web", "default", grace=0)
    plane.create(pod("web", cpu="900m"))
    plane.run(3)
    assert plane.node_of("web") == "node-1"
    assert plane.scheduler.own.cache.nodes["node-1"].requested["cpu"] == 900
    assert plane.scheduler.own.queue.pods == {}


def test_a_pod_that_somebody_else_bound_is_left_alone() -> None:
    plane = small()
    plane.create(pod("manual", on="node-1", cpu="600m"))
    plane.run()
    assert plane.events("manual") == []
    plane.create(pod("web", cpu="600m"))
    plane.run()
    assert plane.node_of("web") == ""


def test_a_restart_forgets_nothing_that_matters() -> None:
    plane = small()
    plane.create(pod("before", cpu="300m"), pod("giant", cpu="600m"), pod("late", cpu="600m"))
    plane.run()
    plane.scheduler.stop()
    plane.create(pod("meanwhile", cpu="100m"))
    plane.run()
    assert plane.node_of("meanwhile") == ""
    plane.scheduler.start()
    plane.run()
    assert [plane.node_of(name) for name in ("before", "giant", "meanwhile", "late")] == ["node-1", "node-1", "node-1", ""]


@pytest.mark.parametrize("copy", [clone, lambda root: decode(json.loads(json.dumps(encode(root))))])
def test_a_copy_in_the_middle_of_everything_has_the_same_future(copy: object) -> None:
    plane = ControlPlane(three_nodes())
    plane.create(*[pod(f"web-{number}", cpu="400m") for number in range(8)], pod("vip", cpu="900m", priority=9))
    for _ in range(25):
        plane.kernel.step()
    other = ControlPlane(root=copy(plane.root))  # type: ignore[operator]
    assert plane.run(20).kernel.trace.since(0) == other.run(20).kernel.trace.since(0)
    assert encode(plane.root) == encode(other.root)


def test_a_binding_that_cannot_be_sent_is_taken_back_and_tried_again() -> None:
    plane = small()
    plane.create(pod("web", cpu="600m"))
    while not plane.scheduler.own.binding:
        plane.kernel.step()
    plane.scheduler.state.partitioned = True
    plane.run(0.5)
    assert plane.scheduler.own.cache.pods == {}
    assert plane.scheduler.own.queue.pods["default/web"].where == "error backoff"
    plane.scheduler.state.partitioned = False
    plane.run(15)
    assert plane.node_of("web") == "node-1"


def test_an_eviction_that_cannot_be_sent_is_tried_again() -> None:
    plane = small()
    plane.create(pod("low", cpu="600m"))
    plane.run()
    plane.create(pod("vip", cpu="600m", priority=1000))
    while not plane.scheduler.own.cycle_pending:
        plane.kernel.step()
    plane.scheduler.state.partitioned = True
    plane.run(0.5)
    assert "deletionTimestamp" not in plane.pod("low")["metadata"]
    plane.scheduler.state.partitioned = False
    plane.run(5)
    assert plane.pod("low")["metadata"]["deletionTimestamp"]


def test_asking_what_would_happen_changes_nothing() -> None:
    plane = ControlPlane(three_nodes())
    plane.create(pod("web", cpu="100m"))
    plane.run()
    before = encode(plane.root)
    assert plane.scheduler.would_schedule(pod("next", cpu="100m")).selected
    assert plane.scheduler.would_schedule(pod("giant", cpu="9")).message.startswith("0/3 nodes are available: 3 Insufficient cpu.")
    assert encode(plane.root) == before


# Plugins that a learner wrote


def with_plugins(*plugins: Plugin, name: str = "learner") -> Profile:
    return Profile(scheduler_name=name, plugins=(*DEFAULT_PLUGINS, *plugins), weights=DEFAULT_WEIGHTS)


class OnlyNode2(FilterPlugin):
    name = "OnlyNode2"
    node_local = True

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        return None if node.name == "node-2" else unresolvable("node(s) had another number")


class Broken(FilterPlugin):
    name = "Broken"

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        raise ZeroDivisionError("division by zero")


class Generous(ScorePlugin):
    name = "Generous"

    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        return 101


class Together(PermitPlugin):
    """Holds pods until there are two of them."""

    name = "Together"

    def permit(self, cycle: Cycle, node: str) -> tuple[Status | None, int]:
        waiting = cycle.cluster.waiting()
        for key, _ in waiting:
            cycle.cluster.allow(key, self.name)
        return (None, 0) if waiting else (Status("Wait"), 30 * SECOND)


class Jealous(PermitPlugin):
    name = "Jealous"

    def permit(self, cycle: Cycle, node: str) -> tuple[Status | None, int]:
        return unschedulable("not today"), 0


class Shy(PreEnqueuePlugin):
    name = "Shy"

    def pre_enqueue(self, pod: object, cluster: object) -> Status | None:
        raise RuntimeError("no idea")


def test_two_profiles_and_a_plugin_of_ones_own() -> None:
    plane = ControlPlane(three_nodes(), profiles=(DEFAULT_PROFILE, with_plugins(OnlyNode2())))
    plane.create(pod("mine", schedulerName="learner"), pod("nobody", schedulerName="absent"), pod("plain"))
    plane.run()
    assert plane.node_of("mine") == "node-2"
    assert plane.node_of("plain")
    assert (plane.node_of("nobody"), plane.events("nobody")) == ("", [])


def test_a_plugin_that_raises_is_an_error_of_that_pod_only() -> None:
    plane = ControlPlane(three_nodes(), profiles=(DEFAULT_PROFILE, with_plugins(Broken())))
    plane.create(pod("mine", schedulerName="learner"), pod("plain"))
    plane.run(5)
    assert plane.node_of("plain")
    assert plane.condition("mine")["reason"] == "SchedulerError"
    assert plane.events("mine") == [("FailedScheduling", 'running "Broken" filter plugin: division by zero')]


def test_points_beyond_the_scale_are_refused() -> None:
    plane = ControlPlane(three_nodes(), profiles=(with_plugins(Generous()),))
    plane.create(pod("mine", schedulerName="learner"))
    plane.run()
    sentence = 'plugin "Generous" returns an invalid score 101, it should in the range of [0, 100] after normalizing'
    assert plane.condition("mine")["message"] == f"applying score defaultWeights on Score plugins: {sentence}"


def test_a_plugin_that_raises_in_the_queue_keeps_its_pods_out() -> None:
    plane = ControlPlane(three_nodes(), profiles=(DEFAULT_PROFILE, with_plugins(Shy())))
    plane.create(pod("mine", schedulerName="learner"), pod("plain"))
    plane.run()
    assert plane.node_of("plain")
    assert plane.node_of("mine") == ""


def test_pods_that_wait_for_permission_hold_their_place() -> None:
    plane = ControlPlane([node("node-1")], profiles=(DEFAULT_PROFILE, with_plugins(Together())))
    plane.create(pod("one", cpu="400m", schedulerName="learner"))
    plane.run()
    plane.create(pod("other", cpu="700m"))
    plane.run()
    assert (plane.node_of("one"), plane.node_of("other")) == ("", "")
    assert plane.pod("one")["status"]["nominatedNodeName"] == "node-1"
    plane.create(pod("two", cpu="400m", schedulerName="learner"))
    plane.run()
    assert (plane.node_of("one"), plane.node_of("two")) == ("node-1", "node-1")


def test_and_lose_it_when_it_takes_too_long() -> None:
    plane = ControlPlane([node("node-1")], profiles=(DEFAULT_PROFILE, with_plugins(Together())))
    plane.create(pod("one", cpu="400m", schedulerName="learner"))
    plane.run(31)
    assert plane.events("one")[0] == ("FailedScheduling", "rejected due to timeout after waiting 30s at plugin Together")
    assert plane.scheduler.own.cache.pods == {}
    assert "nominatedNodeName" not in plane.pod("one")["status"]


def test_a_more_important_pod_takes_the_place_of_one_that_only_waits() -> None:
    plane = ControlPlane([node("node-1")], profiles=(DEFAULT_PROFILE, with_plugins(Together())))
    plane.create(pod("one", cpu="700m", schedulerName="learner"))
    plane.run()
    plane.create(pod("vip", cpu="700m", priority=10))
    plane.run(3)
    assert plane.node_of("vip") == "node-1"
    assert "deletionTimestamp" not in plane.pod("one")["metadata"]
    assert ("FailedScheduling", "preempted") in plane.events("one")


def test_permission_refused() -> None:
    plane = ControlPlane([node("node-1")], profiles=(with_plugins(Jealous()),))
    plane.create(pod("one", schedulerName="learner"))
    plane.run()
    assert plane.events("one") == [("FailedScheduling", "0/1 nodes are available: 1 not today.")]
