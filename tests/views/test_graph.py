"""A graph is one value with four prints: each says the same, is the same bytes tomorrow, and survives hostile names."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snb.views import layout
from k8snb.views.graph import Edge, Graph, Group, Node
from k8snb.views.states import STATES
from k8snb.views.summary import summarise, tally

SVG = "{http://www.w3.org/2000/svg}"


def more(count: int, kind: str) -> str:
    return f"… and {count} more {kind}s"


def shop() -> Graph:
    return Graph(
        "Deployment web",
        [
            Node("deploy/web", "Deployment", ("web",), "pending", "1/2"),
            Node("rs/web-5d", "ReplicaSet", ("web-5d",), "pending", "1/2"),
            Node("pod/a", "Pod", ("web-5d-a", "10.244.0.5"), "ok", "Running", "n1"),
            Node("pod/b", "Pod", ("web-5d-b",), "failed", "CrashLoopBackOff", "n1"),
            Node("node/1", "Node", ("node-1",), "ok", "Ready"),
        ],
        [
            Edge("deploy/web", "rs/web-5d", "owns"),
            Edge("rs/web-5d", "pod/a", "owns"),
            Edge("rs/web-5d", "pod/b", "owns"),
            Edge("pod/a", "node/1", "runs on", "weak"),
            Edge("pod/b", "node/1", "runs on", "weak"),
        ],
        [Group("n1", "zone-1")],
    )


def pods(count: int) -> Graph:
    nodes = [Node("rs", "ReplicaSet", ("web",))]
    said = [("failed", "Error") if i == 700 else ("ok", "Running") for i in range(count)]
    nodes += [Node(f"p{i}", "Pod", (f"web-{i:04}",), *said[i]) for i in range(count)]
    return Graph("web", nodes, [Edge("rs", f"p{i}", "owns") for i in range(count)])


def test_the_text_form_is_a_tree_in_which_each_object_stands_once() -> None:
    assert repr(shop()).splitlines() == [
        "Deployment web",
        "└─ Deployment web  ◌ 1/2",
        "   └─ owns → ReplicaSet web-5d  ◌ 1/2",
        "      ├─ owns → Pod web-5d-a  10.244.0.5  ● Running",
        "      │  └─ runs on ⇢ Node node-1  ● Ready",
        "      └─ owns → Pod web-5d-b  ✖ CrashLoopBackOff",
        "         └─ runs on ⇢ Node node-1 (↑)",
    ]


def test_a_cycle_ends_where_it_is_met_again() -> None:
    ring = Graph("ring", [Node("a", "A", ("1",)), Node("b", "B", ("2",))], [Edge("a", "b"), Edge("b", "a", "back")])
    assert repr(ring) == "ring\n└─ A 1\n   └─ B 2\n      └─ back → A 1 (↑)"


def test_a_chain_of_many_thousand_causes_is_printed_without_recursion() -> None:
    chain = Graph("deep", [Node(str(i), "Step", (str(i),)) for i in range(3000)], [Edge(str(i), str(i + 1)) for i in range(2999)])
    assert len(repr(chain).splitlines()) == 3001


def test_the_picture_is_the_same_bytes_twice() -> None:
    assert shop().svg == shop().svg
    assert shop().html == shop().html


def test_the_picture_says_each_state_with_a_sign_and_a_word() -> None:
    root = ET.fromstring(shop().svg)
    labels = [g.get("aria-label") for g in root.iter(f"{SVG}g") if g.get("role")]
    assert "Pod web-5d-b  ✖ CrashLoopBackOff" in labels
    shown = [text.text for text in root.iter(f"{SVG}text")]
    assert "✖ CrashLoopBackOff" in shown
    assert "● Running" in shown
    assert root.get("aria-label") == "Deployment web"
    assert root.find(f"{SVG}title") is not None


def test_a_hostile_name_stays_text_in_every_print() -> None:
    evil = "<script>alert('x')</script>\"&"
    graph = Graph(evil, [Node(evil, evil, (evil,), "ok", evil, evil, evil)], [Edge(evil, evil, evil)], [Group(evil, evil)])
    assert "<script" not in graph.html
    assert "<script" not in graph.svg
    assert evil in [text.text for text in ET.fromstring(graph.svg).iter(f"{SVG}text")]
    assert "<a " not in graph.svg  # JupyterLab breaks on links inside inline SVG
    graph.dot.source.encode()


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1), st.sampled_from(STATES))
def test_any_text_gives_well_formed_svg(words: str, state: str) -> None:
    graph = Graph(words, [Node("a", words, (words, words), state, words), Node("b", "B", ("b",))], [Edge("a", "b", words)])
    ET.fromstring(graph.svg)


def test_control_characters_do_not_break_the_picture() -> None:
    ET.fromstring(Graph("\x1b[31m\x00", [Node("a", "\x07", ("\x00bell\ufffe",))], []).svg)


def test_wide_characters_get_two_columns() -> None:
    latin, wide = Node("a", "Pod", ("x" * 20,)), Node("b", "Pod", ("ポ" * 20,))
    assert layout.size(wide)[0] - layout.size(latin)[0] == pytest.approx(20 * layout.CHAR, abs=1)


def test_boxes_do_not_overlap_and_lie_inside() -> None:
    graph = pods(40)
    boxes = list(graph.layout.nodes.values())
    for i, a in enumerate(boxes):
        assert a.x >= 0
        assert a.y >= 0
        assert a.x + a.w <= graph.layout.width + 1
        assert a.y + a.h <= graph.layout.height + 1
        for b in boxes[i + 1 :]:
            assert a.x + a.w <= b.x or b.x + b.w <= a.x or a.y + a.h <= b.y or b.y + b.h <= a.y


def test_without_graphviz_the_boxes_stand_in_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "pygraphviz", None)
    graph = shop()
    columns = [graph.layout.nodes[node.id].x for node in graph.nodes]
    assert columns == sorted(columns)
    assert len(set(columns)) == 4
    ET.fromstring(graph.svg)


def test_no_graph_imports_fail_where_the_wheel_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    try:
        importlib.reload(layout)
        assert layout.pygraphviz is None
        ET.fromstring(shop().svg)
    finally:
        monkeypatch.undo()
        importlib.reload(layout)


def test_an_edge_to_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown nodes"):
        Graph("x", [Node("a", "A", ("a",))], [Edge("a", "b")])


def test_dot_keeps_names_with_colons_and_backslashes_whole() -> None:
    graph = Graph("x", [Node("ns:a\\N", "Pod", ("a\\N",)), Node("b", "Pod", ("b",))], [Edge("ns:a\\N", "b", "x:y")])
    assert "a\\\\N" in graph.dot.source
    assert graph.dot.source.count("->") == 1


def test_a_thousand_pods_become_a_dozen_and_a_count_and_the_broken_one_is_kept() -> None:
    small = summarise(pods(1000), 12, more)
    assert [node.label[0] for node in small.nodes][-2:] == ["web-0700", "… and 988 more Pods"]
    assert small.nodes[-1].label[1] == "988 ● Running"
    assert len(small.edges) == 13


def test_a_small_graph_is_not_summarised() -> None:
    graph = pods(13)
    assert summarise(graph, 12, more) is graph  # one box for one pod would save nothing


def test_states_are_counted_worst_first() -> None:
    assert tally((node.state, node.status) for node in pods(1000).nodes[1:]) == "1 ✖ Error, 999 ● Running"
