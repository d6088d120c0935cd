"""The controllers of a cluster, and a learner's own among them.

    cluster.controllers                                    # a list: who runs, what waits, what failed
    cluster.controllers.replace("replicaset", MyReplicaSet)
    cluster.controllers.run(MyController)                  # beside the built-in ones
    cluster.controllers.restore("replicaset")

Which of a learner's classes run is an input of the simulation, as a fault is: recorded, replayed. The classes themselves are
wiring: :attr:`Simulation.programs` names those that run now, and the history those that ran at any moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

from k8snb.client.controller import ControllerProcess
from k8snb.client.learner import LearnerProcess, Program, program
from k8snb.client.workqueue import QueueState
from k8snb.guests.arguments import careful
from k8snb.guests.turns import told
from k8snb.messages import Mistake, text
from k8snb.scheduler.learner import PluginProgram
from k8snb.scheduler.scheduler import NAME as SCHEDULER
from k8snb.scheduler.scheduler import KubeScheduler
from k8snb.sim.clock import duration
from k8snb.simulation.history import Code

if TYPE_CHECKING:
    from k8snb.simulation.simulation import Simulation

MANAGER = "kube-controller-manager"
WIDTH = 100  # columns of a list of names


def _manager(simulation: Simulation) -> ControllerProcess:
    found = simulation.parts.components[MANAGER]
    assert isinstance(found, ControllerProcess)
    return found


def rehearse(simulation: Simulation, programs: tuple[Code, ...]) -> None:
    """Make the programs in a future that nobody sees. Raises ValueError where that fails."""
    future = simulation.fork()
    try:
        install(future, programs)
        future.fork()  # whatever they remember can be copied
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the learner's)
        raise Mistake(text("controllers.cannot_begin", error=told(error))) from None
    for new in controllers_of(programs):
        queue = future.root.components[new.process].queues[new.name]
        if new not in simulation.programs and "on_start" in queue.errors:
            raise Mistake(text("controllers.cannot_begin", error=queue.errors["on_start"]))


def controllers_of(programs: Iterable[Code]) -> tuple[Program, ...]:
    """Those of the programs that are controllers."""
    return tuple(one for one in programs if isinstance(one, Program))


def plugins_of(programs: Iterable[Code]) -> tuple[PluginProgram, ...]:
    """Those of the programs that are plugins of the scheduler."""
    return tuple(one for one in programs if isinstance(one, PluginProgram))


def install(simulation: Simulation, programs: tuple[Code, ...]) -> None:
    """Let exactly these programs run: end the others, give the built-in loops their places back, start the new ones."""
    before, simulation.programs = simulation.programs, programs
    for gone in [one for one in before if one not in programs]:
        _note(simulation, "end", gone)
        if isinstance(gone, Program):
            _end(simulation, gone)
    for new in [one for one in programs if one not in before]:
        _note(simulation, "run", new)
        if isinstance(new, Program):
            _begin(simulation, new)
    if plugins_of(before) != plugins_of(programs):
        scheduler = simulation.parts.components[SCHEDULER]
        assert isinstance(scheduler, KubeScheduler)
        scheduler.rebuild(plugins_of(programs))
    _give_places(simulation, controllers_of(programs))


def _end(simulation: Simulation, gone: Program) -> None:
    simulation.parts.components.pop(gone.process).stop()
    del simulation.root.components[gone.process], simulation.parts.kernel.handlers[gone.process]


def _begin(simulation: Simulation, new: Program) -> None:
    process = simulation.parts.components[new.process] = LearnerProcess(new, simulation.parts.env)
    process.start()


def _give_places(simulation: Simulation, programs: tuple[Program, ...]) -> None:
    """Switch off the built-in loops whose place a learner's controller takes, and on again those where none does."""
    manager, replaced = _manager(simulation), {one.name: one.kind.__name__ for one in programs if one.account}
    for loop in manager.controllers:
        if loop in replaced:
            manager.switch_off(loop, replaced[loop])
        elif not manager.enabled(loop):
            manager.switch_on(loop)


def _note(simulation: Simulation, verb: str, what: Code) -> None:
    """A record of it in the trace, which everything that follows names as its cause."""
    kernel, process = simulation.parts.kernel, what.process if isinstance(what, Program) else SCHEDULER
    kernel.causes = (kernel.trace.add(kernel.now, "fault", "you", verb, f"{what.kind.__name__} ({process})"),)


