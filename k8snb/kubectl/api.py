"""The server as kubectl sees it: one function that answers requests, and the errors and warnings in its answers.

Everything goes through :class:`~k8snb.apiserver.request.Request`; an answer that is not 2xx is raised as
:class:`~k8snb.apimachinery.errors.ApiError`; warnings are handed on once each, as client-go's warning writer does.

Models: k8s.io/client-go/rest (request.go, warnings.go), k8s.io/cli-runtime/pkg/resource/helper.go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from k8snb.apimachinery.errors import ApiError, quote
from k8snb.apimachinery.gotext import go_json
from k8snb.apiserver.addresses import PROXY, options_of, proxied, target_of, verb_of
from k8snb.apiserver.request import Options, Request, Response, User
from k8snb.kubectl.mapper import Discovered, Kind, Mapper, kinds_of
from k8snb.kubectl.unreachable import Unreachable, is_down

Send = Callable[[Request], Response]
Json = dict[str, Any]


def api_error(body: Mapping[str, Any], code: int) -> ApiError:
    """The error that a ``Status`` object tells."""
    details = body.get("details")
    return ApiError(code, body.get("reason", ""), body.get("message", ""), dict(details) if details else None)


@dataclass
class Api:
    """Requests to the server in the name of one user; ``warn`` is called with every new warning."""

    send: Send
    user: User
    warn: Callable[[str], None]
    discovered: Discovered = field(default_factory=Discovered)
    _mapper: Mapper | None = None
    warned: set[str] = field(default_factory=set)

    def ask(self, request: Request) -> Any:
        """The body of the answer. Raises ApiError; Unreachable where nobody answers."""
        response = self.send(request._replace(user=self.user))
        for warning in response.warnings:
            self.warn_once(warning)
        if not response.ok:
            down = is_down(response.code, response.body.get("message", ""))
            raise Unreachable(request) if down else api_error(response.body, response.code)
        return response.body

    def warn_once(self, warning: str) -> None:
        """Hand a warning on, unless it was."""
        if warning not in self.warned:
            self.warned.add(warning)
            self.warn(warning)

    @property
    def mapper(self) -> Mapper:
        """What the server serves."""
        if self._mapper is None:
            self._mapper = Mapper(lambda: kinds_of(self.path("/api"), self.path("/apis")), self.discovered, self.warn_once)
        return self._mapper

    def path(self, path: str) -> Any:
        """GET of a path that is no resource."""
        return self.ask(Request("get", path=path))

    def do(self, verb: str, kind: Kind, namespace: str, name: str = "", *, subresource: str = "", body: Any = None, **options: Any) -> Any:
        """One request; options are those of :class:`~k8snb.apiserver.request.Options`, and ``patch_type``."""
        patch_type = options.pop("patch_type", "")
        return self.ask(
            Request(
                verb, kind.group, kind.version, kind.resource, namespace if kind.namespaced else "", name, subresource,
                body, patch_type, Options(**options),
            )
        )  # fmt: skip

    def get(self, kind: Kind, namespace: str, name: str, **options: Any) -> Any:
        """One object."""
        return self.do("get", kind, namespace, name, **options)

    def list_all(self, kind: Kind, namespace: str = "", **options: Any) -> Any:
        """The objects of a kind in a namespace, or everywhere."""
        return self.do("list", kind, namespace, **options)

    def items(self, api_version: str, kind: str, namespace: str = "", **options: Any) -> list[Json]:
        """The objects of a kind by its name; empty where the server does not serve it."""
        known = self.mapper.kind(api_version, kind)
        return list(self.list_all(known, namespace, **options).get("items") or ()) if known else []

    def find(self, api_version: str, kind: str, namespace: str, name: str) -> Json:
        """One object by the name of its kind."""
        known = self.mapper.kind(api_version, kind)
        if known is None:
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        found: Json = self.get(known, namespace, name)
        return found


_METHODS = {"get": "GET", "create": "POST", "replace": "PUT", "delete": "DELETE"}


def raw_request(command: str, address: str, body: Any = None) -> Request:
    """The request that ``--raw`` with an address such as ``/api/v1/namespaces/shop/pods/web/log?tailLines=5`` means."""
    url = urlsplit(address)
    target, pairs = target_of(url.path), parse_qsl(url.query, keep_blank_values=True)
    verb = verb_of(_METHODS[command], target, dict(pairs))
    if target.subresource == PROXY:
        sent = json.dumps(body) if body is not None else ""
        body = proxied(target, _METHODS[command], url.query, headers=(("Accept", "application/json, */*"),), body=sent)
    return Request(
        verb, target.group, target.version, target.resource, target.namespace, target.name, target.subresource, body,
        options=options_of(pairs), path=target.path,
    )  # fmt: skip


def raw_text(body: Json) -> str:
    """An answer to ``--raw`` as it is printed. Raises ApiError where a program behind a proxy answered with an error."""
    if "apiVersion" in body or "text" not in body:
        return go_json(body, sort=False) + "\n"
    code = body.get("status", 200)
    if code >= 400:
        reason, message = _GENERIC.get(code, ("InternalError", ""))
        unknown = f"an error on the server ({quote(body['text'])}) has prevented the request from succeeding"
        raise ApiError(code, reason, message or unknown, {})
    return str(body["text"])


_GENERIC = {  # what client-go makes of an answer that is no Status: k8s.io/apimachinery/pkg/api/errors, NewGenericServerResponse
    400: ("BadRequest", "the server rejected our request for an unknown reason"),
    401: ("Unauthorized", "the server has asked for the client to provide credentials"),
    403: ("Forbidden", "unknown"),
    404: ("NotFound", "the server could not find the requested resource"),
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
}
