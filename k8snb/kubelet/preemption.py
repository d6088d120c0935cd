"""Making room for a critical pod: the kubelet ends others for it.

A static pod, or one of system-critical priority, is not refused for want of resources. Instead the kubelet ends pods that matter
less: as few as possible, those without requests first, then those with some, those with guarantees last.

Models: pkg/kubelet/preemption/preemption.go.
Simplified: of the pods that would do, the one is taken whose request is nearest to what is missing; the new pod is taken up at once,
while those that must go still use their grace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.apimachinery.objects import Object
from k8snb.component_helpers import pod_priority, qos_class
from k8snb.kubelet.admission import is_critical
from k8snb.kubelet.state import PodState

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

REASON, MESSAGE = "Preempting", "Preempted in order to admit critical pod"
TARGET = ("TerminationByKubelet", "Pod was preempted by Kubelet to accommodate a critical pod.")
_CLASSES = ("BestEffort", "Burstable", "Guaranteed")


def victims(kubelet: Kubelet, pod: Object, missing: dict[str, int]) -> list[PodState]:
    """The pods to end so that ``missing`` amounts become free; empty where that cannot be reached."""
    rows = [(state, kubelet.pod_of(state)) for state in kubelet.own.pods.values() if state.requests and not state.evicted]
    known = [(state, other) for state, other in rows if other is not None and _matters_less(other, pod)]
    found: list[PodState] = []
    left = dict(missing)
    for quality in _CLASSES:
        others = [state for state, other in known if qos_class(other) == quality]
        while others and any(amount > 0 for amount in left.values()):
            nearest = min(others, key=lambda state: (_distance(state, left), sum(state.requests.values()), state.key))
            others.remove(nearest)
            if not any(nearest.requests.get(name, 0) for name, amount in left.items() if amount > 0):
                break  # nobody in this class has any of it
            found.append(nearest)
            left = {name: amount - nearest.requests.get(name, 0) for name, amount in left.items()}
    return [] if any(amount > 0 for amount in left.values()) else found


def _matters_less(other: Object, pod: Object) -> bool:
    return not is_critical(other) or pod_priority(other) < pod_priority(pod)


def _distance(state: PodState, missing: dict[str, int]) -> float:
    """How much of what is missing would still be missing, as a sum of squared fractions."""
    fractions = [max(0.0, 1 - state.requests.get(name, 0) / amount) for name, amount in missing.items() if amount > 0]
    return float(sum(fraction * fraction for fraction in fractions))


def end(kubelet: Kubelet, state: PodState) -> None:
    """End a pod for the sake of another; its place is free from now on."""
    pod = kubelet.pod_of(state)
    if pod is not None:
        kubelet.recorder.event(pod, "Warning", REASON, MESSAGE)
    state.evicted, state.disruption, state.operation = (REASON, MESSAGE), TARGET, None
    kubelet.release(state)
    kubelet.sync(state)
