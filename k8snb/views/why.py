"""Why is it so? From a state back to the users' requests, through the causes that every trace record names.

The records behind a state are a graph: a reconcile has as many causes as there were changes waiting for it. A story needs lines
through it. There is one line for each *end*: the last change of the object itself (what made it as it is), and the last change
of what is wanted of each of its owners (for whose sake it is there). A line is the shortest way from an end to somebody's
request or to a fault; :attr:`Why.path` is all lines together, in order of time.

    Why is pod default/web-5d-c as it is?
                kubectl  create  deployments.apps default/web              <- three are wanted
         3ms    kube-controller-manager/deployment  default/web
         ...
      12.01s    kubectl  delete  pods default/web-5d-a                     <- two were seen
      12.02s    kube-controller-manager/replicaset  default/web-5d
      12.02s    kube-controller-manager/replicaset  create  pods default/web-5d-c
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from k8snb.messages import text
from k8snb.sim.clock import duration
from k8snb.sim.trace import Record
from k8snb.views import flows
from k8snb.views.graph import Graph
from k8snb.views.steps import sentence
from k8snb.views.svg import folded

Find = Callable[[int], Record | None]
REACH = 5_000  # records looked at on the way back
DRAWN = 36  # boxes in the picture


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
    """The answer for one subject: ``records`` (all that led here, in order), ``path`` (the story), ``graph`` (the picture).

    ``kept`` names the finalizers of a subject that was deleted: why it is still there."""

    subject: str
    ends: tuple[int, ...]
    found: dict[int, Record] = field(repr=False)  # nearest first
    kept: tuple[str, ...] = ()

    @classmethod
    def of(cls, subject: str, find: Find, ends: Iterable[int], kept: Iterable[str] = ()) -> Why:
        """The answer from a trace: ``find`` is ``Trace.get``, ``ends`` the records of the changes to be explained."""
        known = tuple(dict.fromkeys(number for number in ends if number))
        return cls(subject, known, {number: record for number, (record, _) in ancestry(find, known).items()}, tuple(kept))

    @property
    def records(self) -> list[Record]:
        """Everything that led to this state, in order of time."""
        return [self.found[number] for number in sorted(self.found)]

    @cached_property
    def path(self) -> list[Record]:
        """The story: for every end the shortest way from somebody's request, together in order of time."""
        way: dict[int, Record] = {}
        for end in self.ends:
            way |= {record.id: record for record in self._line(end)}
        return [way[number] for number in sorted(way)]

    def _line(self, end: int) -> list[Record]:
        found = ancestry(self.found.get, [end])
        roots = [record for record, _ in found.values() if not any(cause in found for cause in record.causes)]
        asked = [record for record in roots if flows.from_outside(record)] or roots
        number, way = (asked[0].id if asked else 0), []  # nearest first
        while number:
            record, number = found[number]
            way.append(record)
        return way

    @property
    def graph(self) -> Graph:
        """The path and its nearest neighbours as a picture; of a very long path its beginning and its end."""
        path = self.path if len(self.path) <= DRAWN else [*self.path[: DRAWN // 3], *self.path[-2 * DRAWN // 3 :]]
        shown = {record.id: record for record in path}
        for record in self.found.values():
            if len(shown) >= DRAWN:
                break
            shown.setdefault(record.id, record)
        return flows.causes([shown[number] for number in sorted(shown)], text("views.why", subject=self.subject))

    def __repr__(self) -> str:
        if not self.found:
            return text("views.why_unknown", subject=self.subject)
        first, start, others = flows.again(self.path), self.path[0].time, len(self.found) - len(self.path)
        times = Counter(first.values())
        told = [_line(record, start, times[record.id]) for record in self.path if first[record.id] == record.id]
        rest = [f"  {text('views.why_others', count=others)}"] if others else []
        kept = [f"  {text('views.why_kept', names=', '.join(self.kept))}"] if self.kept else []
        return "\n".join([text("views.why", subject=self.subject), *told, *rest, *kept])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": folded(repr(self), self.graph.svg)} if self.found else {"text/plain": repr(self)}


def _line(record: Record, start: int, times: int) -> str:
    after = duration(record.time - start) if record.time > start else ""
    return f"  {after:>8}  {sentence(record)}{f'  ×{times}' if times > 1 else ''}"
