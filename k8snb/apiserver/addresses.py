"""What a URL of the API means: its path a resource or a path of its own, its query the options of a request.

    /apis/apps/v1/namespaces/shop/deployments/web/scale?fieldManager=jane
    Target(group="apps", version="v1", namespace="shop", resource="deployments", name="web", subresource="scale")

Who speaks HTTP and who types an address after ``kubectl get --raw`` mean the same by it.

Models: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go (NewRequestInfo).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from k8snb.apimachinery.errors import bad_request
from k8snb.apimachinery.strconv import parse_int
from k8snb.apiserver.request import Options

_WRITES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
PROXY = "proxy"  # the subresource that leads on
_OWN_PATH = ("namespaces", "status", "finalize")  # what may follow a namespace's name as its subresource


class Target(NamedTuple):
    """What a path names. ``path`` is set for everything that is no resource. What follows ``proxy`` belongs to somebody else."""

    group: str = ""
    version: str = "v1"
    namespace: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""
    path: str = ""
    beyond: str = ""  # of proxy: the path on the other side


def target_of(path: str) -> Target:
    """The target of a URL path.

    >>> target_of("/api/v1/namespaces/shop/pods/web-1/log")
    Target(group='', version='v1', namespace='shop', resource='pods', name='web-1', subresource='log', path='', beyond='')
    >>> target_of("/api/v1/namespaces/shop").name
    'shop'
    >>> target_of("/api/v1/namespaces/shop/services/web:80/proxy/a/b").beyond
    '/a/b'
    >>> target_of("/api/v1/namespaces/proxy/pods/proxy/proxy/a%2Fb/proxy/").beyond
    '/a%2Fb/proxy/'
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
    if names[2] == PROXY:
        return Target(group, version, namespace, names[0], names[1], PROXY, beyond=_beyond(path, len(parts) - len(rest) + 3))
    return Target(group, version, namespace, names[0], names[1], "/".join(rest[2:]))


def _beyond(path: str, segments: int) -> str:
    """What follows that many segments of a path, as it was written."""
    return "/" + "".join(path.lstrip("/").split("/", segments)[segments:])


def proxied(target: Target, method: str, query: str, *, headers: Any = (), body: str = "") -> dict[str, Any]:
    """The body of a request to a proxy: the request that is to be made on the other side."""
    path = f"{target.beyond}?{query}" if query else target.beyond
    return {"method": method, "path": path, "headers": headers, "body": body}


def verb_of(method: str, target: Target, asked: Mapping[str, str]) -> str:
    """The verb of an HTTP method on a target: a GET may be a get, a list or a watch."""
    if method in _WRITES:
        return "deletecollection" if method == "DELETE" and not target.name else _WRITES[method]
    if asked.get("watch") in ("true", "1") and target.subresource != PROXY:
        return "watch"
    return "get" if target.name or target.path else "list"


def options_of(pairs: list[tuple[str, str]], *, as_table: bool = False) -> Options:
    """The options in a query. Raises ApiError 400 for a number that is none."""
    asked = dict(pairs)
    known = {
        "label_selector": asked.get("labelSelector", ""), "field_selector": asked.get("fieldSelector", ""),
        "limit": _number(asked, "limit") or 0, "continue_token": asked.get("continue", ""),
        "resource_version": asked.get("resourceVersion", ""), "resource_version_match": asked.get("resourceVersionMatch", ""),
        "send_initial_events": asked.get("sendInitialEvents") == "true",
        "allow_watch_bookmarks": asked.get("allowWatchBookmarks") == "true",
        "timeout_seconds": _number(asked, "timeoutSeconds"), "dry_run": asked.get("dryRun") == "All",
        "field_manager": asked.get("fieldManager", ""), "field_validation": asked.get("fieldValidation", ""),
        "force": asked.get("force") == "true", "as_table": as_table, "include_object": asked.get("includeObject", ""),
        "parameters": tuple(pairs),
    }  # fmt: skip
    return Options(**known)  # type: ignore[arg-type]


def _number(asked: Mapping[str, str], name: str) -> int | None:
    text = asked.get(name, "")
    try:
        return parse_int(text) if text else None
    except ValueError as problem:
        raise bad_request(str(problem)) from None
