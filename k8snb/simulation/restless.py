"""Who never comes to rest: a control loop that changes one object again and again, or makes objects without an end.

A loop that writes without comparing is called again by its own write; two loops that disagree call each other. Virtual time hardly
moves meanwhile, so whoever waits for quiet would wait for minutes. Settling looks at the trace as it grows, and stops once somebody
has written too often: a learner's controller after :data:`MANY` writes, one of Kubernetes' own after as many writes as there are
objects, since a rollout of 10,000 Pods changes the status of one ReplicaSet 10,000 times and ends.

Models: nothing upstream; there it is found by ``kubectl get --watch`` and by the graphs of the API server's requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sized
from typing import NamedTuple

from k8snb.client.learner import PREFIX
from k8snb.messages import text
from k8snb.sim.trace import Record, Trace

MANY = 500
EVERY = 256  # events between two looks
_CHANGES = ("update", "patch", "apply", "create", "delete")
_QUIET = ("events", "leases")  # written all the time; whoever settles does not wait for their end


class Restless(NamedTuple):
    """Who changes what without an end, how often so far, and who changes the same again and again, too."""

    actor: str
    verb: str
    subject: str
    times: int
    others: tuple[str, ...] = ()

    def __repr__(self) -> str:
        names = {"actor": self.actor, "subject": self.subject, "count": self.times}
        if self.others:
            return text("steps.restless_together", others=", ".join(self.others), **names)
        return text("steps.restless_creating" if self.verb == "create" else "steps.restless", **names)


class Watcher:
    """Counts who has written what, since it was made. Asked after each event, it looks rarely."""

    def __init__(self, trace: Trace, stored: Sized):
        self.trace, self.stored, self.last, self.asked = trace, stored, trace.last, 0
        self.writes: Counter[tuple[str, str, str]] = Counter()
        self.restless: Restless | None = None

    def found(self) -> bool:
        """Whether somebody has written too often."""
        self.asked += 1
        if self.asked % EVERY == 0:
            records, self.last = self.trace.since(self.last), self.trace.last
            new = Counter(_what(one) for one in records if one.kind == "request" and one.verb in _CHANGES)
            self.writes.update(new)
            self.restless = next((self._named(what) for what in new if self._too_often(what, self.writes[what])), None)
        return self.restless is not None

    def _too_often(self, what: tuple[str, str, str], count: int) -> bool:
        actor, _, subject = what
        if count < MANY or subject.startswith(_QUIET):
            return False
        return actor.startswith(PREFIX) or count > len(self.stored)

    def _named(self, what: tuple[str, str, str]) -> Restless:
        """Where a loop of Kubernetes' own runs after a learner's, the learner's is meant."""
        theirs = [(count, one) for one, count in self.writes.items() if one[0].startswith(PREFIX) and count > MANY // 10]
        actor, verb, subject = what if what[0].startswith(PREFIX) or not theirs else max(theirs)[1]
        count = self.writes[actor, verb, subject]
        others = {who: None for (who, _, on), often in self.writes.items() if on == subject and who != actor and often > count // 2}
        return Restless(actor, verb, subject, count, tuple(others))


def _what(record: Record) -> tuple[str, str, str]:
    """Who does what to what; of those that are made or deleted, only the resource."""
    made = record.verb in ("create", "delete")
    return record.actor, record.verb if made else "update", record.subject.partition(" ")[0] if made else record.subject
