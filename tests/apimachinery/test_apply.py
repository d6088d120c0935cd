"""Field ownership and server-side apply: who owns what, who may change it, and what goes when its owner lets go."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.apimachinery.apply import LAST_APPLIED, Applied, entries_of_update, server_side_apply, track_update
from k8snb.apimachinery.decode import decode
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.fieldset import compare, difference, field_set, intersection, paths, union
from k8snb.apimachinery.objects import EMPTY_LIST, freeze, merge, put
from k8snb.apimachinery.schema import Type
from k8snb.resources.schema import type_of

MINUTE = 60_000_000
NO_NAME = "\"name\" (and doesn't have default value)"
CONTAINERS = ".spec.template.spec.containers"


def kind(name: str, group: str = "") -> Type:
    found = type_of(group, "v1", name)
    assert found is not None
    return found


POD, DEPLOYMENT, SERVICE = kind("Pod"), kind("Deployment", "apps"), kind("Service")


def apply(
    live: Any, config: Any, manager: str, *, entries: Any = None, force: bool = False, type_: Type = DEPLOYMENT, at: int = 0
) -> Applied:
    whole = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": "s"}} | config
    done = server_side_apply(
        live, whole, entries=entries, manager=manager, api_version="apps/v1", time=at * MINUTE, schema=type_, force=force
    )
    return Applied(decode(type_, done.object).value, done.entries)


def deployment(
    *, replicas: int | None = None, image: str = "", env: dict[str, str] | None = None, labels: dict[str, str] | None = None
) -> Any:
    container: dict[str, Any] = {"name": "main"}
    if image:
        container["image"] = image
    if env:
        container["env"] = [{"name": name, "value": value} for name, value in env.items()]
    spec: dict[str, Any] = {"template": {"spec": {"containers": [container]}}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"spec": spec, "metadata": {"name": "app", "namespace": "s"} | ({"labels": labels} if labels else {})}


def test_two_appliers_conflict_and_the_server_says_over_what() -> None:
    alice = apply(None, deployment(replicas=1, image="nginx:1.26"), "alice")
    with pytest.raises(ApiError) as refused:
        apply(alice.object, deployment(replicas=3, image="nginx:1.27"), "bob", entries=alice.entries)
    assert (refused.value.code, refused.value.reason) == (409, "Conflict")
    assert refused.value.message == (
        'Apply failed with 2 conflicts: conflicts with "alice":\n- .spec.replicas\n- .spec.template.spec.containers[name="main"].image'
    )
    assert refused.value.details == {
        "causes": [
            {"reason": "FieldManagerConflict", "message": 'conflict with "alice"', "field": ".spec.replicas"},
            {"reason": "FieldManagerConflict", "message": 'conflict with "alice"', "field": f'{CONTAINERS}[name="main"].image'},
        ]
    }


def test_a_conflict_with_an_update_names_version_and_subresource() -> None:
    alice = apply(None, deployment(replicas=2), "alice")
    scaled = put(alice.object, "spec.replicas", 1)
    entries = track_update(
        alice.object,
        scaled,
        entries=alice.entries,
        manager="kubectl",
        api_version="apps/v1",
        time=MINUTE,
        schema=DEPLOYMENT,
        subresource="scale",
    )
    with pytest.raises(ApiError) as refused:
        apply(scaled, deployment(replicas=2), "alice", entries=entries)
    scale = 'conflict with "kubectl" with subresource "scale" using apps/v1'
    assert refused.value.message == f"Apply failed with 1 conflict: {scale}: .spec.replicas"


def test_force_takes_fields_over() -> None:
    alice = apply(None, deployment(replicas=1, env={"A": "alice"}), "alice")
    bob = apply(alice.object, deployment(replicas=2, env={"B": "bob"}), "bob", entries=alice.entries, force=True, at=1)
    assert [(e["manager"], e["operation"]) for e in bob.entries] == [("alice", "Apply"), ("bob", "Apply")]
    assert bob.object["spec"]["replicas"] == 2
    assert [e["name"] for e in bob.object["spec"]["template"]["spec"]["containers"][0]["env"]] == ["A", "B"]
    assert ".spec.replicas" not in list(paths(bob.entries[0]["fieldsV1"]))


def test_what_its_only_owner_stops_applying_goes() -> None:
    alice = apply(None, deployment(replicas=1, env={"A": "alice"}, labels={"by": "alice"}), "alice")
    bob = apply(alice.object, deployment(replicas=2, env={"B": "bob"}), "bob", entries=alice.entries, force=True)
    less = apply(bob.object, deployment(image="nginx"), "alice", entries=bob.entries)
    assert "labels" not in less.object["metadata"]
    assert less.object["spec"]["replicas"] == 2
    container = less.object["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "B", "value": "bob"}]
    assert container["image"] == "nginx"


def test_shared_fields_stay_until_the_last_owner_lets_go() -> None:
    alice = apply(None, deployment(replicas=1), "alice")
    bob = apply(alice.object, deployment(replicas=1), "bob", entries=alice.entries)
    without = apply(bob.object, deployment(), "alice", entries=bob.entries)
    assert without.object["spec"]["replicas"] == 1
    nobody = apply(without.object, deployment(), "bob", entries=without.entries)
    assert "replicas" not in nobody.object["spec"]


def test_what_an_update_owns_survives_in_a_map_that_an_applier_gives_up() -> None:
    alice = apply(None, deployment(labels={"by": "alice"}), "alice")
    labelled = put(alice.object, "metadata.labels.x", "y")
    entries = track_update(
        alice.object, labelled, entries=alice.entries, manager="kubectl-label", api_version="apps/v1", time=MINUTE, schema=DEPLOYMENT
    )
    assert apply(labelled, deployment(), "alice", entries=entries).object["metadata"]["labels"] == {"x": "y"}


def client_side_applied(**fields: Any) -> tuple[Any, Any]:
    config = deployment(**fields)
    said = json.dumps({"apiVersion": "apps/v1", "kind": "Deployment"} | config)
    live = decode(DEPLOYMENT, put(config, ("metadata", "annotations", LAST_APPLIED), said)).value
    entries = track_update(
        None, live, entries=EMPTY_LIST, manager="kubectl-client-side-apply", api_version="apps/v1", time=0, schema=DEPLOYMENT
    )
    return live, entries


def test_kubectl_may_take_over_what_it_applied_from_the_client_side() -> None:
    live, entries = client_side_applied(replicas=1, image="nginx:1")
    done = apply(live, deployment(replicas=2, image="nginx:2"), "kubectl", entries=entries)
    assert done.object["spec"]["replicas"] == 2
    assert json.loads(done.object["metadata"]["annotations"][LAST_APPLIED])["spec"]["replicas"] == 2
    with pytest.raises(ApiError, match="Apply failed with 2 conflicts"):
        apply(live, deployment(replicas=2, image="nginx:2"), "somebody", entries=entries)


def test_kubectl_may_not_take_over_what_somebody_else_changed_since() -> None:
    live, entries = client_side_applied(replicas=1, image="nginx:1")
    changed = put(live, "spec.replicas", 5)
    entries = track_update(live, changed, entries=entries, manager="hpa", api_version="apps/v1", time=0, schema=DEPLOYMENT)
    with pytest.raises(ApiError) as refused:
        apply(changed, deployment(replicas=2, image="nginx:2"), "kubectl", entries=entries)
    assert refused.value.message == 'Apply failed with 1 conflict: conflict with "hpa" using apps/v1: .spec.replicas'


def test_applying_the_same_again_changes_nothing_not_even_the_time() -> None:
    alice = apply(None, deployment(replicas=1, image="nginx"), "alice")
    again = apply(alice.object, deployment(replicas=1, image="nginx"), "alice", entries=alice.entries, at=5)
    assert again.object is alice.object
    assert again.entries == alice.entries


def test_what_was_there_before_the_first_apply_has_an_owner_too() -> None:
    live = decode(DEPLOYMENT, deployment(replicas=3)).value
    with pytest.raises(ApiError, match=r'conflict with "before-first-apply" using apps/v1: \.spec\.replicas'):
        apply(live, deployment(replicas=1), "alice")


def test_an_atomic_map_is_replaced_and_a_granular_one_merged() -> None:
    def labelled(selector: dict[str, str], labels: dict[str, str]) -> Any:
        return {"spec": {"selector": {"matchLabels": selector}}, "metadata": {"name": "app", "labels": labels}}

    one = apply(None, labelled({"a": "1"}, {"a": "1"}), "one")
    two = apply(one.object, labelled({"b": "2"}, {"b": "2"}), "two", entries=one.entries, force=True)
    assert two.object["spec"]["selector"] == {"matchLabels": {"b": "2"}}
    assert two.object["metadata"]["labels"] == {"a": "1", "b": "2"}
    nothing = {"spec": {"selector": {}}, "metadata": {"name": "app", "labels": {}}}
    empty = apply(two.object, nothing, "three", entries=two.entries, force=True)
    assert empty.object["spec"]["selector"] == {}
    assert empty.object["metadata"]["labels"] == {"a": "1", "b": "2"}


def test_ports_are_told_apart_by_number_and_protocol_tcp_by_default() -> None:
    service = {"kind": "Service", "apiVersion": "v1", "spec": {"ports": [{"port": 53}, {"port": 53, "protocol": "UDP"}]}}
    fields = field_set(SERVICE, freeze(service))
    assert list(fields["f:spec"]["f:ports"]) == ['k:{"port":53,"protocol":"TCP"}', 'k:{"port":53,"protocol":"UDP"}']
    assert next(iter(paths(fields["f:spec"]))) == '.ports[port=53,protocol="TCP"]'


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"replicas": "3"}, ".spec.replicas: expected numeric (int or float), got string"),
        ({"foo": 1}, ".spec.foo: field not declared in schema"),
        (
            {"template": {"spec": {"containers": [{"image": "x"}]}}},
            f"{CONTAINERS}: element 0: associative list with keys has an element that omits key field {NO_NAME}",
        ),
        ({"template": {"spec": {"containers": [{"name": "a"}, {"name": "a"}]}}}, f'{CONTAINERS}: duplicate entries for key [name="a"]'),
    ],
)  # fmt: skip
def test_a_configuration_that_does_not_fit_is_refused(spec: Any, complaint: str) -> None:
    with pytest.raises(ApiError) as refused:
        apply(None, {"spec": spec}, "alice")
    assert refused.value.message == f"failed to create typed patch object (s/app; apps/v1, Kind=Deployment): {complaint}"


def test_a_configuration_may_not_have_managed_fields() -> None:
    with pytest.raises(ApiError, match=r"metadata\.managedFields must be nil"):
        apply(None, {"metadata": {"name": "app", "managedFields": [{"manager": "x"}]}}, "alice")


def test_a_create_owns_what_it_gave_as_a_real_server_writes_it() -> None:
    container = {"name": "web", "image": "nginx", "ports": [{"containerPort": 80}]}
    pod = {"metadata": {"name": "web", "labels": {"app": "web"}}, "spec": {"containers": [container]}}
    created = decode(POD, pod).value
    entries = track_update(None, created, entries=EMPTY_LIST, manager="kubectl-run", api_version="v1", time=0, schema=POD)
    assert entries[0]["fieldsV1"] == {
        "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
        "f:spec": {
            "f:containers": {
                'k:{"name":"web"}': {
                    ".": {},
                    "f:image": {},
                    "f:name": {},
                    "f:ports": {".": {}, 'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
                    "f:resources": {},
                }
            }
        },
    }
    assert {key: entries[0][key] for key in ("manager", "operation", "apiVersion", "fieldsType", "time")} == {
        "manager": "kubectl-run", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "time": "1970-01-01T00:00:00Z",
    }  # fmt: skip


def test_a_deployment_has_the_owned_fields_that_the_documentation_shows() -> None:
    port = {"containerPort": 80, "protocol": "TCP"}
    container = {"name": "nginx", "image": "nginx", "ports": [port], "resources": {}, "imagePullPolicy": "Always"}
    pod = {"containers": [container], "securityContext": {}, "dnsPolicy": "Default"}
    template = {"metadata": {"labels": {"app": "nginx"}}, "spec": pod}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "nginx"}}, "strategy": strategy, "template": template}
    created = decode(DEPLOYMENT, {"metadata": {"name": "nginx", "annotations": {"a": "b"}}, "spec": spec}).value
    entries = track_update(None, created, entries=EMPTY_LIST, manager="m", api_version="apps/v1", time=0, schema=DEPLOYMENT)
    owned_container = {
        ".": {},
        "f:image": {},
        "f:imagePullPolicy": {},
        "f:name": {},
        "f:ports": {".": {}, 'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}, "f:protocol": {}}},
        "f:resources": {},
    }
    assert entries[0]["fieldsV1"] == {
        "f:metadata": {"f:annotations": {".": {}, "f:a": {}}},
        "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}}, "f:type": {}},
            "f:template": {
                "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                "f:spec": {"f:containers": {'k:{"name":"nginx"}': owned_container}, "f:dnsPolicy": {}, "f:securityContext": {}},
            },
        },
    }


def test_an_update_takes_what_it_changed_from_its_owners() -> None:
    old = decode(DEPLOYMENT, deployment(replicas=1, image="a")).value
    entries = track_update(None, old, entries=EMPTY_LIST, manager="one", api_version="apps/v1", time=0, schema=DEPLOYMENT)
    new = put(old, "spec.replicas", 2)
    entries = track_update(old, new, entries=entries, manager="two", api_version="apps/v1", time=MINUTE, schema=DEPLOYMENT)
    assert [list(paths(e["fieldsV1"])) for e in entries if e["manager"] == "two"] == [[".spec.replicas"]]
    assert ".spec.replicas" not in list(paths(entries[0]["fieldsV1"]))
    gone = merge(new, {"spec": {"replicas": None}})
    entries = track_update(new, gone, entries=entries, manager="one", api_version="apps/v1", time=MINUTE, schema=DEPLOYMENT)
    assert [e["manager"] for e in entries] == ["one"]


def test_status_writes_are_entries_of_their_own() -> None:
    old = decode(DEPLOYMENT, deployment(replicas=1)).value
    entries = track_update(None, old, entries=EMPTY_LIST, manager="kubectl", api_version="apps/v1", time=0, schema=DEPLOYMENT)
    new = put(old, "status.replicas", 1)
    entries = track_update(
        old, new, entries=entries, manager="kubectl", api_version="apps/v1", time=0, schema=DEPLOYMENT, subresource="status"
    )
    assert [(e["manager"], e.get("subresource")) for e in entries] == [("kubectl", None), ("kubectl", "status")]


def test_more_than_ten_updaters_become_ancient_changes() -> None:
    entries: Any = EMPTY_LIST
    old = None
    new = freeze({"metadata": {"labels": {"l": "x"}}})
    for number in range(13):
        new = put(new, ("metadata", "labels", f"l{number}"), "x")
        entries = track_update(old, new, entries=entries, manager=f"m{number:02}", api_version="v1", time=number * MINUTE, schema=POD)
        old = new
    assert len(entries) == 10
    assert entries[0]["manager"] == "ancient-changes"


def test_an_empty_entry_resets_ownership() -> None:
    live = freeze([{"manager": "x"}])
    assert entries_of_update([{}], live) == []
    assert entries_of_update([], live) is live
    assert entries_of_update(None, live) is live


NAMES = st.sampled_from("abcd")
ENV = st.lists(NAMES, unique=True, max_size=3).map(lambda names: {name: name for name in names})
CONFIGS = st.builds(
    deployment,
    replicas=st.none() | st.integers(0, 3),
    image=st.sampled_from(["", "x", "y"]),
    env=ENV,
    labels=st.dictionaries(NAMES, NAMES, max_size=3),
)


@given(CONFIGS, CONFIGS)
def test_apply_is_idempotent_and_the_configuration_holds(first: Any, second: Any) -> None:
    alice = apply(None, first, "alice")
    bob = apply(alice.object, second, "bob", entries=alice.entries, force=True)
    again = apply(bob.object, second, "bob", entries=bob.entries)
    assert again.object == bob.object
    assert again.entries == bob.entries
    carol = apply(bob.object, second, "carol", entries=bob.entries)
    changed, _removed = compare(DEPLOYMENT, bob.object, carol.object)
    assert not list(paths(changed))


@given(CONFIGS, CONFIGS)
def test_an_applier_alone_replaces_its_configuration(first: Any, second: Any) -> None:
    one = apply(None, first, "alice")
    two = apply(one.object, second, "alice", entries=one.entries)
    fresh = apply(None, second, "alice")
    assert two.object["spec"] == fresh.object["spec"]
    assert two.object["metadata"] == fresh.object["metadata"]


@given(CONFIGS, CONFIGS)
def test_sets_of_fields_are_sets(first: Any, second: Any) -> None:
    a, b = (field_set(DEPLOYMENT, freeze(config)) for config in (first, second))
    in_a, in_b = set(paths(a)), set(paths(b))
    assert set(paths(union(a, b))) == in_a | in_b
    assert set(paths(difference(a, b))) == in_a - in_b
    assert set(paths(intersection(a, b))) == in_a & in_b


@given(CONFIGS, CONFIGS)
def test_updates_never_leave_a_field_with_two_updaters(first: Any, second: Any) -> None:
    old, new = (decode(DEPLOYMENT, config).value for config in (first, second))
    entries = track_update(None, old, entries=EMPTY_LIST, manager="one", api_version="apps/v1", time=0, schema=DEPLOYMENT)
    entries = track_update(old, new, entries=entries, manager="two", api_version="apps/v1", time=0, schema=DEPLOYMENT)
    sets = [set(paths(entry["fieldsV1"])) for entry in entries]
    assert len(set().union(*sets)) == sum(len(found) for found in sets)
