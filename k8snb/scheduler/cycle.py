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
import itertools
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from k8snb.apimachinery.objects import FrozenDict, dig
from k8snb.scheduler.cache import Places, Turn
from k8snb.scheduler.diagnosis import ERROR, GRID_NODES, GRID_SAMPLE, MAX_NODE_SCORE, SKIP, SUCCESS, Diagnosis, Status, unresolvable
from k8snb.scheduler.framework import Cycle, FilterPlugin, PluginFailure, PostFilterResult, ScorePlugin, call
from k8snb.scheduler.memo import Table
from k8snb.scheduler.nodeinfo import NodeInfo

NO_NODES = "no nodes available to schedule pods"
_PASS = Status(SUCCESS)
_MIN_FEASIBLE = 100
_MIN_PERCENT = 5
_Weighted = Sequence[tuple[ScorePlugin, int]]


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
    diagnosis.filters = cycle.framework.asked(cycle.skip_filter)
    cycle.places, start = _feasible(cycle, start, diagnosis, names)
    if not cycle.places:
        return Placement(diagnosis, "", start, cycle.framework.run_post_filters(cycle, diagnosis))
    diagnosis.feasible = cycle.places.of(cycle.snapshot.names)
    diagnosis.selected = diagnosis.feasible[0] if len(cycle.places) == 1 else _best(cycle, diagnosis)
    return Placement(diagnosis, diagnosis.selected, start)


def _feasible(cycle: Cycle, start: int, diagnosis: Diagnosis, names: frozenset[str] | None) -> tuple[Places, int]:
    """The places (in the snapshot) of the nodes that pass all filters, and where the next cycle begins."""
    snapshot = cycle.snapshot
    nominated = snapshot.get(dig(cycle.pod.pod, "status.nominatedNodeName", ""))
    if nominated is not None and cycle.framework.run_filters_with_nominated_pods(cycle, nominated) is None:
        return Places([snapshot.index[nominated.name]]), start
    total = len(snapshot.nodes)
    if names is None:
        candidates: Places = Turn(start, total, total)
    else:
        some = [place for place, node in enumerate(snapshot.nodes) if node.name in names]
        turn = start % len(some) if some else 0
        candidates = Places(some[turn:] + some[:turn])
        plugins = " ".join(diagnosis.unschedulable_plugins)
        diagnosis.absent = unresolvable(f"node(s) didn't satisfy plugin(s) [{plugins}]")
    feasible = _filter(cycle, candidates, diagnosis)
    return feasible, (start + len(feasible) + len(diagnosis.statuses)) % total


def _filter(cycle: Cycle, candidates: Places, diagnosis: Diagnosis) -> Places:
    """Go through the candidates in order until enough are feasible."""
    framework = cycle.framework
    percentage = framework.profile.percentage_of_nodes_to_score
    enough = feasible_nodes_to_find(len(candidates), percentage) if framework.score else 1
    question = ("filter", framework.profile.scheduler_name, cycle.pod.signature)
    known = cycle.memo.table(question, cycle.snapshot)
    expected = cycle.cluster.nominations()
    others = tuple(plugin for plugin in framework.other_filter if plugin.name not in cycle.skip_filter)
    if not expected and not others and _all_pass(cycle, candidates.first(enough), known):
        return candidates.first(enough)  # as every replica but the first few finds it
    feasible: list[int] = []
    for place in candidates:
        verdict = _verdict(cycle, place, known, others, expected)
        if verdict is not _PASS:
            _reject(diagnosis, cycle.snapshot.nodes[place].name, verdict)
        else:
            feasible.append(place)
            if len(feasible) == enough:
                break
    return Places(feasible)


def _all_pass(cycle: Cycle, places: Places, known: Table) -> bool:
    """Whether the node-local filters let the pod on all of these nodes. Stops at the first that does not."""
    for place in known.missing(places):
        if _verdict(cycle, place, known, (), {}) is not _PASS:
            return False
    return places.of(known.answers).count(_PASS) == len(places)


def _verdict(
    cycle: Cycle, place: int, known: Table, others: Sequence[FilterPlugin], expected: Mapping[str, Sequence[FrozenDict]]
) -> Status:
    node, framework = cycle.snapshot.nodes[place], cycle.framework
    if expected and node.name in expected:
        return framework.run_filters_with_nominated_pods(cycle, node) or _PASS
    verdict: Status | None = known.answers[place]
    if verdict is None:
        verdict = framework.run_filters(cycle, node, framework.local_filter) or _PASS
        known.put(place, verdict)
    if others and verdict is _PASS:
        verdict = framework.run_filters(cycle, node, others) or _PASS
    return verdict


def _reject(diagnosis: Diagnosis, node: str, status: Status) -> None:
    if not status.rejected:
        raise PluginFailure(status.plugin, "Filter", RuntimeError(status.message))
    diagnosis.statuses[node] = status
    if status.plugin not in diagnosis.unschedulable_plugins:
        diagnosis.blame(status)


# Scoring


class _Row(NamedTuple):
    """What the node-local plugins say of one node."""

    raw: tuple[int, ...]  # of those that normalize
    points: tuple[int, ...]  # of the others, weighted


_RAW = attrgetter("raw")