@dataclass(frozen=True)
class Loop:
    """One control loop as it is now. Keys are ``namespace/name``; ``due`` tells in how many µs a key is looked at again.

    ``code``: the learner's class (empty: built in); ``replaced_by``: the learner's class that has its place.
    """

    name: str
    process: str
    code: str
    replaced_by: str
    running: bool
    waiting: tuple[str, ...]
    failures: dict[str, int]
    errors: dict[str, str]
    due: dict[str, int]

    @property
    def quiet(self) -> bool:
        """Whether nothing waits, nothing has failed, and nothing is due."""
        return not (self.waiting or self.failures or self.errors or self.due)

    def __repr__(self) -> str:
        return "\n".join([self._head(), *(f"  {line}" for line in self._lines())])

    def _head(self) -> str:
        key = "controllers.replaced" if self.replaced_by else "controllers.yours" if self.code else "controllers.built_in"
        stopped = "" if self.running else f" {text('controllers.stopped')}"
        return text(key, name=self.name, process=self.process, code=self.code or self.replaced_by) + stopped

    def _lines(self) -> Iterator[str]:
        if self.waiting:
            yield text("controllers.waiting", keys=", ".join(self.waiting))
        for key, error in self.errors.items():
            if key in self.failures:
                delay = duration(max(0, self.due.get(key, 0))) or "0s"
                yield text("controllers.failed", key=key, count=self.failures[key], delay=delay, error=error)
            else:
                yield f"{key}: {error}"
        later = [text("controllers.later", key=key, delay=duration(due)) for key, due in self.due.items() if key not in self.failures]
        yield from later
        if self.quiet and not self.replaced_by:
            yield text("controllers.quiet")


@careful("cluster.controllers")
class Controllers:
    """The control loops of a cluster by name; those of the kube-controller-manager, and a learner's own."""

    def __init__(self, simulation: Simulation):
        self._simulation = simulation

    def replace(self, loop: str, code: Any, watches: Iterable[Any] = ()) -> Loop:
        """Run a learner's controller in place of the built-in loop of that name, with its rights.

        ``code`` is a class with ``watches`` and ``reconcile(self, key)``, or such a function, and then ``watches``. Raises
        ValueError with one sentence for a loop that does not exist and for code that cannot be run.
        """
        built_in = self._built_in(loop)
        account = built_in.account or built_in.agent
        return self._add(program(code, self._resources(), name=loop, account=account, watches=watches))

    def run(self, code: Any, watches: Iterable[Any] = (), name: str = "") -> Loop:
        """Run a learner's controller beside the built-in ones, as a cluster administrator. ``code`` as in :meth:`replace`."""
        found = program(code, self._resources(), name=name, watches=watches)
        if found.name in _manager(self._simulation).controllers:
            raise Mistake(text("controllers.taken", name=found.name))
        return self._add(found)

    def restore(self, loop: str) -> Loop | None:
        """End the learner's controller of that name; a built-in loop that it replaced runs again, and looks at everything."""
        kept = self._without(loop)
        if len(kept) == len(self._simulation.programs):
            self._known(loop)
        else:
            self._simulation.run_programs(kept)
        return self[loop] if loop in _manager(self._simulation).controllers else None

    def _add(self, found: Program) -> Loop:
        self._simulation.run_programs((*self._without(found.name), found))
        return self[found.name]

    def _without(self, loop: str) -> tuple[Code, ...]:
        return tuple(one for one in self._simulation.programs if not isinstance(one, Program) or one.name != loop)

    def _resources(self) -> list[str]:
        return list(self._simulation.parts.server.catalogue.by_key)

    def _built_in(self, loop: str) -> Any:
        built_in = _manager(self._simulation).controllers
        if loop not in built_in:
            raise Mistake(text("controllers.no_loop", loop=loop, names=", ".join(sorted(built_in))))
        return built_in[loop]

    def _known(self, loop: str) -> None:
        if loop not in list(self):
            raise Mistake(text("controllers.no_loop", loop=loop, names=", ".join(self)))

    def __iter__(self) -> Iterator[str]:
        own = [one.name for one in controllers_of(self._simulation.programs)]
        return iter([*own, *sorted(name for name in _manager(self._simulation).controllers if name not in own)])

    def __getitem__(self, loop: str) -> Loop:
        """How that loop is now: the learner's, where one has the name. Raises ValueError for a name that nobody has."""
        self._known(loop)
        own = next((one for one in controllers_of(self._simulation.programs) if one.name == loop), None)
        if own is not None:
            return self._look(own.process, loop, own.kind.__name__)
        return self._look(MANAGER, loop, "")

    def _look(self, process: str, loop: str, code: str) -> Loop:
        now, component = self._simulation.now, self._simulation.parts.components[process]
        queue: QueueState = component.state.queues[loop]
        due = {key: when - now for key, when in queue.later.items() if when >= now}
        disabled = component.state.own["disabled"].get(loop, "")
        running = component.state.running
        return Loop(loop, process, code, disabled, running, tuple(queue.order), dict(queue.failures), dict(queue.errors), due)

    def __repr__(self) -> str:
        """The learner's loops, the built-in ones that they replace and those that are busy, in full; the others by name."""
        built_in = [self._look(MANAGER, name, "") for name in sorted(_manager(self._simulation).controllers)]
        told_in_full = [self[one.name] for one in controllers_of(self._simulation.programs)]
        told_in_full += [loop for loop in built_in if loop.replaced_by or loop.waiting or loop.failures]
        quiet = [loop.name for loop in built_in if loop not in told_in_full]
        unsaved = [text("controllers.unsaved", names=", ".join(self._simulation.unsaved))] if self._simulation.unsaved else []
        others = fill(text("controllers.others", names=", ".join(quiet)), WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        return "\n".join([*unsaved, *map(repr, told_in_full), others])
