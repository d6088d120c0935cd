"""Requests through a cluster, hop by hop: what answers, and what each kind of failure looks like."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster import Cluster
from k8snb.messages import set_language
from k8snb.seams.cni import NO_ENDPOINTS, NO_SUCH_NAME, REFUSED, TIMEOUT
from k8snb.sim.state import encode
from tests.web import WEB


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(nodes=3, seed=1)
    cluster.apply(WEB)
    cluster.settle(limit=60)
    return cluster


def http(cluster: Cluster, url: str, pod: str = "box", **options: Any) -> Any:
    return cluster.http(url, pod, **options)


def wheres(response: Any) -> list[str]:
    return [hop.where.split("/")[0] for hop in response.hops]


def test_a_service_answers_by_name_and_the_hops_tell_how(cluster: Cluster) -> None:
    response = http(cluster, "http://web")
    address = cluster.get("services", "web")["spec"]["clusterIP"]
    assert (response.status, response.address) == (200, address)
    assert wheres(response) == ["coredns", "kube-proxy", "network", "pod"]
    assert response.hops[0].what == f"web is web.default.svc.cluster.local: {address}"
    assert "(one of 3)" in response.hops[1].what
    assert response.body == f"Hello from {response.backend.partition('/')[2]}, version 1\n"


def test_all_backends_get_their_share(cluster: Cluster) -> None:
    answers = [http(cluster, "http://web").backend for _ in range(60)]
    assert sorted(set(answers)) == sorted(f"default/{p['metadata']['name']}" for p in cluster.get("pods") if p["metadata"]["name"] != "box")
    assert min(answers.count(one) for one in set(answers)) > 8


def test_session_affinity_keeps_a_client_with_its_backend(cluster: Cluster) -> None:
    cluster.client.patch("services", "web", {"spec": {"sessionAffinity": "ClientIP"}}, "default")
    cluster.run_for(1)
    assert len({http(cluster, "http://web").backend for _ in range(20)}) == 1


def test_an_unknown_name_a_closed_port_and_no_endpoints_are_told_apart(cluster: Cluster) -> None:
    assert http(cluster, "http://wep").error == NO_SUCH_NAME
    pod = next(p for p in cluster.get("pods") if p["metadata"]["name"] != "box")
    assert http(cluster, f"http://{pod['status']['podIP']}:81").error == REFUSED
    assert http(cluster, f"http://{pod['status']['podIP']}:8080").status == 200
    cluster.kubectl("scale deployment web --replicas=0")
    cluster.settle(limit=60)
    empty = http(cluster, "http://web")
    assert (empty.error, empty.hops[-1].what.endswith("which has no endpoints: rejected")) == (NO_ENDPOINTS, True)
    assert (
        "Connection refused"
        in cluster.kubectl("exec box -- wget -qO- http://web").stderr + cluster.kubectl("exec box -- wget -qO- http://web").text
    )


def test_a_wrong_target_port_is_refused_by_the_pod(cluster: Cluster) -> None:
    cluster.client.patch("services", "web", {"spec": {"ports": [{"port": 80, "targetPort": 9999}]}}, "default")
    cluster.settle(limit=60)
    response = http(cluster, "http://web")
    assert response.error == REFUSED
    assert response.hops[-1].what.endswith(": connection refused")


def test_a_pod_that_is_not_ready_gets_nothing(cluster: Cluster) -> None:
    names = [p["metadata"]["name"] for p in cluster.get("pods") if p["metadata"]["name"] != "box"]
    cluster.simulation.parts.machines.kubelets  # noqa: B018  (the machines are there)
    cluster.faults.crash_container(names[0])
    cluster.run_for(0.2)
    assert f"default/{names[0]}" not in {http(cluster, "http://web").backend for _ in range(30)}


def test_a_dead_node_times_out_until_its_endpoints_are_gone(cluster: Cluster) -> None:
    box = cluster.get("pods", "box")["spec"]["nodeName"]
    victim = next(n for n in ("node-1", "node-2", "node-3") if n != box)
    cluster.faults.fail_node(victim)
    answers = [http(cluster, "http://web", timeout=1) for _ in range(30)]
    assert {a.error for a in answers} == {"", TIMEOUT}
    assert all(a.latency == 1_000_000 for a in answers if a.error)
    cluster.run_for(60)
    assert {http(cluster, "http://web").error for _ in range(30)} == {""}


def test_a_stopped_kube_proxy_leaves_stale_rules(cluster: Cluster) -> None:
    node = cluster.get("pods", "box")["spec"]["nodeName"]
    cluster.faults.stop(f"kube-proxy/{node}")
    cluster.kubectl("delete pods -l app=web --wait=false")
    cluster.run_for(20)
    assert {http(cluster, "http://web").error for _ in range(10)} == {"no route to host"}
    cluster.faults.start(f"kube-proxy/{node}")
    cluster.run_for(1)
    assert http(cluster, "http://web").status == 200


def test_node_ports_answer_on_every_node_and_from_outside(cluster: Cluster) -> None:
    cluster.client.patch("services", "web", {"spec": {"type": "NodePort"}}, "default")
    cluster.settle(limit=30)
    port = cluster.get("services", "web")["spec"]["ports"][0]["nodePort"]
    for node in cluster.get("nodes"):
        address = next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP")
        assert http(cluster, f"http://{address}:{port}", pod="").status == 200
    outside = http(cluster, "http://web", pod="")
    assert outside.error == NO_SUCH_NAME
    assert http(cluster, f"http://{cluster.get('services', 'web')['spec']['clusterIP']}", pod="").error == TIMEOUT


def test_names_of_other_namespaces_pods_and_headless_services(cluster: Cluster) -> None:
    cluster.apply("""
