"""The endpoint: one event loop that answers HTTP and lets virtual time follow the wall clock.

Everything happens in the loop's one thread: a request is handled between two events of the kernel, as from a notebook, and so
needs no lock. Whoever steps the cluster meanwhile (a cell of a notebook) does so in the same thread; time goes on from there.

    with the wall clock:  now ----20 ms---- now ----20 ms---- now      (each time what is due is handled, at most a slice of it)

Laws: what enters the simulation enters as a recorded input, at a moment that its history knows, so a served cluster forks and
replays like any other; connections and watches are no state and are not forked.

Models: k8s.io/apiserver/pkg/server (secure serving). The library is tornado, which Jupyter brings along.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream
from tornado.netutil import bind_sockets
from tornado.routing import AnyMatches, Matcher, Rule
from tornado.web import Application

from k8snb.http.conversations import Conversation
from k8snb.http.credentials import Credentials, write_private
from k8snb.http.handler import Handler
from k8snb.http.paths import LARGEST_BODY
from k8snb.http.tunnels import Tunnel
from k8snb.http.visitors import Issued
from k8snb.messages import text
from k8snb.sim.pace import Pace
from k8snb.simulation.simulation import Simulation

LOOPBACK = "127.0.0.1"
TICK = 0.02  # seconds between two looks at the wall clock
SLICE = 2_000  # events handled before requests are looked at again
CONNECTIONS = 256  # at once; each watch, log that is followed, terminal and tunnel is one
IDLE = 120.0  # seconds for the headers of the next message, and for its body
REFUSED = 4 * LARGEST_BODY  # bytes: a larger body is not even read to its end


class Upgrading(Matcher):
    """Matches what wants to become a conversation or a tunnel by WebSocket; ``names``: the last words of paths."""

    def __init__(self, *names: str):
        self.names = names

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Tornado's way to ask."""
        wants = request.headers.get("Upgrade", "").lower() == "websocket"
        return {} if wants and request.path.rpartition("/")[2] in self.names else None


class Bounded(HTTPServer):
    """A server that hangs up on whoever connects while as many are connected as may be. (Who shows no token is one of them until
    the time for a request is over; a file that cannot be opened would be the notebook's trouble.)"""

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Tornado's way to hand in a new connection."""
        if len(self._connections) < CONNECTIONS:
            super().handle_stream(stream, address)
        else:
            stream.close()


class Endpoint:
    """Serves one simulation on loopback. ``factor`` 2.0: virtual time runs twice as fast as the clock on the wall.

    Raises OSError where the port is taken, ValueError for a port that does not exist or a factor that is not positive.
    """

    def __init__(self, simulation: Simulation, port: int = 0, *, factor: float = 1.0):
        if not 0 <= port < 1 << 16:
            raise ValueError(text("serve.no_port", port=port))
        self.simulation, self.credentials = simulation, Credentials()
        self.pace, self.issued = Pace(simulation.now, factor), Issued()
        self.happened = asyncio.Event()
        self.running = False
        self._sockets = bind_sockets(port, LOOPBACK)
        self.port: int = self._sockets[0].getsockname()[1]
        parts = {"endpoint": self}
        rules = [
            Rule(Upgrading("exec", "attach"), Conversation, parts), Rule(Upgrading("portforward"), Tunnel, parts),
            Rule(AnyMatches(), Handler, parts),
        ]  # fmt: skip
        application = Application(rules, log_function=lambda _handler: None, websocket_max_message_size=LARGEST_BODY)
        bounds: dict[str, Any] = {"max_body_size": REFUSED, "idle_connection_timeout": IDLE, "body_timeout": IDLE}
        self._server = Bounded(application, ssl_options=self.credentials.server_context(), **bounds)
        self._tasks: set[asyncio.Task[None]] = set()
        self._told = (simulation.parts, 0)

    def __repr__(self) -> str:
        return f"<Endpoint https://{LOOPBACK}:{self.port} {'serving' if self.running else 'stopped'}>"

    def kubeconfig(self, path: str | Path) -> Path:
        """Write a kubeconfig for this endpoint, readable by its owner only, and give its path. Raises OSError."""
        target = Path(path)
        write_private(target, self.credentials.kubeconfig(self.port))
        return target

    def start(self) -> None:
        """Accept connections, and let time pass from now on. Needs a running event loop."""
        self.spawn(self._tick())
        self._server.add_sockets(self._sockets)
        self.running = True

    def stop(self) -> None:
        """Break all connections and accept no more; time stands still again. A stopped endpoint does not start again."""
        if not self.running:
            return
        self.running = False
        for task in self._tasks:
            task.cancel()
        self._server.stop()
        self._wake()
        self.spawn(self._server.close_all_connections())

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside, until it ends or the endpoint stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ------------------------------------------------------------------ time

    async def _tick(self) -> None:
        while True:
            behind = self.catch_up()
            await asyncio.sleep(0 if behind else TICK)

    def catch_up(self) -> bool:
        """Handle what is due by the wall clock, at most a slice of it; whether more is due."""
        target = self.pace.target()
        stepped = self.simulation.now > target or self._told[0] is not self.simulation.parts
        if stepped:  # by somebody else, or to another past: time goes on from there
            self.pace = Pace(self.simulation.now, self.pace.factor)
            target = self.simulation.now
        behind = self.simulation.advance_to(target, most=SLICE)
        self.notify()
        return behind

    def notify(self) -> None:
        """Wake the streams if anything was written since the last time."""
        told = (self.simulation.parts, self.simulation.root.store.revision)
        if told != self._told:
            self._told = told
            self._wake()

    def _wake(self) -> None:
        self.happened.set()
        self.happened = asyncio.Event()
