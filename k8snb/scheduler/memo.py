"""Doing work once: results that depend on one pod's signature and one node's record.

Ten thousand replicas of one Deployment are ten thousand equal questions, and between two of them only the node that took the
last pod has changed. A plugin that is marked ``node_local`` promises that its Filter and Score look at nothing but the pod's
signature and the one node. Then its answers are remembered in a table by node, and an entry is dropped when the snapshot's log
says that the node's record was replaced. Counts of pods by selector are kept up to date by the pods that came and went.

Law: with and without the memo every decision is the same (a Hypothesis test in ``tests/scheduler`` holds it). It is not state:
it can be thrown away at any time.

Upstream reaches for the same idea as *opportunistic batching* (KEP-5598, SignPlugin).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from k8snb.scheduler.cache import Move, Places, Snapshot
from k8snb.scheduler.nodeinfo import NodeInfo

Sums = tuple[tuple[Any, int], ...]

_TABLES = 256  # questions remembered; when there are more, all is forgotten


class Table:
    """Answers by index of the snapshot's node list; None where there is none yet. ``sums`` adds up those that are pairs.

    Where whole descriptions of nodes are compared, the answers are numbers of ``kinds``: nodes of one number are described alike.
    """

    __slots__ = ("_numbers", "answers", "gaps", "kinds", "read", "sums")

    def __init__(self, size: int):
        self.answers: list[Any] = [None] * size
        self.gaps = dict.fromkeys(range(size))  # the indexes without an answer
        self.read = 0  # how much of the snapshot's log (of counts: of its moves) has been applied
        self.sums: dict[Any, int] | None = None
        self.kinds: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def catch_up(self, log: Sequence[int]) -> None:
        """Forget the answers about nodes that were replaced since the last look."""
        for index in log[self.read :]:
            self.answers[index] = None
            self.gaps[index] = None
        self.read = len(log)

    def put(self, index: int, answer: Any) -> None:
        """Remember an answer."""
        self.answers[index] = answer
        self.gaps.pop(index, None)

    def put_kind(self, index: int, description: Any) -> None:
        """Remember what a node is like, by its number."""
        number = self._numbers.get(description)
        if number is None:
            number = self._numbers[description] = len(self.kinds)
            self.kinds.append(description)
        self.put(index, number)

    def missing(self, places: Places) -> list[int]:
        """Those of the places that have no answer."""
        return places.among(self.gaps)


class Memo:
    """Tables of answers for one snapshot. ``enabled=False`` gives a fresh table every time, for comparison."""

    def __init__(self, enabled: bool = True):
        self.enabled = enabled
        self._snapshot: Snapshot | None = None
        self._tables: dict[Hashable, Table] = {}

    def table(self, question: Hashable, snapshot: Snapshot) -> Table:
        """The answers to ``question`` that still hold. The caller fills in the missing ones."""
        found = self._find(question, snapshot)
        found.catch_up(snapshot.log)
        return found

    def by_node(self, question: Hashable, snapshot: Snapshot, answer: Callable[[NodeInfo], Any]) -> list[Any]:
        """The answer for every node, in order. ``answer`` is asked only for nodes that changed. Do not write into the result."""
        table = self.table(question, snapshot)
        for index in table.gaps:
            table.answers[index] = answer(snapshot.nodes[index])
        table.gaps.clear()
        return table.answers

    def counts(self, question: Hashable, snapshot: Snapshot, count: Callable[[NodeInfo], int], counts: Callable[[Move], bool]) -> list[int]:
        """How many pods of each node are meant, in order: those that ``count`` finds there at first, then those that come and go and
        that ``counts`` says are meant. Do not write into the result.
        """
        found = self._find(question, snapshot)
        moves = snapshot.moves
        if found.gaps:
            found.answers = list(map(count, snapshot.nodes))
            found.gaps.clear()
        elif found.read < len(moves):
            for move in moves[found.read :]:
                if counts(move):
                    found.answers[move.place] += move.sign
        found.read = len(moves)
        return found.answers

    def sums(self, question: Hashable, snapshot: Snapshot, answer: Callable[[NodeInfo], Sums]) -> Mapping[Any, int]:
        """``answer`` gives pairs of key and amount for a node; this is their sum by key over all nodes, without zeros.

        Kept up to date by difference, so its cost is that of the nodes that changed. Do not write into the result.
        """
        found = self._find(question, snapshot)
        answers, nodes = found.answers, snapshot.nodes
        if found.sums is None:
            found.sums = {}
            changed: Iterable[int] = range(len(nodes))
        else:
            changed = dict.fromkeys(snapshot.log[found.read :])
        found.read = len(snapshot.log)
        for index in changed:
            before, after = answers[index], answer(nodes[index])
            if before != after:
                answers[index] = after
                _add(found.sums, before or (), -1)
                _add(found.sums, after, 1)
        return found.sums

    def _find(self, question: Hashable, snapshot: Snapshot) -> Table:
        if not self.enabled:
            return Table(len(snapshot.nodes))
        if snapshot is not self._snapshot or len(self._tables) > _TABLES:
            self._snapshot, self._tables = snapshot, {}
        found = self._tables.get(question)
        if found is None:
            found = self._tables[question] = Table(len(snapshot.nodes))
            found.read = len(snapshot.log)
        return found


def _add(sums: dict[Any, int], pairs: Sums, sign: int) -> None:
    for key, amount in pairs:
        total = sums.get(key, 0) + sign * amount
        if total:
            sums[key] = total
        else:
            sums.pop(key, None)
