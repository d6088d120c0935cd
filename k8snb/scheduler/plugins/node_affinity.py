"""``nodeSelector`` and node affinity: which nodes are allowed, and which are preferred.

The score is the sum of the weights of the preferred terms that match, scaled so that the best node has 100. A pod whose every
required term names nodes by ``metadata.name`` (a DaemonSet's) narrows the search to those nodes before Filter.

A profile may add an affinity that all of its pods have, besides their own (``addedAffinity``).

Models: pkg/scheduler/framework/plugins/nodeaffinity.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.component_helpers.nodeaffinity import (
    PREFERRED,
    REQUIRED,
    matches_node_selector,
    matches_node_selector_and_affinity,
    matches_node_selector_term,
)
from k8snb.scheduler.cluster_event import ADD, NODE, UPDATE_NODE_LABEL, Change, Interest, interest
from k8snb.scheduler.diagnosis import SKIP, Status, unresolvable
from k8snb.scheduler.framework import Cycle, FilterPlugin, PreFilterPlugin, PreFilterResult, PreScorePlugin, ScorePlugin, default_normalize
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import PodInfo

REASON = "node(s) didn't match Pod's node affinity/selector"
ENFORCED = "node(s) didn't match scheduler-enforced node affinity"
CONFLICT = "pod affinity terms conflict"


class NodeAffinity(PreFilterPlugin, FilterPlugin, PreScorePlugin, ScorePlugin):
    """Filters by what is required, scores by what is preferred. ``added``: a ``nodeAffinity`` for every pod."""

    name = "NodeAffinity"
    node_local = True
    normalizes = True
    even = True

    def __init__(self, *, added: Object = EMPTY_DICT):
        self.added_required: Object | None = added.get(REQUIRED)
        self.added_preferred: Sequence[Object] = added.get(PREFERRED) or ()

    def pre_filter(self, cycle: Cycle) -> PreFilterResult | Status | None:
        """Skip where the pod does not care; a set of names where only those can match."""
        spec = cycle.pod.pod["spec"]
        terms = dig(spec, ("affinity", "nodeAffinity", REQUIRED, "nodeSelectorTerms"))
        own = spec.get("nodeSelector") or dig(spec, ("affinity", "nodeAffinity", REQUIRED)) is not None
        if not own and self.added_required is None:
            return Status(SKIP)
        names = _named(terms or ())
        if names is None:
            return None
        return PreFilterResult(names) if names else unresolvable(CONFLICT)

    def filter(self, cycle: Cycle, node: NodeInfo) -> Status | None:
        """What the profile requires; then all of nodeSelector, and one of the required terms."""
        assert node.node is not None
        if self.added_required is not None and not matches_node_selector(self.added_required, node.node):
            return unresolvable(ENFORCED)
        return None if matches_node_selector_and_affinity(cycle.pod.pod, node.node) else unresolvable(REASON)

    def pre_score(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> Status | None:
        """Skip where nothing is preferred."""
        return None if self.added_preferred or _preferred(cycle.pod) else Status(SKIP)

    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        """The weights of the matching preferred terms."""
        assert node.node is not None
        terms = (*self.added_preferred, *_preferred(cycle.pod))
        return sum(t["weight"] for t in terms if t["weight"] and matches_node_selector_term(t["preference"], node.node))

    def normalize(self, cycle: Cycle, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        """The best node gets 100."""
        return default_normalize(scores)

    def interests(self) -> tuple[Interest, ...]:
        """A node that comes, or whose labels now match."""
        return (interest(NODE, ADD, UPDATE_NODE_LABEL, hint=self._now_matches),)

    def _now_matches(self, pod: PodInfo, change: Change) -> bool:
        return self._matches(pod, change.new) and not self._matches(pod, change.old)

    def _matches(self, pod: PodInfo, node: Object | None) -> bool:
        if node is None or not matches_node_selector_and_affinity(pod.pod, node):
            return False
        return self.added_required is None or matches_node_selector(self.added_required, node)


def _preferred(pod: PodInfo) -> Sequence[Object]:
    terms: Sequence[Object] = dig(pod.pod, ("spec", "affinity", "nodeAffinity", PREFERRED)) or ()
    return terms


def _named(terms: Sequence[Object]) -> frozenset[str] | None:
    """The names that the terms allow; None where some term does not say."""
    union: set[str] = set()
    for term in terms:
        allowed: set[str] | None = None
        for field in term.get("matchFields") or ():
            if field["key"] == "metadata.name" and field["operator"] == "In":
                values = set(field.get("values") or ())
                allowed = values if allowed is None else allowed & values
        if allowed is None:
            return None
        union |= allowed
    return frozenset(union) if terms else None
