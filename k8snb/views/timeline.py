"""Lives of pods over time: when each began, was ready, ended; a rollout seen as bars.

    Pods of deployment default/web, over 14.2s
    ReplicaSet web-5d7b
      web-5d7b-a  ◌◌●●●●●●●●●●●●●●◐◐
      web-5d7b-b  ◌◌●●●●●●●●●●●●●●●●●◐◐
    ReplicaSet web-7f8c
      web-7f8c-x                ◌◌●●●●●●●
    one sign is 500ms   ◌ Pending   ● Running   ◐ Terminating

A :class:`Timeline` is a value like a :class:`~k8snb.views.graph.Graph`: text for every place, SVG where a front end is, deterministic both.
:func:`lifetimes` reads it out of the changes in etcd's journal, which remembers pods that are long gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig
from k8snb.messages import text
from k8snb.messages.columns import columns
from k8snb.sim.clock import duration
from k8snb.views import status
from k8snb.views.layout import CHAR
from k8snb.views.states import sign
from k8snb.views.svg import STYLE, escape, figure, opening

WIDTH = 60  # signs in a line of text
BAR = 560  # width of the drawn time, in points
ROW = 18
TICKS = 4
MOST = 40  # lives shown; of more only the last ones


class Span(NamedTuple):
    """Between two times (µs) a pod was in one state; ``word`` is Kubernetes' word for it."""

    begin: int
    end: int
    state: str
    word: str


@dataclass(slots=True)
class Life:
    """One pod: its name, the controller that made it, and the spans of its life in order."""

    name: str
    owner: str
    spans: list[Span] = field(default_factory=list)

    def at(self, time: int) -> Span | None:
        """The span that holds a time, or None before and after its life."""
        return next((span for span in self.spans if span.begin <= time < span.end), None)


def lifetimes(changes: Iterable[tuple[int, Object | None, Object | None]], end: int) -> list[Life]:
    """Lives of pods from their changes ``(time, value, previous)`` in order; who lives still is drawn until ``end``."""
    lives: dict[str, Life] = {}
    now: dict[str, tuple[int, str, str]] = {}
    for time, value, previous in changes:
        pod = value or previous or {}
        uid = str(dig(pod, "metadata.uid", ""))
        if uid not in lives:
            lives[uid] = Life(str(dig(pod, "metadata.name", "")), _owner(pod))
        seen = status.pod(value) if value else None
        was = now.get(uid)
        if was and (seen is None or was[1:] != seen):
            lives[uid].spans.append(Span(was[0], time, *was[1:]))
        if seen is None:
            now.pop(uid, None)
        elif not was or was[1:] != seen:
            now[uid] = (time, *seen)
    for uid, (begin, state, word) in now.items():
        lives[uid].spans.append(Span(begin, max(end, begin + 1), state, word))
    return list(lives.values())


def _owner(pod: Object) -> str:
    owner = next((r for r in dig(pod, "metadata.ownerReferences", EMPTY_LIST) if r.get("controller")), None)
    return f"{owner['kind']} {owner['name']}" if owner else ""


