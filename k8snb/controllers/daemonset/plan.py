"""What a DaemonSet's loop does next. Pure: an observation in, creations and deletions out.

First the steady state: a Pod on every node where one belongs, none elsewhere, no second one. Only when that holds, a rolling
update takes its next step. Without surge an old Pod is deleted (and the steady state makes the new one), as long as no more
than ``maxUnavailable`` nodes are without an available Pod; with surge a new Pod is started beside the old one, on ``maxSurge``
nodes at most, and the old one goes when the new one is available.

Models: pkg/controller/daemon/daemon_controller.go (manage, podsShouldBeOnNode), pkg/controller/daemon/update.go (rollingUpdate).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.apimachinery.intstr import scaled
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.component_helpers.pods import is_pod_available, is_pod_ready, is_pod_terminal, is_pod_terminating
from k8snb.controllers.daemonset.placement import GENERATION, node_of, should_run, template_generation
from k8snb.controllers.history import POD_HASH


class Create(NamedTuple):
    """Make a Pod for each of these nodes."""

    nodes: tuple[str, ...]


class Delete(NamedTuple):
    """Delete these Pods."""

    pods: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """The DaemonSet, all nodes, its Pods by node, the hash of its present revision, the time (µs).

    ``held``: nodes whose failed Pod is not to be replaced yet (back-off).
    """

    daemonset: Object
    nodes: tuple[Object, ...]
    pods: Mapping[str, list[Object]]
    revision: str
    now: int
    held: Mapping[str, int] = field(default_factory=dict)

    @property
    def min_ready(self) -> int:
        """``minReadySeconds``."""
        seconds: int = self.daemonset["spec"].get("minReadySeconds", 0)
        return seconds


def by_node(pods: list[Object]) -> dict[str, list[Object]]:
    """The Pods by the node they are on or meant for. Those that have ended *and* are being deleted no longer count."""
    found: dict[str, list[Object]] = {}
    for pod in pods:
        if not (is_pod_terminal(pod) and is_pod_terminating(pod)):
            found.setdefault(node_of(pod), []).append(pod)
    return found


def plan(observed: Observed) -> list[Create | Delete]:
    """What is to be done now; empty when everything is as it should be."""
    steady = plan_steady(observed)
    if steady or observed.daemonset["spec"]["updateStrategy"]["type"] != "RollingUpdate":
        return steady
    return plan_rolling(observed)


def plan_steady(observed: Observed) -> list[Create | Delete]:
    """A Pod on every node where one belongs, and no others."""
    missing: list[str] = []
    gone: list[Object] = []
    for node in observed.nodes:
        name = node["metadata"]["name"]
        pods = observed.pods.get(name, [])
        here, stay = should_run(observed.daemonset, node)
        if here and not pods:
            missing.append(name)
        elif stay:
            gone += _superfluous(observed, name, pods)
        else:
            gone += [pod for pod in pods if not is_pod_terminating(pod)]
    known = {node["metadata"]["name"] for node in observed.nodes}
    for name, pods in observed.pods.items():
        if name not in known:  # its node is gone; what was bound there is the Pod garbage collector's
            gone += [pod for pod in pods if not pod["spec"].get("nodeName") and not is_pod_terminating(pod)]
    return _actions(missing, gone)


def _actions(missing: list[str], gone: list[Object]) -> list[Create | Delete]:
    actions: list[Create | Delete] = []
    if missing:
        actions.append(Create(tuple(missing)))
    if gone:
        actions.append(Delete(tuple(gone)))
    return actions


def _superfluous(observed: Observed, node: str, pods: list[Object]) -> list[Object]:
    """What must go on a node where one Pod belongs: ended Pods, and all but the oldest of the rest."""
    alive = [pod for pod in pods if not is_pod_terminating(pod)]
    gone = [pod for pod in alive if is_pod_terminal(pod) and (pod["status"]["phase"] == "Succeeded" or node not in observed.held)]
    running = sorted((pod for pod in alive if not is_pod_terminal(pod)), key=oldest_first)
    if len(running) <= 1:
        return gone
    return gone + (_superfluous_surge(observed, running) if allows_surge(observed.daemonset) else running[1:])


def oldest_first(pod: Object) -> tuple[Any, ...]:
    """Sort key: Pods on a node first, then by age."""
    return not pod["spec"].get("nodeName"), pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]


def _superfluous_surge(observed: Observed, running: list[Object]) -> list[Object]:
    """While surging, one new and one old Pod are right, until the new one can take over."""
    new = [pod for pod in running if (pod["metadata"].get("labels") or EMPTY_DICT).get(POD_HASH) == observed.revision]
    old = [pod for pod in running if pod not in new]
    gone = new[1:] + old[1:]
    if new and old and (not is_pod_ready(old[0]) or is_pod_available(new[0], observed.min_ready, observed.now)):
        gone.append(old[0])
    return gone


# ---------------------------------------------------------------------- rolling update


def plan_rolling(observed: Observed) -> list[Create | Delete]:
    """The next step of a rolling update."""
    desired = sum(should_run(observed.daemonset, node)[0] for node in observed.nodes)
    surge, unavailable = bounds(observed.daemonset, desired)
    return _with_surge(observed, surge) if surge else _without_surge(observed, unavailable)


def _without_surge(observed: Observed, limit: int) -> list[Create | Delete]:
    replaced: list[Object] = []
    candidates: list[Object] = []
    unavailable = 0
    for pods in observed.pods.values():
        new, old, clear = updated_and_old(observed, pods)
        if not clear or (old is None) == (new is None):
            unavailable += 1  # the steady state will see to this node
        elif new is not None:
            unavailable += not _available(observed, new)
        elif not _available(observed, old):
            replaced.append(old)  # type: ignore[arg-type]  # it serves nobody: no loss
            unavailable += 1
        else:
            candidates.append(old)  # type: ignore[arg-type]
    return _actions([], replaced + candidates[: max(0, limit - unavailable)])


def _with_surge(observed: Observed, limit: int) -> list[Create | Delete]:
    gone: list[Object] = []
    started: list[str] = []
    candidates: list[str] = []
    surging = 0
    for node, pods in observed.pods.items():
        new, old, clear = updated_and_old(observed, pods)
        if not clear:
            surging += 1
        elif old is None:
            continue
        elif new is not None:
            if _available(observed, new):
                gone.append(old)
            else:
                surging += 1
        else:
            (candidates if _available(observed, old) else started).append(node)
    return _actions(started + candidates[: max(0, limit - surging)], gone)


def updated_and_old(observed: Observed, pods: list[Object]) -> tuple[Object | None, Object | None, bool]:
    """The node's Pod of the present template and the one of a former; False where there are several of a sort."""
    alive = [pod for pod in pods if not is_pod_terminating(pod)]
    new = [pod for pod in alive if is_updated(observed, pod)]
    old = [pod for pod in alive if pod not in new]
    if len(new) > 1 or len(old) > 1:
        return None, None, False
    return (new[0] if new else None), (old[0] if old else None), True


