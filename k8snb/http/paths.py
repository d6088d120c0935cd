"""What real HTTP adds to :mod:`k8snb.apiserver.rest`: bytes, protobuf, impersonation, and headers of an answer.

Pure: bytes and headers in, data out.
"""

from __future__ import annotations

from typing import Any

from tornado.httputil import HTTPHeaders

from k8snb.apimachinery.errors import ApiError
from k8snb.apiserver import rest
from k8snb.apiserver.request import Request, User
from k8snb.http.protobuf import decode as protobuf

LARGEST_BODY = 3 * 1024 * 1024  # bytes, as the real server's limit on requests


def request_of(method: str, url: str, headers: HTTPHeaders, body: bytes, user: User) -> Request:
    """The request behind an HTTP message. Raises ApiError 400 for a body that cannot be read."""
    message = rest.Message(
        method, url, header=lambda name: headers.get(name, ""), decode=lambda media, patch_type: _body(body, media, patch_type),
        handed_on=_handed_on(headers), text=body.decode(errors="surrogateescape"),
    )  # fmt: skip
    return rest.request_of(message, impersonated(user, headers))


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


def impersonated(user: User, headers: HTTPHeaders) -> User:
    """The user that ``Impersonate-User`` (``kubectl --as``) asks to be. Whoever knows the token may: its user is an administrator.

    A service account brings its groups along. Raises ApiError 500, as the real server does, for groups without a user.
    """
    name, groups = headers.get("Impersonate-User", ""), tuple(headers.get_list("Impersonate-Group"))
    if not name:
        if groups:
            raise ApiError(500, "InternalError", f"Internal error occurred: requested {' '.join(groups)} without impersonating a user", {})
        return user
    parts = name.split(":")
    if not groups and name.startswith("system:serviceaccount:") and len(parts) == 4:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{parts[2]}")
    everyone = "system:unauthenticated" if name == "system:anonymous" else "system:authenticated"
    return User(name, groups if everyone in groups else (*groups, everyone))


def warning_header(text: str) -> str:
    """A warning as HTTP carries it (RFC 7234, code 299)."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{quoted}"'
