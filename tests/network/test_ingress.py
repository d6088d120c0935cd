"""HTTP from outside by host and path: which rule a request meets, and how each kind of failure looks."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster import Cluster
from k8snb.course import certificates as samples
from k8snb.network.ingress import certificates
from k8snb.network.ingress.routing import Location, locate, locations_of
from k8snb.seams.cni import CERTIFICATE, NO_SUCH_NAME, REFUSED, TIMEOUT
from tests.network.worlds import web_pods, world
from tests.web import WEB

API = """
---
apiVersion: v1
kind: Pod
metadata: {name: api, labels: {app: api}}
spec:
  containers:
  - {name: api, image: hashicorp/http-echo, args: ["-text=api", "-listen=:5678"], ports: [{name: web, containerPort: 5678}]}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}, ports: [{name: main, port: 80, targetPort: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
"""


@pytest.fixture(scope="module")
def began() -> Cluster:
    return world(WEB + API, ingress=True)


@pytest.fixture
def cluster(began: Cluster) -> Cluster:
    return began.fork()


def path(path: str, service: str, kind: str = "Prefix", port: str = "number: 80") -> str:
    return f"{{path: {path}, pathType: {kind}, backend: {{service: {{name: {service}, port: {{{port}}}}}}}}}"


def ingress(cluster: Cluster, *paths: str, host: str = "shop.example", name: str = "shop", more: str = "", annotations: str = "") -> Any:
    rule = f"{{{f'host: {host!r}, ' if host else ''}http: {{paths: [{', '.join(paths)}]}}}}"
    rules = f"rules: [{rule}]" if paths else ""
    text = f"""
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {{{annotations}}}}}
spec:
  ingressClassName: nginx
  {more}
  {rules}
