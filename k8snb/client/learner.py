"""A learner's own controller, run as a process of the cluster like any other, and unable to break it.

    class MyReplicaSet(Controller):
        watches = ("replicasets.apps", Watches("pods", owned_by("ReplicaSet")))

        def reconcile(self, key): ...

It gets the client, the informers and the queue that the built-in ones have. What it raises becomes back-off and a short message;
a turn that never ends is ended, after :data:`LIMIT` requests or so many lines (:mod:`k8snb.guests.turns`). Code is wiring, not
state: a fork and a rewind run the same class in a new instance, and a restart makes a new instance too, so what was kept on
``self`` is gone, as the memory of a real process is.

Models: nothing upstream runs other people's code in its own process; a controller of one's own is a Deployment of its own, and
there it takes a loop's place with ``kube-controller-manager --controllers=*,-replicaset-controller``.
Simplified: a turn takes no time but that of its requests, however much it computes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from typing import Any, NamedTuple

from k8snb.apimachinery.objects import freeze
from k8snb.apiserver.request import Request, Response, User
from k8snb.client.component import Environment
from k8snb.client.controller import Controller, ControllerProcess, OfOwner, Watches, itself, service_account
from k8snb.client.workqueue import WorkQueue
from k8snb.guests.arguments import WHOLE, shown
from k8snb.guests.inspection import inspected, inspected_class
from k8snb.guests.turns import Endless, Rejected, guest, hinted, host, hurry, without_addresses
from k8snb.messages import Mistake, text
from k8snb.sim.state import clone

PREFIX = "learner-"
LIMIT = 200


class Program(NamedTuple):
    """A learner's loop: its name, its class ready to be wired, and the service account of the loop whose place it takes."""

    name: str
    kind: type[Controller]
    account: str = ""  # empty: it runs beside the built-in ones, as a cluster administrator

    @property
    def process(self) -> str:
        """The name of the component that runs it, for faults: ``learner-replicaset``."""
        return f"{PREFIX}{self.name}"


def program(code: Any, resources: Collection[str], *, name: str = "", account: str = "", watches: Iterable[Any] = ()) -> Program:
    """The program behind a class with ``watches`` and ``reconcile(self, key)``, or behind such a function and ``watches``.

    ``resources``: the keys that may be watched. Raises ValueError with a sentence for the learner.
    """
    body: dict[str, Any] = {"reconcile": code, "__doc__": code.__doc__} if inspect.isfunction(code) else {}
    if not isinstance(code, type) and callable(getattr(type(code), "reconcile", None)):
        raise Mistake(text("controllers.no_call", code=type(code).__name__))
    base = code if isinstance(code, type) else object
    reconcile = body.get("reconcile") or getattr(base, "reconcile", None)
    if reconcile is None or reconcile is Controller.reconcile:
        raise Mistake(text("controllers.no_reconcile", code=_called(code)))
    if not callable(reconcile) or not _takes(reconcile, None, "default/web"):
        raise Mistake(text("controllers.no_key", code=_called(code)))
    inspected(f"{_called(code)}.reconcile" if base is code else _called(code), reconcile)
    inspected_class(base, Controller)
    sources = tuple(_source(item, resources, _called(code)) for item in (tuple(watches) or _listed(base, "watches")))
    reads = _listed(base, "reads")
    for resource in reads:
        _known(resource, resources)
    if not sources:
        raise Mistake(text("controllers.no_watches", code=_called(code)))
    bases = (base,) if issubclass(base, Controller) else tuple(one for one in (base, Controller) if one is not object)
    given = getattr(base, "name", "")
    loop = name or (given if isinstance(given, str) else "") or _called(code).lower()
    guarded = {"indexes": _guarded(base, "indexes"), "tallies": _guarded(base, "tallies")}
    return Program(loop, type(_called(code), bases, {**body, **guarded, "name": loop, "watches": sources, "reads": reads}), account)


def _called(code: Any) -> str:
    return str(getattr(code, "__name__", type(code).__name__))


def _takes(function: Callable[..., Any], *arguments: Any) -> bool:
    try:
        inspect.signature(function).bind(*arguments)
    except (TypeError, ValueError):
        return False
    return True


def _listed(base: type, what: str) -> tuple[Any, ...]:
    """What a class says that it watches, or ``reads``: a tuple or list, or one thing alone."""
    said = getattr(base, what, ())
    if isinstance(said, (str, Watches)):
        return (said,)
    if not isinstance(said, (tuple, list)):
        raise Mistake(text("controllers.no_list", what=what, code=base.__name__, given=shown(said)))
    return tuple(said)


def _source(item: Any, resources: Collection[str], code: str) -> Watches:
    source = Watches(item) if isinstance(item, str) else item
    if not isinstance(source, Watches):
        raise Mistake(text("controllers.no_source", source=repr(item)))
    _known(source.resource, resources)
    if not _takes(source.to_keys, None, None, None):
        raise Mistake(text("controllers.no_mapping", resource=source.resource, code=code))
    inspected(f"{code}: {source.resource}", source.to_keys)
    return source._replace(to_keys=_guard(source.to_keys, source.resource))


