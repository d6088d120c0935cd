"""What a URL of the API means."""

import pytest

from k8snb.apiserver.addresses import PROXY, target_of

BEYOND = [
    ("/api/v1/namespaces/shop/services/web:80/proxy/a/b", "shop", "web:80", "/a/b"),
    ("/api/v1/namespaces/shop/services/web/proxy", "shop", "web", "/"),
    ("/api/v1/namespaces/shop/services/web/proxy/", "shop", "web", "/"),
    ("/api/v1/namespaces/proxy/services/web/proxy/a", "proxy", "web", "/a"),
    ("/api/v1/namespaces/proxy/pods/proxy/proxy/proxy/", "proxy", "proxy", "/proxy/"),
    ("/api/v1/nodes/proxy/proxy/healthz", "", "proxy", "/healthz"),
    ("/api/v1/namespaces/shop/pods/web/proxy//a%2Fb/", "shop", "web", "//a%2Fb/"),
]


@pytest.mark.parametrize(("path", "namespace", "name", "beyond"), BEYOND)
def test_what_follows_a_proxy_is_left_as_it_was_written(path: str, namespace: str, name: str, beyond: str) -> None:
    target = target_of(path)
    assert (target.namespace, target.name, target.subresource, target.beyond) == (namespace, name, PROXY, beyond)
