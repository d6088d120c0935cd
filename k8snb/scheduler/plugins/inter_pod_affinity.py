"""Pods that want to be near certain pods, or far from them. "Near" is: the same value of a node label, the ``topologyKey``.

Three rules filter: the pod's required affinity, its required anti-affinity, and the required anti-affinity *of pods that are
there already* (it works both ways). For scoring, preferred terms add or subtract their weight for the whole topology value;
those of existing pods count too, and a required affinity of an existing pod counts as a preferred one of weight 1.

A pod whose affinity nobody satisfies yet is let in if it matches its own terms: the first of a group must be able to start.

What each node contributes is remembered until the node changes.

Models: pkg/scheduler/framework/plugins/interpodaffinity (filtering.go, scoring.go).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from k8snb.apimachinery.objects import Object
from k8snb.scheduler.cluster_event import (
    ADD,
    ASSIGNED_POD,
    DELETE,
    NODE,
    TARGET_POD,
    UPDATE_NODE_LABEL,
    UPDATE_POD_LABEL,
    Change,
    Interest,
    interest,
)
from k8snb.scheduler.diagnosis import MAX_NODE_SCORE, SKIP, Status, unresolvable, unschedulable
from k8snb.scheduler.framework import Cluster, Cycle, FilterPlugin, PreFilterPlugin, PreScorePlugin, ScorePlugin, Sight
from k8snb.scheduler.nodeinfo import NodeInfo, node_facts
from k8snb.scheduler.podinfo import AffinityTerm, NamespaceLabels, PodInfo, pod_info

REASON_AFFINITY = "node(s) didn't match pod affinity rules"
REASON_ANTI = "node(s) didn't match pod anti-affinity rules"
REASON_EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules"

Pair = tuple[str, str]  # topology key and value
_NO_CHANGE: tuple[tuple[Pair, int], ...] = ()


def namespace_labels(cluster: Cluster) -> NamespaceLabels:
    """The labels of every namespace, for namespace selectors."""
    return {ns["metadata"]["name"]: ns["metadata"].get("labels") or {} for ns in cluster.objects("namespaces")}


@dataclass(slots=True)
class Neighbours:
    """Notes of PreFilter: how many pods matter at each topology pair, by rule."""

    existing_anti: Mapping[Pair, int]
    affinity: Mapping[Pair, int]
    anti: Mapping[Pair, int]
    namespaces: NamespaceLabels

    def branch(self) -> Neighbours:
        """A copy for a "what if", which may be written into."""
        return Neighbours(Counter(self.existing_anti), Counter(self.affinity), Counter(self.anti), self.namespaces)


class InterPodAffinity(PreFilterPlugin, FilterPlugin, PreScorePlugin, ScorePlugin):
    """Filters by required terms, scores by preferred ones.

    ``hard_weight``: what a required affinity of an existing pod counts when scoring. ``ignore_preferences_of_existing``: a pod
    without terms of its own is not scored by those of others.
    """

    name = "InterPodAffinity"
    normalizes = True
    even = True

    def __init__(self, *, hard_weight: int = 1, ignore_preferences_of_existing: bool = False):
        self.hard_weight, self.ignore_preferences_of_existing = hard_weight, ignore_preferences_of_existing

    def pre_filter(self, cycle: Cycle) -> Status | None:
        """Count by topology pair; Skip where neither this pod nor any existing one has a required term that matters."""
        pod = cycle.pod
        crowded = cycle.snapshot.having_affinity()
        if not crowded and not pod.affinity and not pod.anti_affinity:
            return Status(SKIP)
        namespaces = namespace_labels(cycle.cluster)
        labels = cycle.cluster.revision("namespaces")
        sums, snapshot = cycle.memo.sums, cycle.snapshot
        notes = Neighbours(
            sums(("existing anti", *_identity(cycle)), snapshot, lambda node: _existing_anti(node, pod, namespaces)),
            sums(("affinity", pod.affinity, labels), snapshot, lambda node: _incoming(node, pod.affinity, namespaces, together=True)),
            sums(("anti", pod.anti_affinity, labels), snapshot, lambda node: _incoming(node, pod.anti_affinity, namespaces)),
            namespaces,
        )
        if not notes.existing_anti and not pod.affinity and not pod.anti_affinity:
            return Status(SKIP)
        cycle.data[self.name] = notes
        return None

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """The three rules, in upstream's order."""
        notes: Neighbours = cycle.data[self.name]
        if not _affinity_satisfied(cycle.pod, notes, node):
            return unresolvable(REASON_AFFINITY)
        labels = node.facts.labels
        near = [(term.topology_key, labels[term.topology_key]) for term in cycle.pod.anti_affinity if term.topology_key in labels]
        if any(notes.anti.get(pair, 0) > 0 for pair in near):
            return unschedulable(REASON_ANTI)
        if notes.existing_anti and any(notes.existing_anti.get(pair, 0) > 0 for pair in labels.items()):
            return unschedulable(REASON_EXISTING)
        return None

    def add_pod(self, cycle: Cycle, pod: PodInfo, node: NodeInfo) -> None:
        """One neighbour more."""
        self._update(cycle, pod, node, 1)

    def remove_pod(self, cycle: Cycle, pod: PodInfo, node: NodeInfo) -> None:
        """One neighbour less."""
        self._update(cycle, pod, node, -1)

    def _update(self, cycle: Cycle, other: PodInfo, node: NodeInfo, sign: int) -> None:
        notes: Neighbours = cycle.data[self.name]
        alone = NodeInfo(node.name, node.node, node.facts).with_pod(other.pod)
        rules = (
            (notes.existing_anti, _existing_anti(alone, cycle.pod, notes.namespaces)),
            (notes.affinity, _incoming(alone, cycle.pod.affinity, notes.namespaces, together=True)),
            (notes.anti, _incoming(alone, cycle.pod.anti_affinity, notes.namespaces)),
        )
        for counts, changes in rules:
            assert isinstance(counts, Counter)  # of a branch: only there pods come and go
            for pair, count in changes:
                counts[pair] += sign * count
                if counts[pair] == 0:
                    del counts[pair]

    # Scoring

    def pre_score(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> Status | None:
        """Weights by topology pair; Skip where there are none."""
        pod = cycle.pod
        wants = bool(pod.preferred_affinity or pod.preferred_anti_affinity)
        if not wants and (self.ignore_preferences_of_existing or not cycle.snapshot.having_affinity()):
            return Status(SKIP)
        namespaces, hard = namespace_labels(cycle.cluster), self.hard_weight
        weights: Mapping[Pair, int] = cycle.memo.sums(
            ("preferred", hard, *_identity(cycle)),
            cycle.snapshot,
            lambda node: _preferences(node, pod, namespaces, everybody=wants, hard=hard),
        )
        if not weights:
            return Status(SKIP)
        cycle.data[self.name + "/score"] = weights
        return None

    def sight(self, cycle: Cycle) -> Sight:
        """The topology values that may have a weight."""
        keys = _keys(cycle.data[self.name + "/score"])
        return Sight(("topology", *keys), lambda node: tuple([node.facts.labels.get(key) for key in keys]))

    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        """The sum of the weights of the topology values that this node has."""
        weights: Mapping[Pair, int] = cycle.data[self.name + "/score"]
        labels = node.facts.labels
        return sum(weight for (key, value), weight in weights.items() if labels.get(key) == value)

    def score_all(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> list[int]:
        """As :meth:`score`, looking labels up by the few topology keys instead of going through all pairs."""
        weights: Mapping[Pair, int] = cycle.data[self.name + "/score"]
        keys = _keys(weights)
        return [sum(weights.get((key, node.facts.labels.get(key, "\0")), 0) for key in keys) for node in nodes]

    def normalize(self, cycle: Cycle, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        """The worst node 0, the best 100."""
        lowest, highest = min(scores), max(scores)
        if lowest == highest:
            return [0] * len(scores)
        return [int(MAX_NODE_SCORE * ((score - lowest) / (highest - lowest))) for score in scores]

    def interests(self) -> tuple[Interest, ...]:
        """Pods that match a term (or whose own term matched this pod), and nodes."""
        return (
            interest(ASSIGNED_POD, ADD, DELETE, UPDATE_POD_LABEL, hint=_neighbour_matters),
            interest(TARGET_POD, UPDATE_POD_LABEL),
            interest(NODE, ADD, UPDATE_NODE_LABEL, hint=_node_matters),
        )


def _keys(weights: Mapping[Pair, int]) -> list[str]:
    """The topology keys of the pairs."""
    return sorted({key for key, _ in weights})


def _identity(cycle: Cycle) -> tuple[object, ...]:
    """What of the incoming pod other pods' terms look at, and its own preferences."""
    pod = cycle.pod
    labels = tuple(sorted(pod.labels.items()))
    return (pod.namespace, labels, pod.preferred_affinity, pod.preferred_anti_affinity, cycle.cluster.revision("namespaces"))


def _existing_anti(node: NodeInfo, pod: PodInfo, namespaces: NamespaceLabels) -> tuple[tuple[Pair, int], ...]:
    """Pods here whose required anti-affinity means the incoming pod."""
    if not node.anti_affinity_pods:
        return _NO_CHANGE
    found: Counter[Pair] = Counter()
    for existing in map(pod_info, node.anti_affinity_pods):
        for term in existing.anti_affinity:
            value = node.facts.labels.get(term.topology_key)
            if value is not None and term.matches(pod, namespaces):
                found[(term.topology_key, value)] += 1
    return tuple(found.items())


def _incoming(
    node: NodeInfo, terms: tuple[AffinityTerm, ...], namespaces: NamespaceLabels, *, together: bool = False
) -> tuple[tuple[Pair, int], ...]:
    """Pods here that the incoming pod's terms mean; ``together``: a pod counts only if it matches all of them."""
    if not terms:
        return _NO_CHANGE
    found: Counter[Pair] = Counter()
    for existing in node.infos():
        matching = [term for term in terms if term.matches(existing, namespaces)]
        if together and len(matching) < len(terms):
            continue
        for term in matching:
            value = node.facts.labels.get(term.topology_key)
            if value is not None:
                found[(term.topology_key, value)] += 1
    return tuple(found.items())


def _preferences(node: NodeInfo, pod: PodInfo, namespaces: NamespaceLabels, *, everybody: bool, hard: int) -> tuple[tuple[Pair, int], ...]:
    """What this node's pods add to the weights. Unless the incoming pod prefers something, only pods with terms matter."""
    pods: tuple[Object, ...] = node.pods if everybody else node.affinity_pods
    found: Counter[Pair] = Counter()
    for existing in map(pod_info, pods):
        directed = (
            *((term, existing, term.weight) for term in pod.preferred_affinity),
            *((term, existing, -term.weight) for term in pod.preferred_anti_affinity),
            *((term, pod, hard) for term in existing.affinity),
            *((term, pod, term.weight) for term in existing.preferred_affinity),
            *((term, pod, -term.weight) for term in existing.preferred_anti_affinity),
        )
        for term, meant, weight in directed:
            value = node.facts.labels.get(term.topology_key)
            if value is not None and term.matches(meant, namespaces):
                found[(term.topology_key, value)] += weight
    return tuple(found.items())


def _affinity_satisfied(pod: PodInfo, notes: Neighbours, node: NodeInfo) -> bool:
    if not pod.affinity:
        return True
    labels = node.facts.labels
    if any(term.topology_key not in labels for term in pod.affinity):
        return False
    if all(notes.affinity.get((term.topology_key, labels[term.topology_key]), 0) > 0 for term in pod.affinity):
        return True
    # The first pod of a group that wants to be together: nobody matches anywhere, and it would match itself.
    return not notes.affinity and all(term.matches(pod, notes.namespaces) for term in pod.affinity)


def _neighbour_matters(pod: PodInfo, change: Change) -> bool:
    """Without the namespaces' labels at hand, a term with a namespace selector is taken to match."""
    objects = [item for item in (change.old, change.new) if item is not None]
    for other in map(pod_info, objects):
        mine = any(_may_match(term, other) for term in (*pod.affinity, *pod.anti_affinity))
        theirs = any(_may_match(term, pod) for term in other.anti_affinity)
        if mine or theirs:
            return True
    return False


def _node_matters(pod: PodInfo, change: Change) -> bool:
    """A node that comes, or moves to another value of a topology key of the pod's terms.

    (A pod without terms was rejected for those of others: then any value may matter.)
    """
    terms = (*pod.affinity, *pod.anti_affinity)
    if change.old is None or change.new is None or not terms:
        return True
    before, after = node_facts(change.old).labels, node_facts(change.new).labels
    return any(before.get(term.topology_key) != after.get(term.topology_key) for term in terms)


def _may_match(term: AffinityTerm, pod: PodInfo) -> bool:
    here = pod.namespace in term.namespaces or not term.namespace_selector.never
    return here and term.selector.matches(pod.labels)
