"""From pods that fit nowhere to machines: pure, over an imagined cluster.

    pods that would fit once the machines that boot already are there           -> nothing to do for them
    the others, pool by pool: pack them onto imagined machines of the pool,
    each of which already carries the pods that DaemonSets will put there       -> an option: so many machines, these pods
    the expander picks one of the options

The expander ``random`` draws, ``least-waste`` takes the option that leaves the smallest share of CPU and memory unused,
``most-pods`` the one that helps most pods.

Models: cluster-autoscaler/core/scaleup/orchestrator, estimator/binpacking_estimator.go, expander/{random,waste,mostpods}.
Simplified: similar pools are not balanced against each other; there is no limit to the time or the nodes of an estimate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from k8snb.apimachinery.meta import condition, controller_of, key_of
from k8snb.apimachinery.objects import Object, dig, freeze, put
from k8snb.cloud.pools import NodePool, template
from k8snb.component_helpers import pod_priority, pod_requests, resource_amounts
from k8snb.seams.scheduling import SchedulingSimulator, Trial

MAX_REACHED = "max node group size reached"
IN_BACKOFF = "in backoff after failed scale-up"
World = Sequence[tuple[Object, Sequence[Object]]]


class Option(NamedTuple):
    """``machines`` more of a pool would help these pods; ``waste`` is the share that they would leave unused."""

    pool: NodePool
    machines: int
    pods: tuple[Object, ...]
    waste: float


@dataclass(slots=True)
class Estimate:
    """All options, and for each pod (``namespace/name``) why pools do not help it."""

    options: list[Option] = field(default_factory=list)
    refusals: dict[str, Counter[str]] = field(default_factory=dict)


def unschedulable(pods: Iterable[Object]) -> list[Object]:
    """The pods of which the scheduler has said that they fit nowhere, the most important first."""
    found = []
    for pod in pods:
        said = condition(pod, "PodScheduled")
        fits_nowhere = said is not None and said["status"] == "False" and said.get("reason") == "Unschedulable"
        if fits_nowhere and not pod["spec"].get("nodeName") and not pod["metadata"].get("deletionTimestamp"):
            found.append(pod)
    return sorted(found, key=lambda pod: (-pod_priority(pod), pod["metadata"]["creationTimestamp"], key_of(pod)))


def _sort(pod: Object) -> str:
    """Pods of one controller are alike: where one of them fits nowhere, the others need not be tried."""
    owner = controller_of(pod)
    return str(owner["uid"]) if owner is not None else key_of(pod)


def still_waiting(simulator: SchedulingSimulator, pods: Sequence[Object], world: World) -> list[Object]:
    """The pods that do not fit into a world in which all machines have booted that are on their way."""
    trial = simulator.trial(world)
    names = [node["metadata"]["name"] for node, _ in world]
    left = []
    hopeless: dict[str, None] = {}
    for pod in pods:
        home = None if _sort(pod) in hopeless else next((name for name in names if not trial.why_not(pod, name)), None)
        if home is None:
            hopeless[_sort(pod)] = None
            left.append(pod)
        else:
            trial.put(pod, home)
    return left


def daemon(daemon_set: Object) -> Object:
    """A pod of a DaemonSet, as it would come to a new machine."""
    template, meta = daemon_set["spec"]["template"], daemon_set["metadata"]
    labels = {**dig(template, "metadata.labels", {})}
    found: Object = freeze({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"{meta['name']}-", "namespace": meta["namespace"], "labels": labels},
        "spec": template["spec"],
    })  # fmt: skip
    return found


def estimate(
    simulator: SchedulingSimulator, pods: Sequence[Object], world: World, *,
    pools: Iterable[tuple[NodePool, int]], daemons: Sequence[Object] = (), resting: int = 0,
) -> Estimate:  # fmt: skip
    """What each pool could do. ``pools``: (pool, how many machines more it may have); ``daemons``: see :func:`daemon`; ``resting``: how
    many pools are not asked, because machines of theirs have failed."""
    found = Estimate(refusals={key_of(pod): Counter({IN_BACKOFF: resting} if resting else {}) for pod in pods})
    for pool, room in pools:
        if room <= 0:
            for pod in pods:
                found.refusals[key_of(pod)][MAX_REACHED] += 1
            continue
        option = _pack(simulator.trial(world), pods, (pool, room), daemons, found)
        if option.pods:
            found.options.append(option)
    return found


def _pack(trial: Trial, pods: Sequence[Object], pool: tuple[NodePool, int], daemons: Sequence[Object], found: Estimate) -> Option:
    """First fit: each pod onto the first imagined machine that takes it, or onto one more."""
    made: list[str] = []
    helped: list[Object] = []
    hopeless: dict[str, tuple[str, ...]] = {}
    for pod in pods:
        reasons = hopeless.get(_sort(pod), ())
        home = None if reasons else next((name for name in made if not trial.why_not(pod, name)), None)
        if home is None and not reasons:
            home, reasons = _one_more(trial, pool[0], len(made), pod, daemons) if len(made) < pool[1] else (None, (MAX_REACHED,))
            made += [home] if home else []
        if home:
            trial.put(pod, home)
            helped.append(pod)
        else:
            hopeless[_sort(pod)] = reasons
            found.refusals[key_of(pod)].update(reasons)
    return Option(pool[0], len(made), tuple(helped), _waste(pool[0], len(made), helped))


def _one_more(trial: Trial, pool: NodePool, number: int, pod: Object, daemons: Sequence[Object]) -> tuple[str | None, tuple[str, ...]]:
    """Imagine another machine of the pool for the pod: its name, or why it would not help."""
    node = template(pool, pool.zones[number % len(pool.zones)] if pool.zones else "")
    name = f"{node['metadata']['name']}-{number}"
    trial.add(put(put(node, "metadata.name", name), ("metadata", "labels", "kubernetes.io/hostname"), name))
    for one in daemons:
        if not trial.why_not(one, name):
            trial.put(one, name)
    reasons = trial.why_not(pod, name)
    if reasons:
        trial.remove(name)
        return None, reasons
    return name, ()


def _waste(pool: NodePool, count: int, pods: Sequence[Object]) -> float:
    """The share of CPU and memory that so many machines would have left, on average of both."""
    have = resource_amounts(template(pool)["status"]["allocatable"])
    left = [1 - sum(pod_requests(pod).get(name, 0) for pod in pods) / (count * have[name]) for name in ("cpu", "memory")] if count else []
    return sum(left) / len(left) if left else 1.0


EXPANDERS: dict[str, Callable[[Sequence[Option]], list[Option]]] = {
    "random": list,
    "least-waste": lambda options: [one for one in options if one.waste == min(other.waste for other in options)],
    "most-pods": lambda options: [one for one in options if len(one.pods) == max(len(other.pods) for other in options)],
}
"""The best options by each expander; among those the autoscaler draws."""
