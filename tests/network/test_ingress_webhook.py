"""What ingress-nginx refuses before it is stored, and what becomes of what came past that."""

from __future__ import annotations

import pytest

from k8snb.cluster import Cluster
from tests.network.test_ingress import began, ingress, path

__all__ = ["began"]


@pytest.fixture
def cluster(began: Cluster) -> Cluster:
    return began.fork()


DENIED = 'admission webhook "validate.nginx.ingress.kubernetes.io" denied the request: '


def refused(cluster: Cluster, *paths: str, **more: str) -> str:
    """Why the Ingress is refused; empty where it is not."""
    said = ingress(cluster, *paths, **more).stderr
    return str(said.partition("Error from server (BadRequest): ")[2].partition(": ")[2].rstrip("\n"))


def test_a_path_with_signs_of_its_own_wants_implementation_specific(cluster: Cluster) -> None:
    why = refused(cluster, path("/search/*", "web"), path("/a(/|$)(.*)", "web", "Exact"), path("/plain.html", "web"))
    first = "ingress contains invalid paths: path /search/* cannot be used with pathType Prefix"
    assert why == f"{DENIED}{first}\npath /a(/|$)(.*) cannot be used with pathType Exact"
    assert refused(cluster, path("/a(/|$)(.*)", "web", "ImplementationSpecific")) == ""


def test_the_check_of_paths_can_be_switched_off_and_the_webhook_taken_away(cluster: Cluster) -> None:
    settings = {"metadata": {"name": "ingress-nginx-controller"}, "data": {"strict-validate-path-type": "false"}}
    cluster.client.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", **settings}, "ingress-nginx")
    assert refused(cluster, path("/search/*", "web")) == ""
    annotations = 'nginx.ingress.kubernetes.io/proxy-read-timeout: "soon"'
    assert refused(cluster, path("/", "web"), name="slow", annotations=annotations) != ""
    cluster.kubectl("delete validatingwebhookconfiguration ingress-nginx-admission")
    assert refused(cluster, path("/", "web"), name="slow", annotations=annotations) == ""


@pytest.mark.parametrize(
    ("annotation", "fine", "bad"),
    [("ssl-redirect", "true", "maybe"), ("use-regex", "f", "yes"), ("proxy-read-timeout", "60", "60s"), ("proxy-connect-timeout", "1", "x"),
     ("rewrite-target", "/$2", "/a;b"), ("app-root", "/start", "/a b"), ("permanent-redirect", "https://a.example/?b=1", "https://a b")],
)  # fmt: skip
def test_an_annotation_with_a_value_that_it_cannot_have_is_refused(cluster: Cluster, annotation: str, fine: str, bad: str) -> None:
    name = f"nginx.ingress.kubernetes.io/{annotation}"
    assert refused(cluster, path("/", "web"), name="fine", annotations=f'{name}: "{fine}"') == ""
    said = refused(cluster, path("/", "web"), name="bad", annotations=f'{name}: "{bad}"')
    assert said == f"{DENIED}annotation {name} contains invalid value"


def test_what_came_past_the_webhook_is_left_out_and_said(cluster: Cluster) -> None:
    cluster.kubectl("delete validatingwebhookconfiguration ingress-nginx-admission")
    ingress(cluster, path("/", "web"), annotations='nginx.ingress.kubernetes.io/ssl-redirect: "maybe"')
    cluster.run_for(5)
    told = [e["message"] for e in cluster.get("events") if e["reason"] == "Rejected"]
    assert told == ["annotation nginx.ingress.kubernetes.io/ssl-redirect contains invalid value"]
    assert not cluster.get("ingresses", "shop")["status"]["loadBalancer"]


def test_an_ingress_of_another_class_is_not_its_business(cluster: Cluster) -> None:
    other = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "other"}, "spec": {"controller": "a/b"}}
    cluster.client.create("ingressclasses.networking.k8s.io", other)
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rules = [{"http": {"paths": [{"path": "/search/*", "pathType": "Prefix", "backend": backend}]}}]
    manifest = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "theirs"},
                "spec": {"ingressClassName": "other", "rules": rules}}  # fmt: skip
    assert cluster.client.create("ingresses.networking.k8s.io", manifest, "default")["metadata"]["name"] == "theirs"
