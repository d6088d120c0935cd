"""What a pod needs next: pure decisions over what the kubelet knows of it.

A pod's worker does one thing at a time, in a fixed order: the sandbox, the init containers one after the other (a sidecar
only has to start, and to pass its startup probe), then the ordinary containers. Ephemeral containers, put in later by somebody
who looks for a fault, wait for nothing but the sandbox. Who starts again, and when, says :mod:`.restarts`.

Models: pkg/kubelet/kuberuntime/kuberuntime_manager.go (computePodActions), kuberuntime_container.go (computeInitContainerActions).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from k8snb.apimachinery import quantity
from k8snb.apimachinery.objects import EMPTY_DICT, Object, freeze
from k8snb.apimachinery.resource import once
from k8snb.kubelet.restarts import goes_on, restarts
from k8snb.kubelet.state import APP, EPHEMERAL, EXITED, INIT, RUNNING, SIDECAR, WAITING, ContainerState, PodState
from k8snb.kubelet.status import terminated
from k8snb.seams.cri import Resources, Runtime


class Action(NamedTuple):
    """The next thing to do: ``sandbox``, or ``start`` of a container."""

    kind: str
    container: str = ""


def new_containers(pod: Object) -> dict[str, ContainerState]:
    """The records of a pod's containers before anything has happened."""
    found = {}
    for spec in pod["spec"].get("initContainers") or ():
        kind = SIDECAR if spec.get("restartPolicy") == "Always" else INIT
        found[spec["name"]] = ContainerState(spec["name"], kind, allocated=spec.get("resources") or EMPTY_DICT)
    for spec in pod["spec"]["containers"]:
        found[spec["name"]] = ContainerState(spec["name"], APP, allocated=spec.get("resources") or EMPTY_DICT)
    return found


def last_known(state: PodState) -> Object:
    """A pod that is gone from the API, as far as its worker needs it to stop what runs."""
    containers = [{"name": container.name, "image": ""} for container in state.containers.values()]
    meta = {"name": state.name, "namespace": state.namespace, "uid": state.uid, "deletionGracePeriodSeconds": state.grace}
    found: Object = freeze({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": containers}})
    return found


def add_ephemeral(visitors: Iterable[Object], state: PodState) -> None:
    """Note the ephemeral containers that have come since."""
    for spec in visitors:
        if spec["name"] not in state.containers:
            state.containers[spec["name"]] = ContainerState(spec["name"], EPHEMERAL)


def new_round(state: PodState) -> None:
    """Everything starts anew, from the first init container; what has ended is remembered as the state before."""
    state.begun = False
    for container in state.containers.values():
        if container.kind != EPHEMERAL and container.phase == EXITED:
            move_to_last(container)
            container.reason = container.message = ""
            container.retry_at = 0


def move_to_last(container: ContainerState) -> None:
    """The end of a container becomes its last state, while it waits for its next start."""
    if container.phase == EXITED:
        container.last = freeze({"terminated": terminated(container)})
        container.phase = WAITING


_SANDBOX = Action("sandbox")


def next_action(pod: Object, state: PodState, now: int) -> Action | None:
    """What the worker does next; None when there is nothing to do, or nothing to do yet."""
    if is_finished(pod, state):
        return None
    if state.sandbox != "ready":
        return _SANDBOX
    name = _next_container(pod, state, now)
    return Action("start", name) if name else None


def _next_container(pod: Object, state: PodState, now: int) -> str:
    for name, container in state.containers.items():
        if container.kind == EPHEMERAL and container.phase == WAITING and now >= container.retry_at:
            return name
    for name, container in state.containers.items():
        if container.kind == EPHEMERAL or (container.kind == INIT and state.begun):
            continue
        if goes_on(pod, container) and now >= container.retry_at:
            return name
        if container.kind != APP and not state.begun and not _lets_pass(container):
            return ""
    return ""


def _lets_pass(container: ContainerState) -> bool:
    """Whether what comes after this init container may begin."""
    if container.kind == INIT:
        return container.phase == EXITED and container.exit_code == 0
    return container.phase == RUNNING and container.started is not False


def is_finished(pod: Object, state: PodState) -> bool:
    """Whether no container will run any more: the pod has succeeded, or failed for good."""
    if state.rejected or state.evicted:
        return True
    for container in state.containers.values():
        if container.phase == EXITED:
            break
    else:
        return False
    init = [c for c in state.containers.values() if c.kind == INIT]
    if any(c.phase == EXITED and c.exit_code and not restarts(pod, c) for c in init):
        return True
    apps = [c for c in state.containers.values() if c.kind == APP]
    return bool(apps) and all(c.phase == EXITED and not restarts(pod, c) for c in apps)


@once
def resources(stated: Object) -> Resources:
    """What a container may use, from the ``resources`` of its spec."""
    requests, limits = stated.get("requests") or EMPTY_DICT, stated.get("limits") or EMPTY_DICT
    return Resources(
        quantity.milli_value(requests.get("cpu", "0")), quantity.milli_value(limits.get("cpu", "0")),
        quantity.value(requests.get("memory", "0")), quantity.value(limits.get("memory", "0")),
    )  # fmt: skip


def host_ports(pod: Object) -> tuple[tuple[int, int, str], ...]:
    """(port of the node, port of the container, protocol) of every hostPort; none for a pod in its node's network."""
    if pod["spec"].get("hostNetwork"):
        return ()
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports") or ()]
    return tuple((port["hostPort"], port["containerPort"], port.get("protocol", "TCP")) for port in ports if port.get("hostPort"))


def unheard(state: PodState, runtime: Runtime, now: int) -> int:
    """How long until the end of a container can be noticed (µs) that was on its way to a kubelet which stopped; 0 without any."""
    running = [one for one in state.containers.values() if one.phase == RUNNING]
    ends = [end.at for one in running if (end := runtime.ended(one.id)) is not None and not runtime.instant]
    return max([at + runtime.latencies.stop - now for at in ends] + [0])
