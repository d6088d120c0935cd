"""kube-proxy's rules: the names that upstream gives its chains, both forms of print, and what each traffic policy does."""

from __future__ import annotations

import itertools

import pytest

from k8snb.cluster import Cluster
from k8snb.messages import Mistake
from k8snb.network.chains import NFTABLES, chain
from k8snb.network.iptables import probability
from k8snb.network.rules import DROP, REJECT, SEND, Backend, Packet, Rule, judge
from k8snb.seams.cloud import LoadBalancer
from k8snb.seams.cni import NO_ENDPOINTS, NO_ROUTE, REFUSED, TIMEOUT
from tests.network.worlds import address, node_of, patch, web_pods, world

ONE = Backend("10.180.0.1", 80, "node-1", "", True)
UPSTREAM = Rule(
    "ns1/svc1", "p80", "TCP", "172.30.0.41", 80, 3001, ("192.168.99.22",), ("1.2.3.4",), (), 0, (ONE,), (), True, False, False, 0,
)  # fmt: skip


@pytest.fixture(scope="module")
def began() -> Cluster:
    return world()


@pytest.fixture
def cluster(began: Cluster) -> Cluster:
    return began.fork()


def test_chains_have_the_names_that_upstreams_own_tests_expect() -> None:
    assert chain("cluster", UPSTREAM) == "KUBE-SVC-XPGD46QRK7WJZT7O"
    assert chain("external", UPSTREAM) == "KUBE-EXT-XPGD46QRK7WJZT7O"
    assert chain("endpoint", UPSTREAM, backend=ONE) == "KUBE-SEP-SXIVWICOYRO3J4NJ"
    assert chain("cluster", UPSTREAM, NFTABLES) == "service-ULMVA6XW-ns1/svc1/tcp/p80"
    assert chain("endpoint", UPSTREAM, NFTABLES, ONE) == "endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80"


@pytest.mark.parametrize(("rest", "said"), [(2, "0.50000000000"), (3, "0.33333333349"), (4, "0.25000000000"), (5, "0.20000000019")])
def test_probabilities_are_printed_as_the_kernel_keeps_them(rest: int, said: str) -> None:
    assert probability(rest) == said


@pytest.mark.parametrize(
    ("changes", "packet", "action"),
    [
        ({}, Packet("services", "172.30.0.41", "10.244.0.9", pod=True), SEND),
        ({"anywhere": False, "cluster": ()}, Packet("services", "172.30.0.41", pod=True), REJECT),
        ({"internal_local": True}, Packet("services", "172.30.0.41", pod=True), DROP),
        ({"external_local": True}, Packet("nodeports", "192.168.10.3", "192.0.2.1"), DROP),
        ({"external_local": True}, Packet("nodeports", "192.168.10.3", "10.244.0.9", pod=True), SEND),  # the short way for pods
        ({"external_local": True}, Packet("services", "1.2.3.4", "192.168.10.3", here=True), SEND),
        ({"source_ranges": ("203.0.113.0/24",)}, Packet("services", "1.2.3.4", "192.0.2.1"), DROP),
        ({"source_ranges": ("203.0.113.0/24",)}, Packet("services", "1.2.3.4", "203.0.113.9"), SEND),
        ({"source_ranges": ("203.0.113.0/24",)}, Packet("nodeports", "192.168.10.3", "192.0.2.1"), SEND),  # node ports know no ranges
    ],
)
def test_what_becomes_of_a_packet(changes: dict[str, object], packet: Packet, action: str) -> None:
    assert judge(UPSTREAM._replace(**changes), packet).action == action


def test_packets_from_outside_are_masqueraded_unless_the_policy_is_local() -> None:
    outside = Packet("nodeports", "192.168.10.3", "192.0.2.1")
    assert judge(UPSTREAM, outside).masquerade
    assert not judge(UPSTREAM._replace(external_local=True, local=(ONE,)), outside).masquerade


