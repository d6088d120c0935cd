"""Patches: what they change, what they leave, in whose words they are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import freeze
from k8snb.apimachinery.patch import apply_json_patch, apply_merge_patch, apply_strategic_merge_patch
from k8snb.apimachinery.patch_diff import three_way_merge_patch, three_way_strategic_patch, two_way_merge_patch, two_way_strategic_patch
from k8snb.apimachinery.schema import Type
from k8snb.resources.schema import type_of


def kind(name: str, group: str = "") -> Type:
    found = type_of(group, "v1", name)
    assert found is not None
    return found


POD, DEPLOYMENT = kind("Pod"), kind("Deployment", "apps")
WEB, LOG = {"name": "web", "image": "nginx:1"}, {"name": "log", "image": "busybox"}
TWO = freeze({"metadata": {"name": "web"}, "spec": {"containers": [WEB, LOG]}})


def containers(patch: list[Any], pod: Any = TWO) -> list[Any]:
    found: list[Any] = apply_strategic_merge_patch(pod, {"spec": {"containers": patch}}, POD)["spec"]["containers"]
    return found


def test_a_strategic_patch_merges_containers_by_name_and_keeps_their_order() -> None:
    assert containers([{"name": "log", "image": "busybox:2"}]) == [WEB, LOG | {"image": "busybox:2"}]
    assert [c["name"] for c in containers([{"name": "new"}])] == ["new", "web", "log"]


def test_a_container_is_deleted_by_its_name() -> None:
    assert containers([{"$patch": "delete", "name": "web"}]) == [{"name": "log", "image": "busybox"}]


def test_a_list_and_a_map_can_be_replaced_as_a_whole() -> None:
    assert containers([{"$patch": "replace"}, {"name": "one"}]) == [{"name": "one"}]
    patched = apply_strategic_merge_patch(TWO, {"spec": {"$patch": "replace", "nodeName": "n"}}, POD)
    assert patched["spec"] == {"nodeName": "n"}


def test_an_item_without_its_merge_key_is_refused() -> None:
    with pytest.raises(ApiError, match=r"map: map\[image:nginx\] does not contain declared merge key: name"):
        containers([{"image": "nginx"}])


def test_retain_keys_clears_what_it_does_not_name() -> None:
    rolling = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert apply_strategic_merge_patch(rolling, patch, DEPLOYMENT)["spec"]["strategy"] == {"type": "Recreate"}
    with pytest.raises(ApiError, match="invalid patch format of retainKeys"):
        apply_strategic_merge_patch(rolling, {"spec": {"strategy": {"$retainKeys": [], "type": "Recreate"}}}, DEPLOYMENT)


def test_finalizers_merge_as_a_set_and_are_deleted_by_value() -> None:
    pod = {"metadata": {"finalizers": ["a", "b"]}}
    assert apply_strategic_merge_patch(pod, {"metadata": {"finalizers": ["c"]}}, POD)["metadata"]["finalizers"] == ["c", "a", "b"]
    gone = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}
    assert apply_strategic_merge_patch(pod, gone, POD)["metadata"]["finalizers"] == ["b"]


def test_the_order_of_elements_can_be_set() -> None:
    patch = {"spec": {"$setElementOrder/containers": [{"name": "log"}, {"name": "web"}]}}
    assert [c["name"] for c in apply_strategic_merge_patch(TWO, patch, POD)["spec"]["containers"]] == ["log", "web"]


def test_a_patch_without_effect_gives_the_object_itself() -> None:
    assert apply_strategic_merge_patch(TWO, {"spec": {"containers": [{"name": "web", "image": "nginx:1"}]}}, POD) is TWO
    patched = apply_strategic_merge_patch(TWO, {"metadata": {"labels": {"a": "b"}}}, POD)
    assert patched["spec"] is TWO["spec"]


def test_nulls_in_a_new_part_of_a_strategic_patch_vanish() -> None:
    patch = {"spec": {"securityContext": {"runAsUser": 1, "fsGroup": None}}}
    assert apply_strategic_merge_patch(TWO, patch, POD)["spec"]["securityContext"] == {"runAsUser": 1}


@pytest.mark.parametrize(
    ("operations", "result"),
    [
        ([{"op": "add", "path": "/a/-", "value": 3}], {"a": [1, 2, 3], "b": {"c/d": 1}}),
        ([{"op": "add", "path": "/a/0", "value": 0}], {"a": [0, 1, 2], "b": {"c/d": 1}}),
        ([{"op": "remove", "path": "/a/0"}], {"a": [2], "b": {"c/d": 1}}),
        ([{"op": "replace", "path": "/b/c~1d", "value": 2}], {"a": [1, 2], "b": {"c/d": 2}}),
        ([{"op": "move", "from": "/a/1", "path": "/x"}], {"a": [1], "b": {"c/d": 1}, "x": 2}),
        ([{"op": "copy", "from": "/b", "path": "/x"}], {"a": [1, 2], "b": {"c/d": 1}, "x": {"c/d": 1}}),
        ([{"op": "test", "path": "/a/1", "value": 2}, {"op": "remove", "path": "/b"}], {"a": [1, 2]}),
        ([{"op": "test", "path": "/none", "value": None}], {"a": [1, 2], "b": {"c/d": 1}}),
    ],
)
def test_json_patch_operations(operations: list[Any], result: Any) -> None:
    assert apply_json_patch({"a": [1, 2], "b": {"c/d": 1}}, operations) == result


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a/0", "value": 2},
        {"op": "test", "path": "/a/0", "value": True},
        {"op": "remove", "path": "/none"},
        {"op": "replace", "path": "/none", "value": 1},
        {"op": "add", "path": "/none/x", "value": 1},
        {"op": "add", "path": "/a/9", "value": 1},
        {"op": "sing", "path": "/a"},
        {"op": "add"},
        "x",
    ],
)
def test_a_json_patch_that_does_not_fit_is_rejected_without_a_reason(operation: Any) -> None:
    with pytest.raises(ApiError) as refused:
        apply_json_patch({"a": [1]}, [operation])
    assert (refused.value.code, refused.value.reason) == (422, "Invalid")
    assert refused.value.message == "the server rejected our request due to an error in our request"


def test_a_json_patch_is_a_list() -> None:
    with pytest.raises(ApiError, match=r"json: cannot unmarshal object into Go value of type jsonpatch\.Patch"):
        apply_json_patch({}, {"op": "add"})


def test_apply_sets_what_changed_removes_what_it_set_before_and_leaves_the_rest() -> None:
    a, b, sidecar = {"name": "a", "image": "x"}, {"name": "b", "image": "x"}, {"name": "sidecar", "image": "s"}
    original = {"spec": {"replicas": 1, "template": {"spec": {"containers": [a, b]}}}}
    modified = {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "y"}]}}}}
    current = {"spec": {"replicas": 5, "paused": True, "template": {"spec": {"containers": [a, b, sidecar]}}}}
    patch = three_way_strategic_patch(original, modified, current, DEPLOYMENT)
    assert patch == {
        "spec": {
            "replicas": None,
            "template": {
                "spec": {
                    "$setElementOrder/containers": [{"name": "a"}],
                    "containers": [{"name": "a", "image": "y"}, {"$patch": "delete", "name": "b"}],
                }
            },
        }
    }
    applied = apply_strategic_merge_patch(current, patch, DEPLOYMENT)
    assert applied == {"spec": {"paused": True, "template": {"spec": {"containers": [{"name": "a", "image": "y"}, sidecar]}}}}


def test_a_change_of_strategy_clears_the_other_one() -> None:
    old = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    new = {"spec": {"strategy": {"type": "Recreate"}}}
    patch = three_way_strategic_patch(None, new, old, DEPLOYMENT)
    assert patch == {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert apply_strategic_merge_patch(old, patch, DEPLOYMENT) == new


def test_what_equals_needs_no_patch() -> None:
    assert two_way_strategic_patch(TWO, TWO, POD) == {}
    assert three_way_merge_patch({"a": 1}, {"a": 1}, {"a": 1, "b": 2}) == {}


NAMES = st.sampled_from("abcdef")
SCALARS = st.one_of(st.integers(0, 5), st.sampled_from(["", "x", "y"]), st.booleans())
LABELS = st.dictionaries(NAMES, st.sampled_from("xyz"), max_size=4)
ENV = st.fixed_dictionaries({"name": NAMES}, optional={"value": st.sampled_from("xy")})
CONTAINER = st.fixed_dictionaries(
    {"name": NAMES, "image": st.sampled_from("pqr")},
    optional={"args": st.lists(NAMES, max_size=3), "env": st.lists(ENV, max_size=4, unique_by=lambda e: e["name"])},
)
CONTAINERS = st.lists(CONTAINER, max_size=4, unique_by=lambda c: c["name"])
METADATA = st.fixed_dictionaries({}, optional={"labels": LABELS, "finalizers": st.lists(NAMES, unique=True, max_size=3)})
SPECS = st.fixed_dictionaries({"containers": CONTAINERS}, optional={"nodeName": NAMES})
PODS = st.fixed_dictionaries({"metadata": METADATA}, optional={"spec": SPECS})
JSON = st.recursive(SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)), max_leaves=12)
DOCUMENTS = st.dictionaries(NAMES, JSON, max_size=4)


@given(PODS, PODS)
def test_a_two_way_patch_makes_the_new_of_the_old(old: Any, new: Any) -> None:
    assert apply_strategic_merge_patch(old, two_way_strategic_patch(old, new, POD), POD) == new


@given(PODS, PODS)
def test_applying_when_nobody_else_changed_anything_gives_the_manifest(original: Any, modified: Any) -> None:
    patch = three_way_strategic_patch(original, modified, original, POD)
    assert apply_strategic_merge_patch(original, patch, POD) == modified


@given(PODS, PODS, PODS)
def test_applying_gives_every_value_of_the_manifest_and_applying_again_changes_nothing(original: Any, modified: Any, current: Any) -> None:
    once = apply_strategic_merge_patch(current, three_way_strategic_patch(original, modified, current, POD), POD)
    for key, value in modified["metadata"].get("labels", {}).items():
        assert once["metadata"]["labels"][key] == value
    live = {container["name"]: container for container in once.get("spec", {}).get("containers", [])}
    for container in modified.get("spec", {}).get("containers", []):
        assert live[container["name"]]["image"] == container["image"]
    assert apply_strategic_merge_patch(once, three_way_strategic_patch(modified, modified, once, POD), POD) == once


@given(DOCUMENTS, DOCUMENTS)
def test_a_merge_patch_makes_the_new_of_the_old(old: Any, new: Any) -> None:
    assert apply_merge_patch(old, two_way_merge_patch(old, new)) == new


@given(DOCUMENTS, DOCUMENTS)
def test_a_merge_patch_is_what_the_rfc_says(target: Any, patch: Any) -> None:
    def rfc7386(target: Any, patch: Any) -> Any:
        if not isinstance(patch, dict):
            return patch
        result = dict(target) if isinstance(target, dict) else {}
        for name, value in patch.items():
            if value is None:
                result.pop(name, None)
            else:
                result[name] = rfc7386(result.get(name), value)
        return result

    assert apply_merge_patch(target, patch) == rfc7386(target, patch)
