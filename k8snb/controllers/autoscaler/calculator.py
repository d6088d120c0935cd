"""From what pods use to how many pods there should be. Pure.

    ratio = what the pods use on average / what they should use
    replicas = ceil(ratio * pods that are measured and ready), unless the ratio is within 10 % of 1

Not every pod can be believed. One that is being deleted or has failed does not count. One that has just started is *unready* for
CPU: starting costs CPU that says nothing about load. One without metrics is *missing*. Both are counted so that the number moves
more carefully: when it would go down, a missing pod uses what it asked for; when it would go up, missing and unready pods use
nothing. If that turns the direction round, nothing is changed.

Models: pkg/controller/podautoscaler/replica_calculator.go (GetResourceReplicas, calcPlainMetricReplicas, groupPods),
metrics/utilization.go. The defaults are those of kube-controller-manager's flags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple, Protocol

from k8snb.apimachinery.duration import parse_duration
from k8snb.apimachinery.meta import condition, parse_time
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.quantity import exact, milli_value, value, write
from k8snb.sim.clock import MINUTE, SECOND

TOLERANCE = 0.1  # --horizontal-pod-autoscaler-tolerance
CPU_INITIALIZATION = 5 * MINUTE  # --horizontal-pod-autoscaler-cpu-initialization-period
INITIAL_READINESS = 30 * SECOND  # --horizontal-pod-autoscaler-initial-readiness-delay


class Unknown(Exception):
    """No number can be worked out; the text says why, in upstream's words."""


class About(Protocol):
    """What is asked about the target (see :class:`.metrics.Target`)."""

    @property
    def replicas(self) -> int:
        """How many are asked for now."""

    @property
    def spec(self) -> Object:
        """The autoscaler's."""

    @property
    def now(self) -> int:
        """µs."""


class Sample(NamedTuple):
    """What one pod used: millicores (or bytes), until when (µs), over which window (µs)."""

    amount: int
    time: int
    window: int

    @classmethod
    def of(cls, metrics: Object, resource: str, container: str, problem: str) -> Sample:
        """The sample in a PodMetrics: of all containers together, or of one. Raises Unknown."""
        parts = [part["usage"] for part in metrics["containers"] if container in ("", part["name"])]
        if container and not parts:
            where = f"{metrics['metadata']['namespace']}/{metrics['metadata']['name']}"
            raise Unknown(f"{problem}failed to get container metrics: container {container} not present in metrics for pod {where}")
        total = sum(exact(part[resource]) for part in parts if resource in part)
        amount = ceil(total * 1000) if resource == "cpu" else int(total)
        return cls(amount, parse_time(metrics["timestamp"]), parse_duration(metrics["window"]))


class Groups(NamedTuple):
    """The pods by how far they can be believed."""

    ready: int
    unready: frozenset[str]
    missing: frozenset[str]
    ignored: frozenset[str]


def group(pods: Iterable[Object], samples: Mapping[str, Sample], resource: str, now: int) -> Groups:
    """Sort the pods."""
    kinds: dict[str, list[str]] = {"ready": [], "unready": [], "missing": [], "ignored": []}
    for pod in pods:
        kinds[_kind(pod, samples.get(pod["metadata"]["name"]), resource, now)].append(pod["metadata"]["name"])
    return Groups(len(kinds["ready"]), *(frozenset(kinds[name]) for name in ("unready", "missing", "ignored")))


def _kind(pod: Object, sample: Sample | None, resource: str, now: int) -> str:
    phase = dig(pod, "status.phase", "")
    if pod["metadata"].get("deletionTimestamp") or phase == "Failed":
        return "ignored"
    if phase == "Pending":
        return "unready"
    if sample is None:
        return "missing"
    return "unready" if resource == "cpu" and _just_started(pod, sample, now) else "ready"


def _just_started(pod: Object, sample: Sample, now: int) -> bool:
    """Whether the CPU of a pod still tells of its start."""
    ready, started = condition(pod, "Ready"), dig(pod, "status.startTime")
    if ready is None or started is None:
        return True
    changed = parse_time(ready["lastTransitionTime"])
    if parse_time(started) + CPU_INITIALIZATION > now:
        return bool(ready["status"] == "False" or sample.time < changed + sample.window)
    return bool(ready["status"] == "False" and parse_time(started) + INITIAL_READINESS > changed)


