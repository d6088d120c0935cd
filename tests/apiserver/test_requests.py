"""What an API server answers: the verbs, their options, their refusals, in Kubernetes' words."""

from typing import Any

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import DEEPEST
from k8snb.apiserver.request import Options, Request, User
from k8snb.apiserver.server import Server

JANE = User("jane", ("system:authenticated",))


def config_map(name, data=None, **meta):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}, "data": data or {}}


def refused(call):
    with pytest.raises(ApiError) as error:
        call()
    return error.value.code, error.value.reason, error.value.message


def test_a_created_object_is_given_an_identity(client, cluster):
    made = client.create("configmaps", config_map("a", {"k": "v"}), "default")
    meta = made["metadata"]
    assert meta["uid"]
    assert meta["creationTimestamp"] == "2026-01-01T00:00:02Z"
    assert int(meta["resourceVersion"]) == cluster.revision
    assert client.get("configmaps", "a", "default") == made


def test_the_same_name_twice_is_refused(client):
    client.create("configmaps", config_map("a"), "default")
    assert refused(lambda: client.create("configmaps", config_map("a"), "default")) == (
        409,
        "AlreadyExists",
        'configmaps "a" already exists',
    )


def test_what_is_not_there_is_not_found(client):
    assert refused(lambda: client.get("deployments.apps", "web", "default")) == (404, "NotFound", 'deployments.apps "web" not found')
    assert refused(lambda: client.get("widgets", "x", "default"))[:2] == (404, "NotFound")


def test_generate_name_adds_five_letters(client):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}}
    names = {client.create("configmaps", body, "default")["metadata"]["name"] for _ in range(5)}
    assert len(names) == 5
    assert all(len(name) == 7 and name.startswith("x-") for name in names)


def test_somebody_was_faster(client):
    mine = client.create("configmaps", config_map("a", {"n": "1"}), "default")
    client.patch("configmaps", "a", {"data": {"n": "2"}}, "default")
    code, reason, message = refused(lambda: client.update("configmaps", mine))
    assert (code, reason) == (409, "Conflict")
    assert message == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


def test_an_update_that_changes_nothing_writes_nothing(client, cluster):
    made = client.create("configmaps", config_map("a", {"n": "1"}), "default")
    before = cluster.revision
    assert client.update("configmaps", made)["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    assert cluster.revision == before


def test_all_errors_of_an_object_are_told_at_once(client):
    bad = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "Bad_Name"}, "spec": {"containers": []}}
    code, reason, message = refused(lambda: client.create("pods", bad, "default"))
    assert (code, reason) == (422, "Invalid")
    assert message.startswith('Pod "Bad_Name" is invalid: [metadata.name: Invalid value: "Bad_Name":')
    assert "spec.containers: Required value" in message


def test_a_list_comes_in_chunks_that_fit_together(client):
    for number in range(7):
        client.create("configmaps", config_map(f"c{number}"), "default")
    first = client.request("list", "configmaps", namespace="default", options=Options(limit=3))
    assert first["metadata"]["remainingItemCount"] == 5  # kube-root-ca.crt is one of them
    seen, token = [i["metadata"]["name"] for i in first["items"]], first["metadata"]["continue"]
    client.create("configmaps", config_map("c99"), "default")  # not part of a list that began before it
    while token:
        page = client.request("list", "configmaps", namespace="default", options=Options(limit=3, continue_token=token))
        seen += [i["metadata"]["name"] for i in page["items"]]
        token = page["metadata"].get("continue", "")
    assert seen == [*(f"c{n}" for n in range(7)), "kube-root-ca.crt"]


def test_a_chunk_of_a_compacted_list_has_expired(client, cluster):
    for number in range(4):
        client.create("configmaps", config_map(f"c{number}"), "default")
    token = client.request("list", "configmaps", namespace="default", options=Options(limit=2))["metadata"]["continue"]
    client.create("configmaps", config_map("later"), "default")
    cluster.simulation.parts.store.compact(cluster.revision)
    code, reason, _ = refused(lambda: client.request("list", "configmaps", namespace="default", options=Options(continue_token=token)))
    assert (code, reason) == (410, "Expired")


def test_selectors_narrow_a_list(client):
    client.create("configmaps", config_map("a", labels={"app": "web", "tier": "front"}), "default")
    client.create("configmaps", config_map("b", labels={"app": "db"}), "default")
    names = lambda **options: [i["metadata"]["name"] for i in client.list("configmaps", "default", **options)]  # noqa: E731
    assert names(labels="app in (web, db),tier!=front") == ["b"]
    assert names(fields="metadata.name=a") == ["a"]
    assert refused(lambda: names(fields="spec.color=red"))[:2] == (400, "BadRequest")


