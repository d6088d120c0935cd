"""Why is it so? From a state back to the user's request, through the causes that every trace record names.

The records behind a state are a graph: a reconcile has as many causes as there were changes waiting for it. A story needs a
line through it: :attr:`Why.path` is the shortest way from the state to a record without known causes, which is what somebody
outside asked for (or, where the trace has dropped its beginning, the oldest record that is left).

    why pods default/web-5d-a
       0s     kubectl  apply  deployments.apps default/web
       4ms    kube-controller-manager/deployment  default/web
    ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from k8snb.messages import text
from k8snb.sim.clock import duration
from k8snb.sim.trace import Record
from k8snb.views import flows
from k8snb.views.graph import Graph
from k8snb.views.steps import sentence

Find = Callable[[int], Record | None]
REACH = 5_000  # records looked at on the way back
DRAWN = 24  # boxes in the picture


def ancestry(find: Find, ends: Iterable[int], limit: int = REACH) -> dict[int, tuple[Record, int]]:
    """Every record that led to ``ends``, nearest first, at most ``limit``: id -> (record, the effect it was reached from).

    ``find`` gives a record by its id, or None where it was dropped: ``Trace.get``. Ends were reached from 0.
    """
    found: dict[int, tuple[Record, int]] = {}
    queue = [(number, 0) for number in dict.fromkeys(ends) if number]
    for number, effect in queue:
        record = find(number) if number not in found and len(found) < limit else None
        if record is not None:
            found[number] = (record, effect)
            queue.extend((cause, number) for cause in record.causes)
    return found


@dataclass(frozen=True)
class Why:
    """The answer for one subject: ``records`` (all that led here, in order), ``path`` (the story), ``graph`` (the picture)."""

    subject: str
    found: dict[int, tuple[Record, int]] = field(repr=False)

    @property
    def records(self) -> list[Record]:
        """Everything that led to this state, in order of time."""
        return [self.found[number][0] for number in sorted(self.found)]

    @cached_property
    def path(self) -> list[Record]:
        """The shortest way from a request of a user to this state."""
        for record, _ in self.found.values():  # nearest first
            if not any(cause in self.found for cause in record.causes):
                return self._down_from(record.id)
        return []

    def _down_from(self, number: int) -> list[Record]:
        way = []
        while number:
            record, number = self.found[number]
            way.append(record)
        return way

    @property
    def graph(self) -> Graph:
        """The path and its nearest neighbours as a picture."""
        shown = {record.id: record for record in self.path[-DRAWN:]}
        for record, _ in self.found.values():
            if len(shown) >= DRAWN:
                break
            shown.setdefault(record.id, record)
        return flows.causes([shown[number] for number in sorted(shown)], text("views.why", subject=self.subject))

    def __repr__(self) -> str:
        if not self.found:
            return text("views.why_unknown", subject=self.subject)
        start, others = self.path[0].time, len(self.found) - len(self.path)
        told = [f"  {duration(r.time - start) if r.time > start else '':>8}  {sentence(r)}" for r in self.path]
        rest = [f"  {text('views.why_others', count=others)}"] if others else []
        return "\n".join([text("views.why", subject=self.subject), *told, *rest])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.graph.html_with(repr(self))} if self.found else {"text/plain": repr(self)}
