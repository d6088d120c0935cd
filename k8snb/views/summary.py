"""Too many boxes: keep the telling ones, and say how many more there are.

A picture of 1,000 pods shows nothing. Siblings of one kind (same neighbours, same frame) beyond a limit become one box,
"… and 988 more pods", which still counts their states. What is not well is kept first, because that is what one looks for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from k8snb.views.graph import Edge, Graph, Node
from k8snb.views.states import sign

URGENCY = {state: rank for rank, state in enumerate(("failed", "unknown", "pending", "ending", "ok", "done", ""))}


def keep(states: Sequence[str], limit: int) -> list[int]:
    """Which of many things to show: at most ``limit`` positions, the worst states chosen first, in their original order.

    >>> keep(["ok", "ok", "failed", "ok"], 2)
    [0, 2]
    """
    if len(states) <= limit:
        return list(range(len(states)))
    return sorted(sorted(range(len(states)), key=lambda i: (URGENCY[states[i]], i))[:limit])


def tally(seen: Iterable[tuple[str, str]]) -> str:
    """States and words, counted, the worst first.

    >>> tally([("ok", "Running"), ("pending", "Pending"), ("ok", "Running")])
    '1 ◌ Pending, 2 ● Running'
    """
    counts = Counter((URGENCY[state], sign(state), word) for state, word in seen)
    return ", ".join(f"{number} {mark} {word}".rstrip() for (_, mark, word), number in sorted(counts.items()))


def summarise(graph: Graph, limit: int, more: Callable[[int, str], str]) -> Graph:
    """The same graph with at most ``limit`` siblings of a kind, the rest folded into one box a family.

    ``more(count, kind)`` is the sentence on that box. A graph that is small enough comes back as it is.
    """
    folded = _folded(graph, limit)
    if not folded:
        return graph
    boxes = {box: _box(box, nodes, more(len(nodes), nodes[0].kind)) for box, nodes in folded.items()}
    stands_for = {node.id: box for box, nodes in folded.items() for node in nodes}
    nodes = [node for node in graph.nodes if node.id not in stands_for] + list(boxes.values())
    edges = (replace(e, source=stands_for.get(e.source, e.source), target=stands_for.get(e.target, e.target)) for e in graph.edges)
    return Graph(graph.title, nodes, _once(edges), graph.groups, graph.direction)


def _box(box: str, nodes: Sequence[Node], words: str) -> Node:
    worst = min((node.state for node in nodes), key=lambda state: URGENCY[state])
    return Node(box, "", (words, tally((node.state, node.status) for node in nodes if node.status)), worst, group=nodes[0].group)


def _once(edges: Iterable[Edge]) -> list[Edge]:
    return [edge for edge in dict.fromkeys(edges) if edge.source != edge.target]


def _folded(graph: Graph, limit: int) -> dict[str, list[Node]]:
    """Box id -> the nodes that it stands for. A family is: one kind, one frame, the same nodes pointing at it."""
    parents: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        parents[edge.target].append(edge.source)
    families: dict[tuple[str, str, tuple[str, ...]], list[Node]] = defaultdict(list)
    for node in graph.nodes:
        families[node.kind, node.group, tuple(sorted(set(parents[node.id])))].append(node)
    folded = {}
    for members in families.values():
        kept = set(keep([node.state for node in members], limit))
        rest = [node for index, node in enumerate(members) if index not in kept]
        if len(rest) > 1:  # a box for a single node would save nothing
            folded[f"more:{rest[0].id}"] = rest
    return folded