def test_a_dry_run_says_what_would_be_and_leaves_nothing(client, cluster):
    before = cluster.revision
    made = client.request("create", "configmaps", namespace="default", body=config_map("a"), options=Options(dry_run=True))
    assert made["metadata"]["name"] == "a"
    assert cluster.revision == before
    assert client.find("configmaps", "a", "default") is None


@pytest.mark.parametrize(("mode", "warnings"), [("Warn", ('unknown field "spec.replica"',)), ("Ignore", ())])
def test_unknown_fields_are_pruned_and_perhaps_told(cluster, mode, warnings):
    body = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"replica": 1, "ports": [{"port": 80}]},
    }  # fmt: skip
    answer = cluster.send(Request("create", resource="services", namespace="default", body=body, options=Options(field_validation=mode)))
    assert answer.ok
    assert answer.warnings == warnings
    assert "replica" not in answer.body["spec"]


def test_strict_field_validation_refuses_unknown_fields(cluster):
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"replica": 1, "ports": [{"port": 80}]}}
    answer = cluster.send(
        Request("create", resource="services", namespace="default", body=body, options=Options(field_validation="Strict"))
    )
    assert (answer.code, answer.body["reason"]) == (400, "BadRequest")
    assert answer.body["message"] == (
        'Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.replica"'
    )


def test_the_four_kinds_of_patch(client):
    client.create("configmaps", config_map("a", {"x": "1", "y": "2"}), "default")
    merged = client.patch("configmaps", "a", {"data": {"x": None, "z": "3"}}, "default")
    assert merged["data"] == {"y": "2", "z": "3"}
    edited = client.patch("configmaps", "a", [{"op": "replace", "path": "/data/y", "value": "9"}], "default", kind="json")
    assert edited["data"] == {"y": "9", "z": "3"}
    assert client.patch("configmaps", "a", {"data": {"z": None}}, "default", kind="strategic")["data"] == {"y": "9"}
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"q": "0"}}
    applied = client.patch("configmaps", "a", wanted, "default", kind="apply", manager="jane")
    assert applied["data"] == {"y": "9", "q": "0"}
    owners = {entry["manager"]: entry["operation"] for entry in applied["metadata"]["managedFields"]}
    assert owners == {"jane": "Apply", "kubectl": "Update"}


def test_server_side_apply_makes_what_is_not_there(client):
    wanted = config_map("fresh", {"a": "b"})
    assert client.patch("configmaps", "fresh", wanted, "default", kind="apply", manager="jane")["data"] == {"a": "b"}


def test_a_finalizer_keeps_an_object_until_it_is_removed(client):
    client.create("configmaps", config_map("a", finalizers=["example.com/wait"]), "default")
    waiting = client.delete("configmaps", "a", "default")
    assert waiting["metadata"]["deletionTimestamp"]
    assert refused(lambda: client.create("configmaps", config_map("a"), "default"))[2] == (
        'object is being deleted: configmaps "a" already exists'
    )
    client.patch("configmaps", "a", {"metadata": {"finalizers": None}}, "default")
    assert client.find("configmaps", "a", "default") is None


def test_a_deletion_may_insist_on_the_very_object(client):
    client.create("configmaps", config_map("a"), "default")
    code, reason, message = refused(lambda: client.delete("configmaps", "a", "default", uid="another"))
    assert (code, reason) == (409, "Conflict")
    assert "Precondition failed: UID in precondition: another, UID in object meta:" in message


def test_a_collection_is_deleted_through_its_selector(client):
    for name, app in (("a", "web"), ("b", "web"), ("c", "db")):
        client.create("configmaps", config_map(name, labels={"app": app}), "default")
    client.request("deletecollection", "configmaps", namespace="default", options=Options(label_selector="app=web"))
    assert [c["metadata"]["name"] for c in client.list("configmaps", "default", labels="app")] == ["c"]


def test_the_status_is_written_apart_from_the_rest(client):
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "status": {"replicas": 9},
        "spec": {"selector": {"matchLabels": {"app": "web"}},
                 "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": "nginx"}]}}},
    }  # fmt: skip
    made = client.create("deployments.apps", deployment, "default")
    assert "replicas" not in made.get("status", {})
    assert made["metadata"]["generation"] == 1
    changed = client.update("deployments.apps", {**made, "status": {"replicas": 5}, "spec": {**made["spec"], "replicas": 4}})
    assert "replicas" not in changed.get("status", {})
    assert changed["metadata"]["generation"] == 2
    status = client.update_status("deployments.apps", {**changed, "status": {"replicas": 5}, "spec": {**made["spec"], "replicas": 7}})
    assert status["status"]["replicas"] == 5
    assert status["spec"]["replicas"] == 4
    assert status["metadata"]["generation"] == 2


