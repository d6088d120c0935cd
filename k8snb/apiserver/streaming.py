"""How the events of a watch are written: one JSON object each, in the version (or as the table) that the client asked for.

    {"type":"ADDED","object":{...}}

A watch from outside is opened by a request and polled (:attr:`~k8snb.apiserver.server.Server.visitors`); whoever polls, over
HTTP or in process, writes what came in this one way.

Models: k8s.io/apiserver/pkg/endpoints/handlers/watch.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from k8snb.apimachinery.gotext import go_json
from k8snb.apiserver import tables
from k8snb.apiserver.context import Context
from k8snb.apiserver.request import Request
from k8snb.apiserver.watch import WatchEvent

if TYPE_CHECKING:
    from k8snb.apiserver.server import Server

Printer = Callable[[WatchEvent], dict[str, Any]]


def printer(server: Server, request: Request) -> Printer:
    """What makes an answer of an event, for the watch that this request opened."""
    resource = server.catalogue.by_path[request.group, request.version, request.resource]
    context = Context(server, request)

    def printed(event: WatchEvent) -> dict[str, Any]:
        obj = event.object
        if event.type == "BOOKMARK":
            obj = {"kind": resource.kind, "apiVersion": resource.api_version, **obj}
        elif event.type != "ERROR":
            obj = resource.from_storage(obj)
            if request.options.as_table:
                obj = tables.table(context, resource, [obj], str(event.revision))
        return {"type": event.type, "object": obj}

    return printed


def line(written: dict[str, Any]) -> str:
    """One event as a line of the stream."""
    return go_json(written, sort=False) + "\n"
