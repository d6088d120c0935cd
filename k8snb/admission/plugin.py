"""What an admission plugin is, and what it may ask the server.

A plugin changes a request's object (``admit``, the mutating phase) or refuses it (``validate``, after validation, when
nothing changes any more). It is a small class without state of its own:

    class Plugin:
        name = "DefaultIngressClass"
        handles = ("create",)

        def admit(self, context, request, resource, obj, old): ...       # -> obj, the same one when nothing changes
        def validate(self, context, request, resource, obj, old): ...    # raises ApiError

Laws: objects are frozen, so ``admit`` returns a new one that shares what stays; a plugin sees the cluster only through its
:class:`Context`; ``obj`` is None for a delete, ``old`` is None for a create. ``handles`` are the verbs create, update,
delete and connect, as upstream names its operations (a patch is an update).

Models: k8s.io/apiserver/pkg/admission/interfaces.go, errors.go (NewForbidden, extractResourceName).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from k8snb.apimachinery.errors import ApiError, request_forbidden
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request


class Context(Protocol):
    """What the server offers to a plugin. ``rounds`` is for what a plugin keeps from the chain's first round for its second."""

    rounds: Any

    @property
    def server(self) -> Any:
        """The API server itself; its ``authorizer`` answers whether a user may do something else."""

    @property
    def notes(self) -> Any:
        """A list of what the request's trace record is to say."""

    @property
    def now(self) -> int:
        """Virtual time in microseconds."""

    def get(self, resource_key: str, name: str, namespace: str = "") -> Object | None:
        """One stored object: ``context.get("serviceaccounts", "default", "shop")``."""

    def list(self, resource_key: str, namespace: str = "") -> list[Object]:
        """All stored objects of a kind, of one namespace where one is given."""

    def remembered(self, resource_key: str) -> Sequence[Object]:
        """All stored objects of a kind that hardly ever changes: asking costs nothing."""

    def replace(self, resource_key: str, obj: Object) -> Object:
        """Write a changed object as part of this request; a dry run writes nothing."""

    def token(self, length: int) -> str:
        """Random letters of Kubernetes' safe alphabet; the stream belongs to the plugin."""

    def warn(self, text: str) -> None:
        """Send a warning with the response."""


class Admission(Protocol):
    """The two names every plugin has; ``admit`` and ``validate`` are looked up, either may be absent.

    ``resources``, where a plugin has it, are the keys of the only resources that it looks at; it is not asked about others.
    ``judges``, where it has that, are the keys of the only ones that its ``validate`` looks at.
    ``needs``, where it has that, is the key of a resource without whose objects it has nothing to do; then it is not asked at all.
    ``reinvokes`` says that after a change by this plugin the others are asked once more.
    """

    name: str
    handles: tuple[str, ...]


def forbidden(request: Request, resource: Resource, obj: Object | None, why: str) -> ApiError:
    """403 in the words of the admission chain. An object whose name is still to be generated is named by its prefix."""
    meta = (obj or {}).get("metadata") or {}
    name = request.name or meta.get("name") or meta.get("generateName") or "Unknown"
    return request_forbidden(resource.group, resource.plural, name, why)


def of_namespace(context: Context, resource_key: str, namespace: str) -> list[Object]:
    """The few objects of a namespace that judge every request in it (quotas, limit ranges), by :meth:`Context.remembered`."""
    return [obj for obj in context.remembered(resource_key) if obj["metadata"].get("namespace") == namespace]


def is_plain(request: Request, resource: Resource, key: str) -> bool:
    """True for a request for this kind itself, not for a subresource of it."""
    return resource.key == key and not request.subresource
