"""From the number of replicas that metrics ask for to the number that is set. Pure.

    recommended --stabilised--> within the recent past --rate--> not faster than the policies --limits--> min ... max

*Stabilisation*: going down, the highest recommendation of the window counts (five minutes unless told otherwise); going up, the
lowest. *Rate*: each policy says how much may be added (or taken) within its period; ``selectPolicy`` picks the largest or the
smallest of them, or forbids the direction.

Models: pkg/controller/podautoscaler/horizontal.go (stabilizeRecommendationWithBehaviors, convertDesiredReplicasWithBehaviorRate,
calculateScaleUpLimitWithScalingRules).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from k8snb.apimachinery.objects import EMPTY_DICT, Object, freeze
from k8snb.sim.clock import SECOND

DOWN_WINDOW = 300  # seconds
_BY_PERCENT = {"type": "Percent", "value": 100, "periodSeconds": 15}
UP = freeze({"stabilizationWindowSeconds": 0, "selectPolicy": "Max",
             "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, _BY_PERCENT]})  # fmt: skip
DOWN = freeze({"selectPolicy": "Max", "policies": [_BY_PERCENT]})


class Change(NamedTuple):
    """So many replicas were added (or taken: negative) at that time (µs)."""

    time: int
    amount: int


class Recommendation(NamedTuple):
    """Metrics asked for so many replicas at that time (µs)."""

    time: int
    replicas: int


class Outcome(NamedTuple):
    """The number to set, and the two conditions that explain it: (status, reason, message) of AbleToScale and ScalingLimited."""

    replicas: int
    able: tuple[str, str, str]
    limited: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Past:
    """What is remembered of one autoscaler: recommendations and changes, oldest first."""

    recommendations: tuple[Recommendation, ...] = ()
    changes: tuple[Change, ...] = ()


STABLE = ("True", "ReadyForNewScale", "recommended size matches current size")
UP_STABILIZED = (
    "True",
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
DOWN_STABILIZED = (
    "True", "ScaleDownStabilized", "recent recommendations were higher than current one, applying the highest recent recommendation",
)  # fmt: skip
WITHIN = ("False", "DesiredWithinRange", "the desired count is within the acceptable range")
TOO_FEW = ("True", "TooFewReplicas", "the desired replica count is less than the minimum replica count")
TOO_MANY = ("True", "TooManyReplicas", "the desired replica count is more than the maximum replica count")
TOO_FAST_UP = ("True", "ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
TOO_FAST_DOWN = ("True", "ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")


def calm(spec: Object, current: int, desired: int, past: Past, now: int) -> Outcome:
    """The number to set, where ``current`` replicas are set and metrics ask for ``desired``."""
    behavior = spec.get("behavior") or EMPTY_DICT
    up, down = behavior.get("scaleUp") or UP, behavior.get("scaleDown") or DOWN
    stable = stabilized(current, desired, past.recommendations, (_window(up, 0), _window(down, DOWN_WINDOW)), now)
    able = STABLE if stable == desired else (UP_STABILIZED if desired >= current else DOWN_STABILIZED)
    replicas, limited = _limited(spec, current, stable, (_up_limit(up, current, past, now), _down_limit(down, current, past, now)))
    return Outcome(replicas, able, limited)


def _window(rules: Object, default: int) -> int:
    seconds = rules.get("stabilizationWindowSeconds")
    return (default if seconds is None else int(seconds)) * SECOND


def stabilized(current: int, desired: int, past: Iterable[Recommendation], windows: tuple[int, int], now: int) -> int:
    """The recommendation that the recent past allows. ``windows`` up and down in µs.

    >>> stabilized(8, 2, [Recommendation(0, 6)], (0, 300 * SECOND), 10 * SECOND)
    6
    """
    lowest = highest = desired
    for time, replicas in past:
        if time > now - windows[0]:
            lowest = min(lowest, replicas)
        if time > now - windows[1]:
            highest = max(highest, replicas)
    return min(max(current, lowest), highest)


def _limited(spec: Object, current: int, desired: int, rates: tuple[int, int]) -> tuple[int, tuple[str, str, str]]:
    least, most = int(spec.get("minReplicas") or 1), int(spec["maxReplicas"])
    if desired > current:
        limit = max(rates[0], current)
        if desired > min(limit, most):
            return min(limit, most), TOO_FAST_UP if limit < most else TOO_MANY
    elif desired < current:
        limit = min(rates[1], current)
        if desired < max(limit, least):
            return max(limit, least), TOO_FAST_DOWN if limit > least else TOO_FEW
    return desired, WITHIN


def _up_limit(rules: Object, current: int, past: Past, now: int) -> int:
    """How high the policies let it go now."""
    if rules.get("selectPolicy") == "Disabled":
        return current
    offers: list[int] = []
    for policy in rules.get("policies") or UP["policies"]:
        start = current - _balance(past, policy, now)
        grown = start + policy["value"] if policy["type"] == "Pods" else -(-start * (100 + policy["value"]) // 100)
        offers.append(grown)
    return min(offers) if rules.get("selectPolicy") == "Min" else max(offers)


def _down_limit(rules: Object, current: int, past: Past, now: int) -> int:
    """How low the policies let it go now."""
    if rules.get("selectPolicy") == "Disabled":
        return current
    offers: list[int] = []
    for policy in rules.get("policies") or DOWN["policies"]:
        start = current - _balance(past, policy, now)
        shrunk = start - policy["value"] if policy["type"] == "Pods" else start * (100 - policy["value"]) // 100
        offers.append(shrunk)
    return max(offers) if rules.get("selectPolicy") == "Min" else min(offers)


def _balance(past: Past, policy: Any, now: int) -> int:
    """What has been added, less what has been taken, within the policy's period."""
    since = now - policy["periodSeconds"] * SECOND
    return sum(change.amount for change in past.changes if change.time > since)


def remember(past: Past, now: int, *, recommended: int | None = None, changed: int = 0, longest: int = 3600 * SECOND) -> Past:
    """The past with what has just happened, and without what no window reaches any more."""
    recommendations = [item for item in past.recommendations if item.time > now - longest]
    changes = [item for item in past.changes if item.time > now - longest]
    if recommended is not None:
        recommendations.append(Recommendation(now, recommended))
    if changed:
        changes.append(Change(now, changed))
    return Past(tuple(recommendations), tuple(changes))
