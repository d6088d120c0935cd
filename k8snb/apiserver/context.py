"""What a request carries through the pipeline: the request, the server's read side, and the warnings to send back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request

if TYPE_CHECKING:
    from k8snb.apiserver.server import Server


class Context:
    """One request on its way. Admission plugins and subresource handlers see the server only through this.

    ``claimed`` is the object as the client wants it, before admission: what field ownership is worked out from. ``rounds`` is what
    mutating policies keep between the rounds of the chain. ``notes`` say which stages changed or refused something, for the trace.
    """

    __slots__ = ("claimed", "notes", "request", "rounds", "server", "warnings")

    def __init__(self, server: Server, request: Request):
        self.server, self.request = server, request
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.claimed: Object | None = None
        self.rounds: Any = None

    def asking(self, request: Request) -> Context:
        """Another request on behalf of the same client, who gets the warnings of both."""
        inner = Context(self.server, request)
        inner.warnings, inner.notes = self.warnings, self.notes
        return inner

    @property
    def from_outside(self) -> bool:
        """Whether somebody outside the cluster's own components reads the answer: only then field ownership is worked out."""
        return not self.request.agent.startswith(("kube-", "kubelet"))

    @property
    def now(self) -> int:
        """Virtual time in microseconds."""
        return self.server.kernel.state.now

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """A stored object, or None. Admission reads what is stored, as the real plugins' informers nearly do."""
        return self.server.stored(resource, name, namespace)

    def list(self, resource: str, namespace: str = "") -> list[Object]:
        """All stored objects of a resource, of one namespace where it is given, sorted by key."""
        return self.server.stored_list(resource, namespace)

    def remembered(self, resource: str) -> Sequence[Object]:
        """All stored objects of a resource that hardly ever changes: asking costs nothing."""
        return self.server.remembered(resource)

    def resource(self, key: str) -> Resource:
        """The served resource behind a key such as ``deployments.apps``."""
        return self.server.catalogue.by_key[key]

    def token(self, count: int) -> str:
        """``count`` random letters of the safe alphabet."""
        return self.server.kernel.rng("kube-apiserver/names").letters(count)

    def uid(self) -> str:
        """A new UID."""
        return self.server.kernel.rng("kube-apiserver/uids").uid()

    def below(self, bound: int) -> int:
        """A random whole number in ``[0, bound)``, for allocators."""
        return self.server.kernel.rng("kube-apiserver/allocators").below(bound)

    def warn(self, text: str) -> None:
        """Send a warning back with the response, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def replace(self, resource: str, obj: Object) -> Object:
        """Write a changed object as part of this request (subresource handlers: binding, eviction)."""
        if self.request.options.dry_run:
            return obj
        return self.server.write_back(self.resource(resource), obj)

    def delegate(self, **changes: Any) -> Object:
        """Run another request on behalf of the same user and give its body; refusals are raised as ApiError."""
        return self.server.delegate(self, **changes)
