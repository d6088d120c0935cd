"""The REST API over HTTP: what a client sends is a request, what it gets is what the server said; time follows the wall clock."""

import asyncio
import json

import pytest

from k8snb.cluster import Cluster
from k8snb.http.serve import machines
from k8snb.simulation.simulation import Simulation
from tests.http.conftest import Served

MAPS = "/api/v1/namespaces/default/configmaps"
WEB = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
    "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
             "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}},
}  # fmt: skip


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def events(response, count):
    """So many events of a watch, as (type, name)."""
    found = [json.loads(response.readline()) for _ in range(count)]
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in found]


def test_an_object_is_created_read_patched_and_deleted(served):
    assert served.ask("POST", MAPS, config_map("a", k="1"))[0] == 201
    patch = {"Content-Type": "application/merge-patch+json"}
    assert served.ask("PATCH", f"{MAPS}/a", {"data": {"k": "2"}}, headers=patch)[1]["data"] == {"k": "2"}
    assert served.ask("GET", f"{MAPS}/a")[1]["data"] == {"k": "2"}
    assert served.ask("DELETE", f"{MAPS}/a")[1]["status"] == "Success"
    assert served.ask("GET", f"{MAPS}/a")[1]["message"] == 'configmaps "a" not found'


def test_items_of_a_list_do_not_repeat_their_type(served):
    served.ask("POST", MAPS, config_map("a"))
    body = served.ask("GET", MAPS)[1]
    assert (body["kind"], body["apiVersion"]) == ("ConfigMapList", "v1")
    assert all("kind" not in item and "apiVersion" not in item for item in body["items"])


def test_a_list_comes_in_chunks(served):
    for name in "abc":
        served.ask("POST", MAPS, config_map(name))
    first = served.ask("GET", f"{MAPS}?limit=2")[1]
    rest = served.ask("GET", f"{MAPS}?limit=9&continue={first['metadata']['continue']}")[1]
    assert len(first["items"]) == 2
    assert {"a", "b", "c"} < {item["metadata"]["name"] for item in first["items"] + rest["items"]}


def test_a_watch_streams_what_happens_and_ends_in_time(served):
    begin = served.ask("GET", MAPS)[1]["metadata"]["resourceVersion"]
    watch = served.open("GET", f"{MAPS}?watch=true&resourceVersion={begin}&timeoutSeconds=2")
    served.ask("POST", MAPS, config_map("a"))
    served.ask("DELETE", f"{MAPS}/a")
    assert events(watch, 2) == [("ADDED", "a"), ("DELETED", "a")]
    assert watch.readline() == b""
    assert not served.cluster.simulation.parts.server.visitors.state.watches


def test_a_watch_whose_past_is_gone_says_so_in_its_only_line(served):
    begin = served.ask("GET", MAPS)[1]["metadata"]["resourceVersion"]
    served.ask("POST", MAPS, config_map("a"))
    served.run(lambda: served.cluster.etcd.compact(served.cluster.revision))
    watch = served.open("GET", f"{MAPS}?watch=true&resourceVersion={begin}")
    (line,) = watch.read().splitlines()
    event = json.loads(line)
    assert (watch.status, event["type"], event["object"]["kind"]) == (200, "ERROR", "Status")
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")


def test_a_client_that_leaves_takes_its_watch_along(served):
    watch = served.open("GET", f"{MAPS}?watch=true")
    events(watch, 1)
    watch.close()
    served.connections[0].close()
    served.pause(1.2)
    assert not served.cluster.simulation.parts.server.visitors.state.watches


def test_time_passes_and_controllers_work_while_it_is_served(served):
    began = served.run(lambda: served.cluster.now)
    served.ask("POST", "/apis/apps/v1/namespaces/default/deployments", WEB)
    for _ in range(50):
        served.pause(0.1)
        status = served.ask("GET", "/apis/apps/v1/namespaces/default/deployments/web")[1].get("status", {})
        if status.get("readyReplicas") == 2:
            break
    assert status["readyReplicas"] == 2
    assert served.run(lambda: served.cluster.now) > began


def test_conversations_are_refused_in_words(served):
    pod = "/api/v1/namespaces/default/pods/a"
    for path in ("exec?command=ls", "attach", "portforward"):
        code, status = served.ask("GET", f"{pod}/{path}")
        assert code == 501, path
        assert "by WebSocket only" in status["message"], path


