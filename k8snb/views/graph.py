"""A graph as a value: nodes, edges, groups. One value, four prints: text, SVG, DOT, data.

Builders (:mod:`k8snb.views.builders`) turn snapshots and traces into a :class:`Graph`; nothing here knows Kubernetes. The prints:

* ``repr(graph)``: a readable tree. It carries everything that the picture says, so it is also the form for screen readers,
  for untrusted notebooks (where JupyterLab shows no SVG) and for tests;
* ``graph.svg``: drawn by :mod:`k8snb.views.svg` over positions from :mod:`k8snb.views.layout`; follows the reader's theme;
* ``graph.dot``: the DOT text through the ``graphviz`` package, for those who want to render it their own way;
* ``graph.data``: plain JSON.

All four are deterministic: the order of nodes and edges is the order in which the builder gave them.

    >>> g = Graph("a pod on its node", nodes=[Node("p", "Pod", ("web-1",), "ok", "Running"), Node("n", "Node", ("node-1",))],
    ...           edges=[Edge("p", "n", "runs on")])
    >>> print(g)
    a pod on its node
    └─ Pod web-1  ● Running
       └─ runs on → Node node-1
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from k8snb.views import layout, svg, tree
from k8snb.views.states import LOOKS, STATES

EDGE_KINDS = ("", "weak", "flow", "broken")  # plain, dashed (a reference), thick (a request), crossed out


@dataclass(frozen=True, slots=True)
class Node:
    """A box. ``label`` is its lines, the name first; ``status`` is Kubernetes' word for ``state``; ``note`` the long form. ``lit``:
    it is what the picture is about."""

    id: str
    kind: str
    label: tuple[str, ...]
    state: str = ""
    status: str = ""
    group: str = ""
    note: str = ""
    lit: bool = False

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise ValueError(f"unknown state {self.state!r}; one of {', '.join(filter(None, STATES))}")


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow between two node ids. ``kind`` is how it is drawn: one of ``EDGE_KINDS``."""

    source: str
    target: str
    label: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A frame around nodes: a cluster node around its pods, a namespace, a component."""

    id: str
    label: str


class Graph:
    """Nodes, edges and groups with a title. Immutable; see the module for what it can be printed as."""

    __slots__ = ("_layout", "direction", "edges", "groups", "nodes", "title")

    def __init__(
        self, title: str, nodes: Iterable[Node], edges: Iterable[Edge], groups: Iterable[Group] = (), direction: str = "LR"
    ) -> None:
        """Edges whose end is not among the nodes are refused (ValueError): a builder that drops a node must drop its edges."""
        self.title, self.direction = title, direction
        self.nodes: tuple[Node, ...] = tuple({node.id: node for node in nodes}.values())
        self.edges: tuple[Edge, ...] = tuple(dict.fromkeys(edges))
        self.groups = tuple(groups)
        self._layout: layout.Layout | None = None
        known = {node.id for node in self.nodes}
        loose = [edge for edge in self.edges if edge.source not in known or edge.target not in known]
        if loose:
            raise ValueError(f"edge between unknown nodes: {loose[0]}")

    @property
    def layout(self) -> layout.Layout:
        """Positions of everything, in points; computed once."""
        if self._layout is None:
            self._layout = layout.arrange(self)
        return self._layout

    @property
    def svg(self) -> str:
        """The picture, as one self-contained ``<svg>`` element."""
        return svg.draw(self)

    @property
    def dot(self) -> Any:
        """The same graph as a ``graphviz.Digraph`` (``.source`` is the DOT text; rendering it needs Graphviz' own ``dot``)."""
        import graphviz

        digraph = graphviz.Digraph(self.title, graph_attr={"rankdir": self.direction, "label": self.title}, node_attr={"shape": "box"})
        for group in self.groups:
            with digraph.subgraph(name=f"cluster_{group.id}") as frame:
                frame.attr(label=group.label)
                _dot_nodes(frame, [node for node in self.nodes if node.group == group.id])
        framed = {group.id for group in self.groups}
        _dot_nodes(digraph, [node for node in self.nodes if node.group not in framed])
        for edge in self.edges:
            style = {"weak": "dashed", "flow": "bold", "broken": "dotted"}.get(edge.kind, "solid")
            digraph.edge(_dot_id(edge.source), _dot_id(edge.target), label=graphviz.escape(edge.label), style=style)
        return digraph

    @property
    def data(self) -> dict[str, Any]:
        """Plain JSON: ``{"title": ..., "nodes": [...], "edges": [...], "groups": [...]}``."""
        parts: Mapping[str, Sequence[Any]] = {"nodes": self.nodes, "edges": self.edges, "groups": self.groups}
        return {"title": self.title} | {name: [asdict(item) for item in items] for name, items in parts.items()}

    def __repr__(self) -> str:
        return tree.draw(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self.data == other.data

    __hash__ = None  # type: ignore[assignment]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.html}

    @property
    def html(self) -> str:
        """The picture with its text form below it (the part that survives where a notebook is not trusted)."""
        return svg.figure(self.svg, repr(self))


def _dot_id(name: str) -> str:
    # In DOT a colon in an edge's end means a port; the graphviz package splits there unless the name is quoted by us.
    return name.replace(":", "∶")


def _dot_nodes(digraph: Any, nodes: Iterable[Node]) -> None:
    import graphviz

    for node in nodes:
        lines = [node.kind, *node.label, f"{LOOKS[node.state].sign} {node.status}".strip()]
        digraph.node(_dot_id(node.id), label="\\n".join(graphviz.escape(line) for line in lines if line), color=LOOKS[node.state].light)
