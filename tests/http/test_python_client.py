"""The official Python client against a served cluster: what its users' scripts do, they do here."""

import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from k8snb.cluster import Cluster
from tests.http.conftest import Served

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
kubernetes = pytest.importorskip("kubernetes", reason="the Python package kubernetes is not installed")

LABELS = {"app": "web"}


@contextmanager
def client_of(served):
    with kubernetes.config.new_client_from_config(str(served.kubeconfig)) as client:
        names = ("CoreV1Api", "AppsV1Api", "BatchV1Api", "ApiextensionsV1Api", "CustomObjectsApi", "VersionApi", "AuthorizationV1Api")
        yield SimpleNamespace(client=client, **{name: getattr(kubernetes.client, name)(client) for name in names})


@pytest.fixture
def api(served):
    with client_of(served) as found:
        yield found


@pytest.fixture
def faithful(tmp_path):
    served = Served(tmp_path, Cluster(nodes=1))
    with client_of(served) as found:
        yield found
    served.close()


def deployment(replicas=2):
    k = kubernetes.client
    pod = k.V1PodTemplateSpec(
        metadata=k.V1ObjectMeta(labels=LABELS), spec=k.V1PodSpec(containers=[k.V1Container(name="c", image="nginx:1.25")])
    )
    spec = k.V1DeploymentSpec(replicas=replicas, selector=k.V1LabelSelector(match_labels=LABELS), template=pod)
    return k.V1Deployment(metadata=k.V1ObjectMeta(name="web"), spec=spec)


def until(look, wanted, seconds=20):
    """What ``look`` gives at last: ``wanted``, if the cluster gets there in time."""
    end = time.monotonic() + seconds
    while (seen := look()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    return seen


def test_a_deployment_is_created_watched_scaled_released_and_deleted(api):
    apps, core = api.AppsV1Api, api.CoreV1Api
    made = apps.create_namespaced_deployment("default", deployment())
    assert (made.metadata.generation, made.spec.strategy.rolling_update.max_surge) == (1, "25%")
    watch, running = kubernetes.watch.Watch(), set()
    for event in watch.stream(core.list_namespaced_pod, "default", label_selector="app=web", timeout_seconds=20):
        if event["object"].status.phase == "Running":
            running.add(event["object"].metadata.name)
        if len(running) == 2:
            watch.stop()
    assert len(running) == 2
    assert apps.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 3}}).spec.replicas == 3
    image = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}}}}
    assert apps.patch_namespaced_deployment("web", "default", image).metadata.generation == 3
    assert until(lambda: apps.read_namespaced_deployment_status("web", "default").status.updated_replicas, 3) == 3
    apps.delete_namespaced_deployment("web", "default", propagation_policy="Background")
    assert until(lambda: len(core.list_namespaced_pod("default", label_selector="app=web").items), 0) == 0


def test_every_kind_of_patch(api):
    core, name = api.CoreV1Api, ("settings", "default")
    core.create_namespaced_config_map("default", {"metadata": {"name": "settings"}, "data": {"a": "1"}})
    assert core.patch_namespaced_config_map(*name, {"data": {"b": "2"}}).data == {"a": "1", "b": "2"}
    assert core.patch_namespaced_config_map(*name, [{"op": "remove", "path": "/data/a"}]).data == {"b": "2"}
    applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"c": "3"}}
    options = {"field_manager": "script", "_content_type": "application/apply-patch+yaml"}
    assert core.patch_namespaced_config_map(*name, applied, **options).data == {"b": "2", "c": "3"}
    with pytest.raises(kubernetes.client.ApiException) as refused:
        core.patch_namespaced_config_map(*name, applied | {"data": {"b": "9"}}, **options)
    assert refused.value.status == 409


def test_a_stale_replace_is_a_conflict_and_a_fresh_one_is_not(api):
    core = api.CoreV1Api
    old = core.create_namespaced_config_map("default", {"metadata": {"name": "settings"}, "data": {"a": "1"}})
    core.patch_namespaced_config_map("settings", "default", {"data": {"a": "2"}})
    with pytest.raises(kubernetes.client.ApiException) as refused:
        core.replace_namespaced_config_map("settings", "default", old)
    assert (refused.value.status, refused.value.reason) == (409, "Conflict")
    fresh = core.read_namespaced_config_map("settings", "default")
    fresh.data = {"a": "3"}
    assert core.replace_namespaced_config_map("settings", "default", fresh).data == {"a": "3"}