def is_updated(observed: Observed, pod: Object) -> bool:
    """Whether the Pod was made from the present template."""
    labels = pod["metadata"].get("labels") or EMPTY_DICT
    generation = template_generation(observed.daemonset)
    return labels.get(POD_HASH) == observed.revision or bool(generation and labels.get(GENERATION) == generation)


def _available(observed: Observed, pod: Object | None) -> bool:
    return pod is not None and is_pod_available(pod, observed.min_ready, observed.now)


def allows_surge(daemonset: Object) -> bool:
    """Whether the update strategy starts new Pods beside old ones."""
    strategy = daemonset["spec"]["updateStrategy"]
    surge = (strategy.get("rollingUpdate") or EMPTY_DICT).get("maxSurge", 0)
    return bool(strategy["type"] == "RollingUpdate" and surge not in (0, "0%"))


def bounds(daemonset: Object, desired: int) -> tuple[int, int]:
    """How many nodes may have a second Pod, and how many none, during an update. Percentages are rounded up."""
    rolling = daemonset["spec"]["updateStrategy"].get("rollingUpdate") or EMPTY_DICT
    surge, unavailable = (scaled(rolling.get(name, 0), desired, up=True) for name in ("maxSurge", "maxUnavailable"))
    return (surge, unavailable) if surge or unavailable or not desired else (0, 1)


