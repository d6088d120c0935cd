"""The live view's frames: small, ordered, and one patch away from each other."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from k8snb.sim.frozen import freeze
from k8snb.views import live
from k8snb.views.inspect import Closeup, card, changes
from k8snb.views.live import Moment, diff, frame, patched

from .test_flows import apply_of_web
from .world import node, pod, shop, thing


def moment(world: dict[str, Any] | None = None, **rest: Any) -> Moment:
    return Moment(
        snapshot=world or shop(),
        **{"records": apply_of_web().since(0), "find": apply_of_web().get, "now": 67_250_000, "revision": 12} | rest,
    )


def test_a_frame_says_what_stands_where_and_who_did_what() -> None:
    shown = frame(moment())
    assert shown["meta"]["clock"] == "0:01:07.250"
    assert shown["meta"]["pods"] == "1 ✖ CrashLoopBackOff, 2 ● Running"
    assert shown["nodes"]["nodes node-2"]["word"] == "NotReady"
    assert shown["pods"]["pods shop/web-5d-c"] == {
        "id": "pods shop/web-5d-c",
        "name": "shop/web-5d-c",
        "home": "nodes node-2",
        "state": "failed",
        "word": "CrashLoopBackOff",
        "ready": "0/1",
    }
    assert shown["components"]["kube-apiserver"]["word"] == "kubelet/node-1: patch pods/status shop/web-5d-a"
    assert shown["log"]["#5"]["why"] == "#4 kube-controller-manager/replicaset  shop/web-5d"
    assert shown["nodes"]["nodes node-1"]["did"] == "patch pods/status shop/web-5d-a"
    assert shown["components"]["kubelet"]["word"] == "node-1: patch pods/status shop/web-5d-a"
    assert shown["components"]["etcd"]["busy"] == 4
    assert shown["log"]["#7"]["refused"] == "409 the object has been modified"
    json.dumps(shown)


def test_one_changed_pod_is_a_patch_of_one_row() -> None:
    before = shop()
    after = before | {"pods": [*before["pods"][:2], pod("web-5d-c", None, "node-2")]}
    patch = diff(frame(moment(before)), frame(moment(freeze(after))))
    assert list(patch) == ["set", "meta"]
    assert list(patch["set"]) == ["pods"]
    assert len(json.dumps(patch)) < 300


def test_nothing_changed_is_an_empty_patch() -> None:
    assert diff(frame(moment()), frame(moment())) == {}


def test_a_stopped_component_is_seen() -> None:
    assert frame(moment(stopped=("kube-scheduler",)))["components"]["kube-scheduler"]["state"] == "failed"


def test_a_stopped_kubelet_is_seen_on_its_node() -> None:
    assert frame(moment(stopped=("kubelet/node-2",)))["nodes"]["nodes node-2"]["down"] == "kubelet stopped"


def test_unscheduled_pods_and_pods_of_a_vanished_node_keep_a_home() -> None:
    pending = thing("Pod", "late", spec={"containers": [{"name": "c"}]}, status={"phase": "Pending"})
    world = freeze({"nodes": [node("node-1")], "pods": [pending, pod("orphan", None, "node-9")]})
    assert list(frame(moment(world))["nodes"]) == ["nodes node-1", live.UNSCHEDULED, "nodes node-9"]


def test_ten_thousand_pods_on_five_hundred_nodes_stay_a_small_frame_that_shows_the_broken_ones() -> None:
    nodes = [node(f"node-{i:03}", "Unknown" if i == 499 else "True") for i in range(500)]
    crowd = [pod(f"p{i:05}", None, f"node-{i % 500:03}") for i in range(9_900)]
    crowd += [pod(f"q{i:05}", None, "node-000", "ErrImagePull" if i == 99 else "Running") for i in range(100)]
    shown = frame(moment(freeze({"nodes": nodes, "pods": crowd})))
    assert len(shown["nodes"]) == live.NODES
    assert "nodes node-499" in shown["nodes"]
    assert shown["meta"]["hidden_nodes"] == 440
    assert "pods shop/q00099" in shown["pods"]
    assert shown["nodes"]["nodes node-000"]["more"] == "… and 80 more Pods"
    assert len(json.dumps(shown)) < 250_000


def test_the_text_form_shows_nodes_with_their_pods() -> None:
    text = live.as_text(frame(moment()))
    assert text.splitlines()[0] == "0:01:07.250  revision 12  1 ✖ CrashLoopBackOff, 2 ● Running"
    assert "node-2  ✖ NotReady\n  ● shop/web-5d-b  1/1  Running\n  ✖ shop/web-5d-c  0/1  CrashLoopBackOff" in text


def test_events_are_shown_newest_last_and_warnings_are_marked() -> None:
    def event(i: int) -> dict[str, Any]:
        kind = "Warning" if i == 29 else "Normal"
        return thing("Event", f"e{i}", metadata={"resourceVersion": str(i * 7)}, type=kind, reason="BackOff", message="m")

    events = [event(i) for i in reversed(range(30))]
    shown = frame(moment(freeze({"events": events})))["events"]
    assert len(shown) == live.EVENTS
    assert list(shown)[-1] == "events shop/e29"
    assert shown["events shop/e29"]["state"] == "failed"


ids = st.lists(st.sampled_from("abcdefgh"), unique=True)
sections = st.fixed_dictionaries(dict.fromkeys(live.SECTIONS, ids))


@settings(max_examples=60, deadline=None)
@given(sections, sections, st.integers(0, 2), st.integers(0, 2))
def test_a_patch_leads_from_any_frame_to_any_other_in_order(old: dict[str, list[str]], new: dict[str, list[str]], a: int, b: int) -> None:
    def build(spec: dict[str, list[str]], mark: int) -> live.Frame:
        return {"meta": {"mark": mark}} | {name: {key: {"id": key, "v": mark} for key in keys} for name, keys in spec.items()}

    before, after = build(old, a), build(new, b)
    result = patched(before, diff(before, after))
    assert result == after
    assert [list(result[name]) for name in live.SECTIONS] == [list(after[name]) for name in live.SECTIONS]


def test_a_click_shows_yaml_without_managed_fields_and_the_last_change() -> None:
    old = freeze({"kind": "Deployment", "metadata": {"name": "web", "managedFields": [{"manager": "kubectl"}]}, "spec": {"replicas": 1}})
    new = freeze({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 3}})
    assert card("d", Closeup(new, old))["diff"] == [["", "  name: web"], ["", "spec:"], ["-", "  replicas: 1"], ["+", "  replicas: 3"]]
    assert "managedFields" not in card("d", Closeup(old))["yaml"]


def test_a_new_object_is_all_plus_and_a_deleted_one_all_minus() -> None:
    obj = freeze({"kind": "Pod"})
    assert changes(None, obj) == [("+", "kind: Pod")]
    assert changes(obj, None) == [("-", "kind: Pod")]