def test_custom_resources_of_a_definition_made_a_moment_ago(api):
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "databases", "singular": "database", "kind": "Database"}
    spec = {"group": "shop.example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    api.ApiextensionsV1Api.create_custom_resource_definition(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "databases.shop.example.com"},
            "spec": spec,
        }
    )
    where = ("shop.example.com", "v1", "default", "databases")
    made = {"apiVersion": "shop.example.com/v1", "kind": "Database", "metadata": {"name": "main"}, "spec": {"size": 1, "nonsense": True}}
    found = until(lambda: _created(api.CustomObjectsApi, where, made), {"size": 1})
    assert found == {"size": 1}  # unknown fields are pruned
    assert api.CustomObjectsApi.patch_namespaced_custom_object(*where, "main", {"spec": {"size": 3}})["spec"] == {"size": 3}
    assert [o["metadata"]["name"] for o in api.CustomObjectsApi.list_namespaced_custom_object(*where)["items"]] == ["main"]
    api.CustomObjectsApi.delete_namespaced_custom_object(*where, "main")
    assert api.CustomObjectsApi.list_namespaced_custom_object(*where)["items"] == []


def _created(api, where, obj):
    try:
        return api.create_namespaced_custom_object(*where, obj)["spec"]
    except kubernetes.client.ApiException as error:  # the definition is not established yet
        return error.status


def test_lists_in_chunks_selectors_and_what_is_not_there(api):
    core = api.CoreV1Api
    for name in "abc":
        core.create_namespaced_config_map("default", {"metadata": {"name": name, "labels": {"odd": str(name != "b")}}})
    first = core.list_namespaced_config_map("default", limit=2)
    rest = core.list_namespaced_config_map("default", limit=9, _continue=first.metadata._continue)
    assert [o.metadata.name for o in first.items + rest.items] == ["a", "b", "c", "kube-root-ca.crt"]
    assert [o.metadata.name for o in core.list_namespaced_config_map("default", label_selector="odd=True").items] == ["a", "c"]
    with pytest.raises(kubernetes.client.ApiException) as absent:
        core.read_namespaced_config_map("z", "default")
    assert (absent.value.status, 'configmaps \\"z\\" not found' in absent.value.body) == (404, True)


def test_the_dynamic_client_finds_every_kind_by_discovery(api):
    dynamic = kubernetes.dynamic.DynamicClient(api.client)
    jobs = dynamic.resources.get(api_version="batch/v1", kind="Job")
    container = {"name": "c", "image": "busybox", "command": ["date"]}
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
    jobs.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": spec}, namespace="default")
    assert jobs.get(name="once", namespace="default").spec.completions == 1
    assert api.VersionApi.get_code().git_version.startswith("v1.36.")


def test_a_review_says_who_may_do_what(api):
    asked = {"verb": "delete", "resource": "pods", "namespace": "default"}
    review = api.AuthorizationV1Api.create_self_subject_access_review({"spec": {"resourceAttributes": asked}})
    assert review.status.allowed


def test_a_command_runs_in_a_container(faithful):
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}}
    faithful.CoreV1Api.create_namespaced_pod("default", pod)
    assert until(lambda: faithful.CoreV1Api.read_namespaced_pod("p", "default").status.phase, "Running") == "Running"
    execute, command = faithful.CoreV1Api.connect_get_namespaced_pod_exec, ["sh", "-c", "echo from $HOSTNAME"]
    held = kubernetes.stream.stream(execute, "p", "default", command=command, stdout=True, stderr=True, _preload_content=False)
    held.run_forever(timeout=20)
    assert held.read_stdout() == "from p\n"
    held.sock.shutdown()  # the client leaves its socket open when the server ends the conversation


@pytest.mark.parametrize(("protocol", "query", "answers"), [
    ("v4.channel.k8s.io", "stdout=true&stderr=true", True),
    ("v5.channel.k8s.io", "stdout=true&stderr=true", True),
    ("v4.channel.k8s.io", "stdin=true&stdout=true", False),
    ("v3.channel.k8s.io", "stdout=true", False),
])  # fmt: skip
def test_older_clients_run_commands_too(tmp_path, protocol, query, answers):
    websocket = pytest.importorskip("websocket", reason="the Python package websocket-client is not installed")
    served = Served(tmp_path, Cluster(nodes=1))
    try:
        served.run(served.cluster.kubectl, "run p --image=nginx:1.27")
        served.run(served.cluster.kubectl, "wait pod/p --for=condition=Ready --timeout=60s")
        url = f"wss://127.0.0.1:{served.endpoint.port}/api/v1/namespaces/default/pods/p/exec?command=hostname&{query}"
        ssl = {"sslopt": {"context": served.tls}, "header": [f"Authorization: Bearer {served.token}"], "timeout": 20}
        if not answers:
            with pytest.raises(websocket.WebSocketBadStatusException, match="400"):
                websocket.create_connection(url, subprotocols=[protocol], **ssl)
            return
        held = websocket.create_connection(url, subprotocols=[protocol], **ssl)
        assert [held.recv()[:3], held.recv()[:2]] == [b"\x01p\n", b"\x03{"]
        held.shutdown()
    finally:
        served.close()