def test_a_log_that_is_followed_ends_with_its_pod(served):
    assert served.ask("GET", "/api/v1/namespaces/default/pods/none/log?follow=true")[0] == 404


def test_a_log_that_is_followed_ends_with_its_container(tmp_path):
    served, counting = Served(tmp_path, Cluster(nodes=1)), "for i in 1 2 3 4 5; do echo $i; sleep 0.4; done"
    try:
        served.run(served.cluster.kubectl, f"run tick --restart=Never --image=busybox -- sh -c '{counting}'")
        assert served.run(served.cluster.run_until, lambda cluster: "1" in cluster.kubectl("logs tick").stdout)
        log = "/api/v1/namespaces/default/pods/tick/log?follow=true"
        assert served.open("GET", log).read() == b"1\n2\n3\n4\n5\n"
        assert served.open("GET", f"{log}&tailLines=1").read() == b"5\n"
        assert served.open("GET", f"{log}&limitBytes=3").read() == b"1\n2"
        for query, code, words in (
            ("limitBytes=much", 400, 'strconv.ParseInt: parsing "much": invalid syntax'),
            ("sinceMicros=now", 400, 'strconv.ParseInt: parsing "now": invalid syntax'),
            ("limitBytes=0", 422, 'PodLogOptions "tick" is invalid: limitBytes: Invalid value: 0: must be greater than 0'),
            ("tailLines=-2", 422, 'PodLogOptions "tick" is invalid: tailLines: Invalid value: -2: must be greater than or equal to 0'),
            ("sinceSeconds=0", 422, 'PodLogOptions "tick" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0'),
        ):
            for follow in ("true", "false"):
                answer = served.ask("GET", f"/api/v1/namespaces/default/pods/tick/log?follow={follow}&{query}")
                assert (answer[0], answer[1]["message"]) == (code, words)
    finally:
        served.close()


def test_a_client_that_reads_no_json_is_told_what_there_is(served):
    code, status = served.ask("GET", MAPS, headers={"Accept": "application/vnd.kubernetes.protobuf"})
    assert (code, status["reason"]) == (406, "NotAcceptable")
    assert served.ask("GET", MAPS, headers={"Accept": "application/vnd.kubernetes.protobuf,application/json"})[0] == 200


def test_discovery_has_two_forms(served):
    old, new = "application/json", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    assert served.ask("GET", "/apis", headers={"Accept": old})[1]["kind"] == "APIGroupList"
    assert served.ask("GET", "/apis", headers={"Accept": new})[1]["kind"] == "APIGroupDiscoveryList"
    rows = {row["name"]: row for row in served.ask("GET", "/api/v1")[1]["resources"]}
    assert (rows["pods/eviction"]["group"], rows["pods/eviction"]["kind"]) == ("policy", "Eviction")


def test_a_warning_travels_in_a_header(served):
    body = {**config_map("a"), "bogus": 1}
    response = served.open("POST", f"{MAPS}?fieldValidation=Warn", body)
    assert response.getheader("Warning") == '299 - "unknown field \\"bogus\\""'


# ---------------------------------------------------------------------- history


def test_a_served_cluster_forks_and_replays_like_any_other(served):
    watch = served.open("GET", f"{MAPS}?watch=true")
    for name in "abc":
        served.ask("POST", MAPS, config_map(name))
        served.ask("GET", f"{MAPS}/{name}", headers={"User-Agent": "python"})
        served.pause(0.3)
    events(watch, 2)

    def compare():
        simulation = served.cluster.simulation
        return simulation.past(simulation.position).save(), simulation.fork().save(), simulation.save()

    replayed, forked, present = served.run(compare)
    assert replayed == forked == present


def test_steps_in_cells_move_time_and_the_clock_goes_on_from_there(served):
    before = served.run(lambda: served.cluster.now)
    served.run(served.cluster.run_for, 3600)
    served.pause(0.3)
    passed = served.run(lambda: served.cluster.now) - before
    assert 3600e6 <= passed < 3620e6


