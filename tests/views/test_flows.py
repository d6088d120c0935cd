"""Who talked to whom, and what led to what, read out of a handful of trace records."""

from __future__ import annotations

import pytest

from k8snb.sim.trace import Trace, TraceState
from k8snb.views import flows

from .world import node


def apply_of_web() -> Trace:
    trace = Trace(TraceState())
    asked = trace.add(0, "request", "kubectl", "create", "deployments.apps shop/web", (201, "", 10))
    turn = trace.add(3_000, "reconcile", "kube-controller-manager/deployment", "", "shop/web", None, (asked,))
    trace.add(4_000, "request", "kube-controller-manager/deployment", "create", "replicasets.apps shop/web-5d", (201, "", 11), (turn,))
    turn = trace.add(7_000, "reconcile", "kube-controller-manager/replicaset", "", "shop/web-5d", None, (3,))
    for name in "ab":
        trace.add(8_000, "request", "kube-controller-manager/replicaset", "create", f"pods shop/web-5d-{name}", (201, "", 12), (turn,))
    trace.add(9_000, "request", "kubelet/node-1", "patch", "pods/status shop/web-5d-a", (409, "the object has been modified", 12), (5,))
    return trace


def test_everybody_talks_to_the_api_server_and_only_it_to_etcd() -> None:
    graph = flows.components({"nodes": [node("node-1"), node("node-2")]}, apply_of_web().since(0), stopped=["kube-scheduler"])
    assert {edge.target for edge in graph.edges if edge.source != flows.API} == {flows.API}
    assert [(edge.source, edge.label) for edge in graph.edges if edge.target == flows.ETCD] == [(flows.API, "4 writes")]
    said = {edge.source: edge.label for edge in graph.edges}
    assert said[flows.MANAGER] == "create pods ×2\ncreate replicasets.apps"
    assert said["kubelet/node-1"] == "patch pods/status"
    assert "kube-scheduler  ✖ stopped" in repr(graph)


def test_a_report_about_a_node_comes_from_the_kubelet_of_that_node_also_without_a_cause() -> None:
    trace = Trace(TraceState())
    trace.add(0, "request", "kubelet", "update", "nodes/status node-2", (200, "", 7))
    graph = flows.components({"nodes": [node("node-1"), node("node-2")]}, trace.since(0))
    assert {edge.source: edge.label for edge in graph.edges}["kubelet/node-2"] == "update nodes/status"
    assert "kubelet" not in {box.id for box in graph.nodes}


def test_what_is_only_answered_is_no_write() -> None:
    trace = apply_of_web()
    trace.add(10_000, "request", "kubelet/node-1", "create", "serviceaccounts/token shop/default", (201, "", 12), (5,))
    trace.add(11_000, "request", "kubectl", "create", "selfsubjectaccessreviews.authorization.k8s.io ", (201, "", 12))
    graph = flows.components({"nodes": [node("node-1")]}, trace.since(0))
    assert [edge.label for edge in graph.edges if edge.target == flows.ETCD] == ["4 writes"]


def test_the_part_that_is_meant_is_set_off_in_the_picture_and_in_words() -> None:
    nodes = {"nodes": [node("node-1"), node("node-2")]}
    graph = flows.components(nodes, [], lit="kubelet")
    assert [box.id for box in graph.nodes if box.lit] == ["kubelet/node-1", "kubelet/node-2"]
    assert repr(graph).count("◀") == graph.svg.count(' lit"') == 2
    assert [box.id for box in flows.components(nodes, [], lit="kubelet/node-2").nodes if box.lit] == ["kubelet/node-2"]
    with pytest.raises(LookupError, match="nothing called kublet"):
        flows.components(nodes, [], lit="kublet")


def test_fifty_kubelets_are_counted() -> None:
    graph = flows.components({"nodes": [node(f"node-{i}") for i in range(50)]}, [])
    assert "… and 42 more kubelets" in repr(graph)


def test_a_refused_request_is_marked() -> None:
    assert "✖ 409 the object has been modified" in repr(flows.causes(apply_of_web().since(0), "why?"))


def test_the_window_of_a_node_component_is_its_node() -> None:
    assert flows.component("kubelet/node-1/pods") == "kubelet/node-1"
    assert flows.component("kube-controller-manager/deployment") == "kube-controller-manager"


def test_what_is_said_again_is_told_once_with_a_number() -> None:
    trace = Trace(TraceState())
    trace.add(0, "request", "kube-scheduler", "create", "pods/binding shop/a")
    for i in range(4):
        trace.add(10 + i, "reconcile", "kubelet/node-1", "", "shop/a", None, (1 + i,))
    trace.add(20, "request", "kubelet", "update", "pods/status shop/a", None, (5,))
    graph = flows.causes(trace.since(0), "why?")
    assert [node.label[1] for node in graph.nodes] == ["create pods/binding shop/a", "shop/a ×4", "update pods/status shop/a"]
    assert [(edge.source, edge.target) for edge in graph.edges] == [("#1", "#2"), ("#2", "#6")]
