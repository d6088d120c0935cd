"""A program in a Pod calls the API: by the Service ``kubernetes``, with the token and the authority that are mounted into the Pod."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8snb.cluster import Cluster

MOUNTED = "/var/run/secrets/kubernetes.io/serviceaccount"
API = "https://kubernetes.default.svc"


@pytest.fixture
def cluster() -> Cluster:
    """A machine with a Pod that has curl."""
    made = Cluster(nodes=1)
    made.kubectl("run box --image=curlimages/curl --command -- sleep 9999")
    made.run_for(5)
    return made


def sh(cluster: Cluster, script: str) -> str:
    """What a script prints in the Pod."""
    return str(cluster.kubectl(["exec", "box", "--", "sh", "-c", script]).text)


def curl(cluster: Cluster, path: str, more: str = "", token: str = f"$(cat {MOUNTED}/token)") -> Any:
    """The answer to a call as the Pod's ServiceAccount."""
    shown = f'-H "Authorization: Bearer {token}"' if token else ""
    return json.loads(sh(cluster, f"curl -s --cacert {MOUNTED}/ca.crt {shown} {more} {API}{path}"))


def allow(cluster: Cluster, role: str) -> None:
    cluster.kubectl(f"create rolebinding allowed --clusterrole={role} --serviceaccount=default:default")


PODS = "/api/v1/namespaces/default/pods"


def test_the_service_has_the_api_server_as_its_endpoint(cluster: Cluster) -> None:
    endpoints = cluster.get("endpoints", "kubernetes")
    (one,) = cluster.get("endpointslices")
    address = endpoints["subsets"][0]["addresses"][0]["ip"]
    assert endpoints["metadata"]["labels"] == {"endpointslice.kubernetes.io/skip-mirror": "true"}
    assert (one["metadata"]["name"], one["metadata"]["labels"]) == ("kubernetes", {"kubernetes.io/service-name": "kubernetes"})
    assert one["endpoints"] == [{"addresses": [address], "conditions": {"ready": True}}]
    port = cluster.get("services", "kubernetes")["spec"]["ports"][0]["targetPort"]
    assert one["ports"][0]["port"] == endpoints["subsets"][0]["ports"][0]["port"] == port


def test_without_a_right_the_service_account_is_refused_in_the_server_s_words(cluster: Cluster) -> None:
    refused = curl(cluster, PODS)
    who = 'User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the namespace "default"'
    assert (refused["code"], refused["reason"], refused["message"]) == (403, "Forbidden", f"pods is forbidden: {who}")


def test_with_a_right_it_reads_and_writes_and_what_it_wrote_is_there(cluster: Cluster) -> None:
    allow(cluster, "edit")
    found = curl(cluster, PODS)
    assert (found["kind"], [pod["metadata"]["name"] for pod in found["items"]]) == ("PodList", ["box"])
    body = json.dumps({"metadata": {"name": "mine"}, "data": {"a": "1"}})
    made = curl(cluster, "/api/v1/namespaces/default/configmaps", f"-X POST -H 'Content-Type: application/json' -d '{body}'")
    assert (made["kind"], made["metadata"]["name"]) == ("ConfigMap", "mine")
    assert cluster.get("configmaps", "mine")["data"] == {"a": "1"}
    patch = "-X PATCH -H 'Content-Type: application/merge-patch+json' -d '{\"data\":{\"a\":\"2\"}}'"
    assert curl(cluster, "/api/v1/namespaces/default/configmaps/mine", patch)["data"] == {"a": "2"}
    assert curl(cluster, "/api/v1/namespaces/default/configmaps/mine", "-X DELETE")["status"] == "Success"
    assert cluster.get("configmaps", "mine") is None


def test_nobody_without_a_token_and_nobody_at_all_with_a_wrong_one(cluster: Cluster) -> None:
    anonymous, nobody = curl(cluster, PODS, token=""), curl(cluster, PODS, token="x.y.z")
    assert (anonymous["code"], 'User "system:anonymous" cannot list' in anonymous["message"]) == (403, True)
    assert (nobody["code"], nobody["message"]) == (401, "Unauthorized")


def test_a_token_is_worth_nothing_once_its_pod_is_gone(cluster: Cluster) -> None:
    allow(cluster, "view")
    token = sh(cluster, f"cat {MOUNTED}/token")
    cluster.kubectl("run other --image=curlimages/curl --command -- sleep 9999")
    cluster.run_for(3)
    cluster.kubectl("delete pod box --now")
    cluster.run_for(3)
    said = cluster.kubectl(["exec", "other", "--", "sh", "-c", f'curl -sk -H "Authorization: Bearer {token}" {API}{PODS}']).text
    assert json.loads(said)["code"] == 401


