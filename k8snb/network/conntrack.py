"""Connections that are kept: a packet of an established connection goes where its first one went, past all rules.

    first packet    rules choose an endpoint, the destination is translated           -> an entry: who, from which port, to whom
    later packets   the entry decides: no rule is looked at, no endpoint is chosen     until the connection is closed

So a client that keeps its connections open stays with its endpoints: new ones get nothing of it, and one that is taken out of the
Service goes on serving it until its process ends. A process that ends closes its connections; the client opens new ones. A machine that
is lost closes nothing: the client waits until its own patience is over.

Models: Linux' nf_conntrack as kube-proxy sets it up (conntrack.tcpEstablishedTimeout, 24 h).
Simplified: TCP only; a connection that was closed is forgotten at once (no TIME_WAIT); policies are asked for each request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from k8snb.component_helpers.timing import timing
from k8snb.sim.clock import SECOND
from k8snb.sim.state import Shelf

ESTABLISHED = timing("connection tracking")
FIRST_PORT = 40_000
"""The source port of the first connection that a client keeps."""


class Key(NamedTuple):
    """One connection as its client knows it: from which address and port, to which host and port."""

    client: str
    source_port: int
    host: str
    port: int


class Entry(NamedTuple):
    """Where it goes. ``node``: whose rules have translated it (empty: nobody's); ``server``: the process at its other end."""

    address: str  # of the destination, as the client has it
    backend: str
    backend_port: int
    node: str
    server: str
    reply_to: str  # whom the endpoint answers: the client, or the node where the sender's address was replaced
    masquerade: bool
    used: int  # when it carried something last (µs)


def row(key: Key, entry: Entry, now: int) -> str:
    """One line of ``conntrack -L``."""
    left = (entry.used + ESTABLISHED - now) // SECOND
    there = f"src={key.client} dst={entry.address} sport={key.source_port} dport={key.port}"
    back = f"src={entry.backend} dst={entry.reply_to} sport={entry.backend_port} dport={key.source_port}"
    return f"tcp      6 {left} ESTABLISHED {there} {back} [ASSURED] mark=0 use=1"


class Conntrack:
    """The table of all nodes. ``table``: :class:`Key` -> :class:`Entry`."""

    def __init__(self, table: Shelf):
        self.table = table

    def find(self, key: Key, now: int) -> Entry | None:
        """The entry of a connection; None where there is none (any more)."""
        entry: Entry | None = self.table.get(key)
        return entry if entry is not None and now - entry.used < ESTABLISHED else None

    def put(self, key: Key, entry: Entry) -> None:
        """A connection is there, or has carried something."""
        self.table[key] = entry

    def close(self, key: Key) -> None:
        """It is closed."""
        self.table.pop(key, None)

    def of(self, node: str, client: str = "") -> Iterable[tuple[Key, Entry]]:
        """The connections that a node's rules have translated; those of one client, where one is given."""
        return [(key, entry) for key, entry in sorted(self.table.items()) if entry.node == node and client in ("", key.client)]
