"""What real HTTP adds to :mod:`k8snb.apiserver.rest`: bytes, protobuf, and headers of an answer.

Pure: bytes and headers in, data out.
"""

from __future__ import annotations

import re
from typing import Any

from tornado.httputil import HTTPHeaders

from k8snb.apimachinery.errors import quote
from k8snb.apiserver import rest
from k8snb.apiserver.request import Request, User
from k8snb.http.protobuf import decode as protobuf
from k8snb.http.replies import encoded

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
LARGEST_BODY = 3 * 1024 * 1024  # bytes, as the real server's limit on requests


def request_of(method: str, url: str, headers: HTTPHeaders, body: bytes, user: User) -> Request:
    """The request behind an HTTP message of ``user``. Raises ApiError 400 for a body that cannot be read."""
    message = rest.Message(
        method, url, header=lambda name: headers.get(name, ""), decode=lambda media, patch_type: _body(body, media, patch_type),
        handed_on=_handed_on(headers), text=body.decode(errors="surrogateescape"),
    )  # fmt: skip
    return rest.request_of(message, user)


def _handed_on(headers: HTTPHeaders) -> list[list[str]]:
    """The headers that a proxy hands on: not those of this connection, and nobody's token."""
    return [[name, value] for name, value in headers.get_all() if name.lower() not in _KEPT]


_KEPT = ("authorization", "connection", "host", "content-length", "transfer-encoding", "upgrade")


def _body(body: bytes, media: str, patch_type: str) -> Any:
    if body and media == protobuf.MEDIA_TYPE:
        return protobuf.decode(body)
    try:
        return rest.decoded(body.decode(), media, patch_type)
    except UnicodeDecodeError as error:
        raise rest.unreadable(str(error), patch_type) from None


def warning_header(text: str) -> str:
    """A warning as HTTP carries it (RFC 7234, code 299): UTF-8, shown as latin-1; what would end the line is escaped."""
    plain = _CONTROL.sub(lambda found: quote(found[0])[1:-1], text)
    quoted = plain.replace("\\", "\\\\").replace('"', '\\"')
    return encoded(f'299 - "{quoted}"').decode("latin-1")
