"""Spread the pods of one workload over zones, nodes, or whatever a label tells apart.

    skew of a topology value = matching pods there (this one included) - matching pods in the emptiest one

``DoNotSchedule`` constraints filter: the skew may not exceed ``maxSkew``. ``ScheduleAnyway`` constraints score: fewer is
better. A pod without constraints that belongs to a Service or to a workload controller is spread softly by default, over
hostnames (maxSkew 3) and zones (maxSkew 5); that is why replicas usually land on different nodes.

    raw score = sum over constraints of  count * log(topology values + 2) + (maxSkew - 1)
    score     = 100 * (max + min - raw) / max

Counts by node are kept up to date by the pods that come and go, so a cycle looks at no pod; nodes that are alike are scored as one.

Models: pkg/scheduler/framework/plugins/podtopologyspread (filtering.go, scoring.go, common.go).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.selectors import NOTHING, Selector
from k8snb.component_helpers.nodeaffinity import REQUIRED, matches_node_selector_and_affinity
from k8snb.component_helpers.taints import find_untolerated_taint
from k8snb.scheduler.cache import Move, Places
from k8snb.scheduler.cluster_event import (
    ADD,
    ASSIGNED_POD,
    DELETE,
    NODE,
    TARGET_POD,
    UPDATE_NODE_LABEL,
    UPDATE_POD_LABEL,
    UPDATE_TAINT,
    UPDATE_TOLERATION,
    Change,
    Interest,
    interest,
)
from k8snb.scheduler.diagnosis import MAX_NODE_SCORE, SKIP, Status, unresolvable, unschedulable
from k8snb.scheduler.framework import Cycle, FilterPlugin, PreFilterPlugin, PreScorePlugin, ScorePlugin, Sight
from k8snb.scheduler.nodeinfo import HOSTNAME, ZONE, NodeInfo
from k8snb.scheduler.plugins.default_selector import default_selector
from k8snb.scheduler.podinfo import PodInfo, pod_info, with_label_keys

REASON = "node(s) didn't match pod topology spread constraints"
REASON_LABEL = REASON + " (missing required label)"
HARD, SOFT = "DoNotSchedule", "ScheduleAnyway"
_INFINITE = 2**31 - 1
_ABSENT = "\0"  # stands for a missing label; no label has this value


class Constraint(NamedTuple):
    """One constraint, compiled."""

    key: str
    max_skew: int
    selector: Selector
    min_domains: int = 1
    honor_affinity: bool = True  # nodes that the pod's own affinity excludes do not count
    honor_taints: bool = False


class Default(NamedTuple):
    """A constraint for pods that have none of their own; the selector is that of the pod's Services and controller."""

    key: str
    max_skew: int
    when: str = SOFT


SYSTEM_DEFAULTS = (Default(HOSTNAME, 3), Default(ZONE, 5))


def constraints_of(pod: PodInfo, when: str) -> list[Constraint]:
    """The pod's own constraints of one kind (DoNotSchedule or ScheduleAnyway)."""
    found = []
    for item in pod.pod["spec"].get("topologySpreadConstraints") or ():
        if item["whenUnsatisfiable"] == when:
            selector = with_label_keys(item.get("labelSelector"), pod.labels, item.get("matchLabelKeys"))
            affinity, taints = item.get("nodeAffinityPolicy") or "Honor", item.get("nodeTaintsPolicy") or "Ignore"
            found.append(
                Constraint(
                    item["topologyKey"], item["maxSkew"], selector, item.get("minDomains") or 1, affinity == "Honor", taints == "Honor"
                )
            )
    return found


def count_matching(pods: Sequence[Object], selector: Selector, namespace: str) -> int:
    """How many of the pods are meant; those that are being deleted do not count."""
    if selector.empty or selector.never:
        return 0
    exact = selector.exact()
    wanted = exact.items() if len(exact) == len(selector.requirements) else None  # most often so, and then quickly compared
    total = 0
    for info in map(pod_info, pods):
        if info.namespace == namespace and not info.terminating:
            total += selector.matches(info.labels) if wanted is None else wanted <= info.labels.items()
    return total


