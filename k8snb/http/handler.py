"""One HTTP message: who may ask, how a request is read, how an answer is written.

    Host: 127.0.0.1      else 403: a page on the Internet whose name was made to point here gets nothing (DNS rebinding)
    Authorization        a token that is known (:mod:`.visitors`); else 401
    Content-Length       bounded; else 413

There are no CORS headers, so no web page can read an answer. Answers are JSON, whatever form the body had.

Models: k8s.io/apiserver/pkg/endpoints/handlers/responsewriters, pkg/endpoints/filters (authentication, impersonation).
Simplified: no protobuf in answers (a client that reads nothing else gets a 406), no gzip. ``exec`` and ``attach`` are
conversations (:mod:`.conversations`), ``port-forward`` is a tunnel (:mod:`.tunnels`), all by WebSocket only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado.web import RequestHandler, stream_request_body

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.gotext import go_json
from k8snb.apimachinery.objects import Object
from k8snb.apiserver import discovery, rest
from k8snb.apiserver.addresses import PROXY
from k8snb.apiserver.request import Request, Response, User
from k8snb.http import openapi, streams
from k8snb.http.paths import LARGEST_BODY, request_of, warning_header
from k8snb.http.replies import Real, encoded, real
from k8snb.http.visitors import in_name_of, visitor

if TYPE_CHECKING:
    from k8snb.http.endpoint import Endpoint

TOO_LARGE = f"Request entity too large: limit is {LARGEST_BODY}"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
CONNECTIONS = ("exec", "attach", "portforward")  # subresources that are conversations


class Speaking(RequestHandler):
    """How every answer from here looks, be it to a message or to the wish to change the protocol."""

    def set_default_headers(self) -> None:
        """Nothing tells of tornado; nothing is kept."""
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-cache, private")

    def write_error(self, status_code: int, **_: Any) -> None:
        """What tornado itself refuses (a method that nobody knows), or a defect, as a ``Status``."""
        known = {405: ("MethodNotAllowed", "the server does not allow this method on the requested resource")}
        error = ApiError(status_code, *known.get(status_code, ("InternalError", "Internal error occurred")))
        self.write_json(status_code, error.status)

    def write_json(self, code: int, body: Any, content_type: str = "application/json") -> None:
        """Write JSON and end the message."""
        self.set_status(code)
        self.set_header("Content-Type", content_type)
        self.finish(go_json(body, sort=False) + "\n")


@stream_request_body
class Handler(Speaking):
    """Reads one message, hands it to the simulation as a request, and writes the answer."""

    def initialize(self, endpoint: Endpoint) -> None:
        """Tornado's way to hand in what the handler needs."""
        self.endpoint, self._body = endpoint, bytearray()
        self.refused: ApiError | None = None
        self.visitor = User()
        self.left = False  # whether the client has gone
        self.handed_on = False  # whether the answer is somebody else's

    def prepare(self) -> None:
        """Decide from the headers; the answer follows when the client has sent its body, of which nothing is kept then."""
        try:
            self.visitor = visitor(self.endpoint, self.request)
        except ApiError as refused:
            self.refused = refused

    def data_received(self, chunk: bytes) -> None:
        """Collect the body, as far as it may be long."""
        if self.refused is None:
            self._body += chunk
            if len(self._body) > LARGEST_BODY:
                self.refused = ApiError(413, "RequestEntityTooLarge", TOO_LARGE, {})
                self._body.clear()

    def on_connection_close(self) -> None:
        """The client has gone."""
        self.left = True

    async def get(self) -> None:
        """All methods: what is asked for is in the method and the path."""
        if self.refused is not None:
            self.send(Response(self.refused.code, self.refused.status))
            return
        try:
            method, url = self.request.method or "GET", self.request.uri or "/"
            request = request_of(method, url, self.request.headers, bytes(self._body), self.visitor)
            request = self.endpoint.issued.asked(in_name_of(self.endpoint, self.request, request))
            _check_served(request, self.request.headers.get("Accept", ""))
        except ApiError as refused:
            self.send(Response(refused.code, refused.status))
            return
        if request.subresource == "log" and dict(request.options.parameters).get("follow") in ("true", "1"):
            await streams.follow(self, self.endpoint, request)
        elif request.verb == "watch":
            await streams.serve(self, self.endpoint, request)
        else:
            self._answer(request)

    post = put = patch = delete = head = get

    # ------------------------------------------------------------------ answers

    def _answer(self, request: Request) -> None:
        self.endpoint.catch_up()
        if request.path == "/openapi/v2":
            self.set_header("Content-Type", openapi.V2_MEDIA_TYPE)
            self.finish(openapi.V2)
            return
        document = self._openapi(request.path)
        answer = Response(200, document) if document is not None else self.endpoint.simulation.request(request)
        self.endpoint.notify()
        self.endpoint.issued.answered(request, answer)
        if request.path.rstrip("/") in ("/api", "/apis") and answer.ok:
            self._discovery(answer.body)
        elif request.verb == "list":
            catalogue = self.endpoint.simulation.parts.server.catalogue
            self.send(Response(answer.code, rest.bare(catalogue, request, answer.body), answer.warnings))
        else:
            self.send(answer)

    def _openapi(self, path: str) -> Object | None:
        if not path.startswith("/openapi/v3"):
            return None
        resources = self.endpoint.simulation.parts.server.catalogue.all()
        rest = path.removeprefix("/openapi/v3").strip("/")
        return openapi.document(resources, rest.partition("/")[2]) if rest else openapi.index(resources)

    def _discovery(self, body: Object) -> None:
        """In one document for clients that ask for it so, else in the older form."""
        aggregated = "as=APIGroupDiscoveryList" in self.request.headers.get("Accept", "")
        self.write_json(200, body if aggregated else discovery.unaggregated(body), DISCOVERY if aggregated else "application/json")

    def send(self, answer: Response) -> None:
        """Write an answer: its warnings, and its body as text or as JSON; a program's answer as the program gave it."""
        for warning in answer.warnings:
            self.add_header("Warning", warning_header(warning))
        text = answer.body.get("text") if "apiVersion" not in answer.body else None
        if not isinstance(text, str):
            self.write_json(answer.code, answer.body)
        elif "headers" in answer.body:
            self._hand_on(real(answer.body))
        else:
            self.set_status(answer.code)
            self.set_header("Content-Type", "text/plain")
            self.finish(encoded(text))

    def _hand_on(self, reply: Real) -> None:
        """Answer what somebody behind a proxy answered; our own ``Cache-Control`` stands beside it, as it does in front of Go's proxy."""
        self.handed_on = True
        self.set_status(reply.status)
        self.clear_header("Content-Type")
        if any(name.lower() == "date" for name, _ in reply.headers):
            self.clear_header("Date")
        for name, value in reply.headers:
            self.add_header(name, value)
        self.finish(reply.body or None)

    def compute_etag(self) -> str | None:
        """Tornado's fingerprint of an answer; what was handed on has its own, or none."""
        return None if self.handed_on else super().compute_etag()


def _check_served(request: Request, accept: str) -> None:
    """What is not served over HTTP says so. Raises ApiError 406, 501."""
    if (
        accept
        and request.path != "/openapi/v2"
        and request.subresource != PROXY  # what a program answers is between it and the client
        and not any(form in accept for form in ("json", "*/*", "text/plain", "application/*", "yaml"))
    ):
        raise ApiError(406, "NotAcceptable", "only the following media types are accepted: application/json", {})
    if request.resource == "pods" and request.subresource in CONNECTIONS:
        raise ApiError(501, "NotImplemented", f"k8snb serves {request.subresource} by WebSocket only", {})
