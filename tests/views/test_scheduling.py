"""A scheduling decision as a grid: as text, as HTML, in the live view; and why there is none."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest

from k8snb.cluster import Cluster
from k8snb.messages import Missing
from k8snb.views import live
from k8snb.views.window import Window

EVIL = "<script>alert(1)</script>"


def run(cluster: Cluster, name: str, **spec: Any) -> None:
    overrides = json.dumps({"apiVersion": "v1", "spec": spec})
    cluster.kubectl(["run", name, "--image=nginx", "--overrides", overrides])
    cluster.settle()


def asking(cpu: str) -> list[dict[str, Any]]:
    return [{"name": "app", "image": "nginx", "resources": {"requests": {"cpu": cpu}}}]


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(nodes=3)
    made.kubectl("cordon node-2")
    return made


def test_a_pod_that_fits_nowhere(cluster: Cluster) -> None:
    run(cluster, "big", containers=asking("8"))
    grid = cluster.diagnosis("pod/big")
    assert repr(grid).splitlines() == [
        "default/big: attempt 1, fits nowhere",
        "                           node-1              node-2                        node-3",
        "filter  NodeUnschedulable  ✔                   ✖ node(s) were unschedulable  ✔",
        "        NodeName           ✔                   ·                             ✔",
        "        TaintToleration    ✔                   ·                             ✔",
        "        NodeResourcesFit   ✖ Insufficient cpu  ·                             ✖ Insufficient cpu",
        grid.message,
    ]
    assert grid.message.startswith("0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. ")


def test_a_pod_that_was_placed_has_points_and_a_total(cluster: Cluster) -> None:
    run(cluster, "first", containers=asking("1"))
    home = cluster.diagnosis("first").selected
    run(cluster, "second", containers=asking("1"))
    grid = cluster.diagnosis("second")
    assert {home, grid.selected} == {"node-1", "node-3"}
    assert grid.totals[grid.selected] > grid.totals[home]
    assert grid.totals == {node: sum(grid.points(node).values()) for node in ("node-1", "node-3")}
    assert grid.reason("node-2") == "NodeUnschedulable: node(s) were unschedulable"
    assert f"{grid.totals[grid.selected]} ◀" in repr(grid)


def test_equal_totals_are_said_to_be_drawn(cluster: Cluster) -> None:
    run(cluster, "web")
    assert repr(cluster.diagnosis("web")).endswith("node-1, node-3 have the same total, so one of them was drawn")


def test_the_only_node_is_not_scored(cluster: Cluster) -> None:
    cluster.kubectl("cordon node-1")
    run(cluster, "web")
    assert "node-3 was the only one that passed, so nothing was scored" in repr(cluster.diagnosis("web"))


def test_victims_are_named(cluster: Cluster) -> None:
    cluster.kubectl("create priorityclass vip --value=1000")
    cluster.kubectl("cordon node-1")
    run(cluster, "low", containers=asking("1500m"))
    run(cluster, "high", containers=asking("1500m"), priorityClassName="vip", priority=None)
    said = repr(cluster.diagnosis("high", attempt=1))
    assert said.splitlines()[0] == "default/high: attempt 1, fits nowhere; room is being made on node-3"
    assert "have to go for it: default/low" in said
    assert cluster.diagnosis("high").selected == "node-3"
    with pytest.raises(Missing, match="Of default/high there is no attempt number 9"):
        cluster.diagnosis("high", attempt=9)


def test_with_many_nodes_they_are_the_lines_the_best_first() -> None:
    large = Cluster(nodes=9)
    large.kubectl("cordon node-2")
    run(large, "web")
    grid = large.diagnosis("web")
    lines = repr(grid).splitlines()
    assert [line.split()[0] for line in lines[1:10]][-1] == "node-2"
    assert lines[9] == "node-2  ✖ NodeUnschedulable: node(s) were unschedulable"
    assert f"{grid.selected}  {grid.totals[grid.selected]} ◀" in repr(grid)


def test_of_a_large_cluster_only_the_best_nodes_are_shown() -> None:
    large = Cluster(nodes=30)
    run(large, "web")
    assert len(large.diagnosis("web").nodes) == 5
    assert repr(large.diagnosis("web")).splitlines()[-1] == "25 more nodes are not shown"


class Table(HTMLParser):
    """Rows of cell texts, and the scopes of the headers."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.scopes: list[str | None] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
            self.scopes += [dict(attrs).get("scope")] if tag == "th" else []

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_the_html_is_a_table_with_headers_that_says_everything_in_words(cluster: Cluster) -> None:
    run(cluster, "big", containers=asking("8"))
    grid = cluster.diagnosis("big")
    table = Table()
    table.feed(grid.html)
    assert table.rows[0] == ["point", "plugin", "node-1", "node-2", "node-3"]
    assert table.rows[1][:4] == ["filter", "NodeUnschedulable", "✔", "✖ node(s) were unschedulable"]
    assert None not in table.scopes
    assert 'scope="col">' not in grid.html, "JupyterLab puts heads without an alignment to the right"
    assert "style" not in table.tags
    assert "color" not in grid.html


def test_what_a_learner_wrote_is_escaped(cluster: Cluster) -> None:
    class Evil:
        name = EVIL

        def filter(self, pod: Any, node: Any) -> str:
            return EVIL

    cluster.scheduler.add(Evil)
    run(cluster, "web")
    grid = cluster.diagnosis("web")
    assert EVIL in repr(grid)
    assert "<script" not in grid.html
    assert "&lt;script" in grid.html


def test_the_live_view_shows_the_last_decision(cluster: Cluster) -> None:
    assert live.frame(Window(cluster.simulation).moment(None, 0))["meta"]["scheduling"] is None
    run(cluster, "big", containers=asking("8"))
    shown = live.frame(Window(cluster.simulation).moment(None, 0))["meta"]["scheduling"]
    assert shown == json.loads(json.dumps(cluster.diagnosis("big").as_data()))
    assert shown["nodes"] == ["node-1", "node-2", "node-3"]
    assert shown["lines"][0]["cells"] == [["done", ""], ["failed", "node(s) were unschedulable"], ["done", ""]]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"nodeName": "node-1"}, "came with its node (node-1)"),
        ({"schedulerName": "nobody"}, "asks for the scheduler 'nobody', and there is none of that name. There are: default-scheduler"),
        ({"schedulingGates": [{"name": "quota"}]}, "waits for its scheduling gates: quota."),
    ],
)
def test_why_there_is_no_decision(cluster: Cluster, spec: dict[str, Any], said: str) -> None:
    run(cluster, "web", **spec)
    with pytest.raises(Missing) as found:
        cluster.diagnosis("web")
    assert said in str(found.value)


def test_what_is_not_there_and_what_is_no_pod(cluster: Cluster) -> None:
    for name, said in (("ghost", "nothing called pod default/ghost"), ("node/node-1", "Only Pods are scheduled")):
        with pytest.raises(Missing, match=said):
            cluster.diagnosis(name)


def test_a_pod_that_nobody_has_looked_at_yet() -> None:
    fresh = Cluster(nodes=1)
    fresh.faults.stop("kube-scheduler")
    run(fresh, "web")
    with pytest.raises(Missing, match="has not looked at default/web yet"):
        fresh.diagnosis("web")