class Timeline:
    """Lives side by side, those of one controller together, in the order in which they began."""

    __slots__ = ("begin", "end", "hidden", "lives", "title")

    def __init__(self, title: str, lives: Sequence[Life]) -> None:
        self.hidden = max(0, len(lives) - MOST)
        order = {owner: index for index, owner in enumerate(dict.fromkeys(life.owner for life in lives))}
        self.lives = sorted((life for life in lives[self.hidden :] if life.spans), key=lambda life: order[life.owner])
        self.begin = min((life.spans[0].begin for life in self.lives), default=0)
        self.end = max((life.spans[-1].end for life in self.lives), default=1)
        self.title = title

    @property
    def _step(self) -> float:
        return max(1.0, (self.end - self.begin) / WIDTH)

    def __repr__(self) -> str:
        if not self.lives:
            return f"{self.title}\n  {text('views.timeline.nothing')}"
        wide = max(columns(life.name) for life in self.lives)
        lines = [text("views.timeline.over", title=self.title, duration=duration(self.end - self.begin))]
        for life, is_first in self._grouped():
            lines += [life.owner] if is_first and life.owner else []
            lines.append(f"  {life.name}{' ' * (wide - columns(life.name))}  {self._signs(life)}".rstrip())
        lines += [text("views.more", count=self.hidden, kind="Pod")] if self.hidden else []
        return "\n".join([*lines, f"{text('views.timeline.scale', duration=duration(round(self._step)))}   {self._legend()}"])

    def _grouped(self) -> Iterator[tuple[Life, bool]]:
        before = None
        for life in self.lives:
            yield life, life.owner != before
            before = life.owner

    def _signs(self, life: Life) -> str:
        # The end of a column decides: what a pod has become by then, not what it was for a millisecond.
        found = (life.at(round(self.begin + self._step * (column + 1)) - 1) for column in range(WIDTH))
        return "".join(sign(span.state) if span else " " for span in found)

    def _legend(self) -> str:
        words = dict.fromkeys((span.state, span.word) for life in self.lives for span in life.spans)
        return "   ".join(f"{sign(state)} {word}" for state, word in words)

    @property
    def svg(self) -> str:
        """The picture as one ``<svg>`` element."""
        left = round(max((columns(life.name) for life in self.lives), default=0) * CHAR) + 24
        rows = list(self._rows(left))
        height = 62 + ROW * len(self.lives) + ROW * sum(first and bool(life.owner) for life, first in self._grouped())
        width, title = left + BAR + 16, escape(self.title)
        shown = [f"<title>{title}</title><style>{STYLE}</style>", f'<text class="name" x="8" y="18" aria-hidden="true">{title}</text>']
        return "\n".join([opening(width, height, title), *shown, *self._axis(left, height), *rows, "</svg>"])

    def _x(self, time: int) -> int:
        return round((time - self.begin) / max(1, self.end - self.begin) * BAR)

    def _axis(self, left: int, height: int) -> Iterator[str]:
        for tick in range(TICKS + 1):
            x, after = left + BAR * tick // TICKS, (self.end - self.begin) * tick // TICKS
            anchor = "end" if tick == TICKS else "start" if tick == 0 else "middle"
            yield f'<path class="weak" d="M{x} 30V{height - 24}"/>'
            yield f'<text class="dim" x="{x}" y="{height - 10}" text-anchor="{anchor}">{escape(duration(after)) if tick else 0}</text>'

    def _rows(self, left: int) -> Iterator[str]:
        y = 30
        for life, is_first in self._grouped():
            if is_first and life.owner:
                y += ROW
                yield f'<text class="dim" x="8" y="{y - 5}">{escape(life.owner)}</text>'
            words = ", ".join(f"{span.word} {duration(span.end - span.begin)}" for span in life.spans)
            bars = "".join(self._bar(span, left, y) for span in life.spans)
            label = escape(f"{life.name}: {words}")
            yield f'<g role="graphics-symbol img" aria-label="{label}"><text x="16" y="{y + 13}">{escape(life.name)}</text>{bars}</g>'
            y += ROW

    def _bar(self, span: Span, left: int, y: int) -> str:
        x, width = left + self._x(span.begin), max(1, self._x(span.end) - self._x(span.begin))
        room = int((width - 6) / CHAR)
        words = f"{sign(span.state)} {span.word}"
        shown = words if columns(words) <= room else sign(span.state) if room >= 1 else ""
        told = f'<text class="said" x="{x + 4}" y="{y + 13}">{escape(shown)}</text>' if shown else ""
        box = f'<rect class="box" x="{x}" y="{y + 2}" width="{width}" height="{ROW - 4}" rx="2"/>'
        return f'<g class="{span.state or "plain"}">{box}{told}</g> '

    @property
    def html(self) -> str:
        """The picture, and its text form folded below it."""
        return figure(self.svg, repr(self))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.html} if self.lives else {"text/plain": repr(self)}
