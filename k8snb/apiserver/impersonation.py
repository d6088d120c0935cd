"""Whom a request asks to be (``Impersonate-User``, ``kubectl --as``), and what whoever really asks must be allowed for that.

    curl -H "Impersonate-User: system:serviceaccount:shop:bot" .../api/v1/namespaces/shop/pods

    way              what is checked, each in the name of whoever really asks
    serviceaccount   impersonate-on:serviceaccount:list  pods in shop
                     impersonate:serviceaccount          serviceaccounts.authentication.k8s.io "bot" in shop
    (legacy)         impersonate                         serviceaccounts "bot" in shop

Ways are tried in order. The first that is allowed says which groups come along; when none is, the refusal is that of the first.
An administrator is allowed every way.

Models: k8s.io/apiserver/pkg/endpoints/filters/impersonation (constrained_impersonation.go, mode.go), on by default since 1.36.
Simplified: who asks to be more than three groups or extras is asked for each, not for all of them first; keys of extras may be anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import unquote

from k8snb.apimachinery.errors import ApiError, bad_request, quote
from k8snb.apimachinery.validation import dns_subdomain
from k8snb.apiserver.auth import NODES, forbidden
from k8snb.apiserver.request import MASTERS, Request, User

ANONYMOUS = "system:anonymous"
AUTHENTICATED, UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"
_GROUP, _NODE, _EXTRA = "authentication.k8s.io", "system:node:", "impersonate-extra-"
_ON_NODE = "authentication.kubernetes.io/node-name"
Check = Callable[[Request], None]


class Part(NamedTuple):
    """Something of a person that one must be allowed to be. ``group``: its API group, the older way (others have but one)."""

    resource: str
    name: str
    namespace: str = ""
    subresource: str = ""
    group: str = ""


class Way(NamedTuple):
    """A way to be somebody else: its name (empty: the older one, which is good for every request), who one is then, and what of that
    person is checked."""

    name: str
    user: User
    parts: tuple[Part, ...]


def wanted(headers: Iterable[tuple[str, str]]) -> User | None:
    """Whom the headers of a message ask to be, as they say it; None where nobody is named. Raises ApiError 400."""
    asked: dict[str, list[str]] = {}
    for name, value in headers:
        if name.lower().startswith("impersonate-"):
            asked.setdefault(name.lower(), []).append(value)
    first = {key: asked.get(key, [""])[0] for key in ("impersonate-user", "impersonate-uid")}
    extra = tuple((unquote(key.removeprefix(_EXTRA)), tuple(values)) for key, values in asked.items() if key.startswith(_EXTRA))
    groups = tuple(asked.get("impersonate-group", ()))
    return named(User(first["impersonate-user"], groups, first["impersonate-uid"], extra))


def named(user: User) -> User | None:
    """The user, None where nothing is said of one. Raises ApiError 400, in the server's words, where only the name is missing."""
    if user.name:
        return user
    if any(user):
        raise bad_request(f"requested {_go(user)} without impersonating a user name")
    return None


def impersonated(user: User, other: User | None) -> User:
    """Who an administrator is that asks to be ``other``; who asked, where that is nobody."""
    return ways(user, other)[0].user if other is not None else user


def impersonate(check: Check, request: Request, other: User | None) -> Request:
    """The request in the name of whom it asks to be, where ``check`` (which raises ApiError 403) allows that to its user.

    Raises ApiError 403, that of the way which was tried first.
    """
    if other is None:
        return request
    refusals = []
    for way in ways(request.user, other):
        try:
            _check(check, request, way)
        except ApiError as refused:
            refusals.append(refused)
        else:
            return request._replace(user=way.user)
    raise refusals[0]


def ways(asker: User, other: User) -> list[Way]:
    """The ways to be somebody, in the order in which they are tried."""
    account, node = _account(other.name), _node(other.name)
    own = ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}") if account and not other.groups else other.groups
    who = Part("serviceaccounts", account[1], account[0]) if account else Part("users", other.name)
    more = _more(other)
    legacy = Way("", _known(other, own), (who, *more))
    if not (node or account):
        return [legacy._replace(name="user-info"), legacy]
    if more:
        return [legacy]
    if account:
        return [legacy._replace(name="serviceaccount"), legacy]
    machine = Way("arbitrary-node", _known(other, (NODES,)), (Part("nodes", node),))
    here = [machine._replace(name="associated-node", parts=(Part("nodes", "*"),))] if dict(asker.extra).get(_ON_NODE) == (node,) else []
    return [*here, machine, legacy]


def _more(other: User) -> tuple[Part, ...]:
    """What else than a name is asked for."""
    uid = (Part("uids", other.uid, group=_GROUP),) if other.uid else ()
    groups = tuple(Part("groups", group) for group in other.groups)
    extra = tuple(Part("userextras", value, subresource=key, group=_GROUP) for key, values in other.extra for value in values)
    return (*uid, *groups, *extra)


def _account(name: str) -> tuple[str, str] | None:
    """Namespace and name of a service account, where the name of a user is that of one."""
    parts = name.split(":")
    return (parts[2], parts[3]) if name.startswith("system:serviceaccount:") and len(parts) == 4 and all(parts[2:]) else None


def _node(name: str) -> str:
    """The node, where the name of a user is that of one's kubelet."""
    node = name.removeprefix(_NODE) if name.startswith(_NODE) else ""
    return node if node and not dns_subdomain(node) else ""


def _known(other: User, groups: tuple[str, ...]) -> User:
    """With the group of everybody who is known, or of everybody who is not."""
    if other.name == ANONYMOUS:
        everyone = () if UNAUTHENTICATED in groups else (UNAUTHENTICATED,)
    else:
        everyone = () if UNAUTHENTICATED in groups or AUTHENTICATED in groups else (AUTHENTICATED,)
    return other._replace(groups=(*groups, *everyone))


def _check(check: Check, request: Request, way: Way) -> None:
    """Raises ApiError 403 where the request's own user may not go this way."""
    if way.name:
        check(request._replace(verb=f"impersonate-on:{way.name}:{request.verb}"))
    groups = [part.name for part in way.parts if part.resource == "groups"]
    bad = next((group for group in ("", MASTERS) if group in groups), None) if way.name else None
    for part in way.parts:
        asked = _asked(request.user, way.name, part)
        if bad is not None and part.resource == "groups":
            raise forbidden(asked._replace(name=bad), f"impersonating the {bad or 'empty string'} group is not allowed")
        check(asked)


def _asked(user: User, way: str, part: Part) -> Request:
    """The question whether a user may be a part of somebody."""
    verb, group = (f"impersonate:{way}", _GROUP) if way else ("impersonate", part.group)
    return Request(verb, group, "v1", part.resource, part.namespace, part.name, part.subresource, user=user)


def _go(user: User) -> str:
    """A user as Go's ``%#v`` prints it."""
    extra = "{" + ", ".join(f"{quote(key)}:{_strings(values)}" for key, values in sorted(user.extra)) + "}" if user.extra else "(nil)"
    return (
        f"&user.DefaultInfo{{Name:{quote(user.name)}, UID:{quote(user.uid)}, Groups:{_strings(user.groups)}, "
        f"Extra:map[string][]string{extra}}}"
    )


def _strings(values: tuple[Any, ...]) -> str:
    return "[]string{" + ", ".join(map(quote, values)) + "}" if values else "[]string(nil)"
