"""The ways of a packet as text and as a picture: what they share is told once, where chance decides they part.

Ways that begin with the same stages are merged into a tree. Each stage says where it is, what happens there, and by which chain,
policy or rule it was decided; each branch says which share of the traffic takes it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from k8snb.apimachinery.objects import Object, dig
from k8snb.messages import text
from k8snb.network.conntrack import Entry, Key
from k8snb.network.paths import Way
from k8snb.seams.cni import Hop
from k8snb.views.graph import Edge, Graph, Node
from k8snb.views.svg import folded

LIMIT = 12  # branches of one fork that are shown
_WIDTH = 34  # columns of a box


@dataclass(slots=True)
class _Stage:
    """A node of the tree: a hop, the share of the traffic that comes by, and what comes next."""

    hop: Hop
    share: float = 0.0
    next: list[_Stage] = field(default_factory=list)
    end: Way | None = None

    def onward(self, hop: Hop) -> _Stage:
        """The stage after this one for a hop; made where it is not there yet."""
        found = next((stage for stage in self.next if stage.hop == hop), None)
        if found is None:
            found = _Stage(hop)
            self.next.append(found)
        return found


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %".replace(".0 %", " %")


def _outcome(way: Way) -> str:
    if way.error:
        return text("packet.ends", error=way.error)
    if way.made.pod:
        return text("packet.reaches", pod=f"pod/{way.made.pod}")
    return text("packet.served", node=f"node/{way.made.node}" if way.made.node else way.made.uid)


class PacketTrace:
    """Every way of a request from ``source`` to ``destination``. Prints as text; ``graph`` is the picture; ``ways`` the data."""

    def __init__(self, source: str, destination: str, ways: tuple[Way, ...], kept: tuple[tuple[Key, Entry], ...] = ()):
        self.source, self.destination, self.ways, self.kept = source, destination, ways, kept

    @property
    def title(self) -> str:
        """From where to where."""
        return text("packet.title", source=self.source, destination=self.destination)

    @cached_property
    def _root(self) -> _Stage:
        root = _Stage(Hop(self.source, ""), 1.0)
        for way in self.ways:
            stage = root
            for hop in way.hops:
                stage = stage.onward(hop)
                stage.share += way.share
            stage.end = way
        return root

    def __repr__(self) -> str:
        count = len(self.ways)
        ways = text("packet.ways_one") if count == 1 else text("packet.ways_many", count=count)
        return "\n".join([f"{self.title}: {ways}", *self._told(self._root, "  "), *self._established()])

    def _established(self) -> Iterator[str]:
        """The connections that the client keeps, which go past all this."""
        for key, entry in self.kept[:LIMIT]:
            node, target = entry.node or self.source, f"{entry.backend}:{entry.backend_port}"
            yield text("packet.kept", port=key.source_port, target=target, node=node)
        if len(self.kept) > LIMIT:
            yield text("packet.more_kept", count=len(self.kept) - LIMIT)

    def _told(self, stage: _Stage, indent: str) -> Iterator[str]:
        forks = len(stage.next) > 1
        for onward in stage.next[:LIMIT]:
            share = f"{_percent(onward.share):>8}  " if forks else ""
            yield f"{indent}{share}{onward.hop.where}: {onward.hop.what}"
            deeper = indent + " " * (10 if forks else 0)
            if onward.hop.rule:
                yield f"{deeper}    [{onward.hop.rule}]"
            yield from self._told(onward, deeper)
        if rest := stage.next[LIMIT:]:
            yield f"{indent}{text('packet.more', count=len(rest), share=_percent(sum(one.share for one in rest)))}"
        if stage.end is not None:
            yield f"{indent}=> {_outcome(stage.end)}"

    @property
    def graph(self) -> Graph:
        """The same as a picture."""
        nodes = [Node("0", "", (self.source,))]
        edges: list[Edge] = []
        self._draw(self._root, "0", nodes, edges)
        return Graph(self.title, nodes, edges, direction="LR" if len(nodes) < 7 else "TB")

    def _draw(self, stage: _Stage, name: str, nodes: list[Node], edges: list[Edge]) -> None:
        forks = len(stage.next) > 1
        for number, onward in enumerate(stage.next[:LIMIT]):
            child = f"{name}.{number}"
            nodes.append(_box(child, onward))
            failed = onward.end is not None and bool(onward.end.error)
            edges.append(Edge(name, child, _percent(onward.share) if forks else "", "broken" if failed else "flow"))
            self._draw(onward, child, nodes, edges)
        if rest := stage.next[LIMIT:]:
            said = text("packet.more", count=len(rest), share=_percent(sum(one.share for one in rest)))
            nodes.append(Node(f"{name}.more", "", (said,)))
            edges.append(Edge(name, f"{name}.more", kind="weak"))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": folded(repr(self), self.graph.svg)}


def _box(name: str, stage: _Stage) -> Node:
    kind, _, rest = stage.hop.where.partition("/")
    end = stage.end
    said = textwrap.wrap(stage.hop.what, _WIDTH, break_long_words=False)
    lines = [*([rest] if rest else []), *said, *filter(None, stage.hop.rule.split(" > "))]
    state = "" if end is None else "failed" if end.error else "ok"
    return Node(name, kind, tuple(lines), state, _outcome(end) if end is not None else "", note=stage.hop.rule)


def source_of(source: str | Object) -> str:
    """Where a packet begins, in words: ``box``, ``shop/box``, ``node/node-1``, ``outside``. A Pod or Node object will do."""
    if isinstance(source, str):
        return source
    meta = source["metadata"]
    return f"node/{meta['name']}" if source.get("kind") == "Node" else f"{meta['namespace']}/{meta['name']}"


def url_of(destination: str | Object) -> str:
    """Whom it asks, as a URL. A Service or Pod object stands for its first port."""
    if isinstance(destination, str):
        return destination
    meta, kind = destination["metadata"], destination.get("kind")
    if kind == "Service":
        return f"http://{meta['name']}.{meta['namespace']}.svc.cluster.local:{dig(destination, ('spec', 'ports', 0, 'port'), 80)}"
    port = dig(destination, ("spec", "containers", 0, "ports", 0, "containerPort"), 80)
    return f"http://{dig(destination, 'status.podIP', '')}:{port}"