def test_a_rewound_cluster_ends_its_watches_and_goes_on(served):
    position = served.run(lambda: served.cluster.position)
    watch = served.open("GET", f"{MAPS}?watch=true")
    served.ask("POST", MAPS, config_map("later"))
    served.run(served.cluster.rewind, position)
    watch.read()  # to its end
    assert served.ask("GET", f"{MAPS}/later")[0] == 404


def test_time_stands_still_before_and_after():
    async def story():
        cluster = Cluster(nodes=0)
        endpoint = cluster.serve()
        await asyncio.sleep(0.2)
        endpoint.stop()
        assert repr(endpoint).endswith("stopped>")
        stopped = cluster.now
        await asyncio.sleep(0.2)
        assert cluster.now == stopped
        endpoint.stop()  # a second time does nothing

    asyncio.run(story())


def test_a_script_without_a_loop_is_told_what_to_do():
    with pytest.raises(RuntimeError, match="needs a running event loop"):
        Cluster(nodes=0).serve()


def test_time_under_another_clock_is_handled_in_slices():
    cluster = Cluster(nodes=1)
    simulation: Simulation = cluster.simulation
    target = cluster.now + 60_000_000
    assert simulation.advance_to(target, most=1)
    assert cluster.now < target
    while simulation.advance_to(target, most=500):
        pass
    assert cluster.now == target


# ---------------------------------------------------------------------- the command line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Pod\nmetadata: {name: a}\n", "nothing but Node manifests"),
        ("kind: Node\n", "a name of its own"),
        ("kind: Node\nmetadata: {name: a}\n---\nkind: Node\nmetadata: {name: a}\n", "a name of its own"),
        ("a: [1\n", "error converting YAML to JSON"),
    ],
)
def test_a_file_of_nodes_that_cannot_be_used_is_named(tmp_path, text, said):
    path = tmp_path / "nodes.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        machines(str(path))


def test_a_dry_run_of_a_deletion_is_asked_for_in_its_body_and_deletes_nothing(served):
    served.ask("POST", MAPS, config_map("a"))
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}
    assert served.ask("DELETE", f"{MAPS}/a", options)[1]["status"] == "Success"
    assert served.ask("GET", f"{MAPS}/a")[0] == 200
    served.ask("DELETE", MAPS, options)
    assert served.ask("GET", f"{MAPS}/a")[0] == 200


def test_a_deletion_without_a_body_takes_its_options_from_the_query(served):
    served.ask("POST", "/apis/apps/v1/namespaces/default/deployments", WEB)
    served.pause(0.5)
    served.ask("DELETE", "/apis/apps/v1/namespaces/default/deployments/web?propagationPolicy=Orphan")
    served.pause(0.5)
    assert served.ask("GET", "/apis/apps/v1/namespaces/default/deployments/web")[0] == 404
    sets = served.ask("GET", "/apis/apps/v1/namespaces/default/replicasets")[1]["items"]
    assert [("ownerReferences" in one["metadata"]) for one in sets] == [False]


def test_text_that_is_no_json_is_refused_in_the_words_of_go(served):
    merge = {"Content-Type": "application/merge-patch+json"}
    served.ask("POST", MAPS, config_map("a"))
    assert served.ask("PATCH", f"{MAPS}/a", b'{"data":', headers=merge)[1]["message"] == "unexpected end of JSON input"
    words = served.ask("POST", MAPS, b'{"kind" x}')[1]["message"]
    assert words.endswith("json parse error: invalid character 'x' after object key")


def test_the_types_of_custom_resources_are_described_with_their_words(served):
    spec = {"type": "object", "description": "What is wanted.", "properties": {"size": {"type": "integer", "description": "How big."}}}
    schema = {"type": "object", "properties": {"spec": spec}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "foos", "singular": "foo", "kind": "Foo"}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "foos.ex.com"},
           "spec": {"group": "ex.com", "scope": "Namespaced", "names": names, "versions": [version]}}  # fmt: skip
    served.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
    served.pause(0.5)
    schemas = served.ask("GET", "/openapi/v3/apis/ex.com/v1")[1]["components"]["schemas"]
    found = schemas["com.ex.v1.Foo"]["properties"]["spec"]
    assert (found["description"], found["properties"]["size"]["description"]) == ("What is wanted.", "How big.")