def test_the_whole_node_reads_like_iptables_save(cluster: Cluster) -> None:
    lines = cluster.rules("node-2")
    assert lines[0] == "*filter"
    assert lines.count("COMMIT") == 2
    assert any(line.startswith("-A KUBE-POSTROUTING") and line.endswith("-j MASQUERADE --random-fully") for line in lines)
    declared = {line[1:].split()[0] for line in lines if line.startswith(":")}
    jumps = {line.split("-j ")[1].split()[0] for line in lines if " -j KUBE-" in line}
    assert jumps <= declared
    last = [line for line in lines if line.startswith("-A KUBE-SERVICES")][-1]
    assert last.endswith("-j KUBE-NODEPORTS")
    assert str(lines) == repr(lines) == "\n".join(lines)


def test_nftables_finds_a_service_with_one_look(cluster: Cluster) -> None:
    text = repr(cluster.rules("node-1", mode="nftables"))
    ip = cluster.get("services", "web")["spec"]["clusterIP"]
    assert f"{ip} . tcp . 80 : goto service-" in text
    assert "numgen random mod 3 vmap { 0 : goto endpoint-" in text
    assert text.count("{") == text.count("}")
    with pytest.raises(Mistake, match="iptables, nftables"):
        cluster.rules("node-1", mode="ipvs")


def test_session_affinity_is_a_list_of_recent_clients(cluster: Cluster) -> None:
    patch(cluster, {"sessionAffinity": "ClientIP"})
    lines = cluster.rules("node-1", "web")
    assert sum("-m recent --rcheck --seconds 10800 --reap" in line for line in lines) == 3
    assert sum("-m recent --set" in line for line in lines) == 3
    assert "timeout 10800s" in repr(cluster.rules("node-1", mode="nftables"))


def test_affinity_ends_after_its_time_and_begins_anew_with_every_connection(cluster: Cluster) -> None:
    patch(cluster, {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}}})
    first = cluster.http("http://web", "box").backend
    for _ in range(4):
        cluster.run_for(50)
        assert cluster.http("http://web", "box").backend == first
    seen = set()
    for _ in range(12):
        cluster.run_for(61)
        seen.add(cluster.http("http://web", "box").backend)
    assert len(seen) > 1


def test_affinity_lets_go_of_a_backend_that_is_gone(cluster: Cluster) -> None:
    patch(cluster, {"sessionAffinity": "ClientIP"})
    first = cluster.http("http://web", "box").backend
    cluster.kubectl(f"delete pod {first.split('/')[1]} --wait=false")
    cluster.run_for(5)
    assert cluster.http("http://web", "box").status == 200
    assert cluster.http("http://web", "box").backend != first


def test_internal_policy_local_never_leaves_the_node(cluster: Cluster) -> None:
    patch(cluster, {"internalTrafficPolicy": "Local"})
    here = node_of(cluster, "box")
    assert {node_of(cluster, cluster.http("http://web", "box").backend.split("/")[1]) for _ in range(10)} == {here}
    name = next(pod["metadata"]["name"] for pod in web_pods(cluster) if pod["spec"]["nodeName"] == here)
    cluster.kubectl('patch deployment web -p \'{"spec":{"replicas":2}}\'')
    cluster.kubectl(f"annotate pod {name} controller.kubernetes.io/pod-deletion-cost=-1")
    cluster.kubectl("scale deployment web --replicas=3")
    cluster.settle(limit=60)
    cluster.kubectl(f"cordon {here}")
    for pod in web_pods(cluster):
        if pod["spec"]["nodeName"] == here:
            cluster.kubectl(f"delete pod {pod['metadata']['name']} --wait=false")
    cluster.settle(limit=60)
    response = cluster.http("http://web", "box", timeout=1)
    assert response.error == TIMEOUT  # endpoints exist elsewhere: dropped, not refused
    assert "no endpoint on" in response.why
    assert any("has no local endpoints" in line and line.endswith("-j DROP") for line in cluster.rules(here, "web"))


