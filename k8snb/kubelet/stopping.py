"""How containers and pods end: hooks, SIGTERM, the grace period, SIGKILL, and the order among containers.

    stop:  event Killing -> preStop hook -> SIGTERM -> (grace period over) SIGKILL, exit code 137
    a pod that is deleted: ordinary containers first, together; then its sidecars, the last one first

Models: pkg/kubelet/kuberuntime/kuberuntime_container.go (killContainer), kuberuntime_termination_order.go, pkg/kubelet/lifecycle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.apimachinery.objects import Object, dig
from k8snb.kubelet import probes
from k8snb.kubelet.state import RUNNING, SIDECAR, ContainerState
from k8snb.sim.clock import SECOND

if TYPE_CHECKING:
    from k8snb.kubelet.worker import Worker

MINIMUM = 2 * SECOND
"""However long a preStop hook takes, the process gets at least this much time after SIGTERM."""


def stop(worker: Worker, container: ContainerState, grace: int, why: str) -> None:
    """Begin to stop a running container: ``grace`` in seconds; 0 kills at once."""
    worker.event("Normal", "Killing", why, container.name)
    spec = worker.specs[container.name]
    container.stopping = True
    hook = _pre_stop(worker, container, spec, grace * SECOND) if grace > 0 else 0
    container.term_at = worker.now + hook
    container.deadline = max(worker.now + grace * SECOND, container.term_at + (MINIMUM if hook else 0))
    escalate(worker)


def escalate(worker: Worker) -> None:
    """Send the signals that are due, and notice who ends at once."""
    for container in worker.state.containers.values():
        if not container.stopping or container.phase != RUNNING:
            continue
        if container.term_at and worker.now >= container.term_at and worker.now < container.deadline:
            container.term_at = 0
            worker.runtime.stop(container.id)
        if worker.now >= container.deadline and worker.runtime.ended(container.id) is None:
            container.term_at = 0
            worker.runtime.kill(container.id)
        if worker.runtime.ended(container.id) is not None:  # its end is noticed when the runtime reports it
            container.term_at, container.deadline = 0, worker.now + worker.runtime.latencies.stop
    if worker.runtime.instant:
        worker._reap()


def _pre_stop(worker: Worker, container: ContainerState, spec: Object, limit: int) -> int:
    """Run the preStop hook; how long it takes (µs), at most ``limit``."""
    hook = dig(spec, "lifecycle.preStop")
    if not hook or worker.runtime.instant:
        return 0
    taken, problem = _hook(worker, container, hook, limit)
    if problem:
        worker.event("Warning", "FailedPreStopHook", "PreStopHook failed", container.name)
    return min(taken, limit)


def _hook(worker: Worker, container: ContainerState, hook: Object, limit: int) -> tuple[int, str]:
    """Run a lifecycle hook: (time taken, what went wrong)."""
    if hook.get("sleep"):
        return int(hook["sleep"].get("seconds", 0)) * SECOND, ""
    if hook.get("exec"):
        result = worker.runtime.execute(container.id, tuple(hook["exec"].get("command") or ()), limit)
        return result.duration, result.output if result.code else ""
    outcome = probes.ask(hook, worker.target(container), worker.runtime)
    return 0, "" if outcome.success else outcome.output


def post_start(worker: Worker, container: ContainerState, spec: Object) -> None:
    """Run the postStart hook. If it fails, the container is killed."""
    hook = dig(spec, "lifecycle.postStart")
    if not hook:
        return
    _taken, problem = _hook(worker, container, hook, 600 * SECOND)
    if problem:
        worker.event("Warning", "FailedPostStartHook", "PostStartHook failed", container.name)
        stop(worker, container, worker.pod["spec"].get("terminationGracePeriodSeconds", 30), "FailedPostStartHook")


def begin(worker: Worker) -> None:
    """The pod is to go: whatever its worker was doing is dropped."""
    state = worker.state
    state.terminating, state.operation = True, None
    metadata = worker.pod["metadata"]
    state.grace = metadata.get("deletionGracePeriodSeconds", state.grace)


def advance(worker: Worker) -> bool:
    """Stop what still runs, in order. True when nothing is left."""
    state = worker.state
    if state.sandbox == "gone":
        return True
    shorter = worker.pod["metadata"].get("deletionGracePeriodSeconds")
    if shorter is not None and shorter < state.grace:
        _shorten(worker, shorter)
    _stop_in_order(worker)
    escalate(worker)
    if worker.runtime.instant:
        _stop_in_order(worker)
    if any(container.phase == RUNNING for container in state.containers.values()):
        return False
    end_sandbox(worker)
    return True


def _shorten(worker: Worker, grace: int) -> None:
    """Somebody asked again, with less patience."""
    worker.state.grace = grace
    for container in worker.state.containers.values():
        if container.stopping:
            container.deadline = min(container.deadline, worker.now + grace * SECOND)


def _stop_in_order(worker: Worker) -> None:
    running = [c for c in worker.state.containers.values() if c.phase == RUNNING]
    ordinary = [c for c in running if c.kind != SIDECAR]
    for container in ordinary or running[-1:]:
        if not container.stopping:
            stop(worker, container, worker.state.grace, f"Stopping container {container.name}")
    if worker.runtime.instant and ordinary:
        _stop_in_order(worker)


def finish(worker: Worker) -> None:
    """All ordinary containers have ended for good: the sidecars follow, then the sandbox."""
    if worker.state.sandbox == "gone":
        return
    _stop_in_order(worker)
    escalate(worker)
    if not any(container.phase == RUNNING for container in worker.state.containers.values()):
        end_sandbox(worker)


def end_sandbox(worker: Worker) -> None:
    """The sandbox is taken down and its address given back; logs stay until the pod is deleted."""
    if worker.state.sandbox == "ready":
        worker.kubelet.detach(worker.state)
    worker.kubelet.release(worker.state)
    worker.state.sandbox = "gone"
