"""Asking the scheduler "what if?": would this pod fit there, on a node that does not exist yet, or without a node that does?

The real cluster autoscaler links the scheduler's own code and runs its filters on an imagined cluster, so that it makes a node
only where the scheduler will use it. Here it asks through this seam. A :class:`Trial` is such an imagined cluster: it is thrown
away afterwards, and nothing in the real one changes.

Models: cluster-autoscaler/simulator (clustersnapshot, predicate checks) over k8s.io/kube-scheduler's framework.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from k8snb.apimachinery.objects import Object


class Trial(Protocol):
    """An imagined cluster."""

    def add(self, node: Object) -> None:
        """One node more, empty."""
        ...

    def without(self, node: str) -> Trial:
        """Another imagined cluster, as this one is but for that node. What happens in one is unknown in the other."""
        ...

    def remove(self, node: str) -> None:
        """One node less."""
        ...

    def put(self, pod: Object, node: str) -> None:
        """The pod is on that node now."""
        ...

    def why_not(self, pod: Object, node: str) -> tuple[str, ...]:
        """The reasons of the scheduler's filters against a node; none where the pod fits."""
        ...


class SchedulingSimulator(Protocol):
    """The scheduler's filters, for whoever imagines clusters."""

    def trial(self, world: Iterable[tuple[Object, Iterable[Object]]]) -> Trial:
        """An imagined cluster of these nodes, each with the pods on it."""
        ...