def test_who_may_not_is_told_what_and_where(cluster):
    answer = cluster.send(Request("list", resource="pods", namespace="default", user=JANE))
    assert answer.code == 403
    assert answer.body["message"] == 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"'
    named = cluster.send(Request("delete", resource="pods", namespace="default", name="x", user=JANE))
    assert named.body["message"].startswith('pods "x" is forbidden: User "jane" cannot delete resource "pods"')


def test_a_role_binding_opens_exactly_its_door(cluster, client):
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]
    client.create(
        "roles.rbac.authorization.k8s.io",
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"}, "rules": rules},
        "default",
    )
    client.create(
        "rolebindings.rbac.authorization.k8s.io",
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "jane"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "User", "name": "jane"}],
        },
        "default",
    )
    assert cluster.send(Request("list", resource="configmaps", namespace="default", user=JANE)).ok
    assert cluster.send(Request("delete", resource="configmaps", namespace="default", name="x", user=JANE)).code == 403
    assert cluster.send(Request("list", resource="configmaps", namespace="kube-system", user=JANE)).code == 403


def test_nothing_is_served_while_the_api_server_or_etcd_is_down(cluster):
    cluster.faults.stop("kube-apiserver")
    assert cluster.send(Request("list", resource="pods", namespace="default")).code == 503
    cluster.faults.start("kube-apiserver")
    cluster.faults.stop("etcd")
    answer = cluster.send(Request("list", resource="pods", namespace="default"))
    assert (answer.code, answer.body["message"]) == (500, "etcdserver: request timed out")
    cluster.faults.start("etcd")
    assert cluster.send(Request("list", resource="pods", namespace="default")).ok


def test_a_refused_request_leaves_a_trace_that_says_why(cluster):
    answer = cluster.send(Request("create", resource="configmaps", namespace="nowhere", body=config_map("a")))
    record = cluster.simulation.parts.kernel.trace.get(answer.record)
    assert record.kind == "request"
    assert record.subject == "configmaps nowhere/"
    assert record.detail[0] == 404
    assert 'namespaces "nowhere" not found' in record.detail[1]


def test_a_table_has_the_columns_of_kubectl(client):
    client.create("configmaps", config_map("a", {"x": "1", "y": "2"}), "default")
    table = client.request("list", "configmaps", namespace="default", options=Options(as_table=True))
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert [row["cells"][:2] for row in table["rows"]] == [["a", 2], ["kube-root-ca.crt", 1]]


def test_what_admission_adds_belongs_to_nobody(client):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "a", "image": "nginx"}]}}
    made = client.create("pods", pod, "default")
    (entry,) = made["metadata"]["managedFields"]
    assert "f:image" in entry["fieldsV1"]["f:spec"]["f:containers"]['k:{"name":"a"}']
    assert not {"f:tolerations", "f:volumes", "f:serviceAccountName"} & set(entry["fieldsV1"]["f:spec"])
    assert made["spec"]["tolerations"]


def test_a_defect_is_told_when_it_happens_and_the_past_can_be_had_again(cluster, client, monkeypatch):
    def route(server, context, original=Server.route):
        if context.request.name == "defect":
            raise ZeroDivisionError
        return original(server, context)

    monkeypatch.setattr(Server, "route", route)
    with pytest.raises(ZeroDivisionError):
        client.patch("configmaps", "defect", {}, "default")
    assert cluster.simulation.parts.kernel.causes == ()
    client.create("configmaps", {"metadata": {"name": "after"}}, "default")
    there = cluster.position
    client.delete("configmaps", "after", "default")
    cluster.rewind(there)
    assert cluster.get("configmaps", "after") is not None


def test_what_is_nested_too_deep_is_refused_however_it_comes_about(cluster, client):
    nested: dict[str, Any] = {}
    for _ in range(DEEPEST):
        nested = {"a": nested}
    with pytest.raises(ApiError, match="exceeded max depth"):
        client.create("configmaps", {"metadata": {"name": "a"}, "data": nested}, "default")
    client.create("configmaps", {"metadata": {"name": "a"}}, "default")
    path, half = "/x", "".join("/a" for _ in range(DEEPEST // 2))
    inner: dict[str, Any] = {}
    for _ in range(DEEPEST // 2):
        inner = {"a": inner}
    steps = [{"op": "add", "path": path, "value": inner}, {"op": "add", "path": path + half, "value": inner}]
    with pytest.raises(ApiError, match="exceeded max depth"):
        client.patch("configmaps", "a", steps, "default", kind="json")