def by_utilization(source: Object, pods: Sequence[Object], samples: Mapping[str, Sample], target: About) -> tuple[int, dict[str, Any]]:
    """Replicas, and the current value, for a target in percent of what the pods have asked for. Raises Unknown."""
    resource, percent = source["name"], int(source["target"]["averageUtilization"])
    believed, groups = _believed(pods, samples, resource, target)
    requests = {pod["metadata"]["name"]: _request(pod, resource, source.get("container", "")) for pod in pods}

    def ratio(amounts: Mapping[str, int]) -> float:
        return _percent(amounts, requests) / percent

    used = _percent(believed, requests)
    count = _replicas(believed, groups, ratio, lambda pod: requests[pod] * max(100, percent) // 100, target)
    return count, {"averageUtilization": used, "averageValue": _text(sum(believed.values()) // len(believed), resource)}


def by_usage(source: Object, pods: Sequence[Object], samples: Mapping[str, Sample], target: About) -> tuple[int, dict[str, Any]]:
    """Replicas, and the current value, for a target amount for each pod. Raises Unknown."""
    resource, text = source["name"], source["target"]["averageValue"]
    wanted = milli_value(text) if resource == "cpu" else value(text)
    believed, groups = _believed(pods, samples, resource, target)

    def ratio(amounts: Mapping[str, int]) -> float:
        return sum(amounts.values()) // len(amounts) / wanted

    count = _replicas(believed, groups, ratio, lambda _pod: wanted, target)
    return count, {"averageValue": _text(sum(believed.values()) // len(believed), resource)}


def _text(amount: int, resource: str) -> str:
    """An amount as a quantity: CPU in thousandths."""
    return f"{amount}m" if resource == "cpu" and amount % 1000 else write(amount // 1000 if resource == "cpu" else amount)


def _believed(pods: Sequence[Object], samples: Mapping[str, Sample], resource: str, target: About) -> tuple[dict[str, int], Groups]:
    if not pods:
        raise Unknown("no pods returned by selector while calculating replica count")
    groups = group(pods, samples, resource, target.now)
    believed = {name: one.amount for name, one in samples.items() if name not in groups.unready and name not in groups.ignored}
    if not believed:
        raise Unknown("did not receive metrics for targeted pods (pods might be unready)")
    return believed, groups


def _request(pod: Object, resource: str, container: str) -> int:
    """What a pod (or one container of it) asks for. Raises Unknown where a container does not say."""
    total = 0
    sidecars = [one for one in pod["spec"].get("initContainers") or () if one.get("restartPolicy") == "Always"]
    for one in [*pod["spec"]["containers"], *sidecars]:
        if container in ("", one["name"]):
            text = (dig(one, "resources.requests") or EMPTY_DICT).get(resource)
            if text is None:
                raise Unknown(f"missing request for {resource} in container {one['name']} of Pod {pod['metadata']['name']}")
            total += milli_value(text) if resource == "cpu" else value(text)
    return total


def _percent(amounts: Mapping[str, int], requests: Mapping[str, int]) -> int:
    """The use of all pods together in percent of what they have asked for. Raises Unknown where they asked for nothing."""
    asked = sum(requests[name] for name in amounts if name in requests)
    if not asked:
        raise Unknown("no metrics returned matched known pods")
    return sum(amount for name, amount in amounts.items() if name in requests) * 100 // asked


def _within(ratio: float, spec: Object) -> bool:
    """Whether it is so near to the target that nothing is done."""
    down, up = (_tolerance(spec, direction) for direction in ("scaleDown", "scaleUp"))
    return 1.0 - down <= ratio <= 1.0 + up


def _tolerance(spec: Object, direction: str) -> float:
    given = dig(spec, ("behavior", direction, "tolerance"))
    return TOLERANCE if given is None else float(exact(str(given)))


def _replicas(
    believed: Mapping[str, int], groups: Groups, ratio: Callable[[Mapping[str, int]], float], assumed: Callable[[str], int], target: About
) -> int:
    """The number itself. ``assumed``: what a missing pod is taken to use when the number would go down."""
    first, current = ratio(believed), target.replicas
    up_beside_unready = bool(groups.unready) and first > 1
    if not up_beside_unready and not groups.missing:
        return current if _within(first, target.spec) else ceil(first * groups.ready)
    amounts = dict(believed)
    if groups.missing and first != 1:
        amounts |= {pod: assumed(pod) if first < 1 else 0 for pod in sorted(groups.missing)}
    if up_beside_unready:
        amounts |= dict.fromkeys(sorted(groups.unready), 0)
    second = ratio(amounts)
    if _within(second, target.spec) or (first < 1 < second) or (first > 1 > second):
        return current
    found = ceil(second * len(amounts))
    turned = (second < 1 and found > current) or (second > 1 and found < current)
    return current if turned else found
