"""One scheduling cycle: a pod and a snapshot in, a node (or the reasons why not) out. Nothing is changed on the way.

    PreFilter -> the nominated node first -> Filter, round the nodes from where the last cycle stopped -> Score -> the best

In a cluster of 100 nodes or more not all of them are looked at: the search ends when enough feasible ones are found, 50 % of
the nodes less one percent for each 125, at least 5 % and at least 100. Equal totals are decided by a draw from the scheduler's
own stream.

Models: pkg/scheduler/schedule_one.go (schedulePod, findNodesThatFitPod, prioritizeNodes, selectHost).
Simplified: nodes are filtered one after the other, so the search ends exactly at the last node that was needed.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from operator import add
from typing import NamedTuple

from k8snb.apimachinery.objects import dig
from k8snb.scheduler.diagnosis import ERROR, GRID_NODES, GRID_SAMPLE, MAX_NODE_SCORE, SKIP, SUCCESS, Diagnosis, Status, unresolvable
from k8snb.scheduler.framework import Cycle, PluginFailure, PostFilterResult, ScorePlugin, call
from k8snb.scheduler.nodeinfo import NodeInfo

NO_NODES = "no nodes available to schedule pods"
_PASS = Status(SUCCESS)
_MIN_FEASIBLE = 100
_MIN_PERCENT = 5


class Placement(NamedTuple):
    """What came of a cycle. ``node`` is empty where the pod fits nowhere; ``room`` says whether room can be made."""

    diagnosis: Diagnosis
    node: str
    next_start: int
    room: PostFilterResult | None = None


def feasible_nodes_to_find(nodes: int, percentage: int = 0) -> int:
    """How many feasible nodes are enough in a cluster of so many.

    >>> [feasible_nodes_to_find(n) for n in (10, 99, 100, 500, 5000)]
    [10, 99, 100, 230, 500]
    """
    if nodes < _MIN_FEASIBLE:
        return nodes
    percentage = percentage or max(50 - nodes // 125, _MIN_PERCENT)
    return max(nodes * percentage // 100, _MIN_FEASIBLE)


def schedule_pod(cycle: Cycle, start: int) -> Placement:
    """Find a node for the cycle's pod; ``start`` is the index of the node to begin with.

    What a plugin raises becomes ``diagnosis.error``; it never leaves this function.
    """
    diagnosis = Diagnosis(cycle.pod.key, nodes=len(cycle.snapshot.nodes))
    try:
        return _schedule(cycle, start, diagnosis)
    except PluginFailure as failure:
        diagnosis.error = str(failure)
        return Placement(diagnosis, "", start)


def _schedule(cycle: Cycle, start: int, diagnosis: Diagnosis) -> Placement:
    if not cycle.snapshot.nodes:
        diagnosis.error = NO_NODES
        return Placement(diagnosis, "", start)
    names, rejection = cycle.framework.run_pre_filter(cycle, diagnosis)
    if rejection is not None:
        if rejection.code == ERROR:
            diagnosis.error = rejection.message
            return Placement(diagnosis, "", start)
        diagnosis.absent, diagnosis.pre_filter = rejection, rejection.message
        diagnosis.blame(rejection)
        return Placement(diagnosis, "", start, cycle.framework.run_post_filters(cycle, diagnosis))
    feasible, start = _feasible(cycle, start, diagnosis, names)
    if not feasible:
        return Placement(diagnosis, "", start, cycle.framework.run_post_filters(cycle, diagnosis))
    diagnosis.feasible = [node.name for node in feasible]
    diagnosis.selected = feasible[0].name if len(feasible) == 1 else _best(cycle, feasible, diagnosis)
    return Placement(diagnosis, diagnosis.selected, start)


def _feasible(cycle: Cycle, start: int, diagnosis: Diagnosis, names: frozenset[str] | None) -> tuple[list[NodeInfo], int]:
    """The nodes that pass all filters, and where the next cycle begins."""
    nominated = cycle.snapshot.get(dig(cycle.pod.pod, "status.nominatedNodeName", ""))
    if nominated is not None and cycle.framework.run_filters_with_nominated_pods(cycle, nominated) is None:
        return [nominated], start
    total = len(cycle.snapshot.nodes)
    if names is None:
        candidates: Sequence[int] = range(total)
    else:
        candidates = [index for index, node in enumerate(cycle.snapshot.nodes) if node.name in names]
        plugins = " ".join(diagnosis.unschedulable_plugins)
        diagnosis.absent = unresolvable(f"node(s) didn't satisfy plugin(s) [{plugins}]")
    feasible = _filter(cycle, start, diagnosis, candidates)
    return feasible, (start + len(feasible) + len(diagnosis.statuses)) % total


def _filter(cycle: Cycle, start: int, diagnosis: Diagnosis, candidates: Sequence[int]) -> list[NodeInfo]:
    framework, nodes = cycle.framework, cycle.snapshot.nodes
    percentage = framework.profile.percentage_of_nodes_to_score
    enough = feasible_nodes_to_find(len(candidates), percentage) if framework.score else 1
    question = ("filter", framework.profile.scheduler_name, cycle.pod.node_name, cycle.pod.signature)
    known = cycle.memo.table(question, cycle.snapshot)
    expected = cycle.cluster.nominations()
    others = tuple(plugin for plugin in framework.other_filter if plugin.name not in cycle.skip_filter)
    feasible: list[NodeInfo] = []
    for turn in range(len(candidates)):
        index = candidates[(start + turn) % len(candidates)]
        node, verdict = nodes[index], known[index]
        if verdict is None:
            verdict = known[index] = framework.run_filters(cycle, node, framework.local_filter) or _PASS
        if expected and node.name in expected:
            verdict = framework.run_filters_with_nominated_pods(cycle, node) or _PASS
        elif others and verdict is _PASS:
            verdict = framework.run_filters(cycle, node, others) or _PASS
        if verdict is _PASS:
            feasible.append(node)
            if len(feasible) == enough:
                break
        else:
            _reject(diagnosis, node.name, verdict)
    return feasible


def _reject(diagnosis: Diagnosis, node: str, status: Status) -> None:
    if not status.rejected:
        raise PluginFailure(status.plugin, "Filter", RuntimeError(status.message))
    diagnosis.statuses[node] = status
    if status.plugin not in diagnosis.unschedulable_plugins:
        diagnosis.blame(status)


# Scoring


def _best(cycle: Cycle, nodes: list[NodeInfo], diagnosis: Diagnosis) -> str:
    """Score the feasible nodes and draw one of the best."""
    columns = _columns(cycle, nodes)
    totals = [0] * len(nodes)
    for _, column in columns:
        totals = list(map(add, totals, column))
    highest = max(totals)
    ties = [number for number, total in enumerate(totals) if total == highest]
    winner = ties[0] if len(ties) == 1 else ties[cycle.cluster.below(len(ties))]
    shown = range(len(nodes)) if len(cycle.snapshot.nodes) <= GRID_NODES else _sample(totals, winner)
    diagnosis.score_plugins = tuple(name for name, _ in columns)
    diagnosis.scores = {nodes[number].name: tuple(column[number] for _, column in columns) for number in shown}
    diagnosis.totals = {nodes[number].name: totals[number] for number in shown}
    return nodes[winner].name


def _sample(totals: list[int], winner: int) -> list[int]:
    best = heapq.nlargest(GRID_SAMPLE, range(len(totals)), key=totals.__getitem__)
    return best if winner in best else [winner, *best[:-1]]


def _columns(cycle: Cycle, nodes: list[NodeInfo]) -> list[tuple[str, list[int]]]:
    """The weighted points of each scoring plugin for each node."""
    framework = cycle.framework
    _pre_score(cycle, nodes)
    active = [(plugin, weight) for plugin, weight in framework.score if plugin.name not in cycle.skip_score]
    local = _local_scores(cycle, nodes, [plugin for plugin, _ in active if plugin.node_local])
    columns = []
    for plugin, weight in active:
        raw = local[plugin.name] if plugin.node_local else call(plugin, "Score", plugin.score_all, cycle, nodes)
        points = call(plugin, "Score", plugin.normalize, cycle, nodes, raw) if plugin.normalizes else raw
        _check_range(plugin, points)
        columns.append((plugin.name, points if weight == 1 else [weight * point for point in points]))
    return columns


def _pre_score(cycle: Cycle, nodes: list[NodeInfo]) -> None:
    for plugin in cycle.framework.pre_score:
        status: Status | None = call(plugin, "PreScore", plugin.pre_score, cycle, nodes)
        if status is not None and status.code == SKIP:
            cycle.skip_score.add(plugin.name)
        elif status is not None:
            raise PluginFailure(plugin.name, "PreScore", RuntimeError(status.message))


def _local_scores(cycle: Cycle, nodes: list[NodeInfo], plugins: list[ScorePlugin]) -> dict[str, list[int]]:
    """Points of the node-local plugins, as far as possible from memory."""
    question = ("score", cycle.framework.profile.scheduler_name, cycle.pod.signature, *(plugin.name for plugin in plugins))
    known, index = cycle.memo.table(question, cycle.snapshot), cycle.snapshot.index
    rows = []
    for node in nodes:
        number = index[node.name]
        row = known[number]
        if row is None:
            row = known[number] = tuple(call(plugin, "Score", plugin.score, cycle, node) for plugin in plugins)
        rows.append(row)
    return {plugin.name: [row[place] for row in rows] for place, plugin in enumerate(plugins)}


def _check_range(plugin: ScorePlugin, points: list[int]) -> None:
    lowest, highest = min(points), max(points)
    if lowest < 0 or highest > MAX_NODE_SCORE:
        wrong = lowest if lowest < 0 else highest
        sentence = f"plugin {plugin.name!r} returns an invalid score {wrong}, it should in the range of [0, 100] after normalizing"
        raise PluginFailure(plugin.name, "Score", ValueError(sentence))
