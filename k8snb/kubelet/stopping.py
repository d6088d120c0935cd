"""How containers and pods end: hooks, SIGTERM, the grace period, SIGKILL, and the order among containers.

    Killing -> preStop hook -> (a sidecar waits for its turn) -> SIGTERM -> (grace period over) SIGKILL, exit code 137

All containers of a pod that ends are asked at once, and share one grace period. Only sidecars wait: for all ordinary containers,
and for the sidecars after them, as long as there is grace left. However long hooks and turns took, a process has two seconds
between SIGTERM and SIGKILL.

Models: pkg/kubelet/kuberuntime/kuberuntime_container.go (killContainer), kuberuntime_termination_order.go, pkg/kubelet/lifecycle.
Simplified: hooks take their time beforehand, so what they do is done at their beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.component_helpers.timing import timing
from k8snb.kubelet import pods, probes
from k8snb.kubelet.state import RUNNING, SIDECAR, ContainerState
from k8snb.sim.clock import SECOND

if TYPE_CHECKING:
    from k8snb.kubelet.worker import Worker

MINIMUM = timing("grace after preStop")


def stop(worker: Worker, container: ContainerState, grace: int, why: str) -> None:
    """Begin to stop a running container within ``grace`` seconds."""
    worker.event("Normal", "Killing", why, container.name)
    container.stopping = True
    hook = _pre_stop(worker, container, worker.specs[container.name], grace * SECOND) if grace > 0 else 0
    container.term_at, container.deadline = worker.now + hook, worker.now + grace * SECOND
    escalate(worker)


def escalate(worker: Worker) -> None:
    """Send the signals that are due, and notice who ends at once."""
    now, runtime = worker.now, worker.runtime
    for container in reversed(worker.state.containers.values()):  # whoever waits for others comes after them
        if not container.stopping or container.phase != RUNNING:
            continue
        if not container.term_at:
            if now >= container.deadline and runtime.ended(container.id) is None:
                runtime.kill(container.id)
        elif now >= container.term_at and (now >= container.deadline or _its_turn(worker, container)):
            container.term_at, container.deadline = 0, max(container.deadline, now + MINIMUM)
            runtime.stop(container.id)
        if runtime.ended(container.id) is not None:  # its end is noticed when the runtime reports it
            container.term_at, container.deadline = 0, now + runtime.latencies.stop
    if runtime.instant:
        worker.reap()


def _its_turn(worker: Worker, container: ContainerState) -> bool:
    """Whether nothing runs any more that this container must outlive. That is a matter of pods that end as a whole."""
    state = worker.state
    if container.kind != SIDECAR or not (state.terminating or pods.is_finished(worker.pod, state)):
        return True
    after = list(state.containers.values())
    later = after[after.index(container) + 1 :]
    return all(other.phase != RUNNING or worker.runtime.ended(other.id) is not None for other in later)


def _pre_stop(worker: Worker, container: ContainerState, spec: Object, limit: int) -> int:
    """Run the preStop hook; how long it takes (µs), at most ``limit``."""
    hook = (spec.get("lifecycle") or EMPTY_DICT).get("preStop")
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
        return result.duration, (result.output or f"exit code {result.code}") if result.code else ""
    if hook.get("httpGet"):
        outcome = probes.ask({"timeoutSeconds": limit // SECOND, **hook}, worker.target(container), worker.runtime)
        return 0, "" if outcome.success else outcome.output
    return 0, "invalid handler"  # a tcpSocket is accepted by the API server for old times' sake, and fails here


def post_start(worker: Worker, container: ContainerState, spec: Object) -> int | None:
    """Begin the postStart hook; how long it takes (µs), None where there is none. Its outcome waits in the operation's note."""
    hook = (spec.get("lifecycle") or EMPTY_DICT).get("postStart")
    if not hook:
        return None
    taken, worker.state.operation_note = _hook(worker, container, hook, timing("post-start limit"))
    return taken


def post_started(worker: Worker, container: ContainerState) -> None:
    """The postStart hook is over. If it failed, the container is killed."""
    problem, worker.state.operation_note = worker.state.operation_note, None
    if problem and container.phase == RUNNING:
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
    _stop_all(worker)
    escalate(worker)
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


def _stop_all(worker: Worker) -> None:
    for container in worker.state.containers.values():
        if container.phase == RUNNING and not container.stopping:
            stop(worker, container, worker.state.grace, f"Stopping container {container.name}")


def finish(worker: Worker) -> None:
    """Nothing is to run any more: what still does is stopped, then the sandbox."""
    if worker.state.sandbox == "gone":
        return
    _stop_all(worker)
    escalate(worker)
    if not any(container.phase == RUNNING for container in worker.state.containers.values()):
        end_sandbox(worker)


def end_sandbox(worker: Worker) -> None:
    """The sandbox is taken down and its address given back; logs stay until the pod is deleted."""
    if worker.state.sandbox == "ready":
        worker.kubelet.detach(worker.state)
    worker.kubelet.release(worker.state)
    worker.runtime.unmount_volumes(worker.state.uid)
    worker.state.sandbox = "gone"