def _counts(cycle: Cycle, selector: Selector) -> list[int]:
    """Matching pods on each node of the snapshot, in order."""
    namespace = cycle.pod.namespace
    return cycle.memo.counts(
        ("spread", namespace, selector),
        cycle.snapshot,
        lambda node: count_matching(node.pods, selector, namespace),
        lambda move: is_counted(move, selector, namespace),
    )


def is_counted(move: Move, selector: Selector, namespace: str) -> bool:
    """Whether a pod that came or went is one of those that are counted."""
    return move.namespace == namespace and not selector.empty and selector.matches(move.labels)


@dataclass(slots=True)
class Spread:
    """Notes of PreFilter: for each hard constraint, the matching pods by topology value."""

    constraints: list[Constraint]
    counts: list[dict[str, int]]
    smallest: list[int | None]  # computed when asked for

    def minimum(self, number: int) -> int:
        """The emptiest value's count; 0 where there are fewer values than ``minDomains``."""
        counts = self.counts[number]
        if len(counts) < self.constraints[number].min_domains:
            return 0
        known = self.smallest[number]
        if known is None:
            known = self.smallest[number] = min(counts.values(), default=_INFINITE)
        return known

    def add(self, number: int, value: str, delta: int) -> None:
        """A matching pod came to, or left, a topology value."""
        self.counts[number][value] = self.counts[number].get(value, 0) + delta
        self.smallest[number] = None

    def branch(self) -> Spread:
        """A copy for a "what if"."""
        return Spread(self.constraints, [dict(counts) for counts in self.counts], list(self.smallest))


class _Soft(NamedTuple):
    """One soft constraint: the matching pods that share a topology value (of hostnames: on each node of the snapshot)."""

    constraint: Constraint
    by_node: Sequence[int]
    by_value: Mapping[str, int]
    weight: float

    def sees(self, node: NodeInfo, place: int) -> str | int | None:
        """What of a node counts: on hostnames the matching pods there, else the topology value; None where it lacks the label."""
        value = node.facts.labels.get(self.constraint.key)
        return self.by_node[place] if value is not None and self.constraint.key == HOSTNAME else value


class _SoftNotes(NamedTuple):
    """Notes of PreScore. Nodes that lack a label of one of the ``required`` constraints get no points."""

    constraints: list[_Soft]
    required: Sequence[Constraint]


