"""Pressure on a node: what the kubelet does before memory, disk, inodes or process ids are used up.

Every ten seconds the kubelet compares what is left (:mod:`.observing`) with its thresholds (:mod:`.thresholds`):

    threshold undercut  -> the node has its condition, until five minutes after, and takes up no pods that could make it worse
    for its grace, too  -> (1) what nobody uses goes: dead containers, images        where disk or inodes are short
                           (2) one pod is evicted, and the kubelet waits for its end

    short of            who goes first                                                                      what they get
    memory              uses more than it asked for; lower priority; furthest above its request             hard: 1 s
    disk, inodes        the same with what it has written                                                   soft: at most
    process ids         lower priority; most processes                                                      evictionMaxPodGracePeriod

The pod's phase becomes Failed; nobody restarts it here. Eviction is slow and fair, the kernel is neither: see :mod:`.oom`. Limits of a
pod on what it writes are another matter (:mod:`.storage_limits`), and come first.

Models: pkg/kubelet/eviction (eviction_manager.go, helpers.go).
Simplified: pods that rank alike go in the order in which they came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from k8snb.apimachinery import quantity
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.component_helpers import container_requests, pod_priority, pod_requests
from k8snb.component_helpers.timing import timing
from k8snb.kubelet import image_gc, oom
from k8snb.kubelet.admission import is_critical
from k8snb.kubelet.node import STATUS_EVENTS, reference
from k8snb.kubelet.observing import observe
from k8snb.kubelet.state import RUNNING, PodState
from k8snb.kubelet.storage_limits import on_disk, over_limit
from k8snb.kubelet.thresholds import DISK, INODES, MEMORY, PIDS, Observation, Threshold, met
from k8snb.seams.cri import Usage
from k8snb.sim.clock import SECOND

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

CLEANUP_POLL, CLEANUP_LIMIT = timing("eviction cleanup poll"), timing("eviction cleanup limit")
KILL_LIMIT = timing("pod kill limit")
IMMEDIATE = timing("eviction grace") // SECOND


# -- one look --------------------------------------------------------------------------------------------------------


def look(kubelet: Kubelet) -> bool:
    """What the eviction manager does every ten seconds; whether the node's conditions have changed."""
    own = kubelet.own
    if kubelet.runtime.instant or own.evicting[0] or own.runtime_lost_at:
        return False
    seen = observe(kubelet)
    oom.prepare(kubelet)
    undercut = _undercut(kubelet, seen)
    changed = _note_conditions(kubelet, undercut)
    due = _due(kubelet, undercut)
    over = over_limit(kubelet)
    for state, why in over:
        evict(kubelet, state, why, grace=IMMEDIATE)
    if due and not over:
        _reclaim(kubelet, due, seen)
    return changed


def _undercut(kubelet: Kubelet, seen: Mapping[str, Observation]) -> list[Threshold]:
    """The thresholds that are undercut now, and those that were and are not yet undone by what has to be reclaimed."""
    thresholds = kubelet.settings.thresholds
    now, before = met(thresholds, seen), [one for one in thresholds if one.key in kubelet.own.undercut]
    return now + [one for one in met(before, seen, reclaiming=True) if one not in now]


def _due(kubelet: Kubelet, undercut: Sequence[Threshold]) -> list[Threshold]:
    """Those that have been undercut for their grace period, memory first."""
    own, now = kubelet.own, kubelet.kernel.now
    since = {one.key: own.undercut_since.get(one.key, now) for one in undercut}
    own.undercut_since.clear()
    own.undercut_since.update(since)
    due = [one for one in undercut if now - since[one.key] >= one.grace]
    own.undercut = tuple(one.key for one in due)
    return sorted(due, key=lambda one: one.resource != MEMORY)


def _reclaim(kubelet: Kubelet, due: Sequence[Threshold], seen: Mapping[str, Observation]) -> None:
    """Get back what is short: from what nobody uses, where that is enough, else from one pod."""
    first = due[0]
    kubelet.recorder.event(reference(kubelet.node_name), "Warning", "EvictionThresholdMet", f"Attempting to reclaim {first.resource}")
    if first.resource in (DISK, INODES):
        image_gc.remove_all_unused(kubelet)
        if not met(kubelet.settings.thresholds, observe(kubelet), reclaiming=True):
            return
    for state in ranked(kubelet, first.resource):
        pod = kubelet.pod_of(state)
        if pod is not None and not is_critical(pod):
            why = message(pod, first, seen[first.signal], usage_of(kubelet, state))
            evict(kubelet, state, why, grace=kubelet.settings.max_pod_grace if first.grace else IMMEDIATE, disruption=True)
            return


def _note_conditions(kubelet: Kubelet, undercut: Sequence[Threshold]) -> bool:
    """Conditions that hold now, or have held within five minutes; whether they are others than before."""
    own, now = kubelet.own, kubelet.kernel.now
    before = set(own.pressure)
    own.pressure.update({threshold.condition: now for threshold in undercut})
    for condition, since in list(own.pressure.items()):
        if now - since >= kubelet.settings.transition:
            del own.pressure[condition]
    changed = before ^ set(own.pressure)
    for condition in sorted(changed):
        reason = STATUS_EVENTS[condition][condition in own.pressure]
        text = f"Node {kubelet.node_name} status is now: {reason}"
        kubelet.recorder.event(reference(kubelet.node_name), "Normal", reason, text)
    return bool(changed)


