"""Resizing in place: a running pod gets more or less CPU and memory.

    spec (what is wanted) -> allocated (what the kubelet has promised) -> applied (what the runtime enforces)

A changed spec is first a question: more than the whole node can never fit (*Infeasible*), more than what is left now must wait
(*Deferred*; asked again when a pod of the node ends, and every three minutes). What fits is allocated at once, then applied to each
container: without a restart, unless its ``resizePolicy`` says otherwise for the resource that changed.

Models: pkg/kubelet/allocation/allocation_manager.go, pkg/kubelet/kuberuntime/kuberuntime_manager.go (computePodResizeAction,
doPodResizeAction), pkg/kubelet/events (PodResizeStartedMsg ...).
Simplified: pending resizes are asked in the order of their coming, not by priority; resources of the pod as a whole are not resized.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object
from k8snb.component_helpers import pod_requests, resource_amounts
from k8snb.component_helpers.timing import timing
from k8snb.kubelet import pods, stopping
from k8snb.kubelet.admission import is_static
from k8snb.kubelet.state import APP, RUNNING, SIDECAR, ContainerState
from k8snb.sim.state import Shelf

if TYPE_CHECKING:
    from k8snb.kubelet.worker import Worker

DEFERRED, INFEASIBLE, ERROR = "Deferred", "Infeasible", "Error"
_RESIZABLE = ("cpu", "memory")


def wanted_of(spec: Object) -> Object:
    """What a container's spec asks for."""
    found: Object = spec.get("resources") or EMPTY_DICT
    return found


def _containers(worker: Worker) -> list[ContainerState]:
    return [c for c in worker.state.containers.values() if c.kind in (APP, SIDECAR)]


def allocate(worker: Worker) -> None:
    """Compare what is wanted with what is allocated; promise the difference, or say why not."""
    state, pod = worker.state, worker.pod
    if pod["metadata"].get("generation", 1) == 1:
        return  # its spec never changed
    if all(wanted_of(worker.specs[c.name]) == c.allocated for c in _containers(worker)):
        _pending(worker, None)
        return
    problem = _refusal(worker)
    _pending(worker, problem)
    if problem is not None:
        return
    requests = _requests(pod)
    used = worker.kubelet.own.used
    for name in _RESIZABLE:
        used[name] = used.get(name, 0) + requests.get(name, 0) - state.requests.get(name, 0)
    state.requests = Shelf({**state.requests, **{name: requests[name] for name in _RESIZABLE if requests.get(name)}})
    for container in _containers(worker):
        container.allocated = wanted_of(worker.specs[container.name])
    state.resizing = ("", "", _generation(pod))
    worker.event("Normal", "ResizeStarted", _message(pod, "started"))


def _generation(pod: Object) -> int:
    return int(pod["metadata"].get("generation", 1))


def _requests(pod: Object) -> dict[str, int]:
    """What the spec asks for, whatever the status says is in use."""
    return pod_requests(FrozenDict({**pod, "status": EMPTY_DICT}))


def _refusal(worker: Worker) -> tuple[str, str] | None:
    """Why the node cannot give what is wanted: (reason, message), or None."""
    node, wanted = worker.kubelet.node, _requests(worker.pod)
    room = resource_amounts((node.get("status") or EMPTY_DICT).get("allocatable"))
    if is_static(worker.pod):
        return INFEASIBLE, "In-place resize of static-pods is not supported"
    for name in reversed(_RESIZABLE):
        if wanted.get(name, 0) > room.get(name, 0):
            return INFEASIBLE, f"Node didn't have enough capacity: {name}, requested: {wanted[name]}, capacity: {room.get(name, 0)}"
    for name in _RESIZABLE:
        others = worker.kubelet.own.used.get(name, 0) - worker.state.requests.get(name, 0)
        if wanted.get(name, 0) + others > room[name]:
            what = f"requested: {wanted[name]}, used: {others}, capacity: {room[name]}"
            return DEFERRED, f"Node didn't have enough resource: {name}, {what}"
    return None


def _pending(worker: Worker, problem: tuple[str, str] | None) -> None:
    """Note that a resize waits, or that none does any more."""
    state, deferred = worker.state, worker.kubelet.own.deferred
    before, state.resize_at = state.resize_pending, 0
    deferred.pop(state.uid, None)
    if problem is None:
        state.resize_pending = None
        return
    reason, message = problem
    state.resize_pending = (reason, message, _generation(worker.pod))
    if reason == DEFERRED:
        deferred[state.uid] = True
        state.resize_at = worker.now + timing("resize retry")
    if before is None or before[0] != reason or before[2] != _generation(worker.pod):
        worker.event("Warning", f"Resize{reason}", _message(worker.pod, reason, message))


def apply(worker: Worker) -> None:
    """Bring what the runtime enforces to what is allocated."""
    state = worker.state
    for container in _containers(worker):
        if container.phase == RUNNING and not container.stopping and container.applied != container.allocated:
            _apply(worker, container)
    if all(c.phase != RUNNING or c.applied == c.allocated for c in _containers(worker)):
        state.resizing = None
        worker.event("Normal", "ResizeCompleted", _message(worker.pod, "completed"))


def _apply(worker: Worker, container: ContainerState) -> None:
    spec, state = worker.specs[container.name], worker.state
    if _must_restart(spec, container):
        container.changed = True
        stopping.stop(worker, container, state.grace, f"Container {container.name} resize requires restart")
        return
    asked = pods.resources(container.allocated or EMPTY_DICT)
    usage = worker.runtime.usage(container.id)
    if asked.memory_limit and usage is not None and usage.memory > asked.memory_limit:
        text = f"attempting to set container {container.name} memory limit ({asked.memory_limit}) below current usage ({usage.memory})"
        state.resizing = (ERROR, text, _generation(worker.pod))
        return
    worker.runtime.update_resources(container.id, asked)
    container.applied = container.allocated


def _must_restart(spec: Object, container: ContainerState) -> bool:
    """Whether a resource that changes is one whose change restarts the container."""
    restarting = {p["resourceName"] for p in spec.get("resizePolicy") or () if p.get("restartPolicy") == "RestartContainer"}
    return any(_of(container.allocated, name) != _of(container.applied, name) for name in restarting)


def _of(resources: Object | None, name: str) -> tuple[str | None, ...]:
    return tuple(((resources or EMPTY_DICT).get(what) or EMPTY_DICT).get(name) for what in ("requests", "limits"))


def _message(pod: Object, what: str, error: str = "") -> str:
    """The text of an Event about a resize: what is asked for, as JSON."""
    summary: dict[str, object] = {}
    for key in ("initContainers", "containers"):
        rows = [c for c in pod["spec"].get(key) or () if key == "containers" or c.get("restartPolicy") == "Always"]
        if rows:
            summary[key] = [{"name": c["name"], "resources": dict(sorted(wanted_of(c).items()))} for c in rows]
    summary |= {"generation": _generation(pod), **({"error": error} if error else {})}
    return f"Pod resize {what}: {json.dumps(summary, separators=(',', ':'))}"
