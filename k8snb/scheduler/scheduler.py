"""kube-scheduler: finds a node for every pod that has none, one pod at a time, and tells the API server.

    watch ──> cache, queue ──> schedule one ──> assume ──> (asynchronously) bind ──> Scheduled
                   ^               └── fits nowhere: FailedScheduling, PodScheduled=False, perhaps evict others
                   └── woken by events of the cluster

Two loops as upstream: the *scheduling cycle* is serial and decides from the cache; the *binding cycle* of each pod runs beside
it and takes a while. Every decision goes to the trace with its :class:`~k8snb.scheduler.diagnosis.Diagnosis`.

Models: pkg/scheduler (scheduler.go, schedule_one.go, eventhandlers.go).
Simplified: extenders, workloads (gangs) and opportunistic batching are absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import FrozenDict, Object
from k8snb.apiserver.request import User
from k8snb.client.component import Component, Environment
from k8snb.client.recorder import Recorder
from k8snb.component_helpers.timing import timing
from k8snb.scheduler import outcome
from k8snb.scheduler.cache import Cache, CacheState
from k8snb.scheduler.configuration import Settings
from k8snb.scheduler.cycle import NO_NODES, Placement, schedule_pod
from k8snb.scheduler.diagnosis import WAIT, Diagnosis, Status
from k8snb.scheduler.framework import Cluster, Cycle, Framework, Plugin, PluginFailure, Victims, call
from k8snb.scheduler.learner import PluginProgram, with_programs
from k8snb.scheduler.memo import Memo
from k8snb.scheduler.podinfo import PodInfo, pod_info
from k8snb.scheduler.preemption import Executor
from k8snb.scheduler.queue import ACTIVE, BACKOFF, UNSCHEDULABLE, QueuedPod, QueueState, SchedulingQueue
from k8snb.scheduler.volumes import AssumedVolumes
from k8snb.scheduler.watching import INFORMERS, Watching
from k8snb.sim.clock import LATENCY, duration
from k8snb.sim.state import Shelf

NAME = "kube-scheduler"
PRE_BIND_POLL = timing("volume binding poll")
"""So often a plugin that waits in PreBind is asked again."""


class Binding(NamedTuple):
    """A pod between its scheduling cycle and the end of its binding cycle. ``waiting``: Permit plugins that hold it."""

    entry: QueuedPod
    node: str
    record: int
    waiting: tuple[str, ...] = ()


@dataclass(slots=True)
class SchedulerState:
    """All that the scheduler remembers. A restart forgets it and learns it again from the API server."""

    cache: CacheState = field(default_factory=CacheState)
    queue: QueueState = field(default_factory=QueueState)
    binding: Shelf = field(default_factory=Shelf)  # namespace/name -> Binding
    preempting: Shelf = field(default_factory=Shelf)  # namespace/name of the pod that needs room -> Eviction
    volumes: AssumedVolumes = field(default_factory=AssumedVolumes)
    next_start: int = 0  # index of the node to begin with
    cycle_pending: bool = False


class KubeScheduler(Component):
    """The process. Its profiles are the schedulers that it offers, by ``spec.schedulerName``; all share one queue.

    ``programs``: a learner's plugins, which stand in the profiles beside the built-in ones.
    """

    def __init__(self, env: Environment, chosen: Settings | None = None, programs: Sequence[PluginProgram] = (), *, name: str = NAME):
        super().__init__(name, env, user=User("system:kube-scheduler", ("system:authenticated",)))
        self.settings = chosen or Settings()
        self._build(programs)
        for resource, fields in INFORMERS:
            self.informer(resource, fields=fields)
        self.watching = Watching(self)
        self._wire()

    def _build(self, programs: Sequence[PluginProgram]) -> None:
        profiles = [with_programs(profile, programs) for profile in self.settings.profiles]
        self.frameworks = {profile.scheduler_name: Framework(profile) for profile in profiles}
        self.memo = Memo()

    def rebuild(self, programs: Sequence[PluginProgram]) -> None:
        """Be another binary, with these plugins of a learner: where it runs it is stopped and started, and looks at everything again."""
        running = self.state.running
        if running:
            self.stop()
        self._build(programs)
        self._wire()
        if running:
            self.start()

    def new_state(self) -> SchedulerState:
        """An empty memory."""
        return SchedulerState()

    def on_stop(self) -> SchedulerState:
        """Everything is forgotten."""
        self.state.own = self.new_state()
        self._wire()
        return self.own

    def _wire(self) -> None:
        self.own: SchedulerState = self.state.own
        self.cache = Cache(self.own.cache)
        backoff = (self.settings.initial_backoff, self.settings.max_backoff)
        self.executor = Executor(self)
        self.queue_of_pods = SchedulingQueue(self.own.queue, self.frameworks, self, self._placed, backoff=backoff)

    # What plugins may ask (framework.Cluster)

    @property
    def now(self) -> int:
        """Virtual time, µs."""
        return self.kernel.now

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        """An object from an informer's cache."""
        return self.watching.informers[resource].get(f"{namespace}/{name}" if namespace else name)

    def objects(self, resource: str, namespace: str = "") -> Iterable[Object]:
        """Objects from an informer's cache."""
        informer = self.watching.informers[resource]
        return informer.by("namespace", namespace) if namespace else informer.all()

    def revision(self, resource: str) -> int:
        """The revision of the newest change that the informer has seen."""
        return self.watching.informers[resource].state.revision

    def nominations(self) -> dict[str, list[FrozenDict]]:
        """By node, the pods that are expected there."""
        return self.queue_of_pods.nominations() if self.own.queue.nominated else {}

    def preempting(self, key: str) -> bool:
        """Whether victims of this pod are still to be deleted."""
        return self.executor.running(key)

    @property
    def volumes(self) -> AssumedVolumes:
        """What was decided about volumes and is not confirmed yet."""
        return self.own.volumes

    def below(self, bound: int) -> int:
        """A draw from the scheduler's stream."""
        return self.kernel.rng(self.name).below(bound)

    # Kernel events

    def on_event(self, key: Any) -> None:
        """A cycle is due, a binding is due, or a pod has waited long enough."""
        kind = key[0]
        if kind == "cycle":
            self.own.cycle_pending = False
            self._schedule_one()
            self._kick()
        elif kind == "bind":
            self._bind(key[1], key[2])
        elif kind == "preempt":
            self.executor.carry_out(key[1])
        elif kind == "permit timeout":
            self._permit_timeout(key[1], key[2], key[3])
        else:
            self.queue_of_pods.due(key[1])

    def _placed(self, entry: QueuedPod) -> None:
        """The queue gave an entry a new place: set its timer, or start a cycle."""
        if entry.where in (ACTIVE, BACKOFF):
            self._kick(entry.causes)
        due = self.queue_of_pods.next_time(entry)
        if due is not None:
            upkeep = entry.where == UNSCHEDULABLE
            why = f"{entry.key}: waited five minutes" if upkeep else f"{entry.key}: back-off is over"
            self.kernel.after(max(0, due - self.now), self.name, ("due", entry.key), why=why, background=upkeep)

    def _kick(self, causes: tuple[int, ...] = ()) -> None:
        if self.own.cycle_pending or not self.queue_of_pods.ready():
            return
        self.own.cycle_pending = True
        self.kernel.after(LATENCY["schedule"], self.name, ("cycle",), why="the next pod in the queue", causes=causes)

    # The scheduling cycle

    def _schedule_one(self) -> None:
        entry = self.queue_of_pods.pop()
        if entry is None:
            return
        info = pod_info(entry.pod)
        if info.terminating:
            self.say(info, entry.pod, "Warning", "FailedScheduling", f"skip schedule deleting pod: {info.namespace}/{info.name}")
            self.queue_of_pods.done(entry.key)
            return
        cycle = self.cycle_for(entry.pod)
        placement = schedule_pod(cycle, self.own.next_start)
        self.own.next_start = placement.next_start
        if placement.node:
            self._commit(cycle, entry, placement)
        else:
            self._fail(entry, placement)

    def cycle_for(self, pod: FrozenDict) -> Cycle:
        """A cycle for this pod against the present cache."""
        info = pod_info(pod)
        return Cycle(info, self.cache.snapshot(), self, self.memo, self.frameworks[info.scheduler_name])

    def would_schedule(self, pod: FrozenDict) -> Diagnosis:
        """What would come of a cycle for this pod now. Nothing is changed, not even the stream of draws: the first of equals wins."""
        cycle = self.cycle_for(pod)
        cycle.cluster = cast(Cluster, Still(self))
        return schedule_pod(cycle, self.own.next_start).diagnosis

    def _commit(self, cycle: Cycle, entry: QueuedPod, placement: Placement) -> None:
        """Take the node: reserve, ask for permission, assume the pod, and let the binding begin."""
        node, pod = placement.node, cycle.pod
        objection, waiting, limit = self._reserve_and_permit(cycle, node)
        if objection is not None:
            self._unreserve(cycle, node)
            self._fail(entry, _refused(pod.key, node, objection, placement))
            return
        record = self._trace(entry, placement.diagnosis)
        self.cache.assume(entry.pod, node)
        self.queue_of_pods.done(entry.key)
        self.own.binding[entry.key] = Binding(entry, node, record, waiting)
        if waiting:
            self.queue_of_pods.fly(entry.key)
            self.patch_status(entry.pod, None, node)  # so that others (an autoscaler, say) know where it will go
            why = f"{entry.key} waits for {', '.join(waiting)}"
            self.kernel.after(limit, self.name, ("permit timeout", entry.key, record, limit), why=why, causes=(record,))
        else:
            self._start_binding(entry.key, node, record)

    def _reserve_and_permit(self, cycle: Cycle, node: str) -> tuple[Status | None, tuple[str, ...], int]:
        """The first objection, or the plugins that ask to wait and for how long at most (µs)."""
        waiting: list[str] = []
        longest = 0
        try:
            for reserver in cycle.framework.reserve:
                status: Status | None = call(reserver, "Reserve", reserver.reserve, cycle, node)
                if status is not None:
                    return status._replace(plugin=reserver.name), (), 0
            for permitter in cycle.framework.permit:
                status, limit = call(permitter, "Permit", permitter.permit, cycle, node)
                if status is not None and status.code != WAIT:
                    return status._replace(plugin=permitter.name), (), 0
                if status is not None:
                    waiting.append(permitter.name)
                    longest = max(longest, limit)
        except PluginFailure as failure:
            return Status("Error", (str(failure),)), (), 0
        return None, tuple(waiting), longest

    def _unreserve(self, cycle: Cycle, node: str) -> None:
        for plugin in reversed(cycle.framework.reserve):
            self._tell(plugin, "Unreserve", plugin.unreserve, cycle, node)

    # The binding cycle

    def allow(self, key: str, plugin: str) -> None:
        """A Permit plugin lets a waiting pod go on."""
        flight: Binding | None = self.own.binding.get(key)
        if flight is None or plugin not in flight.waiting:
            return
        left = tuple(name for name in flight.waiting if name != plugin)
        self.own.binding[key] = flight._replace(waiting=left)
        if not left:
            self._start_binding(key, flight.node, flight.record)

    def waiting(self) -> list[tuple[str, str]]:
        """The pods that wait for permission, and their nodes."""
        return [(key, flight.node) for key, flight in self.own.binding.items() if flight.waiting]

    def _start_binding(self, key: str, node: str, record: int) -> None:
        self.queue_of_pods.land(key)
        self.kernel.after(LATENCY["bind"], self.name, ("bind", key, record), why=f"bind {key} to {node}", causes=(record,))

    def _in_flight(self, key: str, record: int) -> Binding | None:
        """The binding that an event is about; None where it has ended, or where it is of a newer pod of the same name."""
        flight: Binding | None = self.own.binding.get(key)
        return flight if flight is not None and flight.record == record else None

    def _permit_timeout(self, key: str, record: int, limit: int) -> None:
        flight = self._in_flight(key, record)
        if flight is not None and flight.waiting:
            reason = f"rejected due to timeout after waiting {duration(limit)} at plugin {flight.waiting[0]}"
            self._binding_failed(key, reason, rejected_by=flight.waiting)

    def _bind(self, key: str, record: int) -> None:
        flight = self._in_flight(key, record)
        if flight is None:
            return
        pod = pod_info(flight.entry.pod)
        try:
            if not self._write_binding(pod, flight.node):
                why = f"{key} waits for its volumes"
                self.kernel.after(PRE_BIND_POLL, self.name, ("bind", key, record), why=why, causes=(record,), background=True)
                return
        except PluginFailure as error:
            self._binding_failed(key, str(error))
            return
        del self.own.binding[key]
        self.say(pod, flight.entry.pod, "Normal", "Scheduled", outcome.assigned(pod, flight.node))
        for listener in self.frameworks[pod.scheduler_name].post_bind:
            self._tell(listener, "PostBind", listener.post_bind, pod, flight.node)

    def _tell(self, plugin: Plugin, point: str, method: Callable[..., None], *arguments: Any) -> None:
        """Call a method whose failure cannot change anything any more; a failure is only noted."""
        try:
            call(plugin, point, method, *arguments)
        except PluginFailure as failure:
            self.kernel.trace.add(self.now, "note", self.name, "plugin failed", plugin.name, str(failure))

    def _write_binding(self, pod: PodInfo, node: str) -> bool:
        """Run PreBind, then send the body of the first Bind plugin that has one. False where a PreBind plugin is not ready yet.

        Raises PluginFailure.
        """
        framework = self.frameworks[pod.scheduler_name]
        for preparer in framework.pre_bind:
            status: Status | None = call(preparer, "PreBind", preparer.pre_bind, pod, node, self)
            if status is not None and status.code == WAIT:
                return False
            if status is not None:
                raise PluginFailure(preparer.name, "PreBind", RuntimeError(status.message))
        for binder in framework.bind:
            body: FrozenDict | None = call(binder, "Bind", binder.bind, pod, node)
            if body is not None:
                call(binder, "Bind", self._send_binding, pod, body)
                return True
        raise PluginFailure("", "Bind", RuntimeError("no Bind plugin took the pod"))

    def _send_binding(self, pod: PodInfo, body: FrozenDict) -> None:
        self.client.create("pods", body, pod.namespace, subresource="binding", name=pod.name)

    def _binding_failed(self, key: str, message: str, rejected_by: tuple[str, ...] = ()) -> None:
        """Take the assumption back and try again later. Others may use what was held."""
        flight: Binding = self.own.binding.pop(key)
        assumed = self.own.cache.pods.get(key)
        self.cache.forget(key)
        self._unreserve(self.cycle_for(flight.entry.pod), flight.node)
        live = self.watching.pod(key)
        same = live is not None and pod_info(live).uid == pod_info(flight.entry.pod).uid
        if live is not None and same and not pod_info(live).node_name:
            self.queue_of_pods.put_back(flight.entry._replace(pod=live), rejected_by)
        if assumed is not None:
            self.watching.released(assumed)
        self._report(flight.entry.pod, message, "Unschedulable" if rejected_by else "SchedulerError", "")

    # When nothing fits

    def _fail(self, entry: QueuedPod, placement: Placement) -> None:
        """Queue the pod for another day, evict victims if that helps, and say why on the pod."""
        diagnosis, room = placement.diagnosis, placement.room
        if room is not None and room.victims is not None:
            diagnosis.nominated = room.victims.node
        record = self._trace(entry, diagnosis, room.victims if room is not None else None)
        system = diagnosis.error and diagnosis.error != NO_NODES
        nominate = room.nominate if room is not None else "" if diagnosis.error else None
        live = self.watching.pod(entry.key)
        if room is not None and room.victims is not None:
            self.executor.begin(live or entry.pod, room.victims, record)
        if live is None or pod_info(live).node_name:
            self.queue_of_pods.done(entry.key)
        else:
            self.queue_of_pods.failed(entry.key, diagnosis.unschedulable_plugins, diagnosis.pending_plugins)
        if nominate is not None and live is not None:
            self.queue_of_pods.nominate(live, nominate)
        self._report(entry.pod, diagnosis.message, "SchedulerError" if system else "Unschedulable", nominate)

    def refuse_permission(self, key: str, why: str, plugin: str) -> bool:
        """Refuse a pod that a Permit plugin holds; whether there is such a pod."""
        flight: Binding | None = self.own.binding.get(key)
        if flight is None or not flight.waiting:
            return False
        self._binding_failed(key, why, rejected_by=(plugin,))
        return True

    def _report(self, pod: FrozenDict, message: str, reason: str, nominate: str | None) -> None:
        self.say(pod_info(pod), pod, "Warning", "FailedScheduling", outcome.truncated(message))
        self.patch_status(pod, outcome.unscheduled(reason, message), nominate)

    def patch_status(self, pod: FrozenDict, wanted: dict[str, Any] | None, nominate: str | None, *, strict: bool = False) -> None:
        """Write the condition. If the pod is gone or the server says no, the next attempt will write it again; ``strict``: raise."""
        patch = outcome.status_patch(self.watching.pod(pod_info(pod).key) or pod, wanted, nominate, self.now)
        if not patch:
            return
        info = pod_info(pod)
        try:
            self.client.patch("pods", info.name, patch, info.namespace, kind="strategic", subresource="status")
        except ApiError as error:
            if strict:
                raise
            self.kernel.trace.add(self.now, "note", self.name, "patch refused", info.key, error.message)

    # Telling

    def say(self, speaker: PodInfo, about: FrozenDict, kind: str, reason: str, message: str) -> None:
        """An Event in the name of the profile that is responsible for ``speaker``."""
        recorder = Recorder(self.recorder.state, self.client, self.kernel, component=speaker.scheduler_name)
        recorder.event(about, kind, reason, message)

    def _trace(self, entry: QueuedPod, diagnosis: Diagnosis, victims: Victims | None = None) -> int:
        """Record the decision; what is written from now on has it as its cause."""
        waited = duration(self.now - entry.added)
        data = diagnosis.as_data(attempt=entry.attempts, waited=waited, victims=[pod_info(p).key for p in victims.pods] if victims else [])
        actor = pod_info(entry.pod).scheduler_name
        record = self.kernel.trace.add(self.now, "decision", actor, "schedule", entry.key, data, entry.causes)
        self.kernel.causes = (record,)
        return record


def _refused(key: str, node: str, objection: Status, placement: Placement) -> Placement:
    """The diagnosis of a pod that a Reserve or Permit plugin refused: one node, one reason."""
    diagnosis = Diagnosis(key, nodes=1, statuses={node: objection})
    diagnosis.blame(objection)
    if not objection.rejected:
        diagnosis.error = objection.message
    return Placement(diagnosis, "", placement.next_start)


class Still:
    """The cluster as a plugin sees it, for a cycle that must leave no trace: it draws nothing and lets nobody go on."""

    def __init__(self, scheduler: KubeScheduler):
        self._scheduler = scheduler

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scheduler, name)

    def below(self, bound: int) -> int:
        """Always the first."""
        return 0

    def allow(self, key: str, plugin: str) -> None:
        """Nobody goes on."""
