"""A load generator: requests from outside (or from a pod) over virtual time, at a rate that may follow a curve.

    cluster.load_test("http://web", rate=20, duration=60, from_pod="box")
    cluster.load_test("http://20.50.0.11", rate=(5, 50), shape="sine", duration=600, wait=False)

It is no part of the cluster: what it sends are inputs, begun by one recorded command (:data:`COMMANDS`), so that a fork and a
replay send the same. Each request is one kernel event for the component ``load``, in the background: single steps pass over it,
and a settle ends although it goes on. What came back is kept as data, one :class:`Shot` a request.

    steady  the higher rate, always          step  low, then high in the second third, then low
    ramp    from low to high                 sine  one wave: low, high in the middle, low

    connections=4      the client keeps so many connections open and uses them in turn; 0: every request opens one of its own

Simplified: a client that waits does not send less.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from k8snb.client.component import ComponentState
from k8snb.guests.arguments import is_number
from k8snb.messages import Mistake, text
from k8snb.network.conntrack import FIRST_PORT
from k8snb.network.traffic import parse_url
from k8snb.sim.clock import SECOND
from k8snb.sim.kernel import Event, Kernel
from k8snb.sim.state import Tape
from k8snb.simulation.commands import Command
from k8snb.simulation.machines import Machines

if TYPE_CHECKING:
    from k8snb.simulation.simulation import Simulation

NAME = "load"
MOST_SHOTS = 50_000
MOST_RATE = 500.0
MOST_CONNECTIONS = 1000
NO_CLIENT = "no client"  # the pod that sends is not there
SHAPES = ("steady", "ramp", "step", "sine")


class Shot(NamedTuple):
    """One request: when it was sent (µs after the beginning), how long it took (µs), and what came of it: a status or an error."""

    at: int
    latency: int
    outcome: str
    backend: str

    @property
    def ok(self) -> bool:
        """An answer below 400."""
        return self.outcome.isdecimal() and int(self.outcome) < 400


@dataclass(slots=True)
class Run:
    """One load test. Rates in requests a second, times in µs."""

    url: str
    pod: str
    low: float
    high: float
    shape: str
    began: int
    duration: int
    timeout: int
    connections: int = 0
    shots: Tape = field(default_factory=Tape)


@dataclass(slots=True)
class LoadState:
    """All load tests of this cluster, in the order in which they began."""

    runs: list[Run] = field(default_factory=list)


def rate_at(run: Run, at: int) -> float:
    """The rate so long after the beginning.

    >>> run = Run("", "", 1.0, 9.0, "sine", 0, 100, 0)
    >>> rate_at(run, 0), rate_at(run, 50)
    (1.0, 9.0)
    """
    share = at / run.duration if run.duration else 1.0
    height = {
        "steady": 1.0,
        "ramp": share,
        "step": 1.0 if 1 / 3 <= share < 2 / 3 else 0.0,
        "sine": _half_wave(share),
    }[run.shape]
    return run.low + (run.high - run.low) * height


def _half_wave(share: float) -> float:
    """Half of a sine wave, by Bhaskara's formula: it needs only what every machine computes alike."""
    product = share * (1 - share)
    return 16 * product / (5 - 4 * product)


class LoadGenerator:
    """Sends the requests of all load tests."""

    def __init__(self, kernel: Kernel, states: dict[str, ComponentState], machines: Machines):
        self.kernel, self.states, self.machines = kernel, states, machines
        kernel.handlers[NAME] = self.handle

    @property
    def state(self) -> LoadState:
        """All load tests; a cluster without one keeps nothing."""
        found: LoadState = self.states.setdefault(NAME, ComponentState(own=LoadState())).own
        return found

    def begin(self, **choices: Any) -> int:
        """Begin a load test; gives its number."""
        self.state.runs.append(Run(began=self.kernel.now, **choices))
        number = len(self.state.runs) - 1
        self._next(number)
        return number

    def handle(self, event: Event) -> None:
        """One request."""
        number = event.key[1]
        run = self.state.runs[number]
        run.shots.append(self._shot(number, run))
        self._next(number)

    def _shot(self, number: int, run: Run) -> Shot:
        at = self.kernel.now - run.began
        try:
            source = self.machines.source(run.pod)
        except ValueError:
            return Shot(at, 0, NO_CLIENT, "")
        port = FIRST_PORT + 1000 * number + len(run.shots) % run.connections if run.connections else 0
        response = self.machines.network.http(run.url, source, timeout=run.timeout, connection=port)
        return Shot(at, response.latency, str(response.status or response.error), response.backend)

    def _next(self, number: int) -> None:
        run = self.state.runs[number]
        at = self.kernel.now - run.began
        delay = round(SECOND / max(rate_at(run, at), 0.01))
        if at + delay <= run.duration:
            self.kernel.after(delay, NAME, ("request", number), why=f"load on {run.url}", background=True)


def bounds_of(rate: Any, shape: str) -> tuple[float, float]:
    """The lowest and the highest rate, from one number or from both. Raises ValueError.

    >>> bounds_of(20, "steady"), bounds_of(20, "ramp"), bounds_of((5, 50), "sine")
    ((20.0, 20.0), (2.0, 20.0), (5.0, 50.0))
    """
    given = tuple(rate) if isinstance(rate, (tuple, list)) else (rate,)
    if len(given) not in (1, 2) or not all(map(is_number, given)):
        raise Mistake(text("load.bad_rate", most=f"{MOST_RATE:g}"))
    lowest, *highest = map(float, given)
    return (lowest, highest[0]) if highest else (lowest if shape == "steady" else lowest / 10, lowest)


def _check(
    simulation: Simulation, *, url: str, pod: str, low: float, high: float, shape: str, duration: int, connections: int = 0,
    **_rest: Any,
) -> None:
    """Raise ValueError with one sentence for what cannot be sent."""
    if shape not in SHAPES:
        raise Mistake(text("load.no_shape", shape=shape, names=", ".join(SHAPES)))
    if not 0 <= low <= high <= MOST_RATE or not high or duration <= 0:
        raise Mistake(text("load.bad_rate", most=f"{MOST_RATE:g}"))
    if high * duration / SECOND > MOST_SHOTS:
        raise Mistake(text("load.too_many", most=MOST_SHOTS))
    if not 0 <= connections <= MOST_CONNECTIONS:
        raise Mistake(text("load.bad_connections", most=MOST_CONNECTIONS))
    parse_url(url)
    simulation.parts.machines.source(pod)


def _begin(simulation: Simulation, **choices: Any) -> int:
    return simulation.parts.load.begin(**choices)


COMMANDS: dict[str, Command] = {"load": Command("load", _check, _begin, ("url",))}