def test_external_policy_local_keeps_the_clients_address_and_drops_elsewhere(cluster: Cluster) -> None:
    cluster.kubectl("scale deployment web --replicas=1")
    patch(cluster, {"type": "NodePort", "externalTrafficPolicy": "Local"})
    port = cluster.get("services", "web")["spec"]["ports"][0]["nodePort"]
    home = web_pods(cluster)[0]["spec"]["nodeName"]
    for node in ("node-1", "node-2", "node-3"):
        response = cluster.http(f"http://{address(cluster, node)}:{port}", timeout=1)
        assert (response.status, response.error) == ((200, "") if node == home else (0, TIMEOUT))
    other = next(node for node in ("node-1", "node-2", "node-3") if node != home)
    inside = cluster.http(f"http://{address(cluster, other)}:{port}", "box")
    assert inside.status == 200  # pods take the short way, wherever they ask


def test_the_health_check_port_says_which_nodes_have_an_endpoint(cluster: Cluster) -> None:
    cluster.kubectl("scale deployment web --replicas=1")
    patch(cluster, {"type": "LoadBalancer", "externalTrafficPolicy": "Local"})
    port = cluster.get("services", "web")["spec"]["healthCheckNodePort"]
    home = web_pods(cluster)[0]["spec"]["nodeName"]
    answers = {node: cluster.http(f"http://{address(cluster, node)}:{port}/healthz") for node in ("node-1", "node-2", "node-3")}
    assert {node: answer.status for node, answer in answers.items()} == {node: 200 if node == home else 503 for node in answers}
    assert '"localEndpoints": 1' in answers[home].body
    assert cluster.http(f"http://{address(cluster, home)}:10256/healthz").status == 200
    cluster.faults.stop(f"kube-proxy/{home}")
    assert cluster.http(f"http://{address(cluster, home)}:10256/healthz").error == REFUSED


class Cloud:
    """A cloud with one load balancer."""

    def __init__(self, nodes: tuple[str, ...]) -> None:
        self.nodes = nodes

    def load_balancer(self, ip: str, port: int) -> LoadBalancer | None:
        return LoadBalancer("web", self.nodes) if (ip, port) == ("203.0.113.7", 80) else None


