"""The aggregation layer: an API group that another server serves, behind this one.

An APIService says which server; as long as it is stored, its kinds stand in discovery and requests for them are passed on. What
the other server is, and whether it runs, is known to the wiring alone: it gives its kinds and a function that answers.

Models: k8s.io/kube-aggregator/pkg/apiserver (handler_apiservice.go, handler_proxy.go).
Simplified: no availability check: the condition Available stays as it was written, and a server that is down answers 503 itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.context import Context

if TYPE_CHECKING:
    from k8snb.apiserver.server import Server

API_SERVICES = "apiservices.apiregistration.k8s.io"
Answer = Callable[[Context, Resource], Object]


def aggregate(server: Server, name: str, resources: tuple[Resource, ...], answer: Answer) -> None:
    """Serve these kinds by ``answer`` while the APIService of that name is stored, now and whenever that changes."""
    kind = server.catalogue.by_key[API_SERVICES]

    def offer(stored: bool) -> None:
        server.catalogue.define(name, resources if stored else ())
        server.aggregated.pop(name, None)
        if stored:
            server.aggregated[name] = answer

    def changed(change: Any) -> None:
        about: Object | None = change.value or change.previous
        if about is not None and about["metadata"]["name"] == name:
            offer(change.value is not None)

    server.when_changed(API_SERVICES, changed)
    offer(any(obj["metadata"]["name"] == name for obj in server.store.kept(kind.prefix)))
