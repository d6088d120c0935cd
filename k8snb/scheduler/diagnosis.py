"""What came of a scheduling cycle, node by node and plugin by plugin, as a value.

The sentence of a FailedScheduling event, the condition on the pod, the answer to *why is it there?* and the grid in the
notebook are all prints of one :class:`Diagnosis`.

    0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. preemption: 0/3 nodes are available: ...
    └ nodes                  └ reasons with their numbers, sorted as text       └ what PostFilter said

Models: pkg/scheduler/framework/types.go (Diagnosis, FitError).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.apimachinery.objects import FrozenDict, FrozenList, freeze

SUCCESS = "Success"
ERROR = "Error"
UNSCHEDULABLE = "Unschedulable"  # eviction of other pods may help
UNRESOLVABLE = "UnschedulableAndUnresolvable"  # eviction of other pods cannot help
WAIT = "Wait"
SKIP = "Skip"
PENDING = "Pending"
REJECTED = (UNSCHEDULABLE, UNRESOLVABLE, PENDING)

MAX_NODE_SCORE = 100
GRID_NODES = 25  # nodes that the data form shows in full; in larger clusters only the best few
GRID_SAMPLE = 5


class Status(NamedTuple):
    """What a plugin answers when it has something to say; None stands for success."""

    code: str
    reasons: tuple[str, ...] = ()
    plugin: str = ""

    @property
    def rejected(self) -> bool:
        """Whether the pod cannot go there, as opposed to an error."""
        return self.code in REJECTED

    @property
    def message(self) -> str:
        """The reasons in one line."""
        return ", ".join(self.reasons)


def unschedulable(*reasons: str) -> Status:
    """The pod does not fit here, and removing other pods may help."""
    return Status(UNSCHEDULABLE, reasons)


def unresolvable(*reasons: str) -> Status:
    """The pod does not fit here, whoever else is removed."""
    return Status(UNRESOLVABLE, reasons)


def fit_error(total: int, statuses: list[Status], absent: Status | None, pre_filter: str = "", post_filter: str = "") -> str:
    """The sentence about a pod that fits nowhere. ``absent`` stands for the nodes without a status of their own."""
    sentence = f"0/{total} nodes are available:"
    if pre_filter:
        sentence += f" {pre_filter}."
    else:
        reasons = Counter(reason for status in statuses for reason in status.reasons)
        if absent is not None and len(statuses) < total:
            reasons.update({reason: total - len(statuses) for reason in absent.reasons})
        histogram = sorted(f"{count} {reason}" for reason, count in reasons.items())
        sentence += f" {', '.join(histogram)}." if histogram else ""
    return f"{sentence} {post_filter}" if post_filter else sentence


@dataclass(slots=True)
class Diagnosis:
    """One cycle of one pod. ``scores`` has, for each feasible node, the weighted and normalised points of each plugin."""

    pod: str
    nodes: int = 0
    statuses: dict[str, Status] = field(default_factory=dict)  # of the nodes that were rejected, in order of evaluation
    absent: Status | None = None  # of the nodes that were not looked at
    feasible: list[str] = field(default_factory=list)
    score_plugins: tuple[str, ...] = ()
    filters: FrozenList = field(default_factory=FrozenList)  # the names of the Filter plugins that were asked, in order
    scores: dict[str, tuple[int, ...]] = field(default_factory=dict)  # shown nodes only, in the order of score_plugins
    totals: dict[str, int] = field(default_factory=dict)
    selected: str = ""
    nominated: str = ""
    pre_filter: str = ""
    post_filter: str = ""
    unschedulable_plugins: tuple[str, ...] = ()
    pending_plugins: tuple[str, ...] = ()
    error: str = ""

    @property
    def message(self) -> str:
        """What the FailedScheduling event says; empty for a pod that found its node."""
        if self.selected:
            return ""
        return self.error or fit_error(self.nodes, list(self.statuses.values()), self.absent, self.pre_filter, self.post_filter)

    def blame(self, status: Status) -> None:
        """Count a rejection against its plugin: only events that this plugin waits for will wake the pod."""
        if not status.plugin:
            return
        if status.code == PENDING:
            self.pending_plugins = tuple(sorted({*self.pending_plugins, status.plugin}))
        else:
            self.unschedulable_plugins = tuple(sorted({*self.unschedulable_plugins, status.plugin}))

    def as_data(self, **more: Any) -> FrozenDict:
        """The value for the trace: frozen JSON, bounded in large clusters (``omitted`` counts what is left out).

        ``more`` is added where it is not empty.
        """
        rejected = list(self.statuses.items())
        shown = rejected if self.nodes <= GRID_NODES else rejected[:GRID_SAMPLE]
        of_row = {row: FrozenDict(zip(self.score_plugins, row, strict=True)) for row in self.scores.values()}
        points = {name: of_row[row] for name, row in self.scores.items()}
        data: dict[str, Any] = {
            "pod": self.pod,
            "nodes": self.nodes,
            "feasible": len(self.feasible),
            "selected": self.selected,
            "message": self.message,
            "rejected": FrozenDict({name: _reasons(status) for name, status in shown}),
            "scores": FrozenDict(points),
            "totals": FrozenDict(self.totals),
            "filters": self.filters,
            "omitted": len(rejected) - len(shown) + (len(self.feasible) - len(points) if points else 0),
            "plugins": FrozenList([*self.unschedulable_plugins, *self.pending_plugins]),
        }
        more["nominated"] = self.nominated
        data.update({key: freeze(value) for key, value in more.items() if value})
        return FrozenDict(data)


def _reasons(status: Status) -> FrozenDict:
    return FrozenDict({"plugin": status.plugin, "code": status.code, "reasons": FrozenList(status.reasons)})
