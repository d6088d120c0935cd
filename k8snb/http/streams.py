"""Watches over HTTP: a stream of JSON objects, one a line, that ends when its time is over.

    {"type":"ADDED","object":{...}}
    {"type":"MODIFIED","object":{...}}

Models: k8s.io/apiserver/pkg/endpoints/handlers/watch.go. Simplified: no WebSocket.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tornado.iostream import StreamClosedError

from k8snb.apimachinery.errors import ApiError
from k8snb.apiserver.request import Request, Response, User
from k8snb.apiserver.streaming import line, printer
from k8snb.apiserver.watch import Hub, WatchEvent, bookmark_of
from k8snb.client.client import refusal
from k8snb.component_helpers.logs import FollowedLog, has_ended
from k8snb.http.replies import encoded

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

    def read(wanted: Mapping[str, str]) -> str:
        answer = endpoint.simulation.request(request._replace(options=request.options._replace(parameters=tuple(wanted.items()))))
        if not answer.ok:
            raise refusal(answer)
        return str(answer.body["text"])

    parameters = {key: value for key, value in request.options.parameters if key != "follow"}
    log = FollowedLog(parameters, read, lambda: endpoint.simulation.now)
    look = request._replace(subresource="", options=request.options._replace(parameters=()), user=User())  # for ourselves
    try:
        text = log.look()
    except ApiError as refused:
        handler.send(Response(refused.code, refused.status))
        return
    handler.set_header("Content-Type", "text/plain")
    with contextlib.suppress(ApiError, StreamClosedError):
        while True:
            ended = log.full or over(endpoint.simulation.request(look), parameters.get("container", ""))
            handler.write(encoded(text))
            await handler.flush()
            if ended or handler.left or not endpoint.running:
                return
            await asyncio.sleep(LOOK)
            text = log.look()


def over(found: Response, container: str) -> bool:
    """Whether a container has ended, or its pod, which was looked for, is gone: a log that is followed ends there."""
    return not found.ok or has_ended(found.body, container)


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