apiVersion: v1
kind: Service
metadata: {name: all}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 8080}]}
""")
    cluster.settle(limit=30)
    machines = cluster.simulation.parts.machines
    box = machines.source("default/box")
    assert len(machines.network.resolve("all", box).addresses) == 3
    assert len(machines.network.resolve("_http._tcp.all.default.svc.cluster.local", box, "SRV").records) == 3
    assert machines.network.resolve("kubernetes.default", box).addresses == ("10.96.0.1",)
    assert machines.network.resolve("10-244-0-9.default.pod", box).addresses == ("10.244.0.9",)
    assert machines.network.resolve("web.nowhere", box).error == NO_SUCH_NAME
    assert machines.network.resolve("web", box._replace(namespace="other")).error == NO_SUCH_NAME


def test_rules_read_like_iptables(cluster: Cluster) -> None:
    lines = cluster.rules("node-1", "web")
    address = cluster.get("services", "web")["spec"]["clusterIP"]
    mine = [line for line in lines if "default/web" in line]
    assert mine[0].startswith(
        f'-A KUBE-SERVICES -d {address}/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-'
    )
    assert [line.split("--probability ")[1].split()[0] for line in mine if "--probability" in line] == ["0.33333333349", "0.50000000000"]
    assert sum("-j DNAT --to-destination" in line for line in mine) == 3


def test_a_load_generator_keeps_its_results(cluster: Cluster) -> None:
    cluster.apply("""
apiVersion: v1
kind: Pod
metadata: {name: load}
spec:
  restartPolicy: Never
  containers:
  - name: load
    image: k8snb/load-generator
    env: [{name: TARGET, value: "http://web"}, {name: RATE, value: "20"}, {name: DURATION, value: "5"}]
""")
    cluster.run_for(5)
    pod = cluster.get("pods", "load")
    memory = cluster.simulation.parts.machines.runtimes[pod["spec"]["nodeName"]].process_memory(pod["metadata"]["uid"], "load")
    assert memory["sent"] == memory["ok"] > 50
    cluster.run_for(5)
    assert cluster.get("pods", "load")["status"]["phase"] == "Succeeded"
    assert "failed 0" in cluster.kubectl("logs load --tail=1").text


def test_a_fork_sees_the_same_traffic(cluster: Cluster) -> None:
    twin = cluster.fork()
    ours = [http(cluster, "http://web").backend for _ in range(10)]
    assert [http(twin, "http://web").backend for _ in range(10)] == ours


def test_requests_are_part_of_history(cluster: Cluster) -> None:
    before, then = cluster.position, [http(cluster, "http://web").backend for _ in range(5)]
    cluster.run_for(1)
    after = cluster.position
    again = cluster.simulation.past(after)
    assert encode(again.root) == encode(cluster.simulation.root)
    assert [Cluster._over(cluster.simulation.past(before)).http("http://web", "box").backend, *then[1:]] == then


def test_where_nobody_answers_nobody_is_named(cluster: Cluster) -> None:
    assert str(http(cluster, "http://wep")).splitlines()[0] == "no such name after 2.4ms"


def test_a_pod_that_does_not_run_cannot_ask(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="no pod default/nobody that runs"):
        cluster.http("http://web", "nobody")


def test_a_response_reads_hop_by_hop_in_the_learners_language(cluster: Cluster) -> None:
    lines = str(http(cluster, "http://web")).splitlines()
    assert lines[0].startswith("200 from default/web-")
    assert [line.split()[0].split("/")[0] for line in lines[1:]] == ["coredns", "kube-proxy", "network", "pod"]
    set_language("ja")
    try:
        assert "エンドポイントがない" not in str(http(cluster, "http://web"))
        assert "問い合わせた名前" in str(http(cluster, "http://wep"))
    finally:
        set_language("en")


def test_a_pod_that_reaches_itself_through_its_service_sees_its_node_as_the_client(cluster: Cluster) -> None:
    """The hairpin: without another sender's address the answer would not find its way back."""
    cluster.kubectl("create deployment alone --image=nginx:1.27")
    cluster.kubectl("expose deployment alone --port=80")
    cluster.settle(limit=60)
    pod = next(p for p in cluster.get("pods") if p["metadata"]["name"].startswith("alone"))
    name, own, node = pod["metadata"]["name"], pod["status"]["podIP"], pod["status"]["hostIP"]
    assert http(cluster, "http://alone", name).status == http(cluster, f"http://{own}", name).status == 200
    asked = [line for line in cluster.kubectl(f"logs {name}").stdout.splitlines() if "GET /" in line]
    assert [line.split()[0] for line in asked] == [node, own]
