"""The API server as the network inside of the cluster reaches it: behind the Service ``kubernetes``, for programs in Pods.

    https://kubernetes.default.svc -> 10.96.0.1:443 -> (kube-proxy) -> the control plane's address and port -> authenticate, authorize ...

A program shows the token that is mounted into its Pod, and is that ServiceAccount; without a token it is ``system:anonymous``, with a
wrong one nobody (401). What it may do, RBAC decides. It knows the server by the certificate authority that is mounted beside the token.

Models: k8s.io/apiserver/pkg/endpoints/filters (authentication, impersonation), pkg/controlplane (kubernetes.default's names).
Simplified: a certificate is believed when the client was given the cluster's own authority, which is a text here; watches and
connections (``exec``, ``logs -f``) through this door are refused.
"""

from __future__ import annotations

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import Object
from k8snb.apiserver import discovery, rest
from k8snb.apiserver.context import Context
from k8snb.apiserver.impersonation import ANONYMOUS, UNAUTHENTICATED, impersonate, wanted
from k8snb.apiserver.request import Request, Response, User
from k8snb.apiserver.server import Server
from k8snb.component_helpers.apiserver import ADDRESS, NAMES, PORT
from k8snb.resources.core.serviceaccount_token import bearer
from k8snb.seams.cni import HTTPReply, HTTPRequest, header
from k8snb.sim.clock import LATENCY

NOBODY = User(ANONYMOUS, (UNAUTHENTICATED,))
NAME = "kube-apiserver"
_CONNECTIONS = ("exec", "attach", "portforward")


class ApiServerDoor:
    """Answers HTTPS requests on the control plane's address."""

    def __init__(self, server: Server):
        self.server = server

    def is_here(self, address: str, port: int) -> bool:
        """Whether that is the API server's address and port."""
        return (address, port) == (ADDRESS, PORT)

    @property
    def running(self) -> bool:
        """Whether anybody listens."""
        return self.server.state.running

    def shows_a_name(self, host: str) -> bool:
        """Whether the server's certificate is made out to that host."""
        return host in NAMES

    def serve(self, message: HTTPRequest) -> HTTPReply:
        """The answer to an HTTP message."""
        if message.scheme != "https":
            return HTTPReply(400, "Client sent an HTTP request to an HTTPS server.\n")
        agent = header(message.headers, "User-Agent")
        try:
            request = self._request(message)
            answer = self.server.handle(request)
        except ApiError as error:
            return _reply(Response(error.code, error.status), agent)
        body = discovery.unaggregated(answer.body) if request.path.rstrip("/") in ("/api", "/apis") and answer.ok else answer.body
        if request.verb == "list" and answer.ok:
            body = rest.bare(self.server.catalogue, request, body)
        return _reply(answer._replace(body=body), agent)

    def _request(self, message: HTTPRequest) -> Request:
        """Raises ApiError for what is not allowed or cannot be read."""
        user = self._user(header(message.headers, "Authorization"))
        read = rest.Message(
            message.method, message.path, header=lambda name: header(message.headers, name), text=message.body,
            decode=lambda media, patch_type: rest.decoded(message.body, media, patch_type),
        )  # fmt: skip
        request = impersonate(self.server.authorizer.check, rest.request_of(read, user), wanted(message.headers))
        if request.verb == "watch" or request.subresource in _CONNECTIONS:
            what = request.subresource or f"{request.verb} on {request.resource}"
            raise ApiError(501, "NotImplemented", f"k8snb does not serve {what} to programs in Pods")
        return request

    def _user(self, authorization: str) -> User:
        """Who asks. Raises ApiError 401 for a token that is none (any more)."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            return NOBODY
        return bearer(Context(self.server, Request("get")), token.strip())


def _reply(answer: Response, agent: str) -> HTTPReply:
    body: Object = answer.body
    text = body.get("text") if "apiVersion" not in body else None
    if isinstance(text, str):
        headers = tuple((name, value) for name, value in body.get("headers", ()))
        return HTTPReply(body.get("status", answer.code), text, body.get("contentType", "text/plain"), LATENCY["api call"], headers)
    warnings = tuple(("Warning", f'299 - "{one}"') for one in answer.warnings)
    return HTTPReply(answer.code, rest.written(body, agent), "application/json", LATENCY["api call"], warnings)