# -- who goes --------------------------------------------------------------------------------------------------------


def active(kubelet: Kubelet) -> list[PodState]:
    """The pods in which something runs and which are not on their way out."""
    running = [s for s in kubelet.own.pods.values() if s.sandbox == "ready" and not s.evicted and not s.terminating]
    return [state for state in running if any(c.phase == RUNNING for c in state.containers.values())]


def usage_of(kubelet: Kubelet, state: PodState) -> Mapping[str, Usage]:
    """What the containers of a pod use."""
    return kubelet.runtime.pod_usage(state.uid)


class _Rank(NamedTuple):
    """Who goes first: the smaller one."""

    within: bool  # it uses no more than it asked for
    priority: int
    left: int  # minus how far it is above its request


def ranked(kubelet: Kubelet, resource: str) -> list[PodState]:
    """The pods in the order in which they would be evicted."""
    rows = [(_rank(kubelet, state, pod, resource), state) for state in active(kubelet) if (pod := kubelet.pod_of(state)) is not None]
    return [state for _, state in sorted(rows, key=lambda row: row[0])]


def _rank(kubelet: Kubelet, state: PodState, pod: Object, resource: str) -> _Rank:
    """Files are counted against a request of none, but ordered as upstream does: less the request for bytes."""
    used, requests = _used(kubelet, state, pod, resource), pod_requests(pod)
    if resource == PIDS:
        return _Rank(False, pod_priority(pod), -used)
    within = used <= requests.get(resource, 0)
    return _Rank(within, pod_priority(pod), requests.get(DISK if resource == INODES else resource, 0) - used)


_FIELD: Final = {MEMORY: "memory", DISK: "disk", INODES: "inodes", PIDS: "processes"}


def _used(kubelet: Kubelet, state: PodState, pod: Object, resource: str) -> int:
    in_containers: int = sum(getattr(use, _FIELD[resource]) for use in usage_of(kubelet, state).values())
    return in_containers + (sum(on_disk(kubelet, state, pod, files=resource == INODES)) if resource in (DISK, INODES) else 0)


def message(pod: Object, threshold: Threshold, seen: Observation, usage: Mapping[str, Usage]) -> str:
    """Why this pod: what was short, and what of it uses more than it asked for."""
    resource = threshold.resource
    available = quantity.write(seen.available, "DecimalSI" if resource in (INODES, PIDS) else "BinarySI")
    short = f"Threshold quantity: {threshold.amount.text(seen.capacity)}, available: {available}. "
    return f"The node was low on resource: {resource}. {short}{_blamed_pod(pod, resource, usage)}{_blamed(pod, resource, usage)}"


def _blamed_pod(pod: Object, resource: str, usage: Mapping[str, Usage]) -> str:
    """A pod with a request of its own for memory is named, too."""
    asked = dig(pod, "spec.resources.requests.memory") if resource == MEMORY else None
    return _larger("Pod", pod["metadata"]["name"], sum(use.memory for use in usage.values()), asked, resource) if asked else ""


def _blamed(pod: Object, resource: str, usage: Mapping[str, Usage]) -> str:
    if resource not in (MEMORY, DISK):
        return ""
    found = ""
    for container in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())):
        amount = getattr(usage.get(container["name"], Usage()), _FIELD[resource])
        if amount > container_requests(container).get(resource, 0):
            asked = (dig(container, "resources.requests") or EMPTY_DICT).get(resource, "0")
            found += _larger("Container", container["name"], amount, asked, resource)
    return found


def _larger(what: str, name: str, amount: int, asked: str, resource: str) -> str:
    used = quantity.write(amount, "BinarySI")
    return f"{what} {name} was using {used}, request is {asked}, has larger consumption of {resource}. "


def evict(kubelet: Kubelet, state: PodState, why: str, *, grace: int, disruption: bool = False) -> None:
    """End a pod for good: its containers are stopped within ``grace`` seconds (0: what the pod itself says), then its phase is Failed."""
    pod = kubelet.pod_of(state)
    if pod is not None:
        kubelet.recorder.event(pod, "Warning", "Evicted", why)
        grace = grace or pod["spec"].get("terminationGracePeriodSeconds", 0)
    state.evicted, state.operation = ("Evicted", why), None
    state.disruption = ("TerminationByKubelet", why) if disruption else None
    state.grace = max(1, grace)
    kubelet.own.evicting = (state.uid, kubelet.kernel.now + max(KILL_LIMIT, state.grace * SECOND * 3 // 2) + CLEANUP_LIMIT)
    kubelet.sync(state)
    kubelet.kernel.after(CLEANUP_POLL, kubelet.name, ("evicted",), why=f"is {state.key} gone?")


def after_eviction(kubelet: Kubelet) -> bool:
    """Wait until the evicted pod is gone (but not for ever), then look again at once."""
    uid, until = kubelet.own.evicting
    state = kubelet.own.pods.get(uid)
    if state is not None and state.sandbox != "gone" and kubelet.kernel.now < until:
        kubelet.kernel.after(CLEANUP_POLL, kubelet.name, ("evicted",), why=f"is {state.key} gone?")
        return False
    kubelet.own.evicting = ("", 0)
    return look(kubelet)
