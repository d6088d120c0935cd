"""What came of a load test: a table, a line of signs over time, a picture. It is read anew each time, so it may still be going on.

    load = cluster.load_test("http://web", rate=20, duration=60)
    load.requests, load.errors, load.percentile(99)          # 1200, {"timed out": 13}, seconds
    load.over_time()                                         # one Column a stretch of time

Models: the reports of hey, k6 and vegeta. A percentile is that of the requests which were answered; errors are told apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from k8snb.guests.arguments import careful
from k8snb.messages import text
from k8snb.messages.columns import columns, padded
from k8snb.sim.clock import SECOND, duration
from k8snb.simulation.load import Run, Shot
from k8snb.simulation.simulation import Simulation
from k8snb.views.svg import STYLE, escape, figure, opening

COLUMNS = 60
_BARS = " ▁▂▃▄▅▆▇█"
_WIDTH, _LEFT, _PANEL, _GAP = 600, 72, 90, 34


class Column(NamedTuple):
    """A stretch of time: when it begins (µs after the beginning), how many requests were sent, how many failed, latencies (µs)."""

    at: int
    sent: int
    failed: int
    median: int
    p99: int


def percentile(latencies: Sequence[int], percent: float) -> int:
    """The latency that so many percent of the requests did not exceed (nearest rank); 0 of nothing.

    >>> percentile([10, 20, 30, 40], 50), percentile([10, 20, 30, 40], 99)
    (20, 40)
    """
    ranked = sorted(latencies)
    return ranked[max(0, -(-len(ranked) * percent // 100).__trunc__() - 1)] if ranked else 0


@careful("load")
class Load:
    """One load test. Durations in seconds."""

    def __init__(self, simulation: Simulation, number: int):
        self._simulation, self._number = simulation, number

    @property
    def _run(self) -> Run:
        return self._simulation.parts.load.state.runs[self._number]

    @property
    def shots(self) -> list[Shot]:
        """Every request that was sent so far."""
        return list(self._run.shots)

    @property
    def done(self) -> bool:
        """Whether its time is over."""
        return self._simulation.now >= self._run.began + self._run.duration

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return len(self._run.shots)

    @property
    def outcomes(self) -> dict[str, int]:
        """How often each status and each error came, the most frequent first."""
        return dict(Counter(shot.outcome for shot in self._run.shots).most_common())

    @property
    def errors(self) -> dict[str, int]:
        """How often each error came: statuses from 400 on, and what kept an answer away."""
        return dict(Counter(shot.outcome for shot in self._run.shots if not shot.ok).most_common())

    @property
    def error_rate(self) -> float:
        """The share of requests that failed."""
        return sum(self.errors.values()) / self.requests if self.requests else 0.0

    @property
    def backends(self) -> dict[str, int]:
        """How many requests each pod answered, by ``namespace/name``."""
        return dict(sorted(Counter(shot.backend for shot in self._run.shots if shot.backend).items()))

    def percentile(self, percent: float) -> float:
        """Seconds that so many percent of the answered requests did not exceed."""
        return percentile([shot.latency for shot in self._run.shots if shot.ok], percent) / SECOND

    def over_time(self, columns: int = COLUMNS) -> list[Column]:
        """The test in at most so many equal stretches of time, as far as it has come."""
        step = self._step(columns)
        stretches: dict[int, list[Shot]] = {}
        for shot in self._run.shots:
            stretches.setdefault(shot.at // step, []).append(shot)
        last = min(self._simulation.now - self._run.began, self._run.duration) - 1
        return [_column(index * step, stretches.get(index, [])) for index in range(max(0, last) // step + 1)]

    def _step(self, columns: int = COLUMNS) -> int:
        return max(SECOND, -(-self._run.duration // columns // SECOND) * SECOND)

    @property
    def title(self) -> str:
        """What was sent where."""
        run = self._run
        rate = f"{run.high:g}" if run.shape == "steady" else f"{run.low:g}-{run.high:g} ({run.shape})"
        source = f"pod/{run.pod}" if run.pod else text("load.outside")
        return text("load.title", url=run.url, source=source, rate=rate, duration=duration(run.duration))

    # -- as text -----------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        lines = [self.title]
        if not self.done:
            left = self._run.began + self._run.duration - self._simulation.now
            lines.append("  " + text("load.going_on", left=duration(left)))
        lines += [f"  {outcome:<22}{count:>7}{100 * count / self.requests:>8.1f} %" for outcome, count in self.outcomes.items()]
        named = ((text("load.median"), 50), ("p90", 90), ("p99", 99), (text("load.slowest"), 100))
        latencies = "   ".join(f"{name} {duration(round(self.percentile(percent) * SECOND)) or '0'}" for name, percent in named)
        return "\n".join([*lines, f"  {text('load.latency')}  {latencies}", *self._signs()])

    def _signs(self) -> Iterator[str]:
        moments = self.over_time()
        rows = ((text("load.sent"), [c.sent for c in moments]), (text("load.errors"), [c.failed for c in moments]),
                ("p99", [c.p99 for c in moments]))  # fmt: skip
        wide = max(columns(name) for name, _ in rows)
        for name, values in rows:
            most = duration(max(values, default=0)) if name == "p99" else str(max(values, default=0))
            yield f"  {padded(name, wide)}  {sparkline(values)}  {text('load.at_most', most=most or '0')}"
        yield "  " + text("load.scale", step=duration(self._step()))

    # -- as picture --------------------------------------------------------------------------------------------------

    @property
    def svg(self) -> str:
        """The picture as one ``<svg>`` element: requests and errors above, latency below."""
        columns, title = self.over_time(), escape(self.title)
        height = 30 + 2 * (_PANEL + _GAP) + 10
        words = escape(text("load.picture", requests=self.requests, failed=sum(self.errors.values()), p99=f"{self.percentile(99):g}"))
        parts = [
            opening(_LEFT + _WIDTH + 16, height, f"{title}. {words}"),
            f"<title>{title}</title><style>{STYLE}</style>",
            f'<text class="name" x="8" y="18" aria-hidden="true">{title}</text>',
            *_panel(30, text("load.per_stretch"), str(max((c.sent for c in columns), default=0))),
            *self._bars(columns),
            *_panel(30 + _PANEL + _GAP, text("load.lines"), duration(max((c.p99 for c in columns), default=0)) or "0"),
            *self._lines(columns),
            *self._axis(height),
        ]
        return "\n".join([*parts, "</svg>"])

    def _x(self, at: int) -> int:
        return _LEFT + round(at / self._run.duration * _WIDTH)

    def _bars(self, columns: Sequence[Column]) -> Iterator[str]:
        most, bottom = max((c.sent for c in columns), default=0) or 1, 30 + _PANEL
        for column in columns:
            x = self._x(column.at)
            width = max(1, self._x(min(column.at + self._step(), self._run.duration)) - x - 1)
            tall, failed = (round(value / most * _PANEL) for value in (column.sent, column.failed))
            said = escape(text("load.stretch", at=duration(column.at) or "0", sent=column.sent, failed=column.failed))
            yield f'<g class="done" role="graphics-symbol img" aria-label="{said}"><title>{said}</title>'
            yield f'<rect class="bar" x="{x}" y="{bottom - tall}" width="{width}" height="{tall}"/></g>'
            if failed:
                yield f'<g class="failed"><rect class="box" x="{x}" y="{bottom - failed}" width="{width}" height="{failed}"/></g>'

    def _lines(self, columns: Sequence[Column]) -> Iterator[str]:
        most, bottom = max((c.p99 for c in columns), default=0) or 1, 30 + 2 * _PANEL + _GAP
        for kind, values in (("flow", [c.median for c in columns]), ("weak", [c.p99 for c in columns])):
            points = [f"{self._x(c.at)} {bottom - round(v / most * _PANEL)}" for c, v in zip(columns, values, strict=True) if c.sent]
            if points:
                yield f'<path class="{kind}" d="M{" L".join(points)}"/>'

    def _axis(self, height: int) -> Iterator[str]:
        for tick in range(5):
            at = self._run.duration * tick // 4
            anchor = "start" if tick == 0 else "end" if tick == 4 else "middle"
            shown = escape(duration(at)) if tick else "0"
            yield f'<text class="dim" x="{self._x(at)}" y="{height - 8}" text-anchor="{anchor}">{shown}</text>'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": figure(self.svg, repr(self))}


def _panel(top: int, name: str, most: str) -> Iterator[str]:
    yield f'<rect class="frame" x="{_LEFT}" y="{top}" width="{_WIDTH}" height="{_PANEL}"/>'
    yield f'<text class="dim" x="{_LEFT}" y="{top + _PANEL + 12}">{escape(name)}</text>'
    yield f'<text class="dim" x="{_LEFT - 4}" y="{top + 9}" text-anchor="end">{escape(most)}</text>'
    yield f'<text class="dim" x="{_LEFT - 4}" y="{top + _PANEL}" text-anchor="end">0</text>'


def _column(at: int, shots: Sequence[Shot]) -> Column:
    answered = [shot.latency for shot in shots if shot.ok]
    return Column(at, len(shots), sum(not shot.ok for shot in shots), percentile(answered, 50), percentile(answered, 99))


def sparkline(values: Sequence[int]) -> str:
    """Values as a line of bars; anything above nothing shows.

    >>> sparkline([0, 1, 50, 100])
    ' ▁▄█'
    """
    most = max(values, default=0)
    return "".join(_BARS[max(1, value * 8 // most)] if value else _BARS[0] for value in values)
