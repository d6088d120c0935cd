"""The log of the proxy: a line for each request, and one for each attempt that failed. What one reads first when something is wrong.

    192.0.2.1 - - [time] "GET /api HTTP/1.1" 502 150 "-" "-" 0 0.003 [default-api-80] [] 10.244.1.3:9999, ... 502, ... id
    time [error] 27#27: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.1, ...

Models: ingress-nginx' ``log-format-upstream``; the error log of nginx.
Simplified: lengths of requests are 0, the request id is a number.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from k8snb.network.ingress.routing import Target
from k8snb.seams.cni import NO_ROUTE, REFUSED, TIMEOUT, HTTPReply, HTTPRequest, header
from k8snb.sim.clock import SECOND

_SYSTEM = {
    REFUSED: "connect() failed (111: Connection refused) while connecting to upstream",
    NO_ROUTE: "connect() failed (113: Host is unreachable) while connecting to upstream",
    TIMEOUT: "upstream timed out (110: Operation timed out) while connecting to upstream",
    "": "upstream timed out (110: Operation timed out) while reading response header from upstream",
}


class Attempt(NamedTuple):
    """One endpoint that was tried: what came of it (an HTTP status), how long that took (µs), how long the answer was."""

    target: str
    status: int
    took: int = 0
    length: int = 0
    error: str = ""  # of the connection; empty with 504: the answer did not come


class Visit(NamedTuple):
    """One request, as the log names it: when (µs), its number, from which address, and what was asked."""

    now: int
    number: int
    client: str
    request: HTTPRequest

    @property
    def line(self) -> str:
        """``GET / HTTP/1.1``."""
        return f"{self.request.method} {self.request.path} HTTP/1.1"


def access(visit: Visit, reply: HTTPReply, target: Target | None, attempts: list[Attempt]) -> str:
    """The line about one request."""
    upstream = f"{target.namespace}-{target.service}-{target.port}" if target else "upstream-default-backend"
    columns = (
        ", ".join(one.target for one in attempts) or "-",
        ", ".join(str(one.length) for one in attempts) or "-",
        ", ".join(_seconds(one.took) for one in attempts) or "-",
        ", ".join(str(one.status) for one in attempts) or "-",
    )
    agent, took = header(visit.request.headers, "user-agent") or "-", _seconds(sum(one.took for one in attempts))
    when = _when(visit.now, "%d/%b/%Y:%H:%M:%S +0000")
    head = f'{visit.client} - - [{when}] "{visit.line}" {reply.status} {len(reply.body.encode())} "-" "{agent}" 0 {took}'
    return f"{head} [{upstream}] [] {' '.join(columns)} {visit.number:032x}"


def error(visit: Visit, attempt: Attempt) -> str:
    """The line about an attempt that failed."""
    said, host = _SYSTEM.get(attempt.error, _SYSTEM[REFUSED]), visit.request.host
    about = f'client: {visit.client}, server: {host}, request: "{visit.line}", upstream: "http://{attempt.target}{visit.request.path}"'
    return f'{_when(visit.now, "%Y/%m/%d %H:%M:%S")} [error] 27#27: *{visit.number} {said}, {about}, host: "{host}"'


def _seconds(took: int) -> str:
    return f"{took / SECOND:.3f}"


def _when(now: int, form: str) -> str:
    return datetime.fromtimestamp(now // SECOND, UTC).strftime(form)
