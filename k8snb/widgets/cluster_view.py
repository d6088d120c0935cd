"""The live view of a cluster as a Jupyter widget: ``cluster.view()``.

It shows frames (:mod:`k8snb.views.live`) and sends patches. What it reads of a cluster is the protocol :class:`Source`; it never
changes one except by asking it to step. Where no front end runs, it is the frame's text and a static picture.

    browser --{"do": "step", "size": "reconcile"}-->  Driver.submit -> ClusterView.apply  (on the loop)
    browser <--{"type": "heard"}--  (a browser that is told nothing says that the kernel is silent)
    browser <--{"type": "patch", "seq": 8, "patch": {...}}--  ClusterView.refresh
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Protocol

import anywidget
import traitlets

from k8snb.messages import text
from k8snb.views import live
from k8snb.views.builders import ownership
from k8snb.views.inspect import Closeup, card
from k8snb.views.snapshot import Snapshot
from k8snb.widgets.assets import asset
from k8snb.widgets.driver import Command, Driver

SPEEDS = (1, 2, 5, 20)  # reconciles a second when playing
_LABELS = (
    "views.live.title", "views.live.controls", "views.live.details", "views.live.step_event", "views.live.step_event_help",
    "views.live.step_reconcile", "views.live.step_reconcile_help", "views.live.step_settle", "views.live.step_settle_help",
    "views.live.play", "views.live.pause", "views.live.speed", "views.live.rate", "views.live.timeline", "views.live.back",
    "views.live.forward", "views.live.now", "views.live.past", "views.live.workloads", "views.live.nodes", "views.live.happened",
    "views.live.events", "views.live.object", "views.live.choose", "views.live.last_change", "views.live.manifest",
    "views.live.gone", "views.live.because", "views.live.components", "views.revision", "views.live.scheduling", "views.live.no_decision",
    "views.scheduling.point", "views.scheduling.plugin", "quiz.silent",
)  # fmt: skip


class Source(Protocol):
    """What the view reads: :class:`k8snb.views.window.Window`. Positions on the timeline count changes."""

    def moment(self, position: int | None, seen: int) -> live.Moment:
        """What there is to see now (``position`` None) or was then; ``seen`` is the newest record already shown."""

    def closeup(self, name: str, position: int | None) -> Closeup:
        """An object by id, now or then."""

    def calm(self) -> bool:
        """Whether the cluster has settled: here play pauses."""

    def snapshot(self) -> Snapshot:
        """All objects, for the static picture."""


class ClusterView(anywidget.AnyWidget):  # type: ignore[misc]
    """The widget. Made by ``cluster.view()``; call :meth:`changed` whenever the cluster may have changed."""

    _esm = asset("cluster_view.js")
    _css = asset("cluster_view.css")
    frame = traitlets.Dict().tag(sync=True, to_json=lambda _value, view: view._numbered())
    labels = traitlets.Dict().tag(sync=True)
    speeds = traitlets.List().tag(sync=True)

    def __init__(self, source: Source, advance: Callable[[str], object]) -> None:
        """``advance(size)`` takes one step (``event``, ``reconcile`` or ``settle``) and gives something true if anything happened."""
        self._source, self._advance, self._driver = source, advance, Driver(self.apply)
        self._index: int | None = None  # where on the timeline; None follows the present
        self._seq, self._newest, self._since = 0, 0, 0  # newest record shown; newest before the last step
        self._frame = self._look()
        super().__init__(labels={key.rpartition(".")[2]: text(key) for key in _LABELS}, speeds=list(SPEEDS), frame={"seq": 0})
        self.on_msg(lambda _widget, content, _buffers: self._driver.submit(content))

    def _numbered(self) -> dict[str, Any]:
        # Computed whenever the trait is sent, so that a page that loads later gets the present and not the first frame.
        return {"seq": self._seq, "frame": self._frame}

    def _look(self) -> live.Frame:
        moment = self._source.moment(self._index, self._newest)
        newest = moment.records[-1].id if moment.records else 0
        if self._index is None and newest == self._newest:
            moment = replace(moment, fresh=self._since + 1)  # nothing new: what the last step did stays lit
        elif self._index is None:
            self._since, self._newest = min(self._newest, newest), newest
        shown = live.frame(moment)
        shown["meta"] |= {"playing": self._driver.playing, "rate": self._driver.rate}
        return shown

    def changed(self) -> None:
        """The cluster may have changed: send what did, at most twenty times a second."""
        self._driver.pace(self.refresh)

    def refresh(self) -> None:
        """Send the difference between what was sent last and what there is now, if there is one."""
        new = self._look()
        patch = live.diff(self._frame, new)
        if patch:
            self._frame = new
            self._seq += 1
            self.send({"type": "patch", "seq": self._seq, "patch": patch})

    def apply(self, command: Command) -> None:
        """Carry out a command of the browser. Called by the driver only; a failure is shown in the view and ends play."""
        action = self._ACTIONS.get(str(command.get("do")))
        if action is None:
            return
        self.send({"type": "heard"})
        try:
            action(self, command)
            if self._driver.loop is None:
                self.refresh()
        except Exception as error:  # noqa: BLE001 a learner's own controller may have raised: the view must live on
            self._driver.pause()
            self.send({"type": "error", "text": f"{type(error).__name__}: {error}"})

    def _step(self, command: Command) -> None:
        self._index = None
        self._advance(str(command.get("size", "reconcile")))
        self.changed()

    def _tick(self) -> bool:
        self._index = None
        try:
            more = not self._source.calm() and bool(self._advance("reconcile"))
        except Exception as error:  # noqa: BLE001 as above; a task must not die silently
            more = False
            self.send({"type": "error", "text": f"{type(error).__name__}: {error}"})
        if not more:
            self._driver.pause()
        self.changed()
        return more

    def _play(self, _command: Command) -> None:
        self._driver.play(self._tick)
        self.changed()

    def _pause(self, _command: Command) -> None:
        self._driver.pause()
        self.changed()

    def _speed(self, command: Command) -> None:
        rate = command.get("rate")
        self._driver.rate = rate if rate in SPEEDS else SPEEDS[1]
        self.changed()

    def _seek(self, command: Command) -> None:
        self._driver.pause()
        last = self._frame["meta"]["length"]
        index = int(command["index"])
        self._index = None if index >= last else max(0, index)
        self.changed()

    def _inspect(self, command: Command) -> None:
        name = str(command.get("id", ""))
        self.send({"type": "card"} | card(name, self._source.closeup(name, self._index)))

    def _sync(self, command: Command) -> None:
        if command.get("seq") != self._seq:
            self.send({"type": "frame"} | self._numbered())

    _ACTIONS: ClassVar[dict[str, Callable[[ClusterView, Command], None]]] = {
        "step": _step, "play": _play, "pause": _pause, "speed": _speed, "seek": _seek, "inspect": _inspect, "sync": _sync,
    }  # fmt: skip

    def __repr__(self) -> str:
        self.refresh()  # whoever looks sees the present, also where an update still waits for its turn
        return live.as_text(self._frame)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**(data or {}), "text/plain": repr(self), "text/html": ownership(self._source.snapshot()).html}, metadata
