"""Where the boxes go. Graphviz computes **positions only**; sizes are ours, so no font is ever measured.

Every node is given to Graphviz with a fixed size and an empty label, and every edge label as an empty table of fixed size. The
same graph therefore has the same coordinates on every machine (`width` counts East-Asian wide characters double). Where the
pygraphviz wheel is missing the boxes stand in columns by their distance from the roots: plain, never an ImportError.

Units: points (1/72 inch), drawn as CSS pixels; the origin is the top left corner.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k8snb.messages.columns import columns

if TYPE_CHECKING:
    from k8snb.views.graph import Edge, Graph, Node

try:
    import pygraphviz
except ImportError:  # no wheel for this machine (musl, Intel macOS), and no compiler is asked for
    pygraphviz = None

CHAR = 7.25  # width of one character of the 12 px monospaced font
LINE = 16
PAD = 10
GAP = 40
GAPS = {"LR": 0.55, "TB": 0.3}  # between ranks, in inches

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its top left corner and size."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes by node and group id; for each edge, in the graph's order, its Bézier points and the middle of its label."""

    width: int
    height: int
    nodes: dict[str, Box]
    groups: dict[str, Box]
    edges: list[tuple[list[Point], Point | None]]


def size(node: Node) -> tuple[int, int]:
    """Width and height of a node's box: a caption line, its label lines, and a line for the status where it has one."""
    lines = [node.kind, *node.label, f"{node.status}  " if node.status else ""]
    shown = [line for line in lines if line]
    return round(max(map(columns, shown), default=4) * CHAR + 2 * PAD + 6), len(shown) * LINE + PAD


def arrange(graph: Graph) -> Layout:
    """Positions for every part of the graph."""
    if not graph.nodes:
        return Layout(120, 40, {}, {}, [])
    return _with_graphviz(graph) if pygraphviz is not None else grid(graph)


def _with_graphviz(graph: Graph) -> Layout:
    drawing = pygraphviz.AGraph(directed=True, strict=False, rankdir=graph.direction, nodesep=0.22, ranksep=GAPS[graph.direction])
    for index, node in enumerate(graph.nodes):
        width, height = size(node)
        drawing.add_node(f"n{index}", shape="box", fixedsize="true", width=width / 72, height=height / 72, label="")
    ids = {node.id: f"n{index}" for index, node in enumerate(graph.nodes)}
    for index, edge in enumerate(graph.edges):
        drawing.add_edge(ids[edge.source], ids[edge.target], key=f"e{index}", id=f"e{index}", label=_placeholder(edge))
    for index, group in enumerate(graph.groups):
        members = [ids[node.id] for node in graph.nodes if node.group == group.id]
        if members:
            drawing.add_subgraph(members, name=f"cluster_{index}", label=_blank(round(columns(group.label) * CHAR), LINE), labeljust="l")
    found = json.loads(drawing.draw(format="json0", prog="dot"))
    return _read(graph, found)


def _blank(width: int, height: int) -> str:
    return f'<<TABLE FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}" BORDER="0" CELLBORDER="0"><TR><TD></TD></TR></TABLE>>'


def _placeholder(edge: Edge) -> str:
    lines = edge.label.split("\n")
    return _blank(round(max(map(columns, lines)) * CHAR * 0.92) + 10, LINE * len(lines)) if edge.label else ""


def _read(graph: Graph, found: dict[str, Any]) -> Layout:
    _, _, width, height = (float(value) for value in found["bb"].split(","))
    top = round(height)
    placed = {item["name"]: item for item in found["objects"]}
    nodes = {node.id: _node_box(node, placed[f"n{index}"]["pos"], top) for index, node in enumerate(graph.nodes)}
    groups = {
        group.id: _group_box(placed[f"cluster_{index}"]["bb"], top)
        for index, group in enumerate(graph.groups)
        if f"cluster_{index}" in placed
    }
    drawn = {item["id"]: item for item in found.get("edges", [])}
    edges = [_spline(drawn[f"e{index}"], top) for index in range(len(graph.edges))]
    return Layout(round(width), top, nodes, groups, edges)


def _node_box(node: Node, pos: str, top: int) -> Box:
    x, y = (float(value) for value in pos.split(","))
    width, height = size(node)
    return Box(round(x - width / 2), round(top - y - height / 2), width, height)


def _group_box(bb: str, top: int) -> Box:
    x0, y0, x1, y1 = (float(value) for value in bb.split(","))
    return Box(round(x0), round(top - y1), round(x1 - x0), round(y1 - y0))


def _point(text: str, top: int) -> Point:
    x, y = text.split(",")
    return round(float(x)), round(top - float(y))


def _spline(item: dict[str, Any], top: int) -> tuple[list[Point], Point | None]:
    """Graphviz writes ``e,tip p0 p1 p2 p3 ...``; the tip becomes the last point, because the arrow head is drawn by a marker."""
    parts = item["pos"].split()
    tip = [part[2:] for part in parts if part.startswith("e,")]
    points = [_point(part, top) for part in parts if part[1] != "," or part[0] not in "es"]
    if tip:
        points[-1] = _point(tip[0], top)
    return points, _point(item["lp"], top) if "lp" in item else None


def grid(graph: Graph) -> Layout:
    """The plain layout: a column for each distance from the roots, boxes stacked in the builder's order; groups are left out."""
    rank = _ranks(graph)
    shelves: dict[int, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        shelves[rank[node.id]].append(node)
    nodes: dict[str, Box] = {}
    x = 4
    for level in sorted(shelves):
        y = 4
        for node in shelves[level]:
            width, height = size(node)
            nodes[node.id] = Box(x, y, width, height)
            y += height + PAD * 2
        x += max(size(node)[0] for node in shelves[level]) + GAP * 3
    height = max(box.y + box.h for box in nodes.values()) + 4
    return Layout(x - GAP * 3 + 4, height, nodes, {}, [_straight(nodes[e.source], nodes[e.target], bool(e.label)) for e in graph.edges])


def _ranks(graph: Graph) -> dict[str, int]:
    below: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        below[edge.source].append(edge.target)
    pointed = {edge.target for edge in graph.edges}
    rank: dict[str, int] = {}
    for start in [n.id for n in graph.nodes if n.id not in pointed] + [n.id for n in graph.nodes]:
        frontier = [start] if start not in rank else []
        rank.setdefault(start, 0)
        while frontier:
            here = frontier.pop(0)
            fresh = [target for target in dict.fromkeys(below[here]) if target not in rank]
            rank.update(dict.fromkeys(fresh, rank[here] + 1))
            frontier.extend(fresh)
    return rank


def _straight(a: Box, b: Box, labelled: bool) -> tuple[list[Point], Point | None]:
    forward = b.x >= a.x + a.w
    start = (a.x + a.w if forward else a.x, a.y + a.h // 2)
    end = (b.x if forward else b.x + b.w, b.y + b.h // 2)
    middle = ((start[0] + end[0]) // 2, (start[1] + end[1]) // 2)
    return [start, (middle[0], start[1]), (middle[0], end[1]), end], middle if labelled else None
