"""A learner's own controller, run as a process of the cluster like any other, and unable to break it.

    class MyReplicaSet(Controller):
        watches = ("replicasets.apps", Watches("pods", owned_by("ReplicaSet")))

        def reconcile(self, key): ...

It gets the client, the informers and the queue that the built-in ones have. What it raises becomes back-off and a short message;
a turn that never ends is ended, after :data:`LIMIT` requests or :data:`LINES` lines. Code is wiring, not state: a fork and a rewind
run the same class in a new instance, and a restart makes a new instance too, so what was kept on ``self`` is gone, as the memory
of a real process is.

Models: nothing upstream runs other people's code in its own process; a controller of one's own is a Deployment of its own, and
there it takes a loop's place with ``kube-controller-manager --controllers=*,-replicaset-controller``.
Simplified: a turn takes no time but that of its requests, however much it computes.
"""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from types import CodeType, FrameType
from typing import Any, NamedTuple

from k8snb.apimachinery.objects import freeze
from k8snb.apiserver.request import Request, Response, User
from k8snb.client.component import Environment
from k8snb.client.controller import Controller, ControllerProcess, Watches, service_account
from k8snb.messages import Mistake, text

PREFIX = "learner-"
LIMIT = 200
LINES = 200_000
PACKAGE = str(Path(__file__).resolve().parents[1])


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
    base = code if isinstance(code, type) else object
    reconcile = body.get("reconcile") or getattr(base, "reconcile", None)
    if reconcile is None or reconcile is Controller.reconcile:
        raise Mistake(text("controllers.no_reconcile", code=_called(code)))
    if not _takes_a_key(reconcile):
        raise Mistake(text("controllers.no_key", code=_called(code)))
    sources = tuple(_source(item, resources) for item in (tuple(watches) or _listed(base)))
    if not sources:
        raise Mistake(text("controllers.no_watches", code=_called(code)))
    bases = (base,) if issubclass(base, Controller) else tuple(one for one in (base, Controller) if one is not object)
    loop = name or getattr(base, "name", "") or _called(code).lower()
    guarded = {"indexes": _guarded(base, "indexes"), "tallies": _guarded(base, "tallies")}
    return Program(loop, type(_called(code), bases, {**body, **guarded, "name": loop, "watches": sources}), account)


def _called(code: Any) -> str:
    return str(getattr(code, "__name__", type(code).__name__))


def _takes_a_key(reconcile: Callable[..., Any]) -> bool:
    try:
        inspect.signature(reconcile).bind(None, "default/web")
    except (TypeError, ValueError):
        return False
    return True


def _listed(base: type) -> tuple[Any, ...]:
    """What a class says that it watches: a tuple or list, or one thing alone."""
    said = getattr(base, "watches", ())
    return (said,) if isinstance(said, (str, Watches)) else tuple(said)


def _source(item: Any, resources: Collection[str]) -> Watches:
    source = Watches(item) if isinstance(item, str) else item
    if not isinstance(source, Watches):
        raise Mistake(text("controllers.no_source", source=repr(item)))
    if source.resource not in resources:
        near = [key for key in resources if key.partition(".")[0] == source.resource.partition(".")[0]]
        raise Mistake(text("controllers.no_resource", resource=source.resource, near=", ".join(near) or "pods, replicasets.apps"))
    return source._replace(to_keys=_guard(source.to_keys, source.resource))


def _guarded(base: type, what: str) -> tuple[Any, ...]:
    return tuple(one._replace(function=_guard_index(one.function)) for one in getattr(base, what, ()))


def _guard(to_keys: Callable[..., Iterable[str]], resource: str) -> Callable[..., Iterable[str]]:
    """The same mapping; where it raises there are no keys, and the queue shows why."""

    def guarded(controller: Controller, old: Any, new: Any) -> Iterable[str]:
        try:
            return [str(key) for key in to_keys(controller, old, new)]
        except Exception as error:  # noqa: BLE001  (whatever it is, it is the learner's)
            controller.queue.state.errors[f"watches {resource}"] = told(error)
            return []

    return guarded


def _guard_index(function: Callable[..., Iterable[Any]]) -> Callable[..., Iterable[Any]]:
    def guarded(obj: Any) -> Iterable[Any]:
        try:
            return tuple(function(obj))
        except Exception:  # noqa: BLE001  (an object that cannot be read is under no value)
            return ()

    return guarded


class Endless(BaseException):
    """Ends a turn that goes on and on. Not an Exception, so that ``except Exception`` in a loop does not keep it alive."""


class TooManyRequests(Endless):
    """It asks and asks."""


class TooManyLines(Endless):
    """It loops without asking, waiting perhaps for its cache to change, which it cannot do during a turn."""


@functools.lru_cache(maxsize=256)
def _loops_on_one_line(code: CodeType) -> bool:
    """Whether a loop of this code begins and ends on one line: ``while True: pass``, a comprehension."""
    lines, line = {}, None
    for instruction in dis.get_instructions(code):
        position = instruction.positions.lineno if instruction.positions else None
        line = position if position is not None else line
        lines[instruction.offset] = line
        if "JUMP_BACKWARD" in instruction.opname and lines.get(instruction.argval) == line:
            return True
    return False


@contextmanager
def bounded(turn: str = "reconcile") -> Iterator[None]:
    """Count the lines of the learner's code that run, and raise :class:`TooManyLines` beyond the limit. Ours run at full speed."""
    left, outer = LINES, sys.gettrace()

    def line(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal left
        if event == "call" and _loops_on_one_line(frame.f_code):
            frame.f_trace_opcodes = True  # no event tells of another turn of such a loop
        left -= event in ("line", "opcode")
        if left < 0:
            raise TooManyLines(f"more than {LINES} lines in one {turn}")
        return line

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        return None if frame.f_code.co_filename.startswith(PACKAGE) else line(frame, event, argument)

    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(outer)


def told(error: BaseException) -> str:
    """An exception in one line, with the line of the learner's own code: ``KeyError: 'spec', line 9, in reconcile``."""
    said = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    own = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__) if not frame.f_code.co_filename.startswith(PACKAGE)]
    return f"{said}, line {own[-1][1]}, in {own[-1][0].co_name}" if own else said


class LearnerProcess(ControllerProcess):
    """A process with one loop, whose code is not ours."""

    def __init__(self, found: Program, env: Environment):
        self.program = found
        self.left: int | None = None  # requests left in this turn
        super().__init__(found.process, env, (found.kind,), user=User())

    def user_of(self, controller: Controller) -> User:
        """It writes with the rights of the loop whose place it takes, or else as a cluster administrator."""
        return service_account(self.program.account) if self.program.account else self.user

    def start(self) -> None:
        """Begin with a new instance: a process that is started remembers nothing."""
        self.informers.clear()
        self._assemble()
        super().start()

    def attempt(self, reconcile: Callable[[str], None], key: str) -> str:
        """A learner's code cannot break the cluster: whatever it raises becomes back-off and a short message."""
        self.left = LIMIT
        try:
            with bounded():
                return super().attempt(reconcile, key)
        except Endless as error:
            return f"{type(error).__name__}: {error}"
        except Exception as error:  # noqa: BLE001  (whatever it is, it is the learner's)
            return told(error)
        finally:
            self.left = None

    def _send(self, request: Request) -> Response:
        if self.left is not None:
            if not self.left:
                raise TooManyRequests(f"more than {LIMIT} requests in one reconcile")
            self.left -= 1
        return super()._send(request._replace(body=freeze(request.body)))  # theirs may change after the call