class PodTopologySpread(PreFilterPlugin, FilterPlugin, PreScorePlugin, ScorePlugin):
    """Filters by hard constraints, scores by soft ones. ``defaults`` hold for pods without any; those of the system are soft."""

    name = "PodTopologySpread"
    normalizes = True
    even = True

    def __init__(self, *, defaults: Sequence[Default] = SYSTEM_DEFAULTS):
        self.defaults = tuple(defaults)
        self.system_defaulted = self.defaults == SYSTEM_DEFAULTS
        self._hard_defaults = any(default.when == HARD for default in self.defaults)

    def _constraints(self, cycle: Cycle, when: str) -> list[Constraint]:
        """The pod's own constraints of one kind; where it has none of any kind, the defaults of this kind."""
        if cycle.pod.pod["spec"].get("topologySpreadConstraints"):
            return constraints_of(cycle.pod, when)
        wanted = [default for default in self.defaults if default.when == when]
        selector = default_selector(cycle.pod, cycle.cluster) if wanted else NOTHING
        return [] if not wanted or selector.empty else [Constraint(default.key, default.max_skew, selector) for default in wanted]

    def pre_filter(self, cycle: Cycle) -> Status | None:
        """Count matching pods by topology value; Skip without hard constraints."""
        constraints = self._constraints(cycle, HARD)
        if not constraints:
            return Status(SKIP)
        notes = Spread(constraints, [{} for _ in constraints], [None] * len(constraints))
        tables = [_counts(cycle, constraint.selector) for constraint in constraints]
        for index, node in enumerate(cycle.snapshot.nodes):
            labels = node.facts.labels
            if not _has_all(labels, constraints):
                continue
            for constraint, counts, table in zip(constraints, notes.counts, tables, strict=True):
                if included(constraint, cycle.pod, node):
                    value = labels[constraint.key]
                    counts[value] = counts.get(value, 0) + table[index]
        cycle.data[self.name] = notes
        return None

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """Would the pod make any value too full?"""
        notes: Spread = cycle.data[self.name]
        labels = node.facts.labels
        for number, constraint in enumerate(notes.constraints):
            value = labels.get(constraint.key)
            if value is None:
                return unresolvable(REASON_LABEL)
            itself = constraint.selector.matches(cycle.pod.labels)
            skew = notes.counts[number].get(value, 0) + itself - notes.minimum(number)
            if skew > constraint.max_skew:
                return unschedulable(REASON)
        return None

    def add_pod(self, cycle: Cycle, pod: PodInfo, node: NodeInfo) -> None:
        """One matching pod more."""
        self._update(cycle, pod, node, 1)

    def remove_pod(self, cycle: Cycle, pod: PodInfo, node: NodeInfo) -> None:
        """One matching pod less."""
        self._update(cycle, pod, node, -1)

    def _update(self, cycle: Cycle, pod: PodInfo, node: NodeInfo, delta: int) -> None:
        notes: Spread = cycle.data[self.name]
        if pod.namespace != cycle.pod.namespace or not _has_all(node.facts.labels, notes.constraints):
            return
        for number, constraint in enumerate(notes.constraints):
            if constraint.selector.matches(pod.labels) and included(constraint, cycle.pod, node):
                notes.add(number, node.facts.labels[constraint.key], delta)

    # Scoring

    def pre_score(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> Status | None:
        """Sum up the counts for the values that feasible nodes have; Skip without soft constraints."""
        own = bool(cycle.pod.pod["spec"].get("topologySpreadConstraints"))
        constraints = self._constraints(cycle, SOFT)
        if not constraints:
            return Status(SKIP)
        required = constraints if own or not self.system_defaulted else ()
        kept = cycle.places
        for constraint in required:
            values = _values_of(cycle, constraint.key)
            kept = Places([place for place in kept if values[place] is not _ABSENT])
        cycle.data[self.name + "/score"] = _SoftNotes([_soft(cycle, constraint, kept, required) for constraint in constraints], required)
        return None

    def sight(self, cycle: Cycle) -> Sight:
        """The matching pods on a node and its topology values."""
        notes: _SoftNotes = cycle.data[self.name + "/score"]
        index, constraints = cycle.snapshot.index, notes.constraints
        question = ("spread", cycle.pod.namespace, *[(soft.constraint.key, soft.constraint.selector) for soft in constraints])
        return Sight(question, lambda node: tuple([soft.sees(node, index[node.name]) for soft in constraints]))

    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        """The weighed number of matching pods near this node; 0 where a label is lacking."""
        notes: _SoftNotes = cycle.data[self.name + "/score"]
        labels, total = node.facts.labels, 0.0
        if notes.required and not _has_all(labels, notes.required):
            return 0
        for (key, max_skew, *_), by_node, by_value, weight in notes.constraints:
            value = labels.get(key)
            if value is not None:
                count = by_node[cycle.snapshot.index[node.name]] if key == HOSTNAME else by_value.get(value, 0)
                total += count * weight + (max_skew - 1)
        return math.floor(total + 0.5)

    def normalize(self, cycle: Cycle, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        """Fewest is best; nodes without the labels get nothing."""
        required = cycle.data[self.name + "/score"].required
        valid = [_has_all(node.facts.labels, required) for node in nodes] if required else [True] * len(nodes)
        counted = [score for score, counts in zip(scores, valid, strict=True) if counts]
        lowest, highest = min(counted, default=0), max(counted, default=0)
        return [
            0 if not counts else MAX_NODE_SCORE * (highest + lowest - score) // highest if highest else MAX_NODE_SCORE
            for score, counts in zip(scores, valid, strict=True)
        ]

    def interests(self) -> tuple[Interest, ...]:
        """Matching pods that come, go or are relabelled; nodes; the pod's own labels and tolerations."""
        return (
            interest(ASSIGNED_POD, ADD, DELETE, UPDATE_POD_LABEL, hint=self._same_workload),
            interest(NODE, ADD, DELETE, UPDATE_NODE_LABEL, UPDATE_TAINT, hint=self._node_counts),
            interest(TARGET_POD, UPDATE_POD_LABEL, UPDATE_TOLERATION),
        )

    def _by_default(self, pod: PodInfo) -> bool:
        """Whether a default constraint may have rejected the pod: its selector is not at hand here, so better one attempt too many."""
        return self._hard_defaults and not pod.pod["spec"].get("topologySpreadConstraints")

    def _same_workload(self, pod: PodInfo, change: Change) -> bool:
        """A pod of the same namespace that some hard constraint counts (or counted)."""
        others = [pod_info(item) for item in (change.old, change.new) if item is not None]
        neighbours = [other for other in others if other.namespace == pod.namespace]
        selectors = [constraint.selector for constraint in constraints_of(pod, HARD)]
        counted = any(selector.matches(other.labels) for other in neighbours for selector in selectors)
        return counted or (bool(neighbours) and self._by_default(pod))

    def _node_counts(self, pod: PodInfo, change: Change) -> bool:
        """A node that has the labels, or had them: where nothing else changed about it, their values must have."""
        if self._by_default(pod):
            return True
        keys = [constraint.key for constraint in constraints_of(pod, HARD)]
        before, after = (_values(node, keys) for node in (change.old, change.new))
        return before != after if change.action == UPDATE_NODE_LABEL else (before or after) is not None


def _values(node: Object | None, keys: Sequence[str]) -> tuple[str, ...] | None:
    """The node's values of these labels; None where it lacks one."""
    labels = EMPTY_DICT if node is None else node["metadata"].get("labels") or EMPTY_DICT
    return tuple(labels[key] for key in keys) if keys and all(key in labels for key in keys) else None


def _has_all(labels: Mapping[str, str], constraints: Sequence[Constraint]) -> bool:
    return all(constraint.key in labels for constraint in constraints)


def included(constraint: Constraint, pod: PodInfo, node: NodeInfo) -> bool:
    """Whether the node counts for the constraint (nodeAffinityPolicy, nodeTaintsPolicy)."""
    spec = pod.pod["spec"]
    if constraint.honor_affinity and _is_picky(spec) and not matches_node_selector_and_affinity(pod.pod, node.node or EMPTY_DICT):
        return False
    return not (constraint.honor_taints and find_untolerated_taint(node.facts.taints, spec.get("tolerations")))


def _is_picky(spec: Object) -> bool:
    return bool(spec.get("nodeSelector")) or dig(spec.get("affinity"), ("nodeAffinity", REQUIRED)) is not None


def _values_of(cycle: Cycle, key: str) -> list[str]:
    """The value of a label on each node of the snapshot, in order."""
    return cycle.memo.by_node(("label", key), cycle.snapshot, lambda node: node.facts.labels.get(key, _ABSENT))


def _soft(cycle: Cycle, constraint: Constraint, kept: Places, required: Sequence[Constraint]) -> _Soft:
    """Matching pods by topology value, for the values of feasible nodes; on hostnames, per node."""
    pod, key, by_node = cycle.pod, constraint.key, _counts(cycle, constraint.selector)
    if key == HOSTNAME:
        return _Soft(constraint, by_node, EMPTY_DICT, math.log(len(kept) + 2))
    index = cycle.snapshot.index

    def contribution(node: NodeInfo) -> tuple[tuple[str, int], ...]:
        if not _has_all(node.facts.labels, required) or not included(constraint, pod, node):
            return ()
        return ((node.facts.labels.get(key, _ABSENT), by_node[index[node.name]]),)

    limits = pod.signature if constraint.honor_taints or _is_picky(pod.pod["spec"]) else None
    question = ("spread by value", pod.namespace, constraint, tuple([other.key for other in required]), limits)
    counts = cycle.memo.sums(question, cycle.snapshot, contribution)
    values = set(kept.of(_values_of(cycle, key)))
    return _Soft(constraint, by_node, counts, math.log(len(values) + 2))
