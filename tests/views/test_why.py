"""Why is it so? Every state leads back to somebody's request."""

from __future__ import annotations

from k8snb.sim.trace import Record, Trace, TraceState
from k8snb.views.steps import sentence
from k8snb.views.why import DRAWN, Why

from .test_flows import apply_of_web


def test_a_pod_is_led_back_to_the_users_request() -> None:
    why = Why.of("pods shop/web-5d-a", apply_of_web().get, [5])
    assert [sentence(record) for record in why.path] == [
        "kubectl  create  deployments.apps shop/web",
        "kube-controller-manager/deployment  shop/web",
        "kube-controller-manager/deployment  create  replicasets.apps shop/web-5d",
        "kube-controller-manager/replicaset  shop/web-5d",
        "kube-controller-manager/replicaset  create  pods shop/web-5d-a",
    ]
    assert repr(why).splitlines()[-1] == "       8ms  kube-controller-manager/replicaset  create  pods shop/web-5d-a"
    assert len(why.graph.nodes) == 5


def test_where_many_causes_meet_the_story_is_the_shortest_and_the_others_are_counted() -> None:
    trace = Trace(TraceState())
    for i in range(100):  # a long chain
        trace.add(i, "note", "x", "", str(i), None, (i,) if i else ())
    trace.add(100, "request", "kubectl", "create", "pods a/b")
    trace.add(101, "reconcile", "c", "", "a/b", None, (100, 101))
    why = Why.of("pods a/b", trace.get, [102])
    assert [record.id for record in why.path] == [101, 102]
    assert "and 100 other records" in repr(why)
    assert len(why.graph.nodes) == DRAWN


def test_a_replacement_is_there_because_of_the_wish_and_because_of_the_loss() -> None:
    trace = apply_of_web()
    lost = trace.add(20_000, "request", "kubectl", "delete", "pods shop/web-5d-b", (200, "", 20))
    turn = trace.add(23_000, "reconcile", "kube-controller-manager/replicaset", "", "shop/web-5d", None, (lost,))
    made = trace.add(23_000, "request", "kube-controller-manager/replicaset", "create", "pods shop/web-5d-z", (201, "", 21), (turn,))
    story = [sentence(record) for record in Why.of("pods shop/web-5d-z", trace.get, [made, 3, 1]).path]
    assert story[0] == "kubectl  create  deployments.apps shop/web"
    assert story[-3:] == [
        "kubectl  delete  pods shop/web-5d-b",
        "kube-controller-manager/replicaset  shop/web-5d",
        "kube-controller-manager/replicaset  create  pods shop/web-5d-z",
    ]


def test_a_request_of_a_user_is_preferred_to_a_nearer_beginning() -> None:
    trace = Trace(TraceState())
    trace.add(0, "request", "kubectl", "create", "pods a/b")
    trace.add(1, "reconcile", "kube-scheduler", "", "a/b", None, (1,))
    trace.add(1, "note", "kubelet/node-1", "woke up", "")
    trace.add(2, "request", "kubelet/node-1", "patch", "pods/status a/b", None, (3, 2))
    assert [record.id for record in Why.of("pods a/b", trace.get, [4]).path] == [1, 2, 4]


def test_records_that_were_dropped_end_the_chain() -> None:
    kept = Record(900, 5, "request", "kubelet/node-1", "patch", "pods shop/a", (200, "", 1), (3, 899))
    assert Why.of("x", {900: kept}.get, [900, 0]).path == [kept]


def test_nothing_known_is_said_so() -> None:
    assert repr(Why.of("pods a/b", {}.get, [0])) == "Nothing in the trace says why pods a/b is as it is."