def _best(cycle: Cycle, diagnosis: Diagnosis) -> str:
    """Score the feasible nodes, those of one kind as one, and draw one of the best."""
    nodes = cycle.places.of(cycle.snapshot.nodes)
    _pre_score(cycle, nodes)
    active = [(plugin, weight) for plugin, weight in cycle.framework.score if plugin.name not in cycle.skip_score]
    kinds, rows = _kinds(cycle, active)
    ones = dict.fromkeys(kinds)
    columns = _columns(cycle, [nodes[kinds.index(kind)] for kind in ones], active, rows)
    points = {kind: _shown(active, columns, number, rows[number]) for number, kind in enumerate(ones)}
    totals = {kind: sum(row) for kind, row in points.items()}
    highest = max(totals.values())
    best = {kind: total == highest for kind, total in totals.items()}
    ties = list(itertools.compress(range(len(nodes)), map(best.__getitem__, kinds)))
    winner = ties[0] if len(ties) == 1 else ties[cycle.cluster.below(len(ties))]
    shown = range(len(nodes)) if len(cycle.snapshot.nodes) <= GRID_NODES else _sample(kinds, totals, ties, winner)
    diagnosis.score_plugins = tuple([plugin.name for plugin, _ in active])
    diagnosis.scores = {nodes[number].name: points[kinds[number]] for number in shown}
    diagnosis.totals = {nodes[number].name: totals[kinds[number]] for number in shown}
    return nodes[winner].name


def _shown(active: _Weighted, columns: Mapping[str, list[int]], number: int, row: _Row) -> tuple[int, ...]:
    """The weighted points of one kind of node, in the order of the plugins."""
    settled = iter(row.points)
    return tuple([columns[plugin.name][number] if plugin.name in columns else next(settled) for plugin, _ in active])


def _sample(kinds: Sequence[int], totals: Mapping[int, int], ties: list[int], winner: int) -> list[int]:
    """A few of the best nodes, the winner first."""
    best = ties[:GRID_SAMPLE]
    if len(best) < GRID_SAMPLE:
        total = [totals[kind] for kind in kinds]
        best = heapq.nlargest(GRID_SAMPLE, range(len(total)), key=total.__getitem__)
    return [winner, *[number for number in best if number != winner][: GRID_SAMPLE - 1]]


def _kinds(cycle: Cycle, active: _Weighted) -> tuple[Sequence[int], list[_Row]]:
    """The kind of each feasible node, as a number, and the points of the node-local plugins for each kind, in order of appearance.

    Nodes are of one kind if every plugin sees the same in them. Where a plugin may see something else in each, each is a kind of its own.
    What nodes are like comes from memory, as far as possible.
    """
    settled = [(plugin, weight) for plugin, weight in active if plugin.node_local and not plugin.normalizes]
    raw = [plugin for plugin, _ in active if plugin.node_local and plugin.normalizes]
    names = (*((plugin.name, weight) for plugin, weight in settled), *(plugin.name for plugin in raw))
    sights = [(plugin, call(plugin, "Score", plugin.sight, cycle)) for plugin, _ in active if plugin.even and not plugin.node_local]
    question = ("score", cycle.framework.profile.scheduler_name, cycle.pod.signature, names, *[sight.question for _, sight in sights])
    known = cycle.memo.table(question, cycle.snapshot)
    for place in known.missing(cycle.places):
        node = cycle.snapshot.nodes[place]
        known.put_kind(place, (_row(cycle, node, settled, raw), *[call(plugin, "Score", sight.of, node) for plugin, sight in sights]))
    kinds: Sequence[int] = cycle.places.of(known.answers)
    if all(plugin.even or (plugin.node_local and not plugin.normalizes) for plugin, _ in active):
        return kinds, [known.kinds[kind][0] for kind in dict.fromkeys(kinds)]
    return range(len(kinds)), [known.kinds[kind][0] for kind in kinds]


def _row(cycle: Cycle, node: NodeInfo, settled: _Weighted, raw: list[ScorePlugin]) -> _Row:
    points = []
    for plugin, weight in settled:
        point = call(plugin, "Score", plugin.score, cycle, node)
        _check_range(plugin, (point,))
        points.append(weight * point)
    return _Row(tuple([call(plugin, "Score", plugin.score, cycle, node) for plugin in raw]), tuple(points))


def _columns(cycle: Cycle, nodes: list[NodeInfo], active: _Weighted, rows: list[_Row]) -> dict[str, list[int]]:
    """The weighted points, for each node, of every scoring plugin that looks at all of them together."""
    columns, raw_of = {}, iter(zip(*map(_RAW, rows), strict=True))
    for plugin, weight in active:
        if plugin.node_local and not plugin.normalizes:
            continue
        raw = list(next(raw_of)) if plugin.node_local else call(plugin, "Score", plugin.score_all, cycle, nodes)
        points = call(plugin, "NormalizeScore", plugin.normalize, cycle, nodes, raw) if plugin.normalizes else raw
        _check_range(plugin, points)
        columns[plugin.name] = [weight * point for point in points]
    return columns


def _pre_score(cycle: Cycle, nodes: list[NodeInfo]) -> None:
    for plugin in cycle.framework.pre_score:
        status: Status | None = call(plugin, "PreScore", plugin.pre_score, cycle, nodes)
        if status is not None and status.code == SKIP:
            cycle.skip_score.add(plugin.name)
        elif status is not None:
            raise PluginFailure(plugin.name, "PreScore", RuntimeError(status.message))


def _check_range(plugin: ScorePlugin, points: Sequence[int]) -> None:
    lowest, highest = min(points), max(points)
    if lowest < 0 or highest > MAX_NODE_SCORE:
        wrong = lowest if lowest < 0 else highest
        sentence = f'plugin "{plugin.name}" returns an invalid score {wrong}, it should in the range of [0, 100] after normalizing'
        raise PluginFailure(plugin.name, "ScoreRange", ValueError(sentence))
