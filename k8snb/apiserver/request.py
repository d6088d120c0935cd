"""A request and its response, as data. No sockets here: in process, over HTTP and in tests it is the same value.

    GET  /apis/apps/v1/namespaces/shop/deployments/web
    Request(verb="get", group="apps", version="v1", resource="deployments", namespace="shop", name="web")

The verbs are Kubernetes' own (`k8s.io/apiserver/pkg/endpoints/request`, RequestInfo): get, list, watch, create, update,
patch, delete, deletecollection.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8snb.apimachinery.objects import Object

ADMIN = "kubernetes-admin"
MASTERS = "system:masters"

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


class User(NamedTuple):
    """Who asks. ``groups`` decide as much as the name does; ``uid`` and ``extra`` decide nothing, and are told to whoever looks."""

    name: str = ADMIN
    groups: tuple[str, ...] = (MASTERS, "system:authenticated")
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def info(self) -> dict[str, Any]:
        """As a ``UserInfo`` of authentication.k8s.io: what is empty is left out."""
        extra = {key: list(values) for key, values in self.extra}
        found = {"username": self.name, "uid": self.uid, "groups": list(self.groups), "extra": extra}
        return {key: value for key, value in found.items() if value}


class Options(NamedTuple):
    """The query parameters that Kubernetes gives to its verbs, under Kubernetes' names in snake case."""

    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""
    resource_version_match: str = ""
    send_initial_events: bool = False
    allow_watch_bookmarks: bool = False
    timeout_seconds: int | None = None
    dry_run: bool = False
    field_manager: str = ""
    field_validation: str = ""  # Strict, Warn or Ignore; empty: Warn
    force: bool = False  # server-side apply
    as_table: bool = False  # Accept: application/json;as=Table
    include_object: str = ""  # in tables: None, Metadata (default) or Object
    parameters: tuple[tuple[str, str], ...] = ()  # others, of subresources: log's tailLines, exec's command ...


class Request(NamedTuple):
    """One request. ``body`` is a JSON value; for create and update an object, for patch what the patch type says,
    for delete the ``DeleteOptions``. ``causes`` are ids of trace records that made somebody ask."""

    verb: str
    group: str = ""
    version: str = "v1"
    resource: str = ""  # plural; empty with ``path`` set: a non-resource request
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    body: Any = None
    patch_type: str = ""
    options: Options = Options()
    user: User = User()
    agent: str = "kubectl"  # who is at the other end, for field managers and the trace
    causes: tuple[int, ...] = ()
    path: str = ""  # non-resource requests: /version, /apis, /openapi/v3 ...
    typed: bool = False  # the body was made as a value of the kind's Go type: it is what decoding it would give


class Response(NamedTuple):
    """The answer: HTTP code, a JSON value (object, list, table or ``Status``) and the warnings sent with it."""

    code: int
    body: Object
    warnings: tuple[str, ...] = ()
    record: int = 0  # id of the trace record of this request; 0 where none was kept

    @property
    def ok(self) -> bool:
        """True for 2xx."""
        return self.code < 300
