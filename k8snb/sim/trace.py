"""The trace: what happened, who did it, and what made them do it.

Each record names its causes by id, so the trace is a directed acyclic graph that leads from any state back to the user's
request. Every view ("why?", the live view, the request graph) is a pure function of a snapshot and of this trace.

    17 request    kubectl        create  deployments.apps shop/web          causes ()
    23 reconcile  deployment     shop/web                                   causes (17,)
    24 request    deployment     create  replicasets.apps shop/web-5d7b...  causes (23,)

It is bounded: when it is full the oldest quarter goes, and :attr:`Trace.dropped` says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.sim.records import maker
from k8snb.sim.state import Tape

CAPACITY = 400_000


class Record(NamedTuple):
    """One entry. ``kind`` is request, reconcile, decision, runtime, fault or note; ``detail`` is frozen or scalar."""

    id: int
    time: int
    kind: str
    actor: str
    verb: str
    subject: str
    detail: Any
    causes: tuple[int, ...]


_record = maker(Record)


@dataclass(slots=True)
class TraceState:
    """The records kept, and the id of the first one."""

    records: Tape = field(default_factory=Tape)
    first: int = 1


class Trace:
    """Append-only, bounded. Ids count from 1 and never repeat; 0 stands for no record."""

    def __init__(self, state: TraceState, capacity: int = CAPACITY):
        self.state, self.capacity = state, capacity

    def add(  # noqa: PLR0917  (the columns of a record, in their order)
        self, time: int, kind: str, actor: str, verb: str, subject: str, detail: Any = None, causes: tuple[int, ...] = ()
    ) -> int:
        """Append a record and return its id."""
        state = self.state
        records = state.records
        number = state.first + len(records)
        records.append(_record((number, time, kind, actor, verb, subject, detail, causes)))
        if len(records) > self.capacity:
            cut = self.capacity // 4
            del records[:cut]
            state.first += cut
        return number

    def get(self, number: int) -> Record | None:
        """The record of that id, or None where it was dropped or never was."""
        index = number - self.state.first
        if 0 <= index < len(self.state.records):
            found: Record = self.state.records[index]
            return found
        return None

    def since(self, number: int) -> list[Record]:
        """All records with a greater id, oldest first."""
        start = max(0, number + 1 - self.state.first)
        return list(self.state.records[start:])

    def amend(self, number: int, detail: Any, name: str = "", *, verb: str = "") -> None:
        """Complete a record: what came of it, and perhaps what was done and the ``name`` of what was made, which ends its subject,
        are known only at its end."""
        index = number - self.state.first
        records = self.state.records
        if 0 <= index < len(records):
            number, time, kind, actor, did, subject, _, causes = records[index]
            records[index] = _record((number, time, kind, actor, verb or did, subject + name, detail, causes))

    def retract(self, number: int) -> None:
        """Take back the newest record, if it is that one: nothing came of it and nothing refers to it."""
        if number == self.last:
            self.state.records.pop()

    @property
    def last(self) -> int:
        """The id of the newest record."""
        return self.state.first + len(self.state.records) - 1

    @property
    def dropped(self) -> int:
        """How many records are gone because the trace is bounded."""
        return self.state.first - 1
