"""A client: the verbs as methods, refusals as exceptions.

    pod = client.get("pods", "web-1", "shop")
    client.update_status("pods", put(pod, "status.phase", "Running"))
    client.patch("deployments.apps", "web", {"spec": {"replicas": 3}}, "shop")

Resources are named by key (``pods``, ``deployments.apps``). Objects go in and come out frozen. Every call is one request to
the API server under the client's own user, and counts: a control loop's turn takes as long as the calls that it made.

Models: k8s.io/client-go/dynamic, controller-runtime's client.Client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import Object
from k8snb.apiserver.request import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, Options, Request, Response, User
from k8snb.sim.records import maker

_NO_OPTIONS = Options()
_request = maker(Request)
Send = Callable[[Request], Response]
VersionOf = Callable[[str], str]  # resource key -> the version in which it is asked for
PATCH_TYPES = {"merge": MERGE_PATCH, "strategic": STRATEGIC_MERGE_PATCH, "json": JSON_PATCH, "apply": APPLY_PATCH}


@dataclass(slots=True)
class Meter:
    """How many requests were sent; several clients of one component count together."""

    calls: int = 0


class Client:
    """Requests under one user. ``version_of`` says in which version a resource is asked for."""

    def __init__(self, send: Send, user: User, agent: str, version_of: VersionOf = lambda _resource: "v1", meter: Meter | None = None):
        self._send, self.user, self.agent, self._version_of = send, user, agent, version_of
        self.meter = meter or Meter()

    def __repr__(self) -> str:
        return f"<Client {self.agent} of {self.user.name}>"

    def request(
        self, verb: str, resource: str, *, namespace: str = "", name: str = "", subresource: str = "", body: Any = None,
        patch_type: str = "", options: Options = _NO_OPTIONS, typed: bool = False,
    ) -> Object:  # fmt: skip
        """Send one request and give its body. Raises :class:`ApiError` when it is refused."""
        plural, _, group = resource.partition(".")
        self.meter.calls += 1
        response = self._send(_request((
            verb, group, self._version_of(resource), plural, namespace, name, subresource, body, patch_type, options,
            self.user, self.agent, (), "", typed,
        )))  # fmt: skip
        if response.code >= 300:
            raise refusal(response)
        return response.body

    def get(self, resource: str, name: str, namespace: str = "") -> Object:
        """One object. Raises ApiError 404."""
        return self.request("get", resource, name=name, namespace=namespace)

    def find(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """One object, or None where there is none."""
        try:
            return self.get(resource, name, namespace)
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    def list(self, resource: str, namespace: str = "", *, labels: str = "", fields: str = "") -> list[Object]:
        """All objects that the selectors let through, in the order of their keys."""
        options = Options(label_selector=labels, field_selector=fields)
        items: list[Object] = self.request("list", resource, namespace=namespace, options=options)["items"]
        return items

    def create(
        self, resource: str, obj: Mapping[str, Any], namespace: str = "", *, subresource: str = "", name: str = "", typed: bool = False
    ) -> Object:
        """Create an object (or a subresource of one: ``pods``/``binding``).

        ``typed``: ``obj`` is in the form in which Go prints a value of the kind's type, so nobody has to look at that again.
        """
        return self.request("create", resource, namespace=namespace, body=obj, subresource=subresource, name=name, typed=typed)

    def update(self, resource: str, obj: Object, *, subresource: str = "", typed: bool = False) -> Object:
        """Replace an object. With its resourceVersion in it, a 409 says that somebody was faster. ``typed``: see :meth:`create`."""
        meta = obj["metadata"]
        namespace = meta.get("namespace", "")
        return self.request("update", resource, namespace=namespace, name=meta["name"], body=obj, subresource=subresource, typed=typed)

    def update_status(self, resource: str, obj: Object, *, typed: bool = False) -> Object:
        """Replace an object's status. ``typed``: see :meth:`create`."""
        return self.update(resource, obj, subresource="status", typed=typed)

    def patch(
        self, resource: str, name: str, patch: Any, namespace: str = "", *, kind: str = "merge", subresource: str = "", manager: str = "",
        force: bool = False,
    ) -> Object:  # fmt: skip
        """Change part of an object. ``kind``: merge, strategic, json or apply; ``force``: apply takes fields from other managers."""
        options = Options(field_manager=manager, force=force)
        return self.request(
            "patch",
            resource,
            namespace=namespace,
            name=name,
            body=patch,
            patch_type=PATCH_TYPES[kind],
            subresource=subresource,
            options=options,
        )

    def delete(
        self, resource: str, name: str, namespace: str = "", *, grace: int | None = None, uid: str = "", propagation: str = ""
    ) -> Object:
        """Delete an object; ``uid`` makes sure that it is the very one that was meant."""
        body: dict[str, Any] = {}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        if uid:
            body["preconditions"] = {"uid": uid}
        if propagation:
            body["propagationPolicy"] = propagation
        return self.request("delete", resource, namespace=namespace, name=name, body=body)

    def as_user(self, user: User) -> Client:
        """The same client under another user."""
        return Client(self._send, user, self.agent, self._version_of)

    def with_versions(self, versions: Mapping[str, str]) -> Client:
        """The same client that asks for these versions of API groups: ``{"autoscaling": "v2"}``."""
        return Client(self._send, self.user, self.agent, lambda resource: versions.get(resource.partition(".")[2], "v1"))


def refusal(response: Response) -> ApiError:
    """The exception behind a ``Status`` answer."""
    body = response.body
    return ApiError(response.code, body.get("reason", ""), body.get("message", ""), body.get("details"))
