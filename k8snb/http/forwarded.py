"""A connection to a port of a Pod: the bytes of an HTTP/1.1 client in, those of the simulated program out. No I/O.

    bytes -> h11 -> pods/NAME/portforward, a recorded request with {"port": 80, "method": "GET", "path": "/"} -> h11 -> bytes

Programs here answer requests, not bytes; so what is no HTTP is refused in a sentence. Several requests may follow each other on
one connection, as long as both sides want that.

Models: what stands behind k8s.io/kubelet/pkg/cri/streaming/portforward. Simplified: no chunked answers, no ``Date``, no WebSockets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import h11

from k8snb.apiserver.request import Response
from k8snb.http.replies import Real, plain, real
from k8snb.messages import text

LARGEST = 3 * 1024 * 1024  # bytes of a request's body
_REQUEST_LINE = re.compile(rb"[!-~]{1,64} [!-~]+ HTTP/1\.[01]\r?")
Ask = Callable[[dict[str, Any]], Response]


class Answer(NamedTuple):
    """What goes back, whether the connection is over after it, and what went wrong (empty: nothing)."""

    data: bytes = b""
    over: bool = False
    error: str = ""


class Forwarded:
    """One connection. ``ask`` makes a request of ``pods/NAME/portforward`` with that body."""

    def __init__(self, port: int, pod: str, ask: Ask):
        self.port, self.pod, self.ask = port, pod, ask
        self._wire = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._method = b"GET"
        self._served = 0

    def connect(self) -> str:
        """Why nobody accepts the connection; empty: somebody does."""
        answer = self.ask({"port": self.port})
        return "" if answer.ok else str(answer.body["message"])

    def receive(self, data: bytes) -> Answer:
        """Bytes of the client; empty: it will send no more."""
        said = bytearray()
        try:
            self._wire.receive_data(data)
            if not self._looks_like_http():
                raise h11.RemoteProtocolError("illegal request line")
            while (event := self._wire.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                answer = self._event(event)
                said += answer.data
                if answer.over:
                    return answer._replace(data=bytes(said))
            if self._wire.they_are_waiting_for_100_continue:
                said += self._wire.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
        except h11.RemoteProtocolError as error:
            return self._refused(bytes(said), error)
        except h11.LocalProtocolError:  # CONNECT: the program agreed to something that is no HTTP any more
            return Answer(bytes(said), over=True)
        return Answer(bytes(said), over=not data and not self._request)

    def _looks_like_http(self) -> bool:
        """Whether what begins here may be a request. (h11 would wait for an empty line, which other protocols never send.)"""
        line, newline, _ = self._wire.trailing_data[0].partition(b"\n")
        return self._wire.their_state is not h11.IDLE or not newline or not line.strip() or _REQUEST_LINE.fullmatch(line) is not None

    def _event(self, event: Any) -> Answer:
        if isinstance(event, h11.Request):
            self._request = event
            self._body.clear()
        elif isinstance(event, h11.Data):
            self._body += event.data
            if len(self._body) > LARGEST:
                return Answer(self._say(plain(413, "Request Entity Too Large")), over=True)
        elif isinstance(event, h11.EndOfMessage):
            return self._answer()
        elif isinstance(event, h11.ConnectionClosed):
            return Answer(over=True)
        return Answer()

    def _answer(self) -> Answer:
        """A whole request is there: what the program in the container makes of it."""
        assert self._request is not None
        request, self._request = self._request, None
        self._method = request.method
        answer = self.ask(asked(self.port, request, bytes(self._body)))
        if not answer.ok:  # the pod is gone, or its program has ended
            return Answer(over=True, error=str(answer.body["message"]))
        if not answer.body["status"]:  # it does not speak HTTP, and hangs up
            return Answer(over=True)
        self._served += 1
        said = self._say(real(answer.body))
        if self._wire.our_state is h11.MUST_CLOSE:
            return Answer(said, over=True)
        self._wire.start_next_cycle()
        return Answer(said)

    def _say(self, reply: Real) -> bytes:
        length = [] if reply.bodiless else [("Content-Length", str(len(reply.body)))]
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*reply.headers, *length)]
        body = [h11.Data(data=reply.body)] if reply.body and self._method != b"HEAD" else []
        pieces = [h11.Response(status_code=reply.status, headers=headers), *body, h11.EndOfMessage()]
        return b"".join(self._wire.send(piece) or b"" for piece in pieces)

    def _refused(self, said: bytes, error: h11.RemoteProtocolError) -> Answer:
        """What came is no HTTP: a sentence if it never was, an answer if it was until now."""
        if not self._served:
            return Answer(said, over=True, error=text("serve.not_http", port=self.port, pod=self.pod))
        if self._wire.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            said += self._say(plain(error.error_status_hint, str(error)))
        return Answer(said, over=True)


def asked(port: int, request: h11.Request, body: bytes) -> dict[str, Any]:
    """The request as a program in a container sees it."""
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.raw_items()]
    host = next((value for name, value in headers if name.lower() == "host"), "")
    return {
        "port": port, "method": request.method.decode("latin-1"), "path": request.target.decode("latin-1"),
        "host": host.partition(":")[0], "headers": headers, "body": body.decode(errors="surrogateescape"),
    }  # fmt: skip