def _known(resource: Any, resources: Collection[str]) -> None:
    if resource not in resources:
        near = [key for key in resources if key.partition(".")[0] == str(resource).partition(".")[0]]
        near += get_close_matches(str(resource), resources, 2)
        raise Mistake(text("controllers.no_resource", resource=resource, near=", ".join(dict.fromkeys(near)) or "pods, replicasets.apps"))


def _guarded(base: type, what: str) -> tuple[Any, ...]:
    return tuple(one._replace(function=_guard_index(one.function)) for one in getattr(base, what, ()))


def _guard(to_keys: Callable[..., Iterable[str]], resource: str) -> Callable[..., Iterable[str]]:
    """The same mapping; where it raises there are no keys, and the queue shows why. Ours is not watched."""
    if isinstance(to_keys, OfOwner) or to_keys is itself:
        return to_keys

    def guarded(controller: Controller, old: Any, new: Any) -> Iterable[str]:
        try:
            with guest("mapping"):
                keys = to_keys(controller, old, new)
                if isinstance(keys, str):
                    raise Mistake(text("controllers.keys_are_a_list", given=shown(keys)))
                return [str(key) for key in keys or ()]
        except Rejected as error:
            controller.queue.state.errors[f"watches {resource}"] = str(error)
            return []

    return guarded


def _guard_index(function: Callable[..., Iterable[Any]]) -> Callable[..., Iterable[Any]]:
    def guarded(obj: Any) -> Iterable[Any]:
        try:
            with guest("index"):
                return tuple(function(obj))
        except Rejected:  # an object that cannot be read is under no value
            return ()

    return guarded


class TooManyRequests(Endless):
    """It asks and asks."""


def _check_key(key: Any) -> None:
    if not isinstance(key, str):
        raise Mistake(text("controllers.key_is_text", key=shown(key)))


class CarefulQueue(WorkQueue):
    """A work queue for which a learner writes."""

    def add(self, key: str, cause: int = 0) -> None:
        """As :meth:`WorkQueue.add`. Raises ValueError for what is no key."""
        _check_key(key)
        super().add(key, cause)

    def add_after(self, key: str, delay: int, why: str = "it asked for another turn", *, background: bool = False) -> None:
        """As :meth:`WorkQueue.add_after`. Raises ValueError for what is no key or no delay."""
        _check_key(key)
        if not WHOLE.fits(delay):
            raise Mistake(text("controllers.no_delay", delay=shown(delay)))
        super().add_after(key, delay, str(why), background=background)


class LearnerProcess(ControllerProcess):
    """A process with one loop, whose code is not ours."""

    def __init__(self, found: Program, env: Environment):
        self.program = found
        self.left: int | None = None  # requests left in this turn
        super().__init__(found.process, env, (found.kind,), user=User())

    def user_of(self, controller: Controller) -> User:
        """It writes with the rights of the loop whose place it takes, or else as a cluster administrator."""
        return service_account(self.program.account) if self.program.account else self.user

    def _assemble(self) -> None:
        with guest("__init__"):
            super()._assemble()
            for loop, controller in self.controllers.items():
                if loop not in self.queues:
                    raise Mistake(text("controllers.no_super", code=type(controller).__name__))

    def queue(self, loop: str, reconcile: Callable[[str], None]) -> WorkQueue:
        """A queue that takes nothing but keys."""
        super().queue(loop, reconcile)
        self.queues[loop] = CarefulQueue(self.state.queues[loop], self.kernel, self.name, loop)
        return self.queues[loop]

    def start(self) -> None:
        """Begin with a new instance: a process that is started remembers nothing."""
        self.informers.clear()
        self._assemble()
        super().start()

    def on_start(self) -> None:
        self._hook("on_start", super().on_start)

    def on_stop(self) -> Any:
        self._hook("on_stop", super().on_stop)
        return self.new_state()  # a start makes a new record, with the new instance

    def _hook(self, name: str, hook: Callable[[], Any]) -> None:
        """Where it raises, the queue shows why."""
        try:
            with guest(name):
                hook()
        except Rejected as error:
            for queue in self.state.queues.values():
                queue.errors[name] = str(error)

    def attempt(self, reconcile: Callable[[str], None], key: str) -> str:
        """A learner's code cannot break the cluster: whatever it raises becomes back-off and a short message."""
        self.left = LIMIT
        try:
            with guest("reconcile"):
                said = super().attempt(reconcile, key)
                self._check_record()
                return hinted(without_addresses(said))
        except Rejected as error:
            return str(error)
        finally:
            self.left = None

    def _check_record(self) -> None:
        """What a loop has put into ``self.own`` can be forked; if not, it begins anew. Raises TypeError."""
        try:
            clone(self.state.own)
        except TypeError:
            self.state.own = {"disabled": {}, **{name: loop.new_state() for name, loop in self.controllers.items()}}
            raise

    def _send(self, request: Request) -> Response:
        if self.left is not None:
            if not self.left:
                hurry()
                raise TooManyRequests(f"more than {LIMIT} requests in one reconcile")
            self.left -= 1
        with host():
            return super()._send(request._replace(body=freeze(request.body)))  # theirs may change after the call
