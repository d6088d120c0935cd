"""Admission at the node: whether a kubelet takes up a pod that was given to it.

The scheduler usually knew that there is room. A pod that names its node itself never met the scheduler, two schedulers may race,
and a node may have changed meanwhile: so the kubelet asks again, with the same predicates, and refuses by writing the pod's status
(phase Failed); nobody moves the pod elsewhere.

    resources -> node affinity -> host ports -> NoExecute taints -> pressure

Models: pkg/kubelet/lifecycle/predicate.go, pkg/scheduler/eventhandlers.go (AdmissionCheck), pkg/kubelet/eviction (Admit),
pkg/kubelet/kubelet.go (rejectPod).
Simplified: devices are not allocated, so UnexpectedAdmissionError never happens. (A critical pod makes room: :mod:`.preemption`.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.component_helpers import find_untolerated_taint, pod_priority, qos_class, tolerates
from k8snb.component_helpers.nodeaffinity import matches_node_selector_and_affinity

Ports = frozenset[tuple[str, str, int]]  # (address, protocol, number)
SYSTEM_CRITICAL = 2_000_000_000
EVICTED = "Evicted"
_MEMORY_TAINT = {"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"}


class Room(NamedTuple):
    """What a node has and what of it is taken: amounts by resource, host ports, conditions of pressure."""

    capacity: Mapping[str, int]
    used: Mapping[str, int]
    ports: Ports = frozenset()
    pressure: tuple[str, ...] = ()


class Rejection(NamedTuple):
    """Why a pod is refused, as its status says it."""

    reason: str
    message: str


def rejection(pod: Object, node: Object, requests: Mapping[str, int], room: Room) -> Rejection | None:
    """Why the pod may not run on the node, or None. The first reason counts."""
    for name, amount in requests.items():
        if name in room.capacity and room.used.get(name, 0) + amount > room.capacity[name]:
            what = f"requested: {amount}, used: {room.used.get(name, 0)}, capacity: {room.capacity[name]}"
            return Rejection(f"OutOf{name}", f"Node didn't have enough resource: {name}, {what}")
    if not matches_node_selector_and_affinity(pod, node):
        return _predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
    if room.ports and collide(host_ports(pod), room.ports):
        return _predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports")
    taints = [taint for taint in (node.get("spec") or EMPTY_DICT).get("taints") or () if taint["effect"] == "NoExecute"]
    if taints and not is_static(pod) and find_untolerated_taint(taints, pod["spec"].get("tolerations") or ()) is not None:
        return _predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate")
    if room.pressure and not _endures(pod, room.pressure):
        return Rejection(EVICTED, f"The node had condition: [{' '.join(room.pressure)}]. ")
    return None


def missing(requests: Mapping[str, int], room: Room) -> dict[str, int]:
    """By resource, how much more than there is room for the requests ask."""
    found = {name: room.used.get(name, 0) + amount - room.capacity[name] for name, amount in requests.items() if name in room.capacity}
    return {name: amount for name, amount in found.items() if amount > 0}


def _predicate(name: str, why: str) -> Rejection:
    return Rejection(name, f"Predicate {name} failed: {why}")


def _endures(pod: Object, pressure: tuple[str, ...]) -> bool:
    """Whether the pod may begin although the node is under pressure."""
    if is_critical(pod):
        return True
    if pressure != ("MemoryPressure",):
        return False
    return qos_class(pod) != "BestEffort" or tolerates(pod["spec"].get("tolerations") or (), _MEMORY_TAINT)


def is_static(pod: Object) -> bool:
    """Whether the pod comes from a file of the machine, not from the API."""
    source = (pod["metadata"].get("annotations") or EMPTY_DICT).get("kubernetes.io/config.source", "api")
    return bool(source != "api")


def is_critical(pod: Object) -> bool:
    """Whether the pod is never evicted for want of resources: a static one, or one of system-critical priority."""
    return is_static(pod) or pod_priority(pod) >= SYSTEM_CRITICAL


def host_ports(pod: Object) -> Ports:
    """The ports of the node that the pod asks for."""
    spec = pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    return frozenset([
        (port.get("hostIP") or "0.0.0.0", port.get("protocol") or "TCP", port["hostPort"])
        for container in (*spec["containers"], *sidecars)
        for port in container.get("ports") or ()
        if port.get("hostPort")
    ])  # fmt: skip


def collide(wanted: Iterable[tuple[str, str, int]], taken: Ports) -> bool:
    """Whether one of the ports is taken: the same number and protocol, on the same address or on all of them."""
    return any(
        (protocol, number) == (other_protocol, other_number) and (address == other or "0.0.0.0" in (address, other))
        for address, protocol, number in wanted
        for other, other_protocol, other_number in taken
    )
