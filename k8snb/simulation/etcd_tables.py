"""What ``cluster.etcd`` answers: plain records whose repr is what ``etcdctl`` would print.

MEMBER  ROLE      LEADER  RAFT TERM  RAFT INDEX  COMMITTED  APPLIED  REVISION  LINK
etcd-1  leader    etcd-1  2          214         214        214      198
etcd-2  follower  etcd-1  2          214         214        214      198       slow
etcd-3  stopped           2          180         180        180      170
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from k8snb.etcd.raft.log import Entry
from k8snb.etcd.raft.member import MemberState
from k8snb.etcd.raft.network import NetworkState, Passed
from k8snb.etcd.store import KeyValue
from k8snb.messages import Mistake, text
from k8snb.messages.columns import table
from k8snb.sim.clock import SECOND, duration

_TROUBLES = (("cut", "cut off"), ("delay", "slow"), ("loss", "lossy"))


class MemberRow(NamedTuple):
    """One member. ``log_index`` is the last entry of its log, ``revision`` what its store has come to."""

    name: str
    role: str
    leader: str
    term: int
    log_index: int
    committed: int
    applied: int
    revision: int
    link: str = ""

    @classmethod
    def of(cls, member: MemberState, network: NetworkState) -> MemberRow:
        """The row of a member of a group."""
        link = ", ".join(word for trouble, word in _TROUBLES if member.name in getattr(network, trouble))
        role = member.role if member.running else "stopped"
        log, machine = member.log, member.machine
        return cls(member.name, role, member.leader, member.term, log.last, member.commit, member.applied, machine.revision, link)


@dataclass(frozen=True, slots=True, repr=False)
class Members:
    """All members in order. ``latency`` is how long the last commit took, in microseconds."""

    rows: tuple[MemberRow, ...]
    latency: int = 0

    def __iter__(self) -> Iterator[MemberRow]:
        return iter(self.rows)

    def __getitem__(self, name: str) -> MemberRow:
        found = next((row for row in self.rows if row.name == name), None)
        if found is None:
            raise Mistake(text("fault.no_member", member=name, names=", ".join(row.name for row in self.rows)))
        return found

    @property
    def leader(self) -> str:
        """The leader of the highest term; empty where nobody leads."""
        return max(((row.term, row.name) for row in self.rows if row.role == "leader"), default=(0, ""))[1]

    def __repr__(self) -> str:
        head = ("MEMBER", "ROLE", "LEADER", "RAFT TERM", "RAFT INDEX", "COMMITTED", "APPLIED", "REVISION", "LINK")
        took = f"last commit took {duration(self.latency)}" if self.latency else ""
        return "\n".join(filter(None, [*table([head, *self.rows]), took]))


class Held(NamedTuple):
    """A key as etcd holds it."""

    key: str
    held: KeyValue

    @property
    def value(self) -> str:
        """The value as text: JSON, or ciphertext where it is encrypted."""
        value = self.held.value
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def __repr__(self) -> str:
        held = self.held
        fields: list[tuple[str, Any]] = [
            ("Key", json.dumps(self.key)), ("CreateRevision", held.create_revision), ("ModRevision", held.mod_revision),
            ("Version", held.version), ("Value", self.value), ("Lease", held.lease),
        ]  # fmt: skip
        return "\n".join(f'"{name}" : {value}' for name, value in fields)


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Keys in order."""

    items: tuple[Held, ...]

    def __iter__(self) -> Iterator[Held]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        rows = [(i.key, i.held.create_revision, i.held.mod_revision, i.held.version, i.held.lease or "") for i in self.items]
        return "\n".join(table([("KEY", "CREATE REVISION", "MOD REVISION", "VERSION", "LEASE"), *rows]))


@dataclass(frozen=True, slots=True, repr=False)
class Log:
    """Entries of a member's log; those up to ``committed`` are final."""

    entries: tuple[Entry, ...]
    committed: int
    applied: int

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __repr__(self) -> str:
        rows = ((entry.index, entry.term, self._state(entry), entry.command.short) for entry in self.entries)
        return "\n".join(table([("INDEX", "TERM", "STATE", "COMMAND"), *rows]))

    def _state(self, entry: Entry) -> str:
        return "applied" if entry.index <= self.applied else "committed" if entry.index <= self.committed else "proposed"


@dataclass(frozen=True, slots=True, repr=False)
class Messages:
    """Messages between members, oldest first; ``start`` is where their times count from."""

    items: tuple[Passed, ...]
    start: int

    def __iter__(self) -> Iterator[Passed]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return "\n".join(table([(f"+{(p.time - self.start) / SECOND:.4f}s", p.fate, p.text) for p in self.items]))


class Proposal(NamedTuple):
    """What came of a write: its revision, or why there is none."""

    key: str
    revision: int
    error: str

    def __repr__(self) -> str:
        return f"Error: {self.error}" if self.error else f"OK (revision {self.revision})"
