"""A connection that changes its protocol to WebSocket and then stays open: what conversations and tunnels have in common.

Models: k8s.io/apiserver/pkg/util/proxy (streamtranslator.go, streamtunnel.go): the API server ends the WebSocket itself.
A web page may not do this: an ``Origin`` must be this very host and port (which the Python client sends).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from tornado.websocket import WebSocketHandler

from k8snb.apimachinery.errors import ApiError
from k8snb.apiserver.addresses import Target, target_of
from k8snb.apiserver.request import Options, Request, Response, User
from k8snb.client.client import refusal
from k8snb.http.handler import Speaking
from k8snb.http.visitors import in_name_of, visitor

if TYPE_CHECKING:
    from k8snb.http.endpoint import Endpoint


class Upgraded(Speaking, WebSocketHandler):
    """One such connection to a Pod. A subclass names the subprotocols that it speaks, the dearest first."""

    protocols: tuple[str, ...] = ()

    def initialize(self, endpoint: Endpoint) -> None:
        """Tornado's way to hand in what the handler needs."""
        self.endpoint, self.over, self.user = endpoint, False, User()

    def check_origin(self, origin: str) -> bool:
        """Whether a page of that origin is of this very host and port. (What tornado would say by itself changes with its version.)"""
        return origin.partition("://")[2].lower() == self.request.host.lower()

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """The first that both sides speak."""
        return next((one for one in self.protocols if one in subprotocols), None)

    @property
    def offered(self) -> list[str]:
        """The subprotocols that the client speaks."""
        return [one.strip() for one in self.request.headers.get("Sec-WebSocket-Protocol", "").split(",")]

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Refuse as the API server does, or change the protocol."""
        try:
            self.check()
        except ApiError as refused:
            self.write_json(refused.code, refused.status)
            return
        await super().get(*args, **kwargs)

    def check(self) -> None:
        """Whether this client may have this connection to this pod. Raises ApiError."""
        self._check_visitor()
        self._check_page()
        if not self._to_a_pod:
            raise ApiError(404, "NotFound", "the server could not find the requested resource", {})
        if self.select_subprotocol(self.offered) is None:
            raise ApiError(400, "BadRequest", f"k8snb speaks {' and '.join(self.protocols)} only", {})
        self.check_query()
        found = self.look()
        if not found.ok:
            raise refusal(found)

    def check_query(self) -> None:
        """What a subclass wants of the query. Raises ApiError 400."""

    def _check_visitor(self) -> None:
        """Who asks must be known, and must have the right. Raises ApiError 401, 403."""
        self.user = visitor(self.endpoint, self.request)
        if self._to_a_pod:
            asked = in_name_of(self.endpoint, self.request, self.about("create", self.target.subresource))
            self.endpoint.simulation.parts.server.authorizer.check(asked)
            self.user = asked.user

    def _check_page(self) -> None:
        """A page from elsewhere must not ask. Raises ApiError 403."""
        origin = self.request.headers.get("Origin")
        if origin is not None and not self.check_origin(origin):
            raise ApiError(403, "Forbidden", f"k8snb does not talk to a page of {origin}", {})

    def on_close(self) -> None:
        """The client has gone."""
        self.over = True

    # ------------------------------------------------------------------ what is asked for

    @property
    def target(self) -> Target:
        """The pod and its subresource."""
        return target_of(self.request.path)

    @property
    def _to_a_pod(self) -> bool:
        """Only Pods can be talked to."""
        return self.target.resource == "pods" and bool(self.target.namespace and self.target.name)

    @property
    def asked(self) -> list[tuple[str, str]]:
        """The query: commands, the container, ports, which channels are open."""
        return parse_qsl(self.request.query, keep_blank_values=True)

    def about(self, verb: str, subresource: str = "", parameters: tuple[tuple[str, str], ...] = (), body: Any = None) -> Request:
        """A request about this pod, in the name of who is connected."""
        target, options = self.target, Options(parameters=parameters)
        return Request(verb, "", "v1", "pods", target.namespace, target.name, subresource, body, options=options, user=self.user)

    def look(self, subresource: str = "", parameters: tuple[tuple[str, str], ...] = ()) -> Response:
        """How the pod is: what the API server sees for itself, whatever the client may see."""
        answer: Response = self.endpoint.simulation.request(self.about("get", subresource, parameters)._replace(user=User()))
        return answer

    def ask(self, request: Request) -> Response:
        """Ask now, and let everybody see what came of it."""
        self.endpoint.catch_up()
        answer: Response = self.endpoint.simulation.request(request)
        self.endpoint.notify()
        return answer

    def send(self, message: bytes) -> None:
        """Send a message, unless the client has gone."""
        if message and not self.over:
            sent = self.write_message(message, binary=True)
            asyncio.ensure_future(sent).add_done_callback(lambda done: done.cancelled() or done.exception())  # a client may just have left
