"""One step, told: who acted, on which key, because of what, and what they wrote.

    kube-controller-manager/replicaset  default/web-5d7b
      because  kube-controller-manager/deployment  create replicasets.apps default/web-5d7b
      wrote    create pods default/web-5d7b-x2x4z
               update replicasets.apps/status default/web-5d7b

A :class:`Step` is a value over trace records; the same records feed the live view and "why?".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from k8snb.messages import text
from k8snb.messages.columns import padded
from k8snb.sim.clock import duration
from k8snb.sim.trace import Record

ACTIONS = ("reconcile", "decision", "runtime", "fault")
_READS = ("get", "list", "watch")
_QUIET = ("events ", "leases.coordination.k8s.io ")


@dataclass(frozen=True)
class Step:
    """What happened in a step: its size, when it began and ended (µs), and its trace records, oldest first.

    ``look`` finds the records that these name as causes; ``remark`` is said below them; ``handled`` names the event of the smallest
    step, which may leave no record of what it did.
    """

    size: str
    began: int
    ended: int
    records: tuple[Record, ...]
    look: Callable[[int], Record | None] = field(default=lambda _number: None, repr=False, compare=False)
    remark: str = ""
    handled: str = ""

    @property
    def acts(self) -> list[Record]:
        """Who acted: one record a reconcile, decision or action of a kubelet."""
        return [record for record in self.records if record.kind in ACTIONS]

    @property
    def writes(self) -> list[Record]:
        """The requests that change something, heartbeats and Events left out."""
        return [r for r in self.records if r.kind == "request" and r.verb not in _READS and not r.subject.startswith(_QUIET)]

    def __bool__(self) -> bool:
        return bool(self.acts or self.writes)

    def __repr__(self) -> str:
        took = duration(self.ended - self.began)
        if not self:
            head = text("steps.head", size=self.size, took=took) if self.handled else text("steps.nothing", took=took)
            upkeep = _labelled(text("steps.meanwhile"), _counted(map(sentence, self.records)))
            return "\n".join([head, *(f"  {line}" for line in [*filter(None, [self.handled]), *upkeep])])
        head = text("steps.head", size=self.size, took=took)
        if len(self.acts) > 1:
            return "\n".join([head, *(f"  {sentence(record)}" for record in self.acts), *filter(None, [self.remark])])
        return "\n".join([head, *self._one()])

    def _one(self) -> list[str]:
        acts = {act.id for act in self.acts}
        lines = [sentence(record) for record in self.acts] or [*filter(None, [self.handled])]
        told: set[int] = set()
        for act in self.acts:
            because = [found for number in act.causes if (found := self.look(number)) is not None]
            told.update(record.id for record in because)
            lines += _labelled(text("steps.because"), _counted(map(sentence, because)))
        own: list[str] = []
        others: list[str] = []
        for record in self.writes:  # what somebody began earlier, such as a binding, may be written while another acts
            if record.id in told:
                continue  # what began this step may have been written in it; it stands above already
            mine = bool(acts.intersection(record.causes))
            (own if mine else others).append(sentence(record._replace(actor="") if mine else record))
        lines += _labelled(text("steps.wrote"), own) + _labelled(text("steps.meanwhile"), others)
        return [f"  {line}" for line in lines]


def _counted(lines: Iterable[str]) -> list[str]:
    """Each line once; where it was said several times, how often."""
    return [line if count == 1 else f"{line}  ×{count}" for line, count in Counter(lines).items()]


def _labelled(label: str, lines: list[str]) -> list[str]:
    """Lines under a label in the margin; the first eight, and how many more."""
    shown = lines[:8] + ([text("steps.more", count=len(lines) - 8)] if len(lines) > 8 else [])
    return [f"  {padded(label if number == 0 else '', 11)}{line}" for number, line in enumerate(shown)]


def sentence(record: Record) -> str:
    """A record in one line: actor, verb, subject, and what came of it where that is not a plain success."""
    parts = [record.actor, record.verb, record.subject]
    detail = record.detail
    if record.kind == "request" and isinstance(detail, tuple) and detail[0] >= 400:
        parts.append(f"-> {detail[0]} {detail[1]}")
    elif record.kind == "reconcile" and isinstance(detail, tuple) and detail[0] == "error":
        parts.append(text("steps.retry", error=detail[1], delay=duration(detail[2])))
    elif record.kind == "decision" and isinstance(detail, dict):
        parts.append(f"-> {detail['selected']}" if detail.get("selected") else str(detail.get("message", "")))
    elif record.kind in ("decision", "runtime", "note") and isinstance(detail, str):
        parts.append(detail)
    return "  ".join(part for part in parts if part)
