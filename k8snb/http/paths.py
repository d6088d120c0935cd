"""From HTTP to a :class:`~k8snb.apiserver.request.Request`, and the parts of an answer that HTTP wants otherwise.

    PATCH /apis/apps/v1/namespaces/shop/deployments/web/scale?fieldManager=jane
    Request(verb="patch", group="apps", version="v1", resource="deployments", namespace="shop", name="web", subresource="scale")

Pure: text and headers in, data out. What a URL means: :mod:`k8snb.apiserver.addresses`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from tornado.httputil import HTTPHeaders

from k8snb.apimachinery.errors import ApiError, bad_request
from k8snb.apimachinery.yaml import documents, go_json_error
from k8snb.apiserver.addresses import PROXY, options_of, proxied, target_of, verb_of
from k8snb.apiserver.request import APPLY_PATCH, Request, User
from k8snb.http.protobuf import decode as protobuf

LARGEST_BODY = 3 * 1024 * 1024  # bytes, as the real server's limit on requests


def request_of(method: str, url: str, headers: HTTPHeaders, body: bytes, user: User) -> Request:
    """The request behind an HTTP message. Raises ApiError 400 for a body that cannot be read."""
    path, _, query = url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    target = target_of(path)
    verb = verb_of(method, target, dict(pairs))
    media = headers.get("Content-Type", "application/json").partition(";")[0].strip()
    patch_type = media if verb == "patch" else ""
    options = options_of(pairs, as_table="as=Table" in headers.get("Accept", ""))
    value: Any
    if target.subresource == PROXY:
        patch_type, value = "", proxied(target, method, query, headers=_handed_on(headers), body=body.decode(errors="surrogateescape"))
    else:
        value = _body(body, media, patch_type)
    return Request(
        verb, target.group, target.version, target.resource, target.namespace, target.name, target.subresource,
        body=_delete_options(dict(pairs)) if value is None and verb in _DELETES else value,
        patch_type=patch_type, options=options, user=impersonated(user, headers),
        agent=headers.get("User-Agent", "unknown").partition(" ")[0].partition("/")[0], path=target.path,
    )  # fmt: skip


def _handed_on(headers: HTTPHeaders) -> list[list[str]]:
    """The headers that a proxy hands on: not those of this connection, and nobody's token."""
    return [[name, value] for name, value in headers.get_all() if name.lower() not in _KEPT]


_KEPT = ("authorization", "connection", "host", "content-length", "transfer-encoding", "upgrade")
_DELETES = ("delete", "deletecollection")


def _delete_options(asked: Mapping[str, str]) -> dict[str, Any] | None:
    """The options of a deletion from its query, where it has no body."""
    found: dict[str, Any] = {"propagationPolicy": asked["propagationPolicy"]} if asked.get("propagationPolicy") else {}
    if asked.get("gracePeriodSeconds", "").isdecimal():
        found["gracePeriodSeconds"] = int(asked["gracePeriodSeconds"])
    if asked.get("orphanDependents"):
        found["orphanDependents"] = asked["orphanDependents"] in ("true", "1")
    return found or None


def _body(body: bytes, media: str, patch_type: str) -> Any:
    if not body:
        return None
    if media == protobuf.MEDIA_TYPE:
        return protobuf.decode(body)
    try:
        text = body.decode()
        if patch_type == APPLY_PATCH or media in ("application/yaml", "application/vnd.kubernetes+yaml"):
            return next((document.value for document in documents(text)), None)
        return json.loads(text)
    except (UnicodeDecodeError, ValueError) as error:
        words = go_json_error(error) if isinstance(error, json.JSONDecodeError) else str(error)
        unrecognized = f"the object provided is unrecognized (must be of type): couldn't get version/kind; json parse error: {words}"
        raise bad_request(words if patch_type else unrecognized) from None


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
