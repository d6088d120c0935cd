"""A graph as text: a tree from its roots, each node once in full and, where the graph joins again, by name.

Deterministic, and complete: what the picture says with colour and shape is said here with a sign and a word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from k8snb.views.states import sign

if TYPE_CHECKING:
    from k8snb.views.graph import Edge, Graph, Node

NEWLINE = "\n"
LIT = "◀"  # what the picture is about
ARROWS = {"": "→", "weak": "⇢", "flow": "⇒", "broken": "✕"}


def name(node: Node) -> str:
    """``Pod web-1``: how a node is named where it is only mentioned."""
    return f"{node.kind} {node.label[0] if node.label else ''}".strip()


def line(node: Node) -> str:
    """One line that says all of a node: kind, label lines, state sign and status word."""
    said = f"{sign(node.state)} {node.status}".strip()
    return "  ".join(part for part in (name(node), *node.label[1:], said, LIT * node.lit) if part)


def draw(graph: Graph) -> str:
    """The whole graph below its title. A node met again is printed as ``(above)``; a cycle ends the same way."""
    if not graph.nodes:
        return f"{graph.title}\n└─ ∅"
    out = _Tree(graph)
    lines = [graph.title]
    roots = out.roots()
    for i, root in enumerate(roots):
        lines.extend(out.branch(root, None, "", last=i == len(roots) - 1))
    return "\n".join(lines)


class _Tree:
    def __init__(self, graph: Graph) -> None:
        self.nodes = {node.id: node for node in graph.nodes}
        self.children: dict[str, list[Edge]] = defaultdict(list)
        for edge in graph.edges:
            self.children[edge.source].append(edge)
        self.pointed = {edge.target for edge in graph.edges if edge.target != edge.source}
        self.seen: set[str] = set()

    def roots(self) -> list[str]:
        """Nodes that nothing points at, then one of every cycle that they do not reach, all in the builder's order."""
        roots = [node_id for node_id in self.nodes if node_id not in self.pointed]
        reached = self._reach(roots)
        for node_id in self.nodes:
            if node_id not in reached:
                roots.append(node_id)
                reached |= self._reach([node_id])
        return roots

    def _reach(self, starts: list[str]) -> set[str]:
        found, stack = set(starts), list(starts)
        while stack:
            for edge in self.children[stack.pop()]:
                if edge.target not in found:
                    found.add(edge.target)
                    stack.append(edge.target)
        return found

    def branch(self, root: str, via: Edge | None, indent: str, *, last: bool) -> Iterator[str]:
        """The lines of a node and of what hangs below it; iterative, because a causal chain may be thousands deep."""
        stack = [(root, via, indent, last)]
        while stack:
            node_id, via, indent, last = stack.pop()
            again = node_id in self.seen
            self.seen.add(node_id)
            arrow = f"{via.label.replace(NEWLINE, ', ')} {ARROWS[via.kind]} ".lstrip() if via and (via.label or via.kind) else ""
            words = f"{name(self.nodes[node_id])} (↑)" if again else line(self.nodes[node_id])
            yield f"{indent}{'└─' if last else '├─'} {arrow}{words}"
            if not again:
                below = self.children[node_id]
                deeper = indent + ("   " if last else "│  ")
                stack.extend((edge.target, edge, deeper, edge is below[-1]) for edge in reversed(below))
