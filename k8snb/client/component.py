"""A component: a process of the cluster, with its informers, its loops and its own small state.

Everything that runs (kube-controller-manager, kube-scheduler, a kubelet, kube-proxy) is a :class:`Component`. It is started
and stopped as a process is: stopping forgets its caches and queues, starting lists and watches again. Its Python object
holds only wiring; what it remembers is its :class:`ComponentState`, so a fork gets a new object over a copied state.

    kernel event (component, key)      ("watch", 7)            -> the informer takes what waits
                                       ("work", "deployment")  -> one turn of that loop: one reconcile
                                       ("add", loop, key)      -> a delayed key is due
                                       ("relist", cache)       -> a broken watch is opened again
                                       anything else           -> on_event(key)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import Object
from k8snb.apiserver.request import Options, Request, Response, User
from k8snb.apiserver.watch import Hub
from k8snb.client.client import Client, Meter, Send
from k8snb.client.informer import Informer, InformerState
from k8snb.client.recorder import Recorder, RecorderState
from k8snb.client.workqueue import QueueState, WorkQueue
from k8snb.resources import RESOURCES
from k8snb.sim.clock import LATENCY
from k8snb.sim.kernel import Event, Kernel

_STORED = {r.key: r.version for r in RESOURCES if not r.storage and r.version != "v1"}


@dataclass(slots=True)
class ComponentState:
    """What a process remembers. ``own`` is the component's own record (see :meth:`Component.new_state`)."""

    running: bool = False
    informers: dict[str, InformerState] = field(default_factory=dict)
    queues: dict[str, QueueState] = field(default_factory=dict)
    recorder: RecorderState = field(default_factory=RecorderState)
    own: Any = None
    partitioned: bool = False  # the API server cannot be reached from here


@dataclass(frozen=True, slots=True)
class Environment:
    """What a component is given: the clock, the door to the API server, the watches, and the state of all components."""

    kernel: Kernel
    send: Send
    hub: Hub
    states: dict[str, ComponentState]
    reachable: Callable[[str], bool] = lambda _component: True
    services: Any = None  # the seams: who implements CRI, CNI, the kubelet's endpoint (see k8snb.seams)


