"""The replicated log of one member.

    index   1       2       3       4       5
    term    1       1       1       3       3
    what    noop    put a   put b   noop    put a
                            ^ committed     ^ last

Two logs that hold an entry of the same index and term are equal up to there (*log matching*). That is kept by one check: a
follower takes entries only where the one before them is in its log with the same term; what it has beyond and what differs
was never committed and is cut off.

Models: go.etcd.io/raft/v3 log.go (maybeAppend, findConflictByTerm), log_unstable.go. Simplified: writing to disk takes no time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.sim.state import Tape


class Command(NamedTuple):
    """What an entry asks of the store: one compare and one write.

    ``op`` is put, delete, compact (``expect`` is then the revision) or noop, the first entry of every leader. ``last`` is
    the final form of a deleted object, for watches; ``cause`` is the trace id of the request.
    """

    op: str
    key: str = ""
    value: Any = None
    expect: int | None = None
    lease: int = 0
    last: Any = None
    cause: int = 0

    @property
    def short(self) -> str:
        """For tables: ``put /registry/pods/default/web``."""
        return f"{self.op} {self.key}".strip()


class Entry(NamedTuple):
    """One place of the log. ``index`` counts from 1; ``term`` is the one of the leader that made it."""

    term: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs
    command: Command


@dataclass(slots=True)
class Log:
    """The entries after ``offset``; what is up to there a snapshot of the store stands for."""

    entries: Tape = field(default_factory=Tape)
    offset: int = 0
    offset_term: int = 0

    @property
    def last(self) -> int:
        """The index of the last entry."""
        return self.offset + len(self.entries)

    @property
    def last_term(self) -> int:
        """The term of the last entry."""
        return self.term_at(self.last)

    def term_at(self, index: int) -> int:
        """The term of an entry; -1 where it is not here."""
        if index == self.offset:
            return self.offset_term
        return self.at(index).term if self.offset < index <= self.last else -1

    def at(self, index: int) -> Entry:
        """The entry of that index, which must be here."""
        found: Entry = self.entries[index - self.offset - 1]
        return found

    def tail(self, first: int, most: int) -> tuple[Entry, ...]:
        """At most that many entries from ``first`` on."""
        begin = first - self.offset - 1
        return tuple(self.entries[begin : begin + most])

    def add(self, term: int, command: Command) -> Entry:
        """Append a new entry (leaders only)."""
        entry = Entry(term, self.last + 1, command)
        self.entries.append(entry)
        return entry

    def accept(self, before: int, before_term: int, entries: Sequence[Entry]) -> bool:
        """Take a leader's entries; False where the entry before them is missing or has another term."""
        if self.term_at(before) != before_term:
            return False
        for position, entry in enumerate(entries):
            if self.term_at(entry.index) != entry.term:
                del self.entries[entry.index - self.offset - 1 :]
                self.entries.extend(entries[position:])
                break
        return True

    def agreement(self, before: int, before_term: int) -> int:
        """After a refusal: the last index at which this log can still agree with a leader that has that term there."""
        index = min(before - 1, self.last)
        while index > self.offset and self.term_at(index) > before_term:
            index -= 1
        return index

    def trim(self, index: int) -> None:
        """Forget everything up to ``index``: a snapshot stands for it."""
        if self.offset < index <= self.last:
            self.offset_term = self.term_at(index)
            del self.entries[: index - self.offset]
            self.offset = index

    def reset(self, index: int, term: int) -> None:
        """Begin anew after a snapshot that was received."""
        self.entries.clear()
        self.offset, self.offset_term = index, term
