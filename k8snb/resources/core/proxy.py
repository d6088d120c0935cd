"""``proxy``: the API server makes a request of its own to a Pod, to one behind a Service, or to a kubelet, and hands the answer back.

    GET /api/v1/namespaces/shop/services/http:web:80/proxy/cart?id=1      the Service's port 80, by number or by name
    GET /api/v1/namespaces/shop/pods/web-1:8080/proxy/                    without a port: the first that a container names
    GET /api/v1/nodes/node-1/proxy/healthz                                its kubelet

A Service's endpoints are drawn by the server itself; kube-proxy has no part in it. Where nobody answers, that is 503.

Models: pkg/registry/core/service/storage/storage.go and pkg/registry/core/pod/strategy.go (ResourceLocation),
k8s.io/apimachinery/pkg/util/proxy/transport.go. Simplified: links in pages are not rewritten; of a kubelet only its health is shown.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8snb.apimachinery.errors import ApiError, bad_request, object_not_found
from k8snb.apimachinery.objects import Object, dig
from k8snb.resources.core.pod_log import replied

SCHEMES = ("", "http", "https")


class Named(NamedTuple):
    """``http:web:80`` in its parts."""

    scheme: str
    name: str
    port: str


def named(text: str, kind: str) -> Named:
    """``web``, ``web:80``, ``http:web:80`` or ``http:web:``. Raises ApiError 400 for anything else."""
    parts = text.split(":")
    scheme, name, port = (parts if len(parts) == 3 else ["", *parts, ""])[:3]
    if len(parts) > 3 or not name or scheme not in SCHEMES:
        raise bad_request(f'invalid {kind} request "{text}"')
    return Named(scheme, name, port)


def service(context: Any, request: Any, _obj: Object | None) -> Object:
    """To an endpoint of a Service."""
    asked = named(request.name, "service")
    found = context.get("services", asked.name, request.namespace)
    if found is None:
        raise object_not_found("", "services", asked.name)
    port = _port_name(found, asked)
    ready = [
        (endpoint["addresses"][0], one["port"])
        for piece in context.list("endpointslices.discovery.k8s.io", request.namespace)
        if dig(piece, "metadata.labels", {}).get("kubernetes.io/service-name") == asked.name
        for one in piece.get("ports") or () if (one.get("name") or "") == port
        for endpoint in piece.get("endpoints") or () if dig(endpoint, "conditions.ready", True)
    ]  # fmt: skip
    if not ready:
        raise _unavailable(f'no endpoints available for service "{asked.name}"')
    return _made(context, request, *ready[context.below(len(ready))], scheme=asked.scheme)


def _port_name(found: Object, asked: Named) -> str:
    if not asked.port.isdecimal():
        return asked.port
    ports = [port for port in dig(found, "spec.ports", ()) if str(port["port"]) == asked.port]
    if not ports:
        raise _unavailable(f'no service port {asked.port} found for service "{asked.name}"')
    return str(ports[0].get("name") or "")


def pod(context: Any, request: Any, _obj: Object | None) -> Object:
    """To a Pod."""
    asked = named(request.name, "pod")
    found = context.get("pods", asked.name, request.namespace)
    if found is None:
        raise object_not_found("", "pods", asked.name)
    address = dig(found, "status.podIP", "")
    if not address:
        raise bad_request("address not allowed")
    if asked.port.isdecimal() and (len(asked.port) > 5 or int(asked.port) >= 1 << 16):
        raise _unavailable(f"error trying to reach service: dial tcp: address {asked.port}: invalid port")
    ports = [one["containerPort"] for container in found["spec"]["containers"] for one in container.get("ports") or ()]
    port = int(asked.port) if asked.port.isdecimal() else next(iter(ports), 443 if asked.scheme == "https" else 80)
    return _made(context, request, address, port, scheme=asked.scheme)


def node(context: Any, request: Any, _obj: Object | None) -> Object:
    """To the kubelet of a node."""
    asked = named(request.name, "node")
    if context.get("nodes", asked.name) is None:
        raise object_not_found("", "nodes", asked.name)
    return replied(context.server.kubelets(asked.name).http(request.body["path"].partition("?")[0]))


def _made(context: Any, request: Any, address: str, port: int, *, scheme: str) -> Object:
    """Make the request."""
    wanted = {**request.body, "host": address, "port": port, "scheme": scheme or "http"}
    headers = tuple((name, value) for name, value in request.body["headers"])
    return replied(context.server.dial(address, {**wanted, "headers": headers}))


def _unavailable(message: str) -> ApiError:
    return ApiError(503, "ServiceUnavailable", message, {})
