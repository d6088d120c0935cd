"""What a pod needs next: pure decisions over what the kubelet knows of it.

A pod's worker does one thing at a time, in a fixed order: the sandbox, the init containers one after the other (a sidecar
only has to start), then the ordinary containers. Containers that ended are started again as the restart policy says, after a
back-off that doubles from 10 s to 5 min and is forgotten once a container has run for 10 min.

Models: pkg/kubelet/kuberuntime/kuberuntime_manager.go (computePodActions, doBackOff), kuberuntime_container.go
(computeInitContainerActions), client-go/util/flowcontrol/backoff.go.
"""

from __future__ import annotations

from typing import NamedTuple

from k8snb.apimachinery import quantity
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.component_helpers.timing import timing
from k8snb.kubelet.state import APP, EXITED, INIT, RUNNING, SIDECAR, WAITING, ContainerState, PodState
from k8snb.kubelet.status import restart_policy
from k8snb.seams.cri import Resources
from k8snb.sim.clock import SECOND

BACKOFF_FIRST, BACKOFF_MOST, BACKOFF_FORGOTTEN = (timing(f"crash back-off, {what}") for what in ("first", "most", "forgotten"))
PULL_FIRST, PULL_MOST = timing("image back-off, first"), timing("image back-off, most")


class Action(NamedTuple):
    """The next thing to do: ``sandbox``, or ``start`` of a container."""

    kind: str
    container: str = ""


def specs_of(pod: Object) -> dict[str, Object]:
    """The container specs by name, init containers first."""
    return {spec["name"]: spec for spec in [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]}


def new_containers(pod: Object) -> dict[str, ContainerState]:
    """The records of a pod's containers before anything has happened."""
    found = {}
    for spec in pod["spec"].get("initContainers") or ():
        kind = SIDECAR if spec.get("restartPolicy") == "Always" else INIT
        found[spec["name"]] = ContainerState(spec["name"], kind)
    for spec in pod["spec"]["containers"]:
        found[spec["name"]] = ContainerState(spec["name"], APP)
    return found


def next_action(pod: Object, state: PodState, now: int) -> Action | None:
    """What the worker does next; None when there is nothing to do, or nothing to do yet."""
    if is_finished(pod, state):
        return None
    if state.sandbox != "ready":
        return Action("sandbox")
    name = _next_container(pod, state, now)
    return Action("start", name) if name else None


def _next_container(pod: Object, state: PodState, now: int) -> str:
    specs = specs_of(pod)
    begun = any(c.kind == APP and (c.phase != WAITING or c.last is not None) for c in state.containers.values())
    for name, container in state.containers.items():
        wanted = wants_start(pod, specs[name], container)
        if container.kind == INIT and begun:
            continue
        if wanted and now >= container.retry_at:
            return name
        if container.kind != APP and not begun and not _lets_pass(container):
            return ""
    return ""


def _lets_pass(container: ContainerState) -> bool:
    """Whether what comes after this init container may begin."""
    if container.kind == INIT:
        return container.phase == EXITED and container.exit_code == 0
    return container.phase == RUNNING and container.started is not False


def wants_start(pod: Object, spec: Object, container: ContainerState) -> bool:
    """Whether the container should be started, now or after its back-off."""
    if container.phase == RUNNING:
        return False
    if container.phase == WAITING:
        return True
    return restarts(pod, spec, container)


def restarts(pod: Object, spec: Object, container: ContainerState) -> bool:
    """Whether the restart policy starts this ended container again."""
    if container.changed:
        return True
    for rule in spec.get("restartPolicyRules") or ():
        codes = rule.get("exitCodes") or {}
        if rule.get("action") == "Restart" and (container.exit_code in codes.get("values", ())) == (codes.get("operator") == "In"):
            return True
    if container.kind == SIDECAR:
        return True
    policy = restart_policy(pod, spec)
    if container.kind == INIT and policy == "Always":
        policy = "OnFailure"  # an init container that has succeeded is done
    return policy == "Always" or (policy == "OnFailure" and container.exit_code != 0)


def is_finished(pod: Object, state: PodState) -> bool:
    """Whether no container will run any more: the pod has succeeded, or failed for good."""
    if state.rejected or state.evicted:
        return True
    specs = specs_of(pod)
    init = [c for c in state.containers.values() if c.kind == INIT]
    if any(c.phase == EXITED and c.exit_code and not restarts(pod, specs[c.name], c) for c in init):
        return True
    apps = [c for c in state.containers.values() if c.kind == APP]
    return bool(apps) and all(c.phase == EXITED and not restarts(pod, specs[c.name], c) for c in apps)


# -- back-off --------------------------------------------------------------------------------------------------------


def crash_retry(container: ContainerState) -> int:
    """When a container that has ended may start again (µs); its end itself for the first crash."""
    if not container.crash_delay or container.finished_at - container.crash_since > BACKOFF_FORGOTTEN:
        return container.finished_at
    return container.finished_at + container.crash_delay


def raise_crash_delay(container: ContainerState, now: int) -> None:
    """The container is started again: next time it waits twice as long."""
    forgotten = not container.crash_delay or container.finished_at - container.crash_since > BACKOFF_FORGOTTEN
    container.crash_delay = BACKOFF_FIRST if forgotten else min(2 * container.crash_delay, BACKOFF_MOST)
    container.crash_since = now


def raise_pull_delay(container: ContainerState, now: int) -> None:
    """A pull has failed: the next one comes after 10 s, 20 s, ... 5 min."""
    container.pull_delay = min(2 * container.pull_delay, PULL_MOST) if container.pull_delay else PULL_FIRST
    container.retry_at = now + container.pull_delay


def go_duration(microseconds: int) -> str:
    """A duration as Go prints it: ``10s``, ``1m20s``, ``5m0s``, ``900ms``.

    >>> go_duration(10 * SECOND), go_duration(80 * SECOND), go_duration(300 * SECOND), go_duration(1_250_000), go_duration(900_000)
    ('10s', '1m20s', '5m0s', '1.25s', '900ms')
    """
    if microseconds < SECOND:
        return f"{microseconds / 1000:g}ms"
    minutes, rest = divmod(microseconds, 60 * SECOND)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{rest / SECOND:g}s"


def resources(container: Object) -> Resources:
    """What a container of a pod may use."""
    found = container.get("resources") or EMPTY_DICT
    requests, limits = found.get("requests") or EMPTY_DICT, found.get("limits") or EMPTY_DICT
    return Resources(
        quantity.milli_value(requests.get("cpu", "0")), quantity.milli_value(limits.get("cpu", "0")),
        quantity.value(requests.get("memory", "0")), quantity.value(limits.get("memory", "0")),
    )  # fmt: skip
