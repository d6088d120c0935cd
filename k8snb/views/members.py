"""A picture of etcd's members: who leads, how far each log reaches, which links are broken. A pure function of their table.

    kube-apiserver ──> etcd-1 leader ──entries up to 208──> etcd-2 follower
                                     ──✖ cut off──────────> etcd-3 pre-candidate

The arrow from the API server goes to the leader, because a write counts only through it.
"""

from __future__ import annotations

from k8snb.messages import text
from k8snb.simulation.etcd_tables import MemberRow, Members
from k8snb.views.flows import API, ETCD
from k8snb.views.graph import Edge, Graph, Group, Node

STOPPED = "stopped"
_STATES = {"leader": "ok", "follower": "ok", STOPPED: "failed"}  # the others are on the way to something


def members(rows: Members) -> Graph:
    """The members as a graph; without a leader the API server's arrow ends nowhere."""
    leader = rows.leader if _leads(rows) else ""
    boxes = [Node(API, API, ()), *map(_member, rows)]
    edges = [Edge(API, leader, text("views.members.writes"), "flow")] if leader else []
    edges += [_link(rows[leader], row) for row in rows if leader and row.name != leader]
    title = text("views.members.led", leader=leader) if leader else text("views.members.no_leader")
    return Graph(title, boxes, edges, [Group(ETCD, ETCD)])


def _leads(rows: Members) -> bool:
    """Whether a majority can hear whoever leads."""
    if not rows.leader or _is_cut(rows[rows.leader]):
        return False
    hearing = [row for row in rows if row.role != STOPPED and not _is_cut(row)]
    return 2 * len(hearing) > len(rows.rows)


def _is_cut(row: MemberRow) -> bool:
    return "cut off" in row.link


def _member(row: MemberRow) -> Node:
    state = "unknown" if _is_cut(row) else _STATES.get(row.role, "pending")
    lines = (row.name, text("views.members.term", term=row.term), text("views.members.log", last=row.log_index, committed=row.committed))
    return Node(row.name, "member", lines, state, f"{row.role}, {row.link}" if row.link else row.role, ETCD)


def _link(leader: MemberRow, row: MemberRow) -> Edge:
    if row.role == STOPPED or _is_cut(row):
        return Edge(leader.name, row.name, STOPPED if row.role == STOPPED else row.link, "broken")
    return Edge(leader.name, row.name, text("views.members.entries", last=row.log_index), "weak" if row.link else "flow")
