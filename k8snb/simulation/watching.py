"""A watch from outside: somebody at a terminal, or a learner in a cell, follows the changes of a resource.

    watch = cluster.watch("pods", since=204)
    watch.take()          # what has come since revision 204, in order
    cluster.step()
    watch.take()          # what has come since the last look

The connection is no part of the cluster's state: a fork has nobody at its other end, and a cluster that is rewound has cut it.

Models: a GET with ``watch=1``; one that begins too far back, k8s.io/apiserver/pkg/storage/cacher/cacher.go (newErrWatcher).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from k8snb.apimachinery.objects import Object, dig
from k8snb.apiserver.request import Request
from k8snb.apiserver.streaming import printer
from k8snb.client.client import refusal
from k8snb.messages.columns import table

if TYPE_CHECKING:
    from k8snb.simulation.simulation import Simulation


class Seen(NamedTuple):
    """One event of a watch: ``type`` is ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""

    type: str
    object: Object

    @property
    def revision(self) -> str:
        """The revision of the object; empty for an ERROR."""
        return str(dig(self.object, "metadata.resourceVersion", ""))

    @property
    def name(self) -> str:
        """``namespace/name`` of the object; what an ERROR says."""
        meta = self.object.get("metadata") or {}
        if self.type == "ERROR":
            return str(self.object.get("message", ""))
        return "/".join(filter(None, (meta.get("namespace", ""), meta.get("name", ""))))


@dataclass(frozen=True, slots=True, repr=False)
class Events:
    """Events in the order in which they came. Its repr is a table."""

    items: tuple[Seen, ...]

    def __iter__(self) -> Iterator[Seen]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Seen:
        return self.items[index]

    def __repr__(self) -> str:
        return "\n".join(table([("TYPE", "OBJECT", "REVISION"), *((seen.type, seen.name, seen.revision) for seen in self.items)]))


class Watch:
    """One open watch. Opening it raises :class:`~k8snb.apimachinery.errors.ApiError` where it is refused; where the revision is no longer
    kept, it opens, says so in one ERROR, and is closed."""

    def __init__(self, simulation: Simulation, request: Request):
        opened = simulation.request(request)
        if not opened.ok:
            raise refusal(opened)
        self.request, self._simulation, self._server = request, simulation, simulation.parts.server
        self._number, self._print = opened.body["id"], printer(self._server, request)

    def __repr__(self) -> str:
        return f"<Watch {self.request.resource}: {'open' if self.open else 'closed'}>"

    @property
    def open(self) -> bool:
        """Whether there may be more to come."""
        return self._server is self._simulation.parts.server and self._number in self._server.visitors.state.watches

    def written(self) -> list[dict[str, Any]]:
        """What has come since the last look, as the API server writes it."""
        return [self._print(event) for event in self._server.visitors.take(self._number)] if self.open else []

    def take(self) -> Events:
        """What has come since the last look; nothing where the watch is closed."""
        return Events(tuple(Seen(one["type"], one["object"]) for one in self.written()))

    def close(self) -> None:
        """End it; whoever looks again sees nothing."""
        self._server.visitors.close(self._number)
