"""A controller: what it watches, how objects become keys, and ``reconcile(key)``.

    class ReplicaSetController(Controller):
        name = "replicaset"
        watches = (Watches("replicasets.apps"), Watches("pods", owned_by("ReplicaSet")))

        def reconcile(self, key): ...

``reconcile`` gets a key, never an event: it reads the world as its caches show it and writes the difference between what is
and what should be. It may be called twice for one change, or once for twenty, or for none; it must always be right.

Models: sample-controller's syncHandler, controller-runtime's reconcile.Reconciler ("level-based").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from k8snb.apimachinery.meta import controller_of
from k8snb.apimachinery.objects import Object
from k8snb.apiserver.request import User
from k8snb.client.client import Client
from k8snb.client.component import Component, Environment
from k8snb.client.informer import Handler, Informer, key_of
from k8snb.client.recorder import Recorder
from k8snb.client.workqueue import QueueState
from k8snb.messages import Mistake, NoSuchKey, text
from k8snb.resources.apiextensions.customresourcedefinition import served_version
from k8snb.sim.kernel import Event

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"

ToKeys = Callable[[Any, Object | None, Object | None], Iterable[str]]


def itself(_controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """The object's own key."""
    obj = new if new is not None else old
    return [key_of(obj)] if obj is not None else []


