"""Ownership and traffic, read out of one small shop."""

from __future__ import annotations

import pytest

from k8snb.apimachinery.objects import put
from k8snb.messages import set_language
from k8snb.sim.frozen import freeze
from k8snb.views import builders, status

from .world import node, owned_by, pod, shop, thing


def test_ownership_goes_from_the_deployment_to_the_nodes() -> None:
    assert repr(builders.ownership(shop(), "deployments.apps shop/web")).splitlines() == [
        "Who owns whom, from deployments.apps shop/web",
        "└─ Deployment web  ◌ 2/3",
        "   └─ owns → ReplicaSet web-5d  ◌ 2/3",
        "      ├─ owns → Pod web-5d-a  ● Running",
        "      │  └─ runs on ⇢ Node node-1  ● Ready",
        "      ├─ owns → Pod web-5d-b  ● Running",
        "      │  └─ runs on ⇢ Node node-2  ✖ NotReady",
        "      └─ owns → Pod web-5d-c  ✖ CrashLoopBackOff",
        "         └─ runs on ⇢ Node node-2 (↑)",
    ]


def test_without_a_root_every_owner_of_the_namespace_is_shown() -> None:
    tree = repr(builders.ownership(shop(), namespace="shop"))
    assert "Deployment web" in tree
    assert "Service web" in tree  # it owns its EndpointSlice
    assert repr(builders.ownership(shop(), namespace="elsewhere")).endswith("∅")


def test_a_pod_without_an_owner_is_a_root() -> None:
    lone = freeze({"pods": [pod("solo", None, "node-1")], "nodes": [node("node-1")]})
    assert "└─ Pod solo  ● Running" in repr(builders.ownership(lone))


def test_an_unknown_root_is_refused_by_name() -> None:
    with pytest.raises(LookupError, match=r"deployments\.apps shop/wbe"):
        builders.ownership(shop(), "deployments.apps shop/wbe")


def test_a_thousand_pods_are_counted_and_the_broken_one_is_shown() -> None:
    owner = thing("ReplicaSet", "big", spec={"replicas": 1000}, status={"readyReplicas": 999})
    pods = [pod(f"big-{i:04}", owner, "node-1", "CrashLoopBackOff" if i == 500 else "Running") for i in range(1000)]
    text = repr(builders.ownership(freeze({"replicasets.apps": [owner], "pods": pods, "nodes": [node("node-1")]})))
    assert "big-0500  ✖ CrashLoopBackOff" in text
    assert "… and 988 more Pods  988 ● Running" in text
    assert len(text.splitlines()) < 30


def test_traffic_goes_from_the_ingress_to_ready_pods_and_says_why_not() -> None:
    assert repr(builders.traffic(shop(), "web", namespace="shop")).splitlines() == [
        "Where traffic to Service shop/web goes",
        "└─ Ingress shop",
        "   └─ shop.example/ ⇒ Service web  10.96.0.10  80→8080/TCP  app=web  ● ready endpoints: 2",
        "      └─ EndpointSlice web-x7  8080/TCP",
        "         ├─ :8080 ⇒ Pod web-5d-a  10.244.0.0  ● Running",
        "         ├─ :8080 ⇒ Pod web-5d-b  10.244.0.1  ● Running",
        "         └─ not ready ✕ Pod web-5d-c  10.244.0.2  ✖ CrashLoopBackOff",
    ]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"spec.ingressClassName": None}, "no class: no controller serves it"),
        ({"spec.ingressClassName": "nginks"}, "there is no class nginks: no controller serves it"),
        ({"status": {}}, "no controller serves it yet"),
    ],
)
def test_an_ingress_that_no_controller_serves_does_not_look_like_the_others(change, word) -> None:
    world = shop()
    (ingress,) = world["ingresses.networking.k8s.io"]
    for path, value in change.items():
        ingress = put(ingress, path, value)
    shown = repr(builders.traffic({**world, "ingresses.networking.k8s.io": [ingress]}, "web", namespace="shop")).splitlines()
    assert shown[1] == f"└─ Ingress shop  ✖ {word}"
    assert shown[2].startswith("   └─ shop.example/ ✕ Service web")


def test_a_pod_that_runs_and_is_not_ready_says_so() -> None:
    waiting = put(pod("a", None, "n"), "status.conditions", [{"type": "Ready", "status": "False"}])
    assert status.pod(waiting) == ("pending", "Running, not ready")


def test_a_service_that_selects_nothing_is_seen_to_fail() -> None:
    world = {"services": [thing("Service", "api", spec={"selector": {"app": "ap1"}, "ports": [{"port": 80}]})]}
    assert "✖ ready endpoints: 0" in repr(builders.traffic(world, "api", namespace="shop"))


def test_pictures_speak_the_learners_language() -> None:
    set_language("ja")
    try:
        assert "所有 → ReplicaSet" in repr(builders.ownership(shop(), "deployments.apps shop/web"))
    finally:
        set_language("en")


@pytest.mark.parametrize(
    ("obj", "seen"),
    [
        (pod("a", None, "n"), ("ok", "Running")),
        (pod("a", None, "n", "ContainerCreating"), ("pending", "ContainerCreating")),
        (pod("a", None, "n", "ErrImagePull"), ("failed", "ErrImagePull")),
        (pod("a", None, "n") | {"status": {"phase": "Succeeded"}}, ("done", "Succeeded")),
        (pod("a", None, "n") | {"status": {"phase": "Pending"}}, ("pending", "Pending")),
        (thing("Pod", "a", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}, status={"phase": "Running"}), ("ending", "Terminating")),
        (thing("Pod", "a", status={"phase": "Failed", "reason": "Evicted"}), ("failed", "Evicted")),
    ],
)
def test_the_word_of_a_pod_is_what_kubectl_prints(obj: dict[str, object], seen: tuple[str, str]) -> None:
    assert status.look("pods", freeze(obj)) == seen


def test_a_cordoned_node_says_so() -> None:
    cordoned = freeze(node("n") | {"spec": {"unschedulable": True}})
    assert status.look("nodes", cordoned) == ("pending", "Ready,SchedulingDisabled")


def test_owners_are_found_by_uid_and_not_by_name() -> None:
    first = thing("Deployment", "web", spec={"replicas": 0})
    second = {**first, "metadata": {**first["metadata"], "uid": "uid-of-a-later-one"}}
    child = thing("ReplicaSet", "web-1", metadata={"ownerReferences": owned_by(first)})
    text = repr(builders.ownership({"deployments.apps": [second], "replicasets.apps": [child]}, "deployments.apps shop/web"))
    assert "ReplicaSet" not in text
