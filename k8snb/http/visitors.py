"""Who a client of the endpoint is: whoever has the kubeconfig's token is its administrator; a ServiceAccount shows a token of its own.

    kubectl --token=$(kubectl create token bot) auth whoami        system:serviceaccount:default:bot

Inside of the simulation a token protects nothing: its seal can be read in the source. On a machine that others use, too, it must. So
only those are known here that were handed out here, and each gets an identity that nobody can guess (it is a parameter of the
recorded request, so a replay makes the same token).

Models: k8s.io/apiserver/pkg/endpoints/filters (authentication.go, impersonation). Simplified: no client certificates, nobody anonymous.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections import OrderedDict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import dig
from k8snb.apiserver.context import Context
from k8snb.apiserver.impersonation import impersonate, wanted
from k8snb.apiserver.request import Request, Response, User
from k8snb.resources.core.serviceaccount_token import JTI, bearer

if TYPE_CHECKING:
    from k8snb.http.endpoint import Endpoint

HOSTS = ("127.0.0.1", "localhost")
MOST = 10_000  # tokens that are remembered


class Issued:
    """The tokens of ServiceAccounts that were handed out, of each only a hash."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def asked(self, request: Request) -> Request:
        """The request; one for a token with an identity for it."""
        if not _for_token(request):
            return request
        parameters = tuple(pair for pair in request.options.parameters if pair[0] != JTI)
        return request._replace(options=request.options._replace(parameters=(*parameters, (JTI, str(uuid.uuid4())))))

    def answered(self, request: Request, answer: Response) -> None:
        """What goes out: a token is remembered."""
        if _for_token(request) and answer.ok:
            self._known[_mark(dig(answer.body, "status.token", ""))] = None
            if len(self._known) > MOST:
                self._known.popitem(last=False)

    def __contains__(self, token: str) -> bool:
        return _mark(token) in self._known


def _for_token(request: Request) -> bool:
    return (request.verb, request.resource, request.subresource) == ("create", "serviceaccounts", "token")


def _mark(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()


def visitor(endpoint: Endpoint, message: HTTPServerRequest) -> User:
    """Who sends a message. Raises ApiError: 403 for a host that is not this machine, 401 for nobody."""
    if _host(message.host) not in HOSTS:
        raise ApiError(403, "Forbidden", "this endpoint answers on loopback only", {})
    kind, _, token = message.headers.get("Authorization", "").partition(" ")
    if kind == "Bearer" and hmac.compare_digest(token.encode(), endpoint.credentials.token.encode()):
        return User()
    if kind == "Bearer" and token in endpoint.issued:
        return bearer(Context(endpoint.simulation.parts.server, Request("get")), token)
    raise ApiError(401, "Unauthorized", "Unauthorized", {})


def _host(named: str) -> str:
    """The host that a message is for, without its port; empty where that cannot be read."""
    try:
        return urlsplit(f"//{named}").hostname or ""
    except ValueError:
        return ""


def in_name_of(endpoint: Endpoint, message: HTTPServerRequest, request: Request) -> Request:
    """The request in the name of whom it asks to be. Raises ApiError 400, 403."""
    return impersonate(endpoint.simulation.parts.server.authorizer.check, request, wanted(message.headers.get_all()))