@dataclass(frozen=True, slots=True)
class OfOwner:
    """Keys for changes of objects whose controller, before or after, is of the kind ``owner`` (empty: that have none).

    The informer asks only then (see :meth:`Informer.tell_of`), so that the many loops which look at Pods do not look at one another's.
    """

    owner: str
    keys: ToKeys

    def __call__(self, controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
        """The keys."""
        return self.keys(controller, old, new)


def owned_by(kind: str) -> ToKeys:
    """The key of the owner of that kind which controls the object, before or after the change."""

    def to_keys(_controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
        found: dict[str, None] = {}
        for obj in (old, new):
            ref = controller_of(obj) if obj is not None else None
            if obj is not None and ref is not None and ref["kind"] == kind:
                namespace = obj["metadata"].get("namespace")
                found[f"{namespace}/{ref['name']}" if namespace else ref["name"]] = None
        return list(found)

    return OfOwner(kind, to_keys)


class Watches(NamedTuple):
    """One source of work: a change of ``resource`` asks for the keys that ``to_keys(controller, old, new)`` gives.

    With a ``delay`` (µs) it asks for them later, so that many changes are looked at in one turn.
    """

    resource: str
    to_keys: ToKeys = itself
    delay: int = 0


class Index(NamedTuple):
    """An index that a controller needs on a cache: ``function(object)`` gives the values it is found under."""

    resource: str
    name: str
    function: Callable[[Object], Iterable[str]]


class Tally(NamedTuple):
    """A tally that a controller needs on a cache: ``function(object)`` gives the (group, value) pairs it counts under."""

    resource: str
    name: str
    function: Callable[[Object], Iterable[tuple[str, str]]]


class Caches(dict[str, Informer]):
    """A controller's caches by resource: those that it has declared."""

    def __missing__(self, resource: str) -> Informer:
        raise NoSuchKey(text("controllers.no_cache", resource=resource, names=", ".join(self)))


class Controller:
    """One control loop inside a process. Several share the process's informers, as in kube-controller-manager."""

    name: ClassVar[str]
    account: ClassVar[str] = ""  # its service account, where that is not "<name>-controller"
    watches: ClassVar[tuple[Watches, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ()  # resources whose cache is read without being a source of work
    indexes: ClassVar[tuple[Index, ...]] = ()
    tallies: ClassVar[tuple[Tally, ...]] = ()

    def __init__(self, process: ControllerProcess | None = None):
        if process is None:  # a learner's cell has called the class, instead of handing it over
            raise Mistake(text("controllers.no_call", code=type(self).__name__))
        self.process, self.kernel = process, process.kernel
        self.agent = f"{self.name}-controller"
        self.client: Client = process.client_for(process.user_of(self), f"{process.name}/{self.name}")
        self.recorder = Recorder(process.state.recorder, self.client, self.kernel, component=self.agent)
        self.queue = process.queue(self.name, self.reconcile)
        self.informers = Caches((name, process.informer(name)) for name in self._resources())
        for index in self.indexes:
            self.informers[index.resource].add_index(index.name, index.function)
        for tally in self.tallies:
            self.informers[tally.resource].add_tally(tally.name, tally.function)
        for source in self.watches:
            self._attach(source)

    def _resources(self) -> list[str]:
        named = (
            [w.resource for w in self.watches] + list(self.reads) + [i.resource for i in self.indexes] + [t.resource for t in self.tallies]
        )
        return list(dict.fromkeys(named))

    def _attach(self, source: Watches) -> None:
        resource, delay = source.resource, source.delay
        to_keys = source.to_keys.keys if isinstance(source.to_keys, OfOwner) else source.to_keys

        def changed(old: Object | None, new: Object | None, cause: int) -> None:
            for key in to_keys(self, old, new):
                if not self.process.enabled(self.name):
                    return
                if delay:
                    self.queue.add_after(key, delay, f"{resource} have changed")
                else:
                    self.queue.add(key, cause)

        informer = self.informers[resource]
        if isinstance(source.to_keys, OfOwner):
            informer.tell_of(source.to_keys.owner, changed)
        else:
            informer.tell(changed)

    def look_at_everything(self) -> None:
        """Ask for every key that the caches give, as a start does."""
        for source in self.watches:
            for obj in self.informers[source.resource].all():
                for key in source.to_keys(self, None, obj):
                    self.queue.add(key)

    @property
    def now(self) -> int:
        """Virtual time in microseconds."""
        return self.kernel.now

    @property
    def own(self) -> Any:
        """The loop's own record in the state of its process (see :meth:`new_state`)."""
        return self.process.state.own[self.name]

    def new_state(self) -> Any:
        """The loop's own record at the start; None where it needs none. Plain data only."""
        return None

    def on_start(self) -> None:
        """The process has filled its caches: schedule periodic work here."""

    def on_stop(self) -> None:
        """The process has stopped, and its caches are empty."""

    def reconcile(self, key: str) -> None:
        """Bring one object's world closer to what the object asks for. ApiErrors lead to a retry with back-off."""
        raise NotImplementedError


class ControllerProcess(Component):
    """A process that runs controllers: kube-controller-manager, or a learner's own.

    ``controllers`` are classes; single loops may be switched off (``disabled``), to be replaced by a learner's.
    """

    def __init__(self, name: str, env: Environment, controllers: Iterable[type[Controller]], *, user: User):
        self.kinds = tuple(controllers)
        super().__init__(name, env, user=user)
        self._assemble()

    def _assemble(self) -> None:
        """Make the loops over the state of the process."""
        self.controllers = {kind.name: kind(self) for kind in self.kinds}
        for loop, controller in self.controllers.items():
            if loop not in self.state.own:
                self.state.own[loop] = controller.new_state()

    def new_state(self) -> Any:
        """The records of the loops by name, and which loops are switched off."""
        return {"disabled": {}}

    def user_of(self, controller: Controller) -> User:
        """Controllers act under service accounts of their own, as with ``--use-service-account-credentials``."""
        return service_account(controller.account or controller.agent)

    def version_of(self, resource: str) -> str:
        """As a definition says, for what is defined by one (a definition has the name of its resource)."""
        definitions = self.informers.get(DEFINITIONS)
        definition = definitions.get(resource) if definitions is not None else None
        return served_version(definition) if definition is not None else super().version_of(resource)

    def follow(self, resource: str, handler: Handler) -> None:
        """Watch one resource more while the process runs, such as one that was defined just now."""
        informer = self.informer(resource)
        informer.tell(handler)
        if self.state.running and not informer.state.watch:  # a fork has the watch already
            self.list_and_watch(resource)

    def leave(self, resource: str) -> None:
        """Watch it no longer: what has come is told, then its cache is forgotten."""
        if resource in self.informers:
            self.informers[resource].deliver()
            self.informers.pop(resource).stop()
            del self.state.informers[resource]

    def on_start(self) -> None:
        for loop, controller in self.controllers.items():
            if self.enabled(loop):
                controller.on_start()

    def on_stop(self) -> Any:
        kept = self.state.own["disabled"]
        for controller in self.controllers.values():
            controller.on_stop()
        return {"disabled": kept, **{loop: controller.new_state() for loop, controller in self.controllers.items()}}

    def handle(self, event: Event) -> None:
        """A kernel event; what was meant for a loop that is switched off is dropped."""
        kind, loop = event.key[:2]
        if kind not in ("work", "add") or self.enabled(loop):
            super().handle(event)

    def enabled(self, loop: str) -> bool:
        """Whether that loop runs."""
        return loop not in self.state.own["disabled"]

    def switch_off(self, loop: str, by: str) -> None:
        """Stop one loop, as with ``--controllers=*,-replicaset-controller``: its queue and its record are forgotten."""
        self.state.own["disabled"][loop] = by
        self.state.own[loop] = self.controllers[loop].new_state()
        self.state.queues[loop] = self.queues[loop].state = QueueState()

    def switch_on(self, loop: str) -> None:
        """Run the loop again: it looks at everything that the caches hold."""
        del self.state.own["disabled"][loop]
        if self.state.running:
            controller = self.controllers[loop]
            controller.look_at_everything()
            controller.on_start()


def service_account(name: str) -> User:
    """The user behind a service account of kube-system."""
    return User(
        f"system:serviceaccount:kube-system:{name}",
        ("system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"),
    )
