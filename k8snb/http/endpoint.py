"""The endpoint: one event loop that answers HTTP and lets virtual time follow the wall clock.

Everything happens in the loop's one thread: a request is handled between two events of the kernel, as from a notebook, and so
needs no lock. Watches are streams that are written to whenever something has happened.

Models: k8s.io/apiserver/pkg/server (secure serving), pkg/endpoints/handlers/watch.go. The library is tornado, which Jupyter
brings along.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import Object
from k8snb.apiserver import discovery, tables
from k8snb.apiserver.context import Context
from k8snb.apiserver.request import Request, Response, User
from k8snb.apiserver.watch import WatchEvent, WatchState, bookmark_of
from k8snb.http import openapi
from k8snb.http.credentials import Credentials
from k8snb.http.paths import LARGEST_BODY, request_of, warning_header
from k8snb.sim.pace import Pace
from k8snb.simulation.simulation import Simulation

TICK = 0.02  # seconds between two looks at the wall clock
SLICE = 2_000  # events handled before requests are looked at again
BOOKMARK_EVERY = 60.0
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Endpoint:
    """Serves one simulation on loopback. ``factor`` 2.0: virtual time runs twice as fast as the clock on the wall."""

    def __init__(self, simulation: Simulation, port: int = 0, *, factor: float = 1.0):
        self.simulation, self.credentials = simulation, Credentials()
        self.pace = Pace(simulation.now, factor)
        self.happened = asyncio.Event()
        self._sockets = bind_sockets(port, "127.0.0.1")
        self.port: int = self._sockets[0].getsockname()[1]
        application = Application([(r".*", Handler, {"endpoint": self})])
        self._server = HTTPServer(application, ssl_options=self.credentials.server_context(), max_body_size=LARGEST_BODY + 1024)
        self._ticking: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Endpoint https://127.0.0.1:{self.port}>"

    def start(self) -> None:
        """Accept connections, and let time pass from now on. Needs a running event loop."""
        self._server.add_sockets(self._sockets)
        self._ticking = asyncio.get_running_loop().create_task(self._tick())

    def stop(self) -> None:
        """Accept no more connections; time stands still again."""
        if self._ticking is not None:
            self._ticking.cancel()
        self._server.stop()

    async def _tick(self) -> None:
        while True:
            behind = self.catch_up()
            self.notify()
            await asyncio.sleep(0 if behind else TICK)

    def catch_up(self) -> bool:
        """Handle what is due by the wall clock, at most a slice of it; whether more is due."""
        target, kernel = self.pace.target(), self.simulation.parts.kernel
        for _ in range(SLICE):
            event = kernel.peek()
            if event is None or event.time > target:
                self.simulation.run_for(max(0, target - self.simulation.now))
                return False
            self.simulation.advance_one()
        return True

    def notify(self) -> None:
        """Wake the streams."""
        self.happened.set()
        self.happened = asyncio.Event()


class Handler(RequestHandler):
    """One HTTP message."""

    def initialize(self, endpoint: Endpoint) -> None:
        """Tornado's way to hand in what the handler needs."""
        self.endpoint = endpoint

    def set_default_headers(self) -> None:
        """No tornado in the headers; nothing is cached."""
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-cache, private")

    async def get(self) -> None:
        """GET."""
        await self._answer()

    post = put = patch = delete = head = get  # type: ignore[assignment]

    async def _answer(self) -> None:
        refused = self._refusal()
        if refused is not None:
            self._send(Response(refused.code, refused.status))
            return
        try:
            request = request_of(self.request.method or "GET", self.request.uri or "/", self._fields(), self.request.body, User())
        except ApiError as error:
            self._send(Response(error.code, error.status))
            return
        if request.verb == "watch":
            await self._watch(request)
            return
        document = self._openapi(request.path)
        answer = Response(200, document) if document is not None else self.endpoint.simulation.request(request)
        self.endpoint.notify()
        self._send(answer, discovery=request.path.rstrip("/") in ("/api", "/apis"))

    def _fields(self) -> dict[str, str]:
        return {key: ",".join(self.request.headers.get_list(key)) for key in set(self.request.headers)}

    def _refusal(self) -> ApiError | None:
        """Only loopback may be asked for, and only who knows the token may ask."""
        host = urlsplit(f"//{self.request.host}").hostname
        if host not in ("127.0.0.1", "localhost"):
            return ApiError(403, "Forbidden", "this endpoint answers on loopback only")
        given = self.request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.endpoint.credentials.token}".encode()):
            return ApiError(401, "Unauthorized", "Unauthorized")
        return None

    def _openapi(self, path: str) -> Object | None:
        if not path.startswith("/openapi/v3"):
            return None
        resources = self.endpoint.simulation.parts.server.catalogue.all()
        rest = path.removeprefix("/openapi/v3").strip("/")
        return openapi.document(resources, rest.partition("/")[2]) if rest else openapi.index(resources)

    def _send(self, answer: Response, *, discovery: bool = False) -> None:
        self.set_status(answer.code)
        for warning in answer.warnings:
            self.add_header("Warning", warning_header(warning))
        text = answer.body.get("text") if "apiVersion" not in answer.body else None
        if isinstance(text, str):
            self.set_header("Content-Type", "text/plain")
            self.finish(text)
            return
        accept = self.request.headers.get("Accept", "")
        wants = discovery and "as=APIGroupDiscoveryList" in accept and answer.code == 200
        body = answer.body if wants or not discovery or answer.code != 200 else legacy(answer.body)
        self.set_header("Content-Type", DISCOVERY if wants else "application/json")
        self.finish(json.dumps(body, ensure_ascii=False, separators=(",", ":")))

    # ------------------------------------------------------------------ watches

    async def _watch(self, request: Request) -> None:
        server = self.endpoint.simulation.parts.server
        opened = self.endpoint.simulation.request(request)
        if not opened.ok:
            self._send(opened)
            return
        number = opened.body["id"]
        self.set_header("Content-Type", "application/json")
        loop = asyncio.get_running_loop()
        timeout = request.options.timeout_seconds or 1800
        try:
            await self._stream(server, number, request, loop.time() + timeout)
        except StreamClosedError:
            pass
        finally:
            server.hub.close(number)

    async def _stream(self, server: Any, number: int, request: Request, end: float) -> None:
        loop = asyncio.get_running_loop()
        print_event = self._printer(server, request)
        marked = loop.time()
        while loop.time() < end and number in server.hub.state.watches:
            watch: WatchState = server.hub.state.watches[number]
            events = server.hub.take(number)
            if not events and request.options.allow_watch_bookmarks and loop.time() - marked > BOOKMARK_EVERY:
                marked = loop.time()
                events = [WatchEvent("BOOKMARK", bookmark_of(watch), watch.revision, 0)]
            for event in events:
                self.write(json.dumps(print_event(event), ensure_ascii=False, separators=(",", ":")) + "\n")
            await self.flush()
            waiting = asyncio.ensure_future(self.endpoint.happened.wait())
            await asyncio.wait([waiting], timeout=min(1.0, max(0.0, end - loop.time())))
            waiting.cancel()

    def _printer(self, server: Any, request: Request) -> Callable[[WatchEvent], dict[str, Any]]:
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


def legacy(body: Object) -> Object:
    """Discovery in the older form, for clients that do not ask for the aggregated one."""
    return discovery.unaggregated(body)
