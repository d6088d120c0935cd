"""Cluster DNS: which names exist, in which order they are tried, and the two kinds of nothing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster import Cluster
from k8snb.component_helpers.resolver import candidates, cluster_first
from k8snb.network.dns import NODATA, NXDOMAIN
from k8snb.seams.cni import DNS_TIMEOUT, NO_SUCH_NAME, Answer
from tests.network.worlds import web_pods, world
from tests.web import WEB

MORE = """
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{name: sql, port: 5432}]}
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec: {clusterIP: None, selector: {app: nobody}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: alias}
spec: {type: ExternalName, externalName: web.default.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: away}
spec: {type: ExternalName, externalName: db.example.com}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, labels: {app: db}}
spec:
  hostname: db-0
  subdomain: db
  containers: [{name: c, image: "busybox:1.36", command: [sleep, "360000"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: own}
spec:
  dnsPolicy: None
  dnsConfig: {nameservers: [10.96.0.10], searches: [svc.cluster.local], options: [{name: ndots, value: "1"}, {name: edns0}]}
  containers: [{name: c, image: "busybox:1.36", command: [sleep, "360000"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: like-node}
spec: {dnsPolicy: Default, containers: [{name: c, image: "busybox:1.36", command: [sleep, "360000"]}]}
"""


@pytest.fixture(scope="module")
def began() -> Cluster:
    return world(WEB + MORE)


@pytest.fixture
def cluster(began: Cluster) -> Cluster:
    return began.fork()


def look_up(cluster: Cluster, name: str, pod: str = "default/box", kind: str = "A") -> Answer:
    machines = cluster.simulation.parts.machines
    answer: Answer = machines.network.resolve(name, machines.source(pod), kind)
    return answer


def test_short_names_try_three_suffixes_before_they_stand_for_themselves(cluster: Cluster) -> None:
    assert candidates("example.com", cluster_first("shop")) == [
        "example.com.shop.svc.cluster.local", "example.com.svc.cluster.local", "example.com.cluster.local", "example.com",
    ]  # fmt: skip
    assert candidates("a.b.c.d.e.f", cluster_first("shop"))[0] == "a.b.c.d.e.f"
    assert candidates("example.com.", cluster_first("shop")) == ["example.com"]
    answer = look_up(cluster, "example.com")
    assert (answer.error, answer.code, len(answer.asked)) == (NO_SUCH_NAME, NXDOMAIN, 4)


def test_services_headless_ones_and_their_endpoints(cluster: Cluster) -> None:
    assert look_up(cluster, "web").addresses == (cluster.get("services", "web")["spec"]["clusterIP"],)
    db = cluster.get("pods", "db-0")["status"]["podIP"]
    assert look_up(cluster, "db").addresses == (db,)
    assert look_up(cluster, "db-0.db").addresses == (db,)
    assert look_up(cluster, "db-1.db").code == NXDOMAIN
    pod = web_pods(cluster)[0]["status"]["podIP"]
    assert look_up(cluster, f"{pod.replace('.', '-')}.web.default.svc.cluster.local").addresses == (pod,)
    assert look_up(cluster, f"{pod.replace('.', '-')}.default.pod").addresses == (pod,)
    assert look_up(cluster, f"{pod.replace('.', '-')}.nowhere.pod").code == NXDOMAIN


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("wep", "A", NXDOMAIN), ("web.nowhere", "A", NXDOMAIN), ("empty", "A", NXDOMAIN),  # headless without a ready endpoint
        ("web", "AAAA", NODATA), ("default.svc.cluster.local", "A", NODATA), ("svc.cluster.local", "A", NODATA),
        ("nowhere.svc.cluster.local", "A", NXDOMAIN), ("_http._tcp.web.default.svc.cluster.local", "SRV", NXDOMAIN),
    ],
)  # fmt: skip
def test_nothing_comes_in_two_kinds(cluster: Cluster, name: str, kind: str, code: str) -> None:
    answer = look_up(cluster, name + ("." if name.endswith("local") else ""), kind=kind)
    assert (answer.error, answer.code) == (NO_SUCH_NAME, code)


def test_srv_names_the_port_and_the_target(cluster: Cluster) -> None:
    assert look_up(cluster, "_sql._tcp.db", kind="SRV").records == (("0", "100", "5432", "db-0.db.default.svc.cluster.local"),)
    assert look_up(cluster, "web", kind="SRV").records == (("0", "100", "80", "web.default.svc.cluster.local"),)


def test_an_external_name_is_an_alias(cluster: Cluster) -> None:
    answer = look_up(cluster, "alias")
    assert answer.addresses == (cluster.get("services", "web")["spec"]["clusterIP"],)
    assert (answer.name, answer.cnames) == ("web.default.svc.cluster.local", ("alias.default.svc.cluster.local",))
    assert cluster.http("http://alias", "box").status == 200
    assert look_up(cluster, "away").error == NO_SUCH_NAME  # there is no internet here
    assert look_up(cluster, "away", kind="CNAME").cnames == ("away.default.svc.cluster.local",)


def test_addresses_have_names(cluster: Cluster) -> None:
    service = cluster.get("services", "web")["spec"]["clusterIP"]
    assert look_up(cluster, service, kind="PTR").records == (("web.default.svc.cluster.local",),)
    db = cluster.get("pods", "db-0")["status"]["podIP"]
    assert look_up(cluster, db, kind="PTR").records == (("db-0.db.default.svc.cluster.local",),)
    assert look_up(cluster, "10.1.2.3", kind="PTR").code == NXDOMAIN


def test_a_pod_may_look_names_up_in_its_own_way(cluster: Cluster) -> None:
    assert look_up(cluster, "web.default", "default/own").addresses
    assert look_up(cluster, "web", "default/own").asked == ("web.svc.cluster.local", "web")
    said = str(cluster.kubectl("exec own -- cat /etc/resolv.conf"))
    assert said == "search svc.cluster.local\nnameserver 10.96.0.10\noptions edns0\n"
    assert look_up(cluster, "web.default.svc.cluster.local", "default/like-node").code == NXDOMAIN
    assert "10.96.0.10" not in str(cluster.kubectl("exec like-node -- cat /etc/resolv.conf"))
    ordinary = "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
    assert str(cluster.kubectl("exec box -- cat /etc/resolv.conf")) == ordinary


def test_names_follow_readiness_a_moment_later(cluster: Cluster) -> None:
    before = look_up(cluster, "db").addresses
    cluster.kubectl("delete pod db-0 --wait=false")
    assert look_up(cluster, "db").addresses == before  # nobody has told CoreDNS yet
    cluster.run_for(1)
    assert look_up(cluster, "db").code == NXDOMAIN


def test_a_service_may_publish_what_is_not_ready(cluster: Cluster) -> None:
    cluster.apply("""
apiVersion: v1
kind: Service
metadata: {name: peers}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: slow}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: ready-peers}
spec: {clusterIP: None, selector: {app: slow}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: slow, labels: {app: slow}}
spec: {containers: [{name: c, image: "busybox:1.36", command: [sleep, "9999"], readinessProbe: {exec: {command: ["false"]}}}]}
""")
    cluster.settle(limit=30)
    assert look_up(cluster, "peers").addresses == (cluster.get("pods", "slow")["status"]["podIP"],)
    assert look_up(cluster, "ready-peers").code == NXDOMAIN


def test_without_coredns_names_time_out_and_addresses_still_work(cluster: Cluster) -> None:
    ip = cluster.get("services", "web")["spec"]["clusterIP"]
    cluster.faults.stop("coredns")
    response: Any = cluster.http("http://web", "box")
    assert (response.error, response.hops[0].latency) == (DNS_TIMEOUT, 10_000_000)
    assert cluster.http(f"http://{ip}", "box").status == 200
    cluster.faults.start("coredns")
    cluster.run_for(1)
    assert cluster.http("http://web", "box").status == 200


def test_what_a_shell_shows_of_it(cluster: Cluster) -> None:
    def said(arguments: str) -> str:
        return str(cluster.kubectl(f"exec box -- nslookup {arguments}"))

    ip = cluster.get("services", "web")["spec"]["clusterIP"]
    reverse = ".".join(reversed(ip.split("."))) + ".in-addr.arpa"
    assert f"{reverse}\tname = web.default.svc.cluster.local" in said(ip)
    assert "alias.default.svc.cluster.local\tcanonical name = web.default.svc.cluster.local" in said("alias.default.svc.cluster.local")
    assert "*** Can't find web.default.svc.cluster.local: No answer" in said("-type=aaaa web.default.svc.cluster.local.")
    assert "service = 0 100 5432 db-0.db.default.svc.cluster.local" in said("-type=srv _sql._tcp.db.default.svc.cluster.local")
