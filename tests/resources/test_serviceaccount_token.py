"""Tokens of service accounts: whose they are, until when, and what ends them early."""

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.cluster import Cluster
from k8snb.resources.core.serviceaccount_token import read, write


@pytest.fixture
def cluster():
    cluster = Cluster(nodes=1, loud=False)
    cluster.settle()
    return cluster


def ask(cluster, **spec):
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    return cluster.client.create("serviceaccounts", body, "default", subresource="token", name="default")["status"]["token"]


def review(cluster, token, **spec):
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token, **spec}}
    return cluster.client.create("tokenreviews.authentication.k8s.io", body)["status"]


def test_a_token_says_who_one_is(cluster):
    status = review(cluster, ask(cluster))
    assert status["user"]["username"] == "system:serviceaccount:default:default"
    assert "system:serviceaccounts:default" in status["user"]["groups"]


def test_it_ends_after_its_time(cluster):
    token = ask(cluster, expirationSeconds=600)
    cluster.run_for(599)
    assert review(cluster, token)["authenticated"]
    cluster.run_for(2)
    assert review(cluster, token)["error"] == "invalid bearer token"


def test_it_ends_with_the_pod_it_is_bound_to(cluster):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": {"containers": [{"name": "a", "image": "nginx"}]}}
    cluster.client.create("pods", pod, "default")
    token = ask(cluster, boundObjectRef={"apiVersion": "v1", "kind": "Pod", "name": "app"})
    assert review(cluster, token)["authenticated"]
    cluster.client.delete("pods", "app", "default", grace=0)
    assert "authenticated" not in review(cluster, token)


def test_it_is_for_those_it_names(cluster):
    token = ask(cluster, audiences=["vault"])
    assert "authenticated" not in review(cluster, token)
    assert review(cluster, token, audiences=["vault"])["audiences"] == ["vault"]


def test_less_than_ten_minutes_is_refused(cluster):
    with pytest.raises(ApiError, match="may not specify a duration less than 10 minutes"):
        ask(cluster, expirationSeconds=60)


def test_a_changed_token_is_none():
    token = write({"sub": "a"})
    assert read(token) == {"sub": "a"}
    head, _, seal = token.partition(".")[2].rpartition(".")
    assert read(f"{write({'sub': 'b'}).rpartition('.')[0]}.{seal}") is None
    assert read("nonsense") is None
    assert head
