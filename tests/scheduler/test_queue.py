"""The scheduling queue: order, back-off, gates, and what wakes a pod."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apimachinery.objects import FrozenDict, drop, put
from k8snb.scheduler.cluster_event import ADD, ASSIGNED_POD, DELETE, NODE, UPDATE_ALLOCATABLE, UPDATE_TAINT, Change, node_actions
from k8snb.scheduler.framework import Framework
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.plugins import DEFAULT_PROFILE
from k8snb.scheduler.podinfo import pod_info
from k8snb.scheduler.queue import ACTIVE, BACKOFF, ERROR_BACKOFF, GATED, UNSCHEDULABLE, QueuedPod, QueueState, SchedulingQueue
from k8snb.sim.clock import MINUTE, SECOND
from k8snb.sim.state import clone, decode, encode
from tests.scheduler.world import UNTOLERATED, World, anti_affinity, node, pod, spread


class Line:
    """A queue and its clock. ``timers`` collects what the queue wanted to be reminded of."""

    def __init__(self) -> None:
        self.world = World([])
        self.timers: list[tuple[int, str]] = []
        frameworks = {"default-scheduler": Framework(DEFAULT_PROFILE)}
        self.queue = SchedulingQueue(QueueState(), frameworks, self.world, self._placed)

    def _placed(self, entry: QueuedPod) -> None:
        due = self.queue.next_time(entry)
        if due is not None:
            self.timers.append((due, entry.key))

    def at(self, time: int) -> Line:
        self.world.now = time
        return self

    def pop(self) -> str:
        entry = self.queue.pop()
        return entry.key.removeprefix("default/") if entry else ""

    def where(self, name: str) -> str:
        place: str = self.queue.state.pods[f"default/{name}"].where
        return place

    def fail(self, name: str, *plugins: str) -> None:
        """One attempt that these plugins ended (none: an error)."""
        assert self.pop() == name
        self.queue.failed(f"default/{name}", plugins, ())


@pytest.fixture
def line() -> Line:
    return Line()


def test_higher_priority_first_then_first_come_first_served(line: Line) -> None:
    for time, item in enumerate([pod("one"), pod("two"), pod("vip", priority=10), pod("three")]):
        line.at(time).queue.add(item)
    assert [line.pop() for _ in range(5)] == ["vip", "one", "two", "three", ""]


def test_a_gated_pod_waits_until_all_gates_are_gone(line: Line) -> None:
    gated = pod("gated", schedulingGates=[{"name": "quota"}, {"name": "review"}])
    line.queue.add(gated)
    assert (line.where("gated"), line.pop()) == (GATED, "")
    half = put(gated, "spec.schedulingGates", [{"name": "review"}])
    line.queue.update(gated, half)
    assert line.where("gated") == GATED
    line.queue.update(half, drop(half, "spec.schedulingGates"))
    assert line.pop() == "gated"


def test_a_failed_pod_waits_for_an_event_that_its_plugins_care_about(line: Line) -> None:
    line.queue.add(pod("web", cpu="500m"))
    line.fail("web", "NodeResourcesFit")
    line.queue.move(Change("PersistentVolume", ADD, None, node("x")))
    assert line.where("web") == UNSCHEDULABLE
    line.queue.move(Change(ASSIGNED_POD, DELETE, old=pod("other", on="a")))
    assert line.where("web") == BACKOFF


def _node_event(action: str, old: FrozenDict | None, new: FrozenDict) -> Change:
    return Change(NODE, action, old, new, NodeInfo(new["metadata"]["name"]).with_node(new))


SMALL, LARGE, TAINTED = node("n", cpu="100m"), node("n", cpu="2"), node("n", taints=[UNTOLERATED])


@pytest.mark.parametrize(
    ("plugin", "change", "helps"),
    [
        ("NodeResourcesFit", _node_event(ADD, None, SMALL), False),
        ("NodeResourcesFit", _node_event(ADD, None, LARGE), True),
        ("NodeResourcesFit", _node_event(UPDATE_ALLOCATABLE, SMALL, LARGE), True),
        ("TaintToleration", _node_event(ADD, None, TAINTED), False),
        ("TaintToleration", _node_event(UPDATE_TAINT, TAINTED, LARGE), True),
        ("TaintToleration", _node_event(UPDATE_TAINT, LARGE, LARGE), False),
        ("NodeUnschedulable", _node_event(ADD, None, node("n", unschedulable=True)), False),
        ("NodeUnschedulable", _node_event(UPDATE_TAINT, node("n", unschedulable=True), LARGE), True),
        ("NodeAffinity", _node_event(ADD, None, LARGE), False),
        ("NodeAffinity", _node_event(ADD, None, node("n", labels={"disk": "ssd"})), True),
        ("NodePorts", Change(ASSIGNED_POD, DELETE, old=pod("x", on="n")), False),
        ("NodePorts", Change(ASSIGNED_POD, DELETE, old=pod("x", on="n", ports=[80])), True),
        ("InterPodAffinity", Change(ASSIGNED_POD, DELETE, old=pod("x", on="n")), False),
        ("InterPodAffinity", Change(ASSIGNED_POD, DELETE, old=pod("x", on="n", labels={"app": "web"})), True),
        ("PodTopologySpread", Change(ASSIGNED_POD, ADD, new=pod("x", on="n")), False),
        ("PodTopologySpread", Change(ASSIGNED_POD, ADD, new=pod("x", on="n", labels={"app": "web"})), True),
        ("VolumeBinding", Change("PersistentVolumeClaim", "Update", SMALL, SMALL), True),
    ],
)
def test_hints(line: Line, plugin: str, change: Change, helps: bool) -> None:
    wishes: dict[str, Any] = {"affinity": anti_affinity("web"), "topologySpreadConstraints": spread("web", "kubernetes.io/hostname")}
    line.queue.add(pod("web", cpu="500m", ports=[80], nodeSelector={"disk": "ssd"}, **wishes))
    line.fail("web", plugin)
    line.queue.move(change)
    assert (line.where("web") != UNSCHEDULABLE) is helps


def test_a_heartbeat_of_a_node_is_no_event() -> None:
    heartbeat = put(LARGE, "metadata.annotations", {})
    assert node_actions(LARGE, put(heartbeat, "metadata.annotations", None)) == []
    assert node_actions(SMALL, LARGE) == [UPDATE_ALLOCATABLE]


def test_back_off_doubles_from_one_second_to_ten_and_ends_with_the_second(line: Line) -> None:
    line.queue.add(pod("web"))
    ends = []
    for attempt in range(6):
        line.at(attempt * MINUTE + 3 * SECOND // 10).fail("web")  # at 0.3 s: it may come back from 1.3 s on, that is at 2 s
        ends.append(line.queue.backoff_until(line.queue.state.pods["default/web"]) - attempt * MINUTE)
        line.at(attempt * MINUTE + ends[-1] - 1).queue.due("default/web")
        assert line.where("web") == ERROR_BACKOFF
        line.at(attempt * MINUTE + ends[-1]).queue.due("default/web")
    assert ends == [2 * SECOND, 3 * SECOND, 5 * SECOND, 9 * SECOND, 11 * SECOND, 11 * SECOND]


def test_back_offs_that_end_within_one_second_end_in_the_order_of_priority(line: Line) -> None:
    for time, item in enumerate([pod("low"), pod("high", priority=5)]):
        line.at(time).queue.add(item)
        line.fail(pod_info(item).name, "NodeResourcesFit")
    line.queue.move(Change(ASSIGNED_POD, DELETE, old=pod("x", on="n")))
    assert (line.where("low"), line.where("high")) == (BACKOFF, BACKOFF)
    assert [line.pop(), line.pop()] == ["high", "low"]


def test_an_error_is_waited_out_but_a_rejected_pod_is_taken_early_when_nothing_else_is_to_do(line: Line) -> None:
    line.queue.add(pod("unlucky"))
    line.fail("unlucky")
    assert (line.where("unlucky"), line.pop()) == (ERROR_BACKOFF, "")
    line.queue.add(pod("rejected"))
    line.fail("rejected", "NodeResourcesFit")
    line.queue.move(Change(ASSIGNED_POD, DELETE, old=pod("x", on="n")))
    line.queue.add(pod("fresh"))
    assert [line.pop(), line.pop()] == ["fresh", "rejected"]


def test_after_five_minutes_it_is_tried_again_whatever_happened(line: Line) -> None:
    line.queue.add(pod("web"))
    line.fail("web", "NodeAffinity")
    assert line.timers == [(5 * MINUTE, "default/web")]
    line.at(5 * MINUTE - 1).queue.due("default/web")
    assert line.where("web") == UNSCHEDULABLE
    line.at(5 * MINUTE).queue.due("default/web")
    assert line.where("web") == ACTIVE


def test_somebody_looks_for_those_five_minutes_only_every_thirty_seconds(line: Line) -> None:
    line.at(7 * SECOND).queue.add(pod("web"))
    line.fail("web", "NodeAffinity")
    assert line.timers == [(5 * MINUTE + 30 * SECOND, "default/web")]


def test_a_toleration_that_the_pod_gets_wakes_it(line: Line) -> None:
    before = pod("web")
    line.queue.add(before)
    line.fail("web", "TaintToleration")
    line.queue.update(before, put(before, "metadata.annotations", {"a": "b"}))
    assert line.where("web") == UNSCHEDULABLE
    line.queue.update(before, put(before, "spec.tolerations", [{"operator": "Exists"}]))
    assert line.where("web") == BACKOFF


def test_a_pod_that_is_deleted_is_forgotten(line: Line) -> None:
    line.queue.add(pod("web"))
    line.queue.delete("default/web")
    assert line.pop() == ""


def test_the_queue_is_a_value_that_can_be_copied_and_saved(line: Line) -> None:
    line.queue.add(pod("a"))
    line.queue.add(pod("b"))
    line.fail("a", "NodeResourcesFit")
    state = line.queue.state
    assert decode(encode(state)) == state
    copy = clone(state)
    line.pop()
    assert copy != state
