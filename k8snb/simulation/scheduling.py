"""The scheduler of a cluster, to look at and to change: ``cluster.scheduler``.

    cluster.scheduler                          # profiles, plugins and weights, and who waits
    cluster.scheduler.add(MyScore, weight=2)   # a plugin of one's own, in every profile
    cluster.scheduler.remove("MyScore")

A learner's plugin is an input, as a learner's controller is (:mod:`k8snb.simulation.learners`). To add one is to build another
scheduler and to start it: pods that wait are looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

from k8snb.guests.arguments import careful
from k8snb.messages import Missing, Mistake, text
from k8snb.scheduler.framework import Framework
from k8snb.scheduler.learner import PluginProgram, plugin_program
from k8snb.scheduler.queue import ACTIVE, BACKOFF, ERROR_BACKOFF, GATED, IN_FLIGHT, UNSCHEDULABLE, QueuedPod
from k8snb.scheduler.scheduler import NAME, KubeScheduler
from k8snb.sim.clock import duration
from k8snb.simulation.learners import WIDTH, plugins_of

if TYPE_CHECKING:
    from k8snb.simulation.simulation import Simulation

_PLACES = (ACTIVE, IN_FLIGHT, BACKOFF, ERROR_BACKOFF, UNSCHEDULABLE, GATED)


@dataclass(frozen=True)
class Waiting:
    """One pod in the scheduling queue. ``due``: in how many µs it is tried at the latest (None: nobody knows)."""

    pod: str
    where: str
    attempts: int
    rejected_by: tuple[str, ...]
    due: int | None

    def __repr__(self) -> str:
        later = "" if self.due is None else text("scheduler.due", delay=duration(self.due))
        why = ", ".join(self.rejected_by)
        return " ".join(filter(None, [f"{self.pod}: {self.where}", text("scheduler.attempts", count=self.attempts), why, later]))


class Queue(tuple[Waiting, ...]):
    """The scheduling queue as it is now: who comes first stands first."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(map(repr, self)) if self else text("scheduler.nobody")


@careful("cluster.scheduler")
class Scheduling:
    """The scheduler of one cluster."""

    def __init__(self, simulation: Simulation):
        self._simulation = simulation

    @property
    def _process(self) -> KubeScheduler:
        found = self._simulation.parts.components[NAME]
        assert isinstance(found, KubeScheduler)
        return found

    @property
    def profiles(self) -> dict[str, list[tuple[str, list[str]]]]:
        """By scheduler name: each extension point and the plugins that run there, in order."""
        return {name: framework.profile.table() for name, framework in self._process.frameworks.items()}

    @property
    def weights(self) -> dict[str, dict[str, int]]:
        """By scheduler name: the weight of each scoring plugin."""
        return {name: {plugin.name: weight for plugin, weight in one.score} for name, one in self._process.frameworks.items()}

    @property
    def queue(self) -> Queue:
        """The pods that have no node yet."""
        entries: list[QueuedPod] = sorted(
            self._process.own.queue.pods.values(), key=lambda entry: (_PLACES.index(entry.where), entry.sequence)
        )
        return Queue(self._waiting(entry) for entry in entries)

    def _waiting(self, entry: QueuedPod) -> Waiting:
        due = self._process.queue_of_pods.next_time(entry)
        left = None if due is None else max(0, due - self._simulation.now)
        return Waiting(entry.key, entry.where, entry.attempts, (*entry.rejected_by, *entry.pending_on), left)

    def add(self, code: Any, weight: int = 1, name: str = "", profiles: tuple[str, ...] = ()) -> Scheduling:
        """Run a learner's plugin in the profiles of these names, or in all; see :mod:`k8snb.scheduler.learner` for what it may be.

        A second one of the same name takes the place of the first. Raises ValueError with one sentence for code that cannot be run.
        """
        found = plugin_program(code, name=name, weight=weight, profiles=profiles)
        built_in = {plugin.name for profile in self._process.settings.profiles for plugin in profile.plugins}
        if found.name in built_in:
            raise Mistake(text("scheduler.taken", name=found.name))
        unknown = [profile for profile in profiles if profile not in self._process.frameworks]
        if unknown:
            raise Missing(text("scheduler.no_profile", name=unknown[0], names=", ".join(self._process.frameworks)))
        others = tuple(one for one in self._simulation.programs if not isinstance(one, PluginProgram) or one.name != found.name)
        self._simulation.run_programs((*others, found))
        return self

    def remove(self, name: str) -> Scheduling:
        """Take a learner's plugin out again. Raises LookupError for a name that none of them has."""
        mine = [one.name for one in plugins_of(self._simulation.programs)]
        if name not in mine:
            raise Missing(text("scheduler.no_plugin", name=name, names=", ".join(mine) or "-"))
        kept = tuple(one for one in self._simulation.programs if not isinstance(one, PluginProgram) or one.name != name)
        self._simulation.run_programs(kept)
        return self

    def __repr__(self) -> str:
        mine = {one.name for one in plugins_of(self._simulation.programs)}
        lines = [line for name, framework in self._process.frameworks.items() for line in _profile(name, framework, mine)]
        places = {place: sum(waiting.where == place for waiting in self.queue) for place in _PLACES}
        counts = ", ".join(f"{count} {place}" for place, count in places.items() if count)
        return "\n".join([*lines, text("scheduler.queue", counts=counts or text("scheduler.nobody"))])


def _profile(name: str, framework: Framework, mine: set[str]) -> list[str]:
    def listed(label: str, names: list[str]) -> str:
        marked = [f"{one} ({text('scheduler.yours')})" if one.partition(" ")[0] in mine else one for one in names]
        return fill(f"  {label:<8}{', '.join(marked)}", WIDTH, subsequent_indent=" " * 10, break_on_hyphens=False)

    scores = [f"{plugin.name} ×{weight}" for plugin, weight in framework.score]
    return [name, listed("filter", [plugin.name for plugin in framework.filter]), listed("score", scores)]
