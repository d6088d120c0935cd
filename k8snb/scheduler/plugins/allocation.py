"""How good is a node for a pod, by its resources? The formulae of the scoring strategies, and nothing else.

    LeastAllocated             mean of  (allocatable - requested) * 100 / allocatable      spread: the emptier afterwards, the better
    MostAllocated              mean of  requested * 100 / allocatable                      pack: the fuller afterwards, the better
    RequestedToCapacityRatio   mean of  shape(requested * 100 / allocatable)               a curve of one's own, point by point
    balanced                   how much more (or less) alike the used fractions become     75: unchanged

A mean is weighed by the resource's ``weight``; whole numbers, rounded down. A resource of which the node has none does not count,
nor does an extended resource (a GPU, say) that the pod does not ask for.

Models: pkg/scheduler/framework/plugins/noderesources (resource_allocation.go, least_allocated.go, most_allocated.go,
requested_to_capacity_ratio.go, balanced_allocation.go), pkg/scheduler/framework/plugins/helper/shape_score.go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from k8snb.scheduler.diagnosis import MAX_NODE_SCORE
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import PodInfo

NATIVE = ("cpu", "memory", "ephemeral-storage", "pods")
SHAPE_SCORES = 10  # the scale of the scores in a shape


class Weighed(NamedTuple):
    """A resource and how much it counts."""

    name: str
    weight: int = 1


class Share(NamedTuple):
    """What a node has of one resource, and what would be taken of it if the pod came."""

    allocatable: int
    requested: int
    weight: int


CPU_AND_MEMORY = (Weighed("cpu"), Weighed("memory"))
Point = tuple[int, int]  # utilization in percent, score 0..10
Formula = Callable[[Sequence[Share]], int]


def least_requested(requested: int, capacity: int) -> int:
    """0..100: the share of the capacity that would be left.

    >>> least_requested(3000, 4000)
    25
    """
    return 0 if capacity == 0 or requested > capacity else (capacity - requested) * MAX_NODE_SCORE // capacity


def most_requested(requested: int, capacity: int) -> int:
    """0..100: the share of the capacity that would be taken.

    >>> most_requested(3000, 4000)
    75
    """
    return 0 if capacity == 0 else min(requested, capacity) * MAX_NODE_SCORE // capacity


def on_shape(shape: Sequence[Point], utilization: int) -> int:
    """The score of a utilization on a line through points, flat outside them; scaled to 0..100.

    >>> on_shape([(0, 0), (100, 10)], 40)
    40
    """
    scale = MAX_NODE_SCORE // SHAPE_SCORES
    for (left, low), (right, high) in pairwise(shape):
        if left < utilization <= right:
            rise = (high - low) * scale * (utilization - left)
            return low * scale + (abs(rise) // (right - left)) * (1 if rise >= 0 else -1)  # towards zero, as Go divides
    return (shape[0] if utilization <= shape[0][0] else shape[-1])[1] * scale


def least_allocated(shares: Sequence[Share]) -> int:
    """The weighed mean of :func:`least_requested`."""
    return _mean([(least_requested(share.requested, share.allocatable), share.weight) for share in shares])


def most_allocated(shares: Sequence[Share]) -> int:
    """The weighed mean of :func:`most_requested`."""
    return _mean([(most_requested(share.requested, share.allocatable), share.weight) for share in shares])


def requested_to_capacity_ratio(shape: Sequence[Point]) -> Formula:
    """The strategy with this shape. Resources with zero points do not count in the mean, and the mean is rounded to the nearest."""

    def formula(shares: Sequence[Share]) -> int:
        points = [(on_shape(shape, _utilization(share)), share.weight) for share in shares]
        total = sum(weight for score, weight in points if score > 0)
        return math.floor(sum(score * weight for score, weight in points) / total + 0.5) if total else 0

    return formula


def _utilization(share: Share) -> int:
    return min(share.requested, share.allocatable) * 100 // share.allocatable


def _mean(points: Sequence[tuple[int, int]]) -> int:
    total = weights = 0
    for score, weight in points:
        total += score * weight
        weights += weight
    return total // weights if weights else 0


def shares(pod: PodInfo, node: NodeInfo, resources: Sequence[Weighed]) -> list[Share]:
    """The resources that count. A container that asks for no cpu or memory counts with an assumed minimum."""
    allocatable, found = node.facts.allocatable, []
    for name, weight in resources:
        room = allocatable.get(name, 0)
        wanted = pod.requests.get(name, 0)
        if not room or (not wanted and name not in NATIVE):
            continue
        if name == "cpu":
            taken = node.non_zero_cpu + pod.non_zero_cpu
        elif name == "memory":
            taken = node.non_zero_memory + pod.non_zero_memory
        else:
            taken = node.requested.get(name, 0) + wanted
        found.append(Share(room, taken, weight))
    return found


def balanced(fractions: Sequence[float]) -> int:
    """50..100 for two fractions: how alike they are, (1 - standard deviation) * 100.

    >>> balanced([0.6, 0.25])
    82
    """
    fractions = [min(fraction, 1.0) for fraction in fractions]
    deviation = 0.0
    if len(fractions) == 2:
        deviation = abs((fractions[0] - fractions[1]) / 2)
    elif len(fractions) > 2:
        mean = sum(fractions) / len(fractions)
        deviation = math.sqrt(sum((fraction - mean) ** 2 for fraction in fractions) / len(fractions))
    return int((1 - deviation) * MAX_NODE_SCORE)


def balance_change(before: Sequence[float], after: Sequence[float]) -> int:
    """50..100: what the pod does to the balance of the node. 75 where it changes nothing.

    >>> balance_change([0.0, 0.0], [0.75, 0.5]), balance_change([0.5, 0.0], [0.5, 0.5])
    (68, 87)
    """
    half = MAX_NODE_SCORE // 2
    return half + (half + balanced(after) - balanced(before)) // 2