def with_balancer(cluster: Cluster, nodes: tuple[str, ...]) -> None:
    patch(cluster, {"type": "LoadBalancer"})
    service = cluster.get("services", "web")
    cluster.client.patch(
        "services", "web", {"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}}}, "default", subresource="status"
    )
    cluster.settle(limit=30)
    assert service["spec"]["type"] == "LoadBalancer"
    cluster.simulation.parts.machines.network.paths.cloud = Cloud(nodes)


def test_a_load_balancer_hands_packets_to_healthy_nodes_and_the_rules_do_the_rest(cluster: Cluster) -> None:
    with_balancer(cluster, ("node-1", "node-3"))
    responses = [cluster.http("http://203.0.113.7") for _ in range(20)]
    assert {response.status for response in responses} == {200}
    assert {response.hops[1].where for response in responses} == {"kube-proxy/node-1", "kube-proxy/node-3"}
    assert "KUBE-SERVICES > KUBE-EXT-" in responses[0].hops[1].rule
    assert cluster.http("http://203.0.113.7", "box").status == 200  # from inside: by the rules of the pod's own node
    cluster.simulation.parts.machines.network.paths.cloud = Cloud(())
    assert cluster.http("http://203.0.113.7", timeout=1).error == TIMEOUT
    assert cluster.http("http://203.0.113.7", "box").status == 200


def test_source_ranges_are_kept_on_the_nodes(cluster: Cluster) -> None:
    with_balancer(cluster, ("node-1",))
    patch(cluster, {"loadBalancerSourceRanges": ["203.0.113.0/24"]})
    response = cluster.http("http://203.0.113.7", timeout=1)
    assert (response.error, "loadBalancerSourceRanges" in response.why) == (TIMEOUT, True)
    lines = cluster.rules("node-1", "web")
    assert any("-A KUBE-PROXY-FIREWALL -d 203.0.113.7/32" in line and line.endswith("-j DROP") for line in lines)
    assert any(line.startswith("-A KUBE-FW-") and "-s 203.0.113.0/24" in line for line in lines)


def test_some_of_the_rules_print_as_all_do(cluster: Cluster) -> None:
    rules = cluster.rules("node-1", "web")
    assert repr(rules[:2]) == f"{rules[0]}\n{rules[1]}"


def test_an_external_ip_leads_in_like_a_node_port(cluster: Cluster) -> None:
    patch(cluster, {"externalIPs": ["198.51.100.4"]})
    assert cluster.http("http://198.51.100.4", "box").status == 200
    assert any("external IP" in line and "-d 198.51.100.4/32" in line for line in cluster.rules("node-1", "web"))


def test_traffic_distribution_keeps_to_the_zone_while_every_endpoint_has_a_hint(cluster: Cluster) -> None:
    patch(cluster, {"trafficDistribution": "PreferSameZone"})
    zones = {node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in cluster.get("nodes")}
    home = zones[node_of(cluster, "box")]
    served = {zones[node_of(cluster, cluster.http("http://web", "box").backend.split("/")[1])] for _ in range(10)}
    assert served == {home}
    slice_ = next(s for s in cluster.get("endpointslices.discovery.k8s.io") if s["metadata"]["name"].startswith("web-"))
    assert all(e["hints"]["forZones"] == [{"name": e["zone"]}] for e in slice_["endpoints"])


def test_without_any_ready_endpoint_those_that_end_but_still_serve_are_used(cluster: Cluster) -> None:
    hook = '{"spec":{"template":{"spec":{"containers":[{"name":"web","lifecycle":{"preStop":{"sleep":{"seconds":20}}}}]}}}}'
    cluster.kubectl(["patch", "deployment", "web", "--patch", hook])
    cluster.settle(limit=120)
    cluster.kubectl("scale deployment web --replicas=0")
    cluster.run_for(5)
    assert all("deletionTimestamp" in pod["metadata"] for pod in web_pods(cluster))
    assert cluster.http("http://web", "box").status == 200
    cluster.run_for(60)
    assert cluster.http("http://web", "box").error == NO_ENDPOINTS


def test_a_pod_reaches_itself_through_its_service(cluster: Cluster) -> None:
    cluster.kubectl("scale deployment web --replicas=1")
    cluster.settle(limit=30)
    pod = web_pods(cluster)[0]["metadata"]["name"]
    assert cluster.http("http://web", pod).backend == f"default/{pod}"
    assert any(line.endswith("-j KUBE-MARK-MASQ") and "KUBE-SEP-" in line for line in cluster.rules("node-1", "web"))


def test_writes_are_at_least_the_minimum_sync_period_apart(cluster: Cluster) -> None:
    trace = cluster.simulation.parts.kernel.trace
    begin = trace.last
    for replicas in (4, 5, 6, 7, 8):
        cluster.kubectl(f"scale deployment web --replicas={replicas}")
        cluster.run_for(0.6)
    cluster.settle(limit=60)
    times = [record.time for record in trace.since(begin) if record.actor == "kube-proxy/node-1" and record.verb == "write rules"]
    assert len(times) >= 2
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 1_000_000


def test_a_stopped_proxy_sends_packets_to_addresses_that_nobody_has(cluster: Cluster) -> None:
    node = node_of(cluster, "box")
    cluster.faults.stop(f"kube-proxy/{node}")
    cluster.kubectl("rollout restart deployment web")
    cluster.run_for(30)
    responses = [cluster.http("http://web", "box") for _ in range(10)]
    assert {response.error for response in responses} == {NO_ROUTE}
    other = next(pod["metadata"]["name"] for pod in web_pods(cluster) if pod["spec"]["nodeName"] != node)
    assert cluster.http("http://web", other).status == 200  # other nodes have fresh rules
    cluster.faults.start(f"kube-proxy/{node}")
    cluster.run_for(2)
    assert cluster.http("http://web", "box").status == 200


def test_a_node_that_is_cut_off_keeps_the_rules_it_had(cluster: Cluster) -> None:
    node = node_of(cluster, "box")
    other = next(n for n in ("node-1", "node-2", "node-3") if n != node)
    cluster.faults.partition_node(other)
    before = cluster.rules(other, "web")
    cluster.kubectl("scale deployment web --replicas=6")
    cluster.run_for(20)
    assert cluster.rules(other, "web") == before != cluster.rules(node, "web")
    cluster.faults.restore_node(other)
    cluster.run_for(20)
    assert cluster.rules(other, "web") == cluster.rules(node, "web")


def test_a_service_of_two_ports_has_chains_for_each(cluster: Cluster) -> None:
    cluster.apply("""
apiVersion: v1
kind: Pod
metadata: {name: twin, labels: {app: twin}}
spec:
  containers:
  - {name: web, image: "k8snb/web:1", ports: [{name: http, containerPort: 8080}]}
  - {name: side, image: hashicorp/http-echo, args: ["-text=side"], ports: [{name: metrics, containerPort: 5678}]}
---
apiVersion: v1
kind: Service
metadata: {name: twin}
spec: {selector: {app: twin}, ports: [{name: http, port: 80, targetPort: http}, {name: metrics, port: 9090, targetPort: metrics}]}
""")
    cluster.settle(limit=30)
    assert cluster.http("http://twin", "box").body.startswith("Hello from twin")
    assert cluster.http("http://twin:9090", "box").body == "side\n"
    lines = cluster.rules("node-1", "twin")
    assert {line.split('"')[1] for line in lines if line.startswith("-A KUBE-SERVICES")} == {
        "default/twin:http cluster IP",
        "default/twin:metrics cluster IP",
    }
    assert cluster.http("http://twin:81", "box", timeout=1).error == TIMEOUT  # no rule: packets for it are lost


def test_an_address_in_front_of_a_proxying_balancer_is_none_of_the_nodes_business(cluster: Cluster) -> None:
    patch(cluster, {"type": "LoadBalancer"})
    ingress = [{"ip": "203.0.113.7", "ipMode": "Proxy"}]
    cluster.client.patch("services", "web", {"status": {"loadBalancer": {"ingress": ingress}}}, "default", subresource="status")
    cluster.settle(limit=30)
    assert not any("203.0.113.7" in line for line in cluster.rules("node-1", "web"))


def test_a_host_port_leads_to_the_pod_on_that_node_only(cluster: Cluster) -> None:
    cluster.apply("""
apiVersion: v1
kind: Pod
metadata: {name: door}
spec: {nodeName: node-2, containers: [{name: web, image: "k8snb/web:1", ports: [{containerPort: 8080, hostPort: 8088}]}]}
""")
    cluster.settle(limit=30)
    response = cluster.http(f"http://{address(cluster, 'node-2')}:8088")
    assert (response.status, response.hops[0].rule) == (200, "CNI-HOSTPORT-DNAT")
    assert cluster.http(f"http://{address(cluster, 'node-1')}:8088").error == REFUSED
    cluster.kubectl("delete pod door")
    assert cluster.http(f"http://{address(cluster, 'node-2')}:8088").error == REFUSED


def test_endpoints_written_by_hand_lead_out_of_the_cluster(cluster: Cluster) -> None:
    cluster.apply("""
apiVersion: v1
kind: Service
metadata: {name: old}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: old-1, labels: {kubernetes.io/service-name: old}}
addressType: IPv4
ports: [{port: 80}]
endpoints: [{addresses: ["198.51.100.20"]}]
""")
    cluster.settle(limit=30)
    assert any("--to-destination 198.51.100.20:80" in line for line in cluster.rules("node-1", "old"))
    assert cluster.http("http://old", "box", timeout=1).error == TIMEOUT  # nobody is there, in this world
