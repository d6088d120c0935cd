"""AKS, the managed service: what it does to node pools that takes many steps, each of which can be watched.

    scale down   drain the newest nodes, then delete their machines
    upgrade      make surge machines; then, as many at a time: cordon, drain, remove the Node (so that load balancers leave it
                 out), give the machine the new image, wait until it is Ready; at last drain and delete the surge machines
    preemption   the cloud announces that it takes a spot machine back: cordon and drain it while there is time

A drain respects PodDisruptionBudgets. A budget that never allows an eviction stops an upgrade: the node stays cordoned, the
operation says which pod it waits for, and fails after thirty minutes: the node may be used again, the surge machines go.

Models: "upgrade an AKS cluster" (max surge, drain timeout), "node auto-drain"; the Events of AKS' upgrader.
Simplified: only node images are upgraded, the version of Kubernetes stays; the soak time after a drain is zero.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import is_true
from k8snb.apiserver.request import MASTERS, User
from k8snb.client.component import Component, Environment
from k8snb.client.indexes import by_node
from k8snb.client.recorder import Recorder
from k8snb.cloud.azure import AKS, CREATING, RUNNING, STOPPED, Azure
from k8snb.cloud.drain import cordon, evict, movable
from k8snb.cloud.pools import Instance
from k8snb.sim.clock import MINUTE, SECOND
from k8snb.sim.state import Shelf

LOOK = 5 * SECOND
DRAIN_TIMEOUT = 30 * MINUTE
UPGRADE, SCALE_DOWN, PREEMPT = "upgrade", "scale down", "preemption"
DRAIN, REMOVE, REIMAGE = "drain", "remove", "reimage"
UNSCHEDULABLE = "remediator.kubernetes.azure.com/unschedulable"


class Step(NamedTuple):
    """What is being done to one machine, and since when (µs)."""

    what: str
    since: int


@dataclass(slots=True)
class Operation:
    """One operation on a pool. ``waiting``: machines whose turn has not come; ``now``: those being worked on."""

    pool: str
    kind: str
    began: int
    waiting: list[str] = field(default_factory=list)
    now: Shelf = field(default_factory=Shelf)  # machine -> Step
    surge: list[str] = field(default_factory=list)
    surged: bool = False  # those are there
    done: list[str] = field(default_factory=list)
    blocked: Shelf = field(default_factory=Shelf)  # pod -> the refusal of its eviction
    ended: int = 0
    failure: str = ""


@dataclass(slots=True)
class AksState:
    """Operations by name of the pool, the last one of each; preemptions by name of the machine."""

    operations: dict[str, Operation] = field(default_factory=dict)


class Aks(Component):
    """The managed service's own hand on the cluster."""

    def __init__(self, env: Environment, azure: Azure):
        self.azure = azure
        super().__init__(AKS, env, user=User("aks-service", (MASTERS, "system:authenticated")), agent=AKS)
        self.nodes = self.informer("nodes")
        self.pods = self.informer("pods")
        self.pods.add_index("node", by_node)
        self.upgrader = Recorder(self.state.recorder, self.client, self.kernel, component="upgrader")

    def new_state(self) -> AksState:
        """Nothing is being done."""
        return AksState()

    @property
    def own(self) -> AksState:
        """What is being done."""
        found: AksState = self.state.own
        return found

    def on_stop(self) -> AksState:
        """Operations are written down: whoever starts next goes on with them."""
        return self.own

    def on_start(self) -> None:
        for name, operation in self.own.operations.items():
            if not operation.ended:
                self._look_again(name, 0)

    # -- beginning ---------------------------------------------------------------------------------------------------

    def upgrade(self, pool: str, image: str) -> None:
        """Give all machines of a pool a new image, with the pool's surge."""
        old = self.azure.instances_of(pool, CREATING, RUNNING, STOPPED)
        found = self.azure.change_pool(pool, image=image)
        operation = Operation(pool, UPGRADE, self.kernel.now, waiting=[one.name for one in old])
        operation.surge = [self.azure.create(pool).name for _ in range(min(found.max_surge, len(old)))]
        self._begin(pool, operation)

    def scale_down(self, pool: str, count: int) -> None:
        """Take the newest machines away until ``count`` are left."""
        self.azure.change_pool(pool, machines=count)
        machines = self.azure.instances_of(pool, CREATING, RUNNING, STOPPED)
        self._begin(pool, Operation(pool, SCALE_DOWN, self.kernel.now, waiting=[one.name for one in machines[count:]]))

    def _begin(self, name: str, operation: Operation) -> None:
        self.own.operations[name] = operation
        self._note(operation, None)
        self._look_again(name, 0)

    def _note(self, operation: Operation, outcome: str | None) -> None:
        kernel = self.kernel
        kernel.causes = (kernel.trace.add(kernel.now, "decision", AKS, operation.kind, operation.pool, outcome, kernel.causes),)

    def _look_again(self, name: str, delay: int) -> None:
        operation = self.own.operations[name]
        why = f"{operation.kind} of {operation.pool} goes on"
        self.kernel.after(delay, AKS, ("look", name), why=why, causes=self.kernel.causes)

    def on_event(self, key: Any) -> None:
        """One look at one operation, or the announcement of a preemption."""
        kind, name = key
        if not self.state.running:
            return  # whoever starts it again goes on with what is written down
        if kind == "preempt":
            instance: Instance | None = self.azure.state.instances.get(name)
            if instance is not None:
                with suppress(ApiError):  # the pods may be moved nevertheless
                    self._preempted(name)
                self._begin(name, Operation(instance.pool, PREEMPT, self.kernel.now, waiting=[name]))
            return
        operation = self.own.operations.get(name)
        if operation is None or operation.ended:
            return
        with suppress(ApiError):  # the API server does not answer, or somebody was faster: the next look sees
            self._go_on(operation)
        if not operation.ended:
            self._look_again(name, LOOK)

    # -- going on ----------------------------------------------------------------------------------------------------

    def _go_on(self, operation: Operation) -> None:
        if operation.kind == UPGRADE and not self._surge_is_ready(operation):
            return
        operation.blocked.clear()
        for name, step in list(operation.now.items()):
            self._go_on_with(operation, name, step)
        width = len(operation.surge) if operation.kind == UPGRADE else len(operation.waiting)
        while operation.waiting and len(operation.now) < width:
            self._start_drain(operation, operation.waiting.pop(0))
        if not operation.waiting and not operation.now:
            self._finish(operation)

    def _surge_is_ready(self, operation: Operation) -> bool:
        """Machines above the pool's number take the pods of those that are being replaced."""
        if not operation.surged and all(self._ready(name) for name in operation.surge):
            operation.surged = True
            for name in operation.surge:
                said = f"Created a surge node [{name} {operation.pool}] for agentpool {operation.pool}"
                self.upgrader.event(self.nodes.get(name) or {}, "Normal", "Surge", said)
        return operation.surged

    def _ready(self, name: str) -> bool:
        node = self.nodes.get(name)
        instance: Instance | None = self.azure.state.instances.get(name)
        return node is not None and is_true(node, "Ready") and instance is not None and instance.state == RUNNING

    def _start_drain(self, operation: Operation, name: str) -> None:
        operation.now[name] = Step(DRAIN, self.kernel.now)
        node = self.nodes.get(name)
        if node is not None:
            self.upgrader.event(node, "Normal", "Drain", f"Draining node: {name}")
            cordon(self.client, name)

    def _go_on_with(self, operation: Operation, name: str, step: Step) -> None:
        if step.what == REIMAGE:
            if self._ready(name):
                del operation.now[name]
                operation.done.append(name)
            return
        left = movable(self.pods.by("node", name))
        for pod in left:
            refused = evict(self.client, pod)
            if refused:
                operation.blocked[f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"] = refused
        if not left:
            self._drained(operation, name)
        elif operation.kind != PREEMPT and self.kernel.now - step.since > DRAIN_TIMEOUT:
            self._fail(operation, name)

    def _drained(self, operation: Operation, name: str) -> None:
        if operation.kind == UPGRADE and operation.now[name].what == DRAIN:
            if self.nodes.get(name) is not None:
                self.client.delete("nodes", name)
            operation.now[name] = Step(REMOVE, self.kernel.now)  # load balancers need a moment to hear of it
            return
        if operation.kind == UPGRADE and name not in operation.surge:
            self.azure.reimage(name)
            operation.now[name] = Step(REIMAGE, self.kernel.now)
            return
        del operation.now[name]
        operation.done.append(name)
        if operation.kind != PREEMPT and name in self.azure.state.instances:
            self.azure.delete([name])

    def _finish(self, operation: Operation) -> None:
        """The last surge machines go as they came; then it is done."""
        left = [name for name in operation.surge if name not in operation.done]
        if operation.kind == UPGRADE and left:
            for name in left:
                self._start_drain(operation, name)
            return
        self._end(operation)

    def _fail(self, operation: Operation, name: str) -> None:
        """Give up: what was cordoned may be used again, the machines that were made for the upgrade go."""
        pods = ", ".join(operation.blocked)
        operation.failure = f"Drain node {name} failed when evicting pods: {pods}" if pods else f"Drain node {name} timed out"
        node = self.nodes.get(name)
        if node is not None:
            self.upgrader.event(node, "Warning", "Drain", operation.failure)
        for busy, step in operation.now.items():
            if step.what == DRAIN and self.nodes.get(busy) is not None:
                cordon(self.client, busy, on=False)
        self.azure.delete(one for one in operation.surge if one not in operation.done and one in self.azure.state.instances)
        self._end(operation)

    def _end(self, operation: Operation) -> None:
        operation.ended = self.kernel.now
        self._note(operation, operation.failure or "done")

    def _preempted(self, name: str) -> None:
        node = self.nodes.get(name)
        if node is not None:
            self.upgrader.event(node, "Warning", "PreemptScheduled", f"Node {name} has a scheduled event: Preempt")
            taints = [*(node["spec"].get("taints") or ()), {"key": UNSCHEDULABLE, "effect": "NoSchedule"}]
            self.client.patch("nodes", name, {"spec": {"taints": taints}})