def test_the_authority_makes_the_server_known(cluster: Cluster) -> None:
    assert sh(cluster, f"curl {API}/version").startswith("curl: (60) SSL certificate problem: unable to get local issuer certificate")
    assert '"gitVersion": "v1.36' in sh(cluster, f"curl -s --cacert {MOUNTED}/ca.crt {API}/version")
    assert '"gitVersion": "v1.36' in sh(cluster, f"curl -sk {API}/version")
    assert sh(cluster, "curl -s http://kubernetes.default.svc:443/").startswith("Client sent an HTTP request to an HTTPS server.")


def test_a_stopped_api_server_refuses_the_connection(cluster: Cluster) -> None:
    response = cluster.http(f"{API}/healthz", from_pod="box", insecure=True)
    assert (response.status, response.body) == (200, "ok")
    cluster.faults.stop("kube-apiserver")
    assert cluster.http(f"{API}/healthz", from_pod="box", insecure=True).error == "connection refused"


def test_a_policy_for_leaving_traffic_may_forbid_it(cluster: Cluster) -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "closed"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}]},
    }  # fmt: skip
    cluster.client.create("networkpolicies.networking.k8s.io", policy, "default")
    cluster.run_for(2)
    assert cluster.http(f"{API}/healthz", from_pod="box", insecure=True).error == "timed out"


def test_a_trace_names_the_api_server(cluster: Cluster) -> None:
    said = str(cluster.trace_packet("box", API))
    assert "default/kubernetes:https, sent to 192.168.0.10:16443" in said
    assert "is answered on kube-apiserver" in said


PLURALS = {"service": "services", "endpoints": "endpoints", "endpointslice": "endpointslices"}


@pytest.mark.parametrize("resource", PLURALS)
def test_what_is_deleted_of_its_own_service_the_api_server_makes_anew(cluster: Cluster, resource: str) -> None:
    cluster.kubectl(f"delete {resource} kubernetes")
    assert cluster.get(PLURALS[resource], "kubernetes") is None
    cluster.run_for(15)
    found = cluster.get(PLURALS[resource], "kubernetes")
    assert found is not None
    assert cluster.http(f"{API}/healthz", from_pod="box", insecure=True).status == 200


def test_what_it_is_refused_it_makes_in_a_later_period(cluster: Cluster) -> None:
    cluster.kubectl("delete endpoints kubernetes")
    cluster.faults.api_errors(5, verb="create", resource="endpoints")
    cluster.run_for(15)
    assert cluster.get("endpoints", "kubernetes") is None
    cluster.run_for(50)
    assert cluster.get("endpoints", "kubernetes") is not None


def test_what_was_deleted_before_an_outage_is_made_after_it(cluster: Cluster) -> None:
    cluster.kubectl("delete service kubernetes")
    cluster.faults.stop("kube-apiserver")
    cluster.run_for(30)
    cluster.faults.start("kube-apiserver")
    cluster.run_for(15)
    assert cluster.get("services", "kubernetes")["spec"]["clusterIP"] == "10.96.0.1"


def test_what_a_pod_wrote_is_replayed(cluster: Cluster) -> None:
    allow(cluster, "edit")
    curl(cluster, "/api/v1/namespaces/default/configmaps", """-X POST -d '{"metadata":{"name":"mine"}}'""")
    cluster.run_for(5)
    position, saved = cluster.simulation.position, cluster.save()
    cluster.run_for(10)
    cluster.rewind(position)
    assert cluster.get("configmaps", "mine") is not None
    assert cluster.save() == saved


def test_a_token_tells_where_its_pod_runs_and_may_be_used_to_ask_as_somebody_else(cluster: Cluster) -> None:
    allow(cluster, "view")
    review = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    post = "-X POST -H 'Content-Type: application/json' -d '{}'"
    me = curl(cluster, review, post)["status"]["userInfo"]
    account, pod, node = cluster.get("serviceaccounts", "default"), cluster.get("pods", "box"), cluster.get("nodes")[0]
    told = {key.removeprefix("authentication.kubernetes.io/"): values for key, values in me["extra"].items()}
    assert (me["username"], me["uid"]) == ("system:serviceaccount:default:default", account["metadata"]["uid"])
    assert (told["pod-name"], told["pod-uid"]) == (["box"], [pod["metadata"]["uid"]])
    assert (told["node-name"], told["node-uid"]) == ([node["metadata"]["name"]], [node["metadata"]["uid"]])
    jane = "-H 'Impersonate-User: jane' -H 'Impersonate-Group: devs'"
    assert "cannot impersonate-on:user-info:create" in curl(cluster, review, f"{post} {jane}")["message"]
    cluster.kubectl("create clusterrole deputy --verb=impersonate --resource=users,groups")
    cluster.kubectl("create clusterrolebinding deputy --clusterrole=deputy --serviceaccount=default:default")
    as_jane = curl(cluster, review, f"{post} {jane}")["status"]["userInfo"]
    assert as_jane == {"username": "jane", "groups": ["devs", "system:authenticated"]}
