"""What a simulated program answered, as real HTTP: its status, its headers, its bytes.

    {"status": 200, "text": "hi", "contentType": "text/plain", "headers": [["Server", "nginx"]]}
    Real(200, (("Content-Type", "text/plain"), ("Server", "nginx")), b"hi")

A program here answers whatever it likes; no real one could have sent a status of two digits, or a line feed inside of a header.
What HTTP cannot say becomes a 502 that tells so, as a gateway's would. How the body is framed, the connection knows.

Models: RFC 9110 (status codes, fields, answers without content).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from k8snb.apimachinery.objects import Object
from k8snb.messages import text

Headers = tuple[tuple[str, str], ...]
BODILESS = (204, 304)  # final answers that have no body
_FRAMING = ("content-length", "transfer-encoding", "connection")  # the connection's own matter
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")


class Real(NamedTuple):
    """An answer that can be sent. Headers are latin-1, as they travel; whose body is empty because of its status needs no length."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    @property
    def bodiless(self) -> bool:
        """Whether an answer of this status has no body at all."""
        return self.status in BODILESS


def real(reply: Object) -> Real:
    """A reply (as :func:`k8snb.resources.core.pod_log.replied` writes it) as real HTTP."""
    status, headers = reply["status"], _headers(reply)
    wrong = next((name for name, value in headers if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value)), None)
    if not isinstance(status, int) or not 200 <= status <= 999:
        return plain(502, text("serve.bad_status", status=repr(status)))
    if wrong is not None:
        return plain(502, text("serve.bad_header", name=repr(wrong)))
    return Real(status, headers, b"" if status in BODILESS else encoded(str(reply["text"])))


def plain(status: int, words: str) -> Real:
    """An answer of our own: a line of text."""
    return Real(status, (("Content-Type", "text/plain; charset=utf-8"),), f"{words}\n".encode())


def _headers(reply: Object) -> Headers:
    """The headers that travel on, the content type among them."""
    given = [(_latin(name), _latin(value).strip(" \t")) for name, value in reply["headers"]]
    known = any(name.lower() == "content-type" for name, _ in given)
    first = [("Content-Type", _latin(reply["contentType"]))] if reply["contentType"] and not known else []
    return tuple((name, value) for name, value in (*first, *given) if name.lower() not in _FRAMING)


def _latin(value: object) -> str:
    """Text as its bytes are shown in a header."""
    return encoded(str(value)).decode("latin-1")


def encoded(body: str) -> bytes:
    """Text as it travels; bytes that were no text come out as they went in."""
    try:
        return body.encode(errors="surrogateescape")
    except UnicodeEncodeError:  # half a character
        return body.encode(errors="replace")