"""
    result = cluster.apply(text)
    cluster.settle(limit=20)
    return result


def served_by(response: Any) -> str:
    return str(response.backend.split("/")[-1].split("-")[0])


def test_host_and_path_lead_to_services(cluster: Cluster) -> None:
    result = ingress(cluster, path("/", "web"), path("/api", "api", port="name: main"))
    assert "simulation" not in str(result)
    assert served_by(cluster.http("http://shop.example/")) == "web"
    assert served_by(cluster.http("http://shop.example/api/v1?x=1")) == "api"
    assert served_by(cluster.http("http://shop.example/apis")) == "web"  # Prefix goes by whole elements
    assert cluster.http("http://other.example/").error == NO_SUCH_NAME
    where = cluster.get("ingresses.networking.k8s.io", "shop")["status"]["loadBalancer"]["ingress"][0]["ip"]
    assert where == cluster.http("http://shop.example/").address
    response = cluster.http(f"http://{where}/", headers={"Host": "other.example"})
    assert (response.status, response.hops[-1].rule) == (404, "default backend")
    assert "404 Not Found" in response.body


def test_the_whole_way_is_told(cluster: Cluster) -> None:
    ingress(cluster, path("/", "web"))
    response = cluster.http("http://shop.example/")
    assert [hop.where.split("/")[0] for hop in response.hops] == ["dns", "network", "pod", "network", "pod"]
    assert response.hops[2].rule == "Ingress default/shop: shop.example/"
    events = [e for e in cluster.get("events") if e["involvedObject"]["kind"] == "Ingress"]
    assert [(e["reason"], e["message"], e["source"]["component"]) for e in events] == [
        ("Sync", "Scheduled for sync", "nginx-ingress-controller")
    ]


def _path(host: str, where: str, kind: str) -> dict[str, Any]:
    return {"path": where, "pathType": kind, "backend": {"service": {"name": f"{host}{where}{kind}", "port": {"number": 80}}}}


def locations(*given: tuple[str, str, str]) -> tuple[Location, ...]:
    rules = [{"host": host, "http": {"paths": [_path(host, p, kind)]}} for host, p, kind in given]
    return locations_of([{"metadata": {"namespace": "default", "name": "one"}, "spec": {"rules": rules}}])


@pytest.mark.parametrize(
    ("host", "asked", "met"),
    [
        ("a.example", "/", "/Prefix"), ("a.example", "/foo", "/fooExact"), ("a.example", "/foo/", "/fooPrefix"),
        ("a.example", "/foo/bar/x", "/foo/barPrefix"), ("a.example", "/foo/barx", "/fooPrefix"), ("a.example", "/FOO", "/Prefix"),
        ("b.example", "/", "*.example/Prefix"), ("c.b.example", "/", "/anyPrefix"), ("nobody", "/any", "/anyPrefix"), ("nobody", "/", None),
    ],
)  # fmt: skip
def test_which_rule_comes_first(host: str, asked: str, met: str | None) -> None:
    known = locations(
        ("a.example", "/", "Prefix"), ("a.example", "/foo", "Prefix"), ("a.example", "/foo", "Exact"), ("a.example", "/foo/bar", "Prefix"),
        ("*.example", "/", "Prefix"), ("", "/any", "Prefix"), ("", "/", "Exact"),
    )  # fmt: skip
    asked = "/any/x" if host == "c.b.example" else asked
    found = locate(known, host, asked) if host != "nobody" or asked != "/" else locate(known, host, "/none")
    assert (found.target.service.removeprefix(f"{host}") if found and found.target else None) == met


def test_the_older_of_two_ingresses_has_the_path(cluster: Cluster) -> None:
    ingress(cluster, path("/", "web"), name="z-first")
    cluster.run_for(2)
    ingress(cluster, path("/", "api"), name="a-second")
    assert served_by(cluster.http("http://shop.example/")) == "web"


def test_a_default_backend_takes_what_nobody_claims(cluster: Cluster) -> None:
    ingress(cluster, path("/web", "web"), more="defaultBackend: {service: {name: api, port: {number: 80}}}")
    where = cluster.http("http://shop.example/web").address
    assert served_by(cluster.http("http://shop.example/web")) == "web"
    assert served_by(cluster.http("http://shop.example/other")) == "api"
    assert served_by(cluster.http(f"http://{where}/", headers={"Host": "elsewhere"})) == "api"


def test_without_the_class_nobody_acts_and_a_default_class_helps(cluster: Cluster) -> None:
    head = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: NAME}\n"
    plain = head + "spec: {rules: [{host: NAME.example, http: {paths: [PATH]}}]}\n"
    cluster.apply(plain.replace("NAME", "early").replace("PATH", path("/", "web")))
    cluster.settle(limit=20)
    assert cluster.http("http://early.example/").error == NO_SUCH_NAME
    assert not cluster.get("ingresses.networking.k8s.io", "early").get("status", {}).get("loadBalancer")
    cluster.kubectl("annotate ingressclass nginx ingressclass.kubernetes.io/is-default-class=true")
    cluster.apply(plain.replace("NAME", "late").replace("PATH", path("/", "web")))
    cluster.settle(limit=20)
    assert cluster.http("http://late.example/").status == 200
    assert cluster.http("http://early.example/").error == NO_SUCH_NAME  # a default is filled in at creation


def test_no_endpoints_refusal_and_silence_are_told_apart(cluster: Cluster) -> None:
    ingress(cluster, path("/none", "nobody"), path("/gone", "missing"), path("/port", "web", port="number: 81"), path("/", "web"))
    for asked in ("/none", "/gone", "/port"):
        assert cluster.http(f"http://shop.example{asked}").status == 503
    cluster.client.patch("services", "web", {"spec": {"ports": [{"port": 80, "targetPort": 9999}]}}, "default")
    cluster.settle(limit=20)
    refused = cluster.http("http://shop.example/")
    assert (refused.status, sum(hop.what.endswith(REFUSED) for hop in refused.hops)) == (502, 3)
    deny = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny}\nspec: {podSelector: {matchLabels: {app: api}}}\n"
    cluster.apply(deny)
    ingress(cluster, path("/", "api"), name="api", host="api.example", annotations='nginx.ingress.kubernetes.io/proxy-connect-timeout: "1"')
    away = "node-1" if cluster.get("pods", "api")["spec"]["nodeName"] != "node-1" else "node-2"
    silent = cluster.http("http://api.example/", timeout=20)
    if silent.status == 200:  # the controller stands on the same node, which always gets through
        assert away
        cluster.faults.partition_node(cluster.get("pods", "api")["spec"]["nodeName"])
        silent = cluster.http("http://api.example/", timeout=20)
    assert (silent.status, silent.latency >= 3_000_000) == (504, True)
    assert cluster.http("http://api.example/", timeout=2).error == TIMEOUT  # the client gave up before the proxy did


def test_a_slow_backend_is_a_504(cluster: Cluster) -> None:
    cluster.kubectl("set env deployment/web DELAY_MS=4000")
    cluster.kubectl('patch deployment web --type=json -p \'[{"op":"remove","path":"/spec/template/spec/containers/0/readinessProbe"}]\'')
    cluster.settle(limit=120)
    ingress(cluster, path("/", "web"), annotations='nginx.ingress.kubernetes.io/proxy-read-timeout: "2"')
    response = cluster.http("http://shop.example/", timeout=30)
    assert (response.status, "504 Gateway Time-out" in response.body) == (504, True)
    ingress(cluster, path("/", "web"))
    assert cluster.http("http://shop.example/", timeout=30).status == 200


def test_the_log_of_the_controller_tells_which_endpoints_were_tried(cluster: Cluster) -> None:
    ingress(cluster, path("/", "web"))
    cluster.http("http://shop.example/a", headers={"User-Agent": "curl/8.14"})
    cluster.client.patch("services", "web", {"spec": {"ports": [{"port": 80, "targetPort": 9999}]}}, "default")
    cluster.settle(limit=20)
    cluster.http("http://shop.example/b")
    cluster.http("http://shop.example/b", headers={"Host": "bank.example"})
    log = cluster.kubectl("logs -n ingress-nginx deploy/ingress-nginx-controller").text.splitlines()
    good, *refused, bad, nobody = log[-6:]
    assert '"GET /a HTTP/1.1" 200' in good
    assert '"curl/8.14"' in good
    assert "[default-web-80]" in good
    assert all("connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.1" in line for line in refused)
    assert bad.count(":9999") == bad.count("502,") + 1 == 3
    assert "[upstream-default-backend]" in nobody


def test_in_a_cloud_the_way_in_is_a_load_balancer() -> None:
    cluster = Cluster(nodes=2, cloud="aks", seed=1, ingress=True)
    cluster.apply(WEB)
    cluster.settle(limit=300)
    ingress(cluster, path("/", "web"))
    cluster.run_for(60)
    service = cluster.get("services", "ingress-nginx-controller", "ingress-nginx")
    public = service["status"]["loadBalancer"]["ingress"][0]["ip"]
    response = cluster.http("http://shop.example/")
    assert (response.status, response.address) == (200, public)
    wheres = [hop.where.split("/")[0] for hop in response.hops]
    assert wheres == ["dns", "load-balancer", "kube-proxy", "network", "pod", "network", "pod"]
    assert cluster.get("ingresses.networking.k8s.io", "shop")["status"]["loadBalancer"]["ingress"] == [{"ip": public}]


def test_one_dead_endpoint_of_three_is_tried_elsewhere(cluster: Cluster) -> None:
    ingress(cluster, path("/", "web"))
    cluster.faults.crash_container(web_pods(cluster)[0]["metadata"]["name"])
    assert {cluster.http("http://shop.example/").status for _ in range(6)} == {200}


def test_tls_shows_the_certificate_of_the_secret_and_sends_http_away(cluster: Cluster) -> None:
    tls = "tls: [{hosts: [shop.example], secretName: shop-tls}]"
    ingress(cluster, path("/", "web"), more=tls)
    fake = cluster.http("https://shop.example/")
    assert (fake.error, fake.certificate) == (CERTIFICATE, certificates.FAKE)
    assert cluster.http("https://shop.example/", insecure=True).status == 200
    made = cluster.kubectl("create secret tls shop-tls --cert=tls.crt --key=tls.key", files=samples.files)
    assert made.text == "secret/shop-tls created\n"
    cluster.settle(limit=10)
    secure = cluster.http("https://shop.example/cart")
    assert (secure.status, secure.certificate) == (200, "shop.example")
    plain = cluster.http("http://shop.example/cart")
    assert (plain.status, plain.header("location")) == (308, "https://shop.example/cart")


def test_a_host_that_no_tls_item_lists_is_shown_the_certificate_that_was_made_for_it(cluster: Cluster) -> None:
    cluster.kubectl("create secret tls shop-tls --cert=tls.crt --key=tls.key", files=samples.files)
    ingress(cluster, path("/", "web"), more="tls: [{hosts: [www.shop.example], secretName: shop-tls}]")
    assert cluster.http("https://shop.example/").certificate == "shop.example"
    assert cluster.http("http://shop.example/").status == 308


def test_the_oldest_ingress_of_a_host_says_which_certificate_it_has(cluster: Cluster) -> None:
    cluster.kubectl("create secret tls shop-tls --cert=tls.crt --key=tls.key", files=samples.files)
    ingress(cluster, path("/", "web"), more="tls: [{hosts: [shop.example], secretName: shop-tls}]")
    cluster.run_for(5)
    ingress(cluster, path("/late", "web"), name="late", more="tls: [{hosts: [shop.example], secretName: nothing}]")
    assert cluster.http("https://shop.example/").certificate == "shop.example"


def test_a_certificate_for_another_host_is_not_shown(cluster: Cluster) -> None:
    cluster.kubectl("create secret tls shop-tls --cert=tls.crt --key=tls.key", files=samples.files)
    ingress(cluster, path("/", "web"), host="bank.example", more="tls: [{hosts: [bank.example], secretName: shop-tls}]")
    assert cluster.http("https://bank.example/").certificate == certificates.FAKE
    found = certificates.read(samples.files["tls.crt"])
    assert found is not None
    assert [found.covers(host) for host in ("shop.example", "www.shop.example", "a.www.shop.example", "bank.example")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert certificates.read("no certificate") is None


def test_paths_can_be_rewritten_and_hosts_redirected(cluster: Cluster) -> None:
    rewrite = "nginx.ingress.kubernetes.io/rewrite-target: /$2"
    ingress(cluster, path("/fails(/|$)(.*)", "web", "ImplementationSpecific"), annotations=rewrite)
    assert cluster.http("http://shop.example/fails/fail").status == 500  # the program was asked for /fail
    assert cluster.http("http://shop.example/fails").status == 200
    ingress(
        cluster,
        path("/", "web"),
        host="old.example",
        name="old",
        annotations="nginx.ingress.kubernetes.io/permanent-redirect: https://new.example",
    )
    moved = cluster.http("http://old.example/")
    assert (moved.status, moved.header("Location")) == (301, "https://new.example")


def test_an_annotation_that_is_not_simulated_is_said_and_not_swallowed(cluster: Cluster) -> None:
    ingress(cluster, path("/", "web"), annotations='nginx.ingress.kubernetes.io/canary: "true", note: mine')
    cluster.kubectl("annotate ingress shop nginx.ingress.kubernetes.io/rewrit-target=/ nginx.ingress.kubernetes.io/proxy-read-timeout=7")
    cluster.settle(limit=20)
    told = [event["message"] for event in cluster.get("events") if event["reason"] == "NotSimulated"]
    names = ["nginx.ingress.kubernetes.io/canary", "nginx.ingress.kubernetes.io/rewrit-target"]
    assert told == [f"k8snb does not simulate the annotation {name}: it changes nothing" for name in names]  # each of them once
    response = cluster.http("http://shop.example/")
    assert response.status == 200
    assert ", ".join(names) in str(response)
    assert ", ".join(names) in str(cluster.trace_packet("outside", "http://shop.example/"))
    cluster.kubectl("annotate ingress shop nginx.ingress.kubernetes.io/canary- nginx.ingress.kubernetes.io/rewrit-target-")
    cluster.settle(limit=20)
    assert "does not simulate" not in str(cluster.http("http://shop.example/"))


def test_without_its_pods_nobody_listens_and_a_new_one_goes_on_elsewhere(cluster: Cluster) -> None:
    ingress(cluster, path("/", "web"))
    pod = cluster.kubectl("get pods -n ingress-nginx -o name").text.split()[0]
    cluster.kubectl(f"delete -n ingress-nginx {pod} --wait=false")
    cluster.run_for(0.3)
    assert cluster.http("http://shop.example/").error in (REFUSED, NO_SUCH_NAME)
    cluster.settle(limit=60)
    assert cluster.http("http://shop.example/").status == 200


def test_a_stopped_loop_goes_on_by_what_it_wrote(cluster: Cluster) -> None:
    ingress(cluster, path("/", "web"))
    cluster.faults.stop("ingress-nginx")
    ingress(cluster, path("/", "api"), host="api.example", name="api")
    assert cluster.http("http://shop.example/").status == 200
    assert cluster.http("http://api.example/").error == NO_SUCH_NAME
    cluster.kubectl("rollout restart deployment web")
    cluster.settle(limit=60)
    assert cluster.http("http://shop.example/").status == 502  # stale endpoints: nobody has these addresses any more
    cluster.faults.start("ingress-nginx")
    cluster.settle(limit=10)
    assert cluster.http("http://shop.example/").status == cluster.http("http://api.example/").status == 200


def test_a_cluster_without_a_controller_says_that_nobody_acts() -> None:
    bare = world()
    result = ingress(bare, path("/", "web"))
    assert "nothing in the simulation acts on them" in str(result)
    assert bare.get("ingressclasses.networking.k8s.io") == []


@pytest.mark.parametrize(("given", "seconds"), [("30", 30), ("0", 5), ("²", 5), ("30s", 5), ("", 5)])
def test_a_timeout_that_is_no_number_is_passed_over(given: str, seconds: int) -> None:
    assert Location("", "/", "Prefix", "", None, (("proxy-read-timeout", given),)).timeout("proxy-read-timeout", 5) == seconds
