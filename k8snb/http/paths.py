"""From HTTP to a :class:`~k8snb.apiserver.request.Request`, and the parts of an answer that HTTP wants otherwise.

    PATCH /apis/apps/v1/namespaces/shop/deployments/web/scale?fieldManager=jane
    Request(verb="patch", group="apps", version="v1", resource="deployments", namespace="shop", name="web", subresource="scale")

Pure: text and headers in, data out. Models: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go (NewRequestInfo).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from tornado.httputil import HTTPHeaders

from k8snb.apimachinery.errors import ApiError, bad_request
from k8snb.apimachinery.yaml import documents
from k8snb.apiserver.request import APPLY_PATCH, Options, Request, User
from k8snb.http.protobuf import decode as protobuf

_WRITES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_OWN_PATH = ("namespaces", "status", "finalize")  # what may follow a namespace's name as its subresource
LARGEST_BODY = 3 * 1024 * 1024  # bytes, as the real server's limit on requests


class Target(NamedTuple):
    """What a path names. ``path`` is set for everything that is no resource."""

    group: str = ""
    version: str = "v1"
    namespace: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""
    path: str = ""


def target_of(path: str) -> Target:
    """The target of a URL path.

    >>> target_of("/api/v1/namespaces/shop/pods/web-1/log")
    Target(group='', version='v1', namespace='shop', resource='pods', name='web-1', subresource='log', path='')
    >>> target_of("/api/v1/namespaces/shop").name
    'shop'
    """
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Target(path=path)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        if len(rest) > 2 and rest[2] not in _OWN_PATH[1:]:
            namespace, rest = rest[1], rest[2:]
        elif len(rest) == 2 or rest[2] in _OWN_PATH[1:]:
            namespace = rest[1]
    names = [*rest, "", ""]
    return Target(group, version, namespace, names[0], names[1], "/".join(rest[2:]))


def request_of(method: str, url: str, headers: HTTPHeaders, body: bytes, user: User) -> Request:
    """The request behind an HTTP message. Raises ApiError 400 for a body that cannot be read."""
    path, _, query = url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    asked = dict(pairs)
    target = target_of(path)
    verb = _verb(method, target, asked)
    media = headers.get("Content-Type", "application/json").partition(";")[0].strip()
    patch_type = media if verb == "patch" else ""
    options = _options(asked, pairs, headers.get("Accept", ""))
    return Request(
        verb, target.group, target.version, target.resource, target.namespace, target.name, target.subresource,
        body=_body(body, media, patch_type), patch_type=patch_type, options=options, user=impersonated(user, headers),
        agent=headers.get("User-Agent", "unknown").partition(" ")[0].partition("/")[0], path=target.path,
    )  # fmt: skip


def _verb(method: str, target: Target, asked: Mapping[str, str]) -> str:
    if method in _WRITES:
        return "deletecollection" if method == "DELETE" and not target.name else _WRITES[method]
    if asked.get("watch") in ("true", "1"):
        return "watch"
    return "get" if target.name or target.path else "list"


def _options(asked: Mapping[str, str], pairs: list[tuple[str, str]], accept: str) -> Options:
    known = {
        "label_selector": asked.get("labelSelector", ""), "field_selector": asked.get("fieldSelector", ""),
        "limit": _number(asked, "limit") or 0, "continue_token": asked.get("continue", ""),
        "resource_version": asked.get("resourceVersion", ""), "resource_version_match": asked.get("resourceVersionMatch", ""),
        "send_initial_events": asked.get("sendInitialEvents") == "true",
        "allow_watch_bookmarks": asked.get("allowWatchBookmarks") == "true",
        "timeout_seconds": _number(asked, "timeoutSeconds"), "dry_run": asked.get("dryRun") == "All",
        "field_manager": asked.get("fieldManager", ""), "field_validation": asked.get("fieldValidation", ""),
        "force": asked.get("force") == "true", "as_table": "as=Table" in accept, "include_object": asked.get("includeObject", ""),
        "parameters": tuple(pairs),
    }  # fmt: skip
    return Options(**known)  # type: ignore[arg-type]


def _number(asked: Mapping[str, str], name: str) -> int | None:
    text = asked.get(name, "")
    if text and not text.isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text) if text else None


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
        raise bad_request(
            f"the object provided is unrecognized (must be of type): couldn't get version/kind; json parse error: {error}"
        ) from None


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