class Component:
    """One process. Subclasses declare informers in ``__init__``, then :meth:`start` lists and watches."""

    def __init__(self, name: str, env: Environment, *, user: User, agent: str = ""):
        self.name, self.env, self.kernel, self.user = name, env, env.kernel, user
        if name not in env.states:
            env.states[name] = ComponentState(own=self.new_state())
        self.state = env.states[name]
        self.informers: dict[str, Informer] = {}
        self._watching: dict[int, str] = {}  # watch -> informer, derived from their states
        self.queues: dict[str, WorkQueue] = {}
        self.loops: dict[str, Callable[[str], None]] = {}
        self.meter = Meter()  # of what a turn sends
        self.client = self.client_for(user, agent or name)
        self.recorder = Recorder(self.state.recorder, self.client, self.kernel, component=agent or name)
        self.kernel.handlers[name] = self.handle

    def new_state(self) -> Any:
        """The component's own record at the start: a dataclass of plain data, or None."""
        return None

    def client_for(self, user: User, agent: str) -> Client:
        """A client of the API server under a user; its requests fail while the component is cut off."""
        return Client(self._send, user, agent, self.version_of, self.meter)

    def version_of(self, resource: str) -> str:
        """The version in which a resource is asked for: the stored one, in which watches bring it, so that a cache holds no other."""
        return _STORED.get(resource, "v1")

    def _send(self, request: Request) -> Response:
        if self.state.partitioned:
            status = ApiError(503, "ServiceUnavailable", "dial tcp: i/o timeout").status
            return Response(503, status)
        return self.env.send(request)

    def informer(self, resource: str, *, fields: str = "") -> Informer:
        """The component's shared cache of a resource (one for each field selector)."""
        name = f"{resource}?{fields}" if fields else resource
        if name not in self.informers:
            state = self.state.informers.setdefault(name, InformerState())
            self.informers[name] = Informer(resource, state, self.env.hub, component=self.name, fields=fields)
        return self.informers[name]

    def queue(self, loop: str, reconcile: Callable[[str], None]) -> WorkQueue:
        """The work queue of one loop; ``reconcile(key)`` handles one key."""
        state = self.state.queues.setdefault(loop, QueueState())
        self.queues[loop] = WorkQueue(state, self.kernel, self.name, loop)
        self.loops[loop] = reconcile
        return self.queues[loop]

    def start(self) -> None:
        """Run: list and watch everything, then whatever :meth:`on_start` does."""
        self.state.running = True
        for name in list(self.informers):
            self.list_and_watch(name)
        self.on_start()

    def stop(self) -> None:
        """Stop: everything in memory is lost, as with a real process."""
        self.state.running = False
        self.kernel.cancel(self.name)
        for informer in self.informers.values():
            informer.stop()
        for name in self.queues:
            self.state.queues[name] = self.queues[name].state = QueueState()
        self.state.recorder.forget()
        self.state.own = self.on_stop()

    def cut_off(self) -> None:
        """The network between here and the API server is gone: requests fail, watches bring nothing until it is back."""
        self.state.partitioned = True
        for informer in self.informers.values():
            if informer.state.watch:
                informer.hub.fail(informer.state.watch, ApiError(503, "ServiceUnavailable", "the watch was cut").status)

    def on_start(self) -> None:
        """What the component does once its caches are filled."""

    def on_stop(self) -> Any:
        """The component's own record after a stop: a new one, unless part of it lies on a disk."""
        return self.new_state()

    def on_event(self, key: Any) -> None:
        """A kernel event of the component's own."""
        raise KeyError(f"{self.name} does not know the event {key!r}")

    def handle(self, event: Event) -> None:
        """A kernel event for this component."""
        key = event.key
        kind = key[0] if isinstance(key, tuple) and key else None
        if kind == "watch":
            self._deliver(key[1])
        elif kind == "work":
            self._turn(key[1])
        elif kind == "add":
            self.queues[key[1]].due(key[2])
        elif kind == "relist":
            if key[1] in self.informers:
                self.list_and_watch(key[1])
        else:
            self.on_event(key)

    def _deliver(self, watch: int) -> None:
        name = self._watching.get(watch)
        if name is None:  # opened since: numbers of watches are never used twice
            self._watching = {informer.state.watch: name for name, informer in self.informers.items()}
            name = self._watching.get(watch)
        if name is not None and self.informers[name].state.watch == watch and not self.informers[name].deliver():
            self._relist_later(name)

    def _relist_later(self, name: str) -> None:
        self.kernel.after(LATENCY["relist"], self.name, ("relist", name), why=f"the watch on {name} ended", background=True)

    def list_and_watch(self, name: str) -> None:
        """Fill an informer's cache, and watch from there on."""
        informer = self.informers[name]
        plural, _, group = informer.resource.partition(".")
        options = Options(field_selector=informer.fields)
        version = self.version_of(informer.resource)
        request = Request("list", group, version, plural, options=options, user=self.user, agent=self.client.agent)
        response = self._send(request)
        if not response.ok:
            self._relist_later(name)
            return
        body: Object = response.body
        informer.start(body["items"], int(body["metadata"]["resourceVersion"]))

    def _turn(self, loop: str) -> None:
        """One reconcile: the smallest piece of work that anybody does."""
        queue, kernel = self.queues[loop], self.kernel
        taken = queue.take()
        if taken is None:
            return
        key, causes = taken
        record = kernel.trace.add(kernel.now, "reconcile", f"{self.name}/{loop}", "", key, None, causes)
        kernel.causes = (record,)
        self.meter.calls = 0
        error = self.attempt(self.loops[loop], key)
        if error:
            delay = queue.retry(key, f"{key} again after an error", error)
            kernel.trace.amend(record, ("error", error, delay))
        else:
            queue.forget(key)
            if causes or self.meter.calls:
                kernel.trace.amend(record, ("done", self.meter.calls, 0))
            else:
                kernel.trace.retract(record)  # a periodic look that found nothing to do
        queue.done(LATENCY["reconcile"] + self.meter.calls * LATENCY["api call"])

    def attempt(self, reconcile: Callable[[str], None], key: str) -> str:
        """Run one reconcile; the text of the error that it ended with, or empty. Refused requests are errors to retry."""
        try:
            reconcile(key)
        except ApiError as error:
            return error.message
        return ""
