"""A cluster that can be held still: its state, the code over it, and the ways to move it through time.

Three sizes of step, the same words everywhere: *event* (the kernel's smallest), *reconcile* (until one component has finished
a key), *settle* (until no object has changed for ``quiet`` of virtual time, bounded by ``limit``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, NoReturn

from k8snb.apimachinery.errors import bad_request
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import freeze, too_deep
from k8snb.apiserver.request import Request, Response
from k8snb.etcd.raft.group import new_group
from k8snb.etcd.raft.store import RaftStore
from k8snb.guests import turns
from k8snb.guests.arguments import shown
from k8snb.kubelet.images import Catalogue
from k8snb.messages import Interrupted, Mistake, text
from k8snb.seams.cni import HTTPResponse
from k8snb.sim.clock import SECOND, duration
from k8snb.sim.collector import resting_collector
from k8snb.sim.interrupts import Hold, holding, stop
from k8snb.sim.kernel import Event, KernelState
from k8snb.sim.state import OtherRecord, clone, decode, encode
from k8snb.sim.trace import Record
from k8snb.simulation.bootstrap import beginning, bootstrap, install_ingress
from k8snb.simulation.cloud import found_pool
from k8snb.simulation.config import Config
from k8snb.simulation.faults import FAULTS
from k8snb.simulation.history import IMAGES, PROGRAMS, Code, History, Position
from k8snb.simulation.learners import install, rehearse
from k8snb.simulation.restless import Restless, Watcher
from k8snb.simulation.root import Root
from k8snb.simulation.wiring import Parts, wire

QUIET = 5 * SECOND // 2
LIMIT = 300 * SECOND
STEP_LIMIT = 60 * SECOND
LOOKS = ("get", "list", "watch")
ACTIONS = ("reconcile", "decision", "runtime")
FORMAT = 3  # of the file around the state, which itself says of what records it is made
SHOWN = 3  # what is still to come is told so far


class Settled(NamedTuple):
    """What came of settling: whether it did within the limit, how long it took, how many events, and what is still to come."""

    settled: bool
    took: int
    events: int
    pending: tuple[Event, ...]
    now: int = 0
    restless: Restless | None = None  # who changes something again and again, so that waiting for rest is no use

    def __repr__(self) -> str:
        said = text("steps.settled" if self.settled else "steps.unsettled", took=duration(self.took))
        if self.restless:
            return f"{said}\n  {self.restless!r}"
        times = [(duration(event.time - self.now), f"{event.component}: {event.why}") for event in self.pending]
        later = [text("steps.later", delay=delay, what=what) for delay, what in times]
        rest = [text("steps.more", count=len(later) - SHOWN)] if len(later) > SHOWN else []
        return "\n  ".join([said, *later[:SHOWN], *rest])


class Simulation:
    """One cluster in virtual time. Everything that changes is in ``root``; everything from outside is in ``history``."""

    def __init__(
        self, root: Root, history: History | None = None, images: Catalogue | None = None, programs: tuple[Code, ...] = ()
    ):  # fmt: skip
        self.root = root
        self.history = history if history is not None else History()
        self.images = images if images is not None else Catalogue()  # code: what containers can run
        self.programs = programs  # code as well: what a learner has written and what runs here
        self.unsaved: tuple[str, ...] = ()  # those that ran when this cluster was saved, and are not in the file
        self.parts: Parts = wire(root, self.images, programs)
        self.listeners: list[Callable[[], None]] = []

    @classmethod
    def create(cls, config: Config) -> Simulation:
        """A fresh cluster: bootstrapped and started, nothing has run yet."""
        root = Root(config, kernel=KernelState(seed=config.seed, now=config.start, shuffle=config.shuffle))
        root.etcd = new_group(config.etcd) if config.etcd > 1 else None
        for node in config.nodes:
            root.nodes[node["metadata"]["name"]] = node
        simulation = cls(root)
        if isinstance(simulation.parts.etcd, RaftStore):
            simulation.parts.etcd.found()
        bootstrap(simulation.parts.server, beginning(config))
        for component in simulation.parts.components.values():
            component.start()
        if config.ingress:
            install_ingress(simulation.parts.server, cloud=bool(config.cloud))
        found_pool(simulation)
        simulation.history.checkpoint(root)
        return simulation

    @property
    def now(self) -> int:
        """Virtual time in microseconds since the Unix epoch."""
        return self.root.kernel.now

    @property
    def position(self) -> Position:
        """This moment."""
        return Position(self.root.kernel.processed, len(self.history.inputs), self.now)

    # ------------------------------------------------------------------ inputs

    def request(self, request: Request) -> Response:
        """A request from outside. It is recorded, so that it can be replayed. What is nested too deep is refused before that (400)."""
        if too_deep(request.body):
            return Response(400, freeze(bad_request("exceeded max depth").status))
        frozen = request._replace(body=freeze(request.body))
        if self._only_looks(request):
            return self.parts.server.handle(frozen)
        with self._whole():
            self.history.note(self.root, "request", frozen)
            response = self.parts.server.handle(frozen)
        self._tell()
        return response

    def _only_looks(self, request: Request) -> bool:
        """Whether the request changes nothing. (A proxied one is handled by a program; an injected fault is used up.)"""
        return request.verb in LOOKS and request.subresource in ("", "status", "scale", "log") and not self.root.server.faults

    def fault(self, name: str, **arguments: Any) -> Any:
        """Something breaks, or is mended: see :mod:`k8snb.simulation.faults` for the names. Recorded, too."""
        value = freeze(arguments)
        FAULTS[name].check(self, **value)
        with self._whole():
            self.history.note(self.root, name, value)
            result = FAULTS[name].apply(self, **value)
            self._outside()
        self._tell()
        return result

    def http(self, url: str, *, pod: str = "", node: str = "", **options: Any) -> HTTPResponse:
        """An HTTP request on the cluster's network. Recorded: servers count and log, and the choice of a backend is drawn.

        ``options`` are those of :meth:`k8snb.seams.cni.Network.http`. Raises ValueError for a pod that does not run.
        """
        arguments = freeze({"url": url, "pod": pod, "node": node, **options})
        self.parts.machines.source(pod, node)  # refuses before anything is noted
        with self._whole():
            self.history.note(self.root, "http", arguments)
            return self.parts.machines.http(**arguments)

    def run_programs(self, programs: tuple[Code, ...]) -> None:
        """From now on exactly these controllers and plugins of a learner run. Recorded, so that forks and rewinds run them, too.

        Raises ValueError, and changes nothing, where one of them cannot even be made.
        """
        rehearse(self, programs)
        with self._whole():
            self.history.note(self.root, PROGRAMS, programs)
            install(self, programs)
            self._outside()
        self._tell()

    def add_image(self, image: Any) -> None:
        """From now on containers can run this image. Recorded, so that forks and rewinds run it, too. Raises ValueError."""
        added = self.images.with_image(image)
        with self._whole():
            self.history.note(self.root, IMAGES, added)
            self.images.become(added)
        self.unsaved = tuple(one for one in self.unsaved if not one.startswith(f"{image.name} ("))

    def _repeat(self, kind: str, value: Any) -> None:
        if kind == PROGRAMS:
            install(self, value)
        elif kind == IMAGES:
            self.images.become(value)
        elif kind == "request":
            self.parts.server.handle(value)
        elif kind == "http":
            self.parts.machines.http(**value)
        else:
            FAULTS[kind].apply(self, **value)
        self._outside()

    def _outside(self) -> None:
        """What comes from outside next has nothing to do with what came last; a fork does not know of it either."""
        self.parts.kernel.causes = ()

    # ------------------------------------------------------------------ time

    def step_event(self) -> Event | None:
        """Handle one event; heartbeats and other upkeep before it are handled with it."""
        with self._running() as hold:
            while (event := self._step()) is not None and event.background and not hold.asked:
                pass
        return event

    def step_reconcile(self, limit: int = STEP_LIMIT) -> list[Record]:
        """Run until one component has finished a key; gives the trace of it. Empty where nothing happens within ``limit``."""
        trace, end = self.parts.kernel.trace, self.now + limit
        begin = trace.last
        with self._running() as hold:
            while (event := self.parts.kernel.peek()) is not None and event.time <= end and not hold.asked:
                self._step()
                records = trace.since(begin)
                if any(record.kind in ACTIONS for record in records):
                    return records
        return []

    def settle(self, limit: int = LIMIT, quiet: int = QUIET) -> Settled:
        """Run until no object has changed for ``quiet``, at most ``limit``. Heartbeats do not count as change.

        Who changes one object again and again without an end is named instead of waited for: see :mod:`k8snb.simulation.restless`.
        """
        begin, handled = self.now, self.root.kernel.processed
        watcher = Watcher(self.parts.kernel.trace, self.root.store.keys)
        with self._running() as hold:
            while True:
                calm = max(self.root.store.last_change, begin) + quiet
                target = min(calm, begin + limit)
                event = self.parts.kernel.peek()
                if event is None or event.time > target:
                    self.root.kernel.now = max(self.now, target)
                    break
                self._step()
                if hold.asked or watcher.found():
                    break
        took, events = self.now - begin, self.root.kernel.processed - handled
        return Settled(calm <= target and not watcher.restless, took, events, tuple(self.pending()), self.now, watcher.restless)

    def pending(self) -> list[Event]:
        """What is scheduled to happen; heartbeats are left out, and so is what was meant for containers that have ended."""
        runtimes = {f"containerd/{node}": runtime for node, runtime in self.parts.machines.runtimes.items()}
        waiting = (event for event in self.parts.kernel.pending() if not event.background)
        return [event for event in waiting if event.component not in runtimes or not runtimes[event.component].is_moot(event)]

    def run_for(self, microseconds: int) -> int:
        """Let time pass; gives the number of events handled."""
        return self._run(self.now + microseconds, lambda: False)

    def run_until(self, condition: Callable[[], bool], limit: int = LIMIT) -> bool:
        """Run until the condition holds (it is asked after every event), at most ``limit``; whether it does."""
        with self._running() as hold:

            def holds() -> bool:
                hold.cuts = True  # whatever it is that somebody wants to know, no event is cut in two
                try:
                    return condition()
                finally:
                    hold.cuts = False

            if not holds():
                self._run(self.now + limit, holds)
            return holds()

    def _run(self, end: int, enough: Callable[[], bool]) -> int:
        before = self.root.kernel.processed
        with self._running() as hold:
            while (event := self.parts.kernel.peek()) is not None and event.time <= end:
                self._step()
                if hold.asked or enough():
                    break
            else:
                self.root.kernel.now = max(self.now, end)
        return self.root.kernel.processed - before

    def advance_to(self, time: int, *, most: int) -> bool:
        """Handle what is due by ``time``, at most ``most`` events; whether more is due. For whoever paces time by another clock.

        Listeners hear of it only if something happened: time alone is no news, fifty times a second.
        """
        before = self.root.kernel.processed
        with holding() as hold:
            while due := (event := self.parts.kernel.peek()) is not None and event.time <= time:
                if hold.asked or self.root.kernel.processed - before >= most:
                    break
                self._step()
            hold.check(self._stopped)
        if not due:
            self.root.kernel.now = max(self.now, time)
        if self.root.kernel.processed != before:
            self._tell()
        return due

    def _step(self) -> Event | None:
        events = self.root.kernel.processed
        try:
            event = self.parts.kernel.step()
            if self.history.due(self.root):
                self.history.checkpoint(self.root)
        except KeyboardInterrupt as interrupt:
            self._undo(events, len(self.history.inputs), interrupt)
        return event

    # ------------------------------------------------------------------ ■

    @contextmanager
    def _running(self) -> Iterator[Hold]:
        """A run through time: ■ ends it between two events, and listeners hear of it whatever its end."""
        with holding() as hold:
            try:
                with resting_collector():
                    yield hold
            except Interrupted:
                raise
            except KeyboardInterrupt:  # between two events, or in the condition of whoever runs
                stop(self._stopped)
            finally:
                self._tell()
            hold.check(self._stopped)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Something from outside happens whole, or not at all."""
        events, inputs = self.root.kernel.processed, len(self.history.inputs)
        with holding() as hold:
            try:
                yield
            except KeyboardInterrupt as interrupt:
                self._undo(events, inputs, interrupt)
            hold.check(self._stopped)

    @property
    def _stopped(self) -> str:
        return text("cluster.interrupted", now=timestamp(self.now))

    def _undo(self, events: int, inputs: int, interrupt: KeyboardInterrupt) -> NoReturn:
        """Take back what was cut in two by an interrupt, and stop the cell with a sentence."""
        what = str(interrupt) if isinstance(interrupt, turns.Cut) else ""
        try:
            self._take_over(self.past(Position(events, inputs, self.now)))
        except KeyboardInterrupt:
            stop(text("cluster.interrupted_twice"))
        key = "cluster.interrupted_guest" if what else "cluster.interrupted_inside"
        stop(text(key, now=timestamp(self.now), code=what))

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()

    # ------------------------------------------------------------------ other futures, other pasts

    def fork(self) -> Simulation:
        """A second future from here: all frozen objects are shared, nothing else is."""
        return Simulation(clone(self.root), self.history.until(self.position), Catalogue(self.images.added), self.programs)

    def past(self, position: Position) -> Simulation:
        """The cluster as it was at a moment of its history, ready to take another future."""
        start = self.history.before(position)
        programs, images = self.history.programs(start.position.inputs), Catalogue(self.history.images(start.position.inputs))
        found = Simulation(clone(start.root), self.history.until(position), images, programs)
        for item in self.history.inputs[start.position.inputs : position.inputs]:
            found._advance(item.events, item.time)
            with suppress(Exception):  # a defect was told when it came; the moment before and after it can be had again all the same
                found._repeat(item.kind, item.value)
        found._advance(position.events, position.time)
        return found

    def _advance(self, events: int, time: int) -> None:
        while self.root.kernel.processed < events:
            self.parts.kernel.step()
        self.root.kernel.now = time

    def rewire(self) -> None:
        """Put the code together anew over the same state: something about it was chosen differently."""
        self.parts = wire(self.root, self.images, self.programs)

    def become(self, other: Simulation) -> None:
        """Take over another simulation's state and history (rewinding in place)."""
        with holding() as hold:
            self._take_over(other)
        hold.check(self._stopped)

    def _take_over(self, other: Simulation) -> None:
        self.root, self.history, self.programs = other.root, other.history, other.programs
        self.images.become(other.images.added)
        self.rewire()
        self._tell()

    # ------------------------------------------------------------------ files

    def save(self) -> bytes:
        """The whole cluster as JSON. Its history is not part of it: a loaded cluster begins its history anew.

        Nor is a learner's code: in the file the built-in controllers have their places back, and it says whose code is missing.
        """
        saved = self.fork() if self.programs else self
        if self.programs:
            install(saved, ())
        code = [f"{p.name} ({p.kind.__name__})" for p in self.programs] + [f"{i.name} ({i.__name__})" for i in self.images.added]
        unsaved = {"unsaved": code} if code else {}
        return json.dumps({"k8snb": FORMAT, **unsaved, **encode(saved.root)}, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def load(cls, data: bytes) -> Simulation:
        """A saved cluster. Raises ValueError for anything else."""
        try:
            saved = json.loads(data)
            if saved["k8snb"] != FORMAT:
                raise Mistake(text("cluster.other_format", format=saved["k8snb"], known=FORMAT))
            root = decode(saved)
            if not isinstance(root, Root):
                raise TypeError(f"its root is {shown(root)}")
            simulation = cls(root)
            simulation.unsaved = tuple(str(name) for name in saved.get("unsaved", ()))
            simulation.history.checkpoint(root)
        except Mistake:
            raise
        except OtherRecord as other:
            raise Mistake(text("cluster.other_record", record=other)) from None
        except Exception as error:  # noqa: BLE001  (there is no end to what a file can hold)
            raise Mistake(text("cluster.not_saved", why=f"{type(error).__name__}: {error}")) from None
        return simulation
