"""Watches over HTTP: a stream of JSON objects, one a line, that ends when its time is over.

    {"type":"ADDED","object":{...}}
    {"type":"MODIFIED","object":{...}}

Models: k8s.io/apiserver/pkg/endpoints/handlers/watch.go. Simplified: no WebSocket.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tornado.iostream import StreamClosedError

from k8snb.apiserver.request import Request, Response, User
from k8snb.apiserver.streaming import line, printer
from k8snb.apiserver.watch import Hub, WatchEvent, bookmark_of

if TYPE_CHECKING:
    from k8snb.apiserver.server import Server
    from k8snb.http.endpoint import Endpoint
    from k8snb.http.handler import Handler

LASTS = 1800.0  # seconds, where the client names no time
BOOKMARK_EVERY = 60.0
LOOK = 0.1  # seconds between two looks at a log that is followed


async def serve(handler: Handler, endpoint: Endpoint, request: Request) -> None:
    """Answer a watch until its time is over, its client leaves, the endpoint stops, or the cluster is another (a rewind)."""
    opened = endpoint.simulation.request(request)
    if not opened.ok:
        handler.send(opened)
        return
    server, number = endpoint.simulation.parts.server, opened.body["id"]
    handler.set_header("Content-Type", "application/json")
    try:
        await _stream(handler, endpoint, server, request, number)
    except StreamClosedError:
        pass
    finally:
        server.visitors.close(number)


async def follow(handler: Handler, endpoint: Endpoint, request: Request) -> None:
    """``logs -f``: what is there, and what comes, until the container ends, its pod is gone, or the client leaves."""
    parameters = {key: value for key, value in request.options.parameters if key != "follow"}
    container, shown, first = parameters.get("container", ""), "", True
    look = request._replace(subresource="", options=request.options._replace(parameters=()), user=User())  # for ourselves
    while endpoint.running and not handler.left:
        asked = parameters if first else {key: value for key, value in parameters.items() if key not in ("tailLines", "limitBytes")}
        answer = endpoint.simulation.request(request._replace(options=request.options._replace(parameters=tuple(asked.items()))))
        if not answer.ok:
            if first:
                handler.send(answer)
            return
        text = str(answer.body["text"])
        if first:
            handler.set_header("Content-Type", "text/plain")
            shown = text if "tailLines" not in parameters else ""
            fresh, first = text, False
        else:
            fresh, shown = (text.removeprefix(shown)), text
        if "tailLines" in parameters and not shown:
            full = {key: value for key, value in parameters.items() if key != "tailLines"}
            shown = str(
                endpoint.simulation.request(request._replace(options=request.options._replace(parameters=tuple(full.items())))).body["text"]
            )
        try:
            handler.write(fresh)
            await handler.flush()
        except StreamClosedError:
            return
        if over(endpoint.simulation.request(look), container):
            return
        await asyncio.sleep(LOOK)


def over(found: Response, container: str) -> bool:
    """Whether a container has ended, or its pod, which was looked for, is gone: a log that is followed ends there."""
    if not found.ok:
        return True
    status = found.body.get("status") or {}
    kinds = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    states = [one.get("state", {}) for kind in kinds for one in status.get(kind) or () if container in ("", one["name"])]
    return bool(states) and not any("running" in state or "waiting" in state for state in states)


async def _stream(handler: Handler, endpoint: Endpoint, server: Server, request: Request, number: int) -> None:
    loop, printed, hub = asyncio.get_running_loop(), printer(server, request), server.visitors
    end = loop.time() + (LASTS if request.options.timeout_seconds is None else request.options.timeout_seconds)
    bookmark = loop.time() + BOOKMARK_EVERY
    while endpoint.running and not handler.left and server is endpoint.simulation.parts.server and number in hub.state.watches:
        happened = endpoint.happened
        events = hub.take(number)
        if request.options.allow_watch_bookmarks and loop.time() > bookmark:
            bookmark += BOOKMARK_EVERY
            events += _bookmarks(hub, number)
        for event in events:
            handler.write(line(printed(event)))
        await handler.flush()
        left = end - loop.time()
        if left <= 0 or number not in hub.state.watches:  # an ERROR was its last event
            return
        await _wait(happened, min(1.0, left))


async def _wait(happened: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(happened.wait(), seconds)


def _bookmarks(hub: Hub, number: int) -> list[WatchEvent]:
    watch = hub.state.watches.get(number)
    return [WatchEvent("BOOKMARK", bookmark_of(watch), watch.revision, 0)] if watch is not None else []
