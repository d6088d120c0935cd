"""NetworkPolicy: what is dropped, what gets through, and who decided."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster import Cluster
from k8snb.messages import Mistake
from k8snb.seams.cni import DNS_TIMEOUT, REFUSED, TIMEOUT
from tests.network.worlds import address, node_of, patch, web_pods, world
from tests.web import WEB

OTHERS = """
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: shop}}
---
apiVersion: v1
kind: Pod
metadata: {name: till, namespace: shop, labels: {app: till}}
spec: {containers: [{name: till, image: "busybox:1.36", command: [sleep, "360000"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: friend, labels: {app: friend}}
spec: {containers: [{name: friend, image: "busybox:1.36", command: [sleep, "360000"]}]}
"""


@pytest.fixture(scope="module")
def began() -> Cluster:
    return world(WEB + OTHERS)


@pytest.fixture
def cluster(began: Cluster) -> Cluster:
    return began.fork()


def policy(cluster: Cluster, name: str, spec: str, namespace: str = "default") -> Any:
    text = f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    result = cluster.apply(text)
    cluster.settle(limit=10)
    return result


def reaches(cluster: Cluster, pod: str, url: str = "http://web.default") -> bool:
    response = cluster.http(url, pod, timeout=1)
    assert response.status == 200 or response.error in (TIMEOUT, DNS_TIMEOUT)
    return bool(response.status == 200)


def test_without_policies_everybody_reaches_everybody_and_the_agent_watches_no_pods(cluster: Cluster) -> None:
    assert reaches(cluster, "box")
    assert reaches(cluster, "shop/till")
    agent = cluster.simulation.parts.components["network-policy"]
    assert not agent.informers["pods"].state.watch
    assert not agent.state.own.pods


def test_a_default_deny_drops_and_says_which_policy_did(cluster: Cluster) -> None:
    result = policy(cluster, "deny-all", "{podSelector: {}}")
    assert "nothing in the simulation acts on them" not in result.text + result.stderr
    response = cluster.http("http://web", "box", timeout=3)
    assert (response.error, response.latency) == (TIMEOUT, 3_000_000)
    assert response.hops[-1].rule == "NetworkPolicy default/deny-all"
    assert "default/deny-all" in response.why
    assert "download timed out" in str(cluster.kubectl("exec box -- wget -qO- -T 1 http://web"))
    pod = web_pods(cluster)[0]["status"]["podIP"]
    assert cluster.http(f"http://{pod}:9999", "box", timeout=1).error == TIMEOUT  # a closed port is not told apart: dropped before


def test_policies_add_up_and_their_order_does_not_matter(cluster: Cluster) -> None:
    policy(cluster, "deny-all", "{podSelector: {}}")
    policy(cluster, "allow-box", "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: box}}}]}]}")
    assert reaches(cluster, "box")
    assert not reaches(cluster, "friend")
    assert not reaches(cluster, "shop/till")
    policy(
        cluster, "a-friend", "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: friend}}}]}]}"
    )
    assert reaches(cluster, "box")
    assert reaches(cluster, "friend")
    cluster.kubectl("delete networkpolicy --all")
    cluster.settle(limit=10)
    assert reaches(cluster, "shop/till")
    assert not cluster.simulation.parts.components["network-policy"].state.own.pods


@pytest.mark.parametrize(
    ("peers", "who"),
    [
        ("[{podSelector: {}}]", {"box", "friend"}),
        ("[{namespaceSelector: {matchLabels: {team: shop}}}]", {"shop/till"}),
        (
            "[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}, podSelector: {matchLabels: {app: till}}}]",
            {"shop/till"},
        ),
        ("[{namespaceSelector: {matchLabels: {team: shop}}, podSelector: {matchLabels: {app: box}}}]", set()),  # both, in one item
        ("[{namespaceSelector: {matchLabels: {team: shop}}}, {podSelector: {matchLabels: {app: box}}}]", {"shop/till", "box"}),  # either
        ("[{namespaceSelector: {}}]", {"box", "friend", "shop/till"}),
        ("[]", {"box", "friend", "shop/till"}),  # a rule without peers allows everybody
    ],
)
def test_who_is_meant_by_peers(cluster: Cluster, peers: str, who: set[str]) -> None:
    policy(cluster, "only", f"{{podSelector: {{matchLabels: {{app: web}}}}, ingress: [{{from: {peers}}}]}}")
    assert {pod for pod in ("box", "friend", "shop/till") if reaches(cluster, pod)} == who


def test_ip_blocks_mean_addresses_and_except_takes_some_away(cluster: Cluster) -> None:
    box = cluster.get("pods", "box")["status"]["podIP"]
    block = (
        f"{{podSelector: {{matchLabels: {{app: web}}}}, ingress: [{{from: [{{ipBlock: {{cidr: 10.244.0.0/16, except: [{box}/32]}}}}]}}]}}"
    )
    policy(cluster, "block", block)
    assert not reaches(cluster, "box")
    assert reaches(cluster, "friend")


@pytest.mark.parametrize(
    ("ports", "through"),
    [
        ("[{port: 8080}]", True),
        ("[{port: 80}]", False),  # the port of the Service: policies see the pod's
        ("[{port: http}]", True),
        ("[{port: nothing}]", False),
        ("[{port: 8000, endPort: 9000}]", True),
        ("[{port: 8080, protocol: UDP}]", False),
        ("[{protocol: TCP}]", True),
    ],
)
def test_ports_are_those_of_the_pod(cluster: Cluster, ports: str, through: bool) -> None:
    policy(cluster, "ports", f"{{podSelector: {{matchLabels: {{app: web}}}}, ingress: [{{ports: {ports}}}]}}")
    assert reaches(cluster, "box") is through


def test_egress_forgets_dns_and_names_are_the_first_to_fail(cluster: Cluster) -> None:
    to_web = "{to: [{podSelector: {matchLabels: {app: web}}}]}"
    policy(cluster, "out", f"{{podSelector: {{matchLabels: {{app: box}}}}, policyTypes: [Egress], egress: [{to_web}]}}")
    response = cluster.http("http://web", "box")
    assert response.error == DNS_TIMEOUT
    assert response.hops[-1].rule == "NetworkPolicy default/out"
    ip = cluster.get("services", "web")["spec"]["clusterIP"]
    assert cluster.http(f"http://{ip}", "box").status == 200
    dns = (
        "{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}},"
        " podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 53, protocol: UDP}]}"
    )
    policy(cluster, "out", f"{{podSelector: {{matchLabels: {{app: box}}}}, policyTypes: [Egress], egress: [{to_web}, {dns}]}}")
    assert reaches(cluster, "box")
    assert not reaches(cluster, "box", f"http://{cluster.get('pods', 'till', 'shop')['status']['podIP']}:80")


def test_answers_pass_although_the_server_may_not_open_connections(cluster: Cluster) -> None:
    policy(cluster, "mute", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]}")
    assert reaches(cluster, "box")


def test_both_ends_must_allow(cluster: Cluster) -> None:
    policy(cluster, "in", "{podSelector: {matchLabels: {app: web}}, ingress: [{}]}")
    policy(cluster, "no-out", "{podSelector: {matchLabels: {app: friend}}, policyTypes: [Egress]}")
    assert reaches(cluster, "box")
    assert not reaches(cluster, "friend")


def test_probes_of_the_own_node_always_get_through(cluster: Cluster) -> None:
    policy(cluster, "deny-all", "{podSelector: {}, policyTypes: [Ingress, Egress]}")
    cluster.run_for(60)
    assert all(pod["status"]["containerStatuses"][0]["ready"] for pod in web_pods(cluster))
    home = web_pods(cluster)[0]
    ip, node = home["status"]["podIP"], home["spec"]["nodeName"]
    assert cluster.http(f"http://{ip}:8080", from_node=node).status == 200
    other = next(n for n in ("node-1", "node-2", "node-3") if n != node)
    assert cluster.http(f"http://{ip}:8080", from_node=other, timeout=1).error == TIMEOUT


def test_behind_a_node_port_another_node_hides_who_asks(cluster: Cluster) -> None:
    cluster.kubectl("scale deployment web --replicas=1")
    patch(cluster, {"type": "NodePort"})
    policy(cluster, "world", "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}")
    port = cluster.get("services", "web")["spec"]["ports"][0]["nodePort"]
    home = web_pods(cluster)[0]["spec"]["nodeName"]
    other = next(n for n in ("node-1", "node-2", "node-3") if n != home)
    assert cluster.http(f"http://{address(cluster, home)}:{port}").status == 200
    assert cluster.http(f"http://{address(cluster, other)}:{port}", timeout=1).error == TIMEOUT  # it comes with the node's address


def test_labels_are_followed(cluster: Cluster) -> None:
    policy(cluster, "allow", "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {role: client}}}]}]}")
    assert not reaches(cluster, "box")
    cluster.kubectl("label pod box role=client")
    cluster.settle(limit=10)
    assert reaches(cluster, "box")


def test_the_agent_stops_and_its_rules_stay(cluster: Cluster) -> None:
    policy(cluster, "deny-all", "{podSelector: {}}")
    cluster.faults.stop("network-policy")
    cluster.kubectl("delete networkpolicy deny-all")
    cluster.run_for(10)
    assert not reaches(cluster, "box")
    cluster.faults.start("network-policy")
    cluster.run_for(2)
    assert reaches(cluster, "box")


def test_pods_in_the_network_of_their_node_are_the_node(cluster: Cluster) -> None:
    cluster.apply(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: onhost, labels: {app: box}}\n"
        "spec: {hostNetwork: true, containers: [{name: c, image: 'busybox:1.36', command: [sleep, '9999']}]}"
    )
    cluster.settle(limit=30)
    policy(cluster, "only-box", "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: box}}}]}]}")
    target = next(pod for pod in web_pods(cluster) if pod["spec"]["nodeName"] != node_of(cluster, "onhost"))["status"]["podIP"]
    assert cluster.http(f"http://{target}:8080", "box").status == 200
    assert cluster.http(f"http://{target}:8080", "onhost", timeout=1).error == TIMEOUT  # its labels do not count


def test_a_refusal_is_not_a_drop(cluster: Cluster) -> None:
    policy(cluster, "open", "{podSelector: {matchLabels: {app: web}}, ingress: [{}]}")
    ip = web_pods(cluster)[0]["status"]["podIP"]
    assert cluster.http(f"http://{ip}:9999", "box").error == REFUSED


def test_no_policy_keeps_a_pod_from_itself(cluster: Cluster) -> None:
    policy(cluster, "deny-all", "{podSelector: {}, policyTypes: [Ingress, Egress]}")
    pod = web_pods(cluster)[0]["metadata"]["name"]
    assert cluster.http("http://localhost:8080", pod).backend == f"default/{pod}"
    assert cluster.http("http://127.0.0.1:9999", pod).error == REFUSED
    assert "open" not in str(cluster.kubectl("exec box -- nc -zv 10.96.0.10 53"))


def test_cluster_dns_itself_can_be_reached(cluster: Cluster) -> None:
    assert "open" in str(cluster.kubectl("exec box -- nc -zv 10.96.0.10 53"))


def test_a_request_from_a_node_that_is_not_there_says_which_are(cluster: Cluster) -> None:
    with pytest.raises(Mistake, match="node-1, node-2, node-3"):
        cluster.http("http://web", from_node="node-9")
