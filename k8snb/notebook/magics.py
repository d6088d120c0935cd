"""The magics: a thin layer over the Python API. They return objects, so that a cell shows them and the next cell can use them.

    %kubectl get pods -o wide          what a terminal would show
    %%manifest                         the cell is YAML; it is applied, and errors point at its lines
    %step   %step event   %step 5      one reconcile, one event, five reconciles
    %settle                            until nothing changes any more

They mean the *current* cluster: the one that was made last, or the one of the exercise that was started last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from k8snb.cluster import STEP_SIZES, Cluster, current
from k8snb.kubectl.remarks import remarked
from k8snb.kubectl.result import Result
from k8snb.messages import Plain, text
from k8snb.sim.clock import duration

MOST_STEPS = 10_000  # of one %step
GAPS = re.compile(r"\{([A-Za-z_]\w*)[^{}]*\}|\$([A-Za-z_]\w*)")  # where IPython puts a value in
JSONPATH_WORDS = ("range", "end")


class Steps(tuple[Any, ...]):
    """Several steps, each told below the one before."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(repr(step) for step in self)


@magics_class
class ClusterMagics(Magics):  # type: ignore[misc]  # IPython publishes no types for its base class
    """``%kubectl``, ``%%manifest``, ``%step`` and ``%settle`` for the current cluster."""

    @line_magic
    def kubectl(self, line: str) -> Any:
        """Run a kubectl command. If it had to wait, it says how far simulated time moved."""
        known = self.shell.user_ns if self.shell is not None else {}
        return _with_cluster(lambda cluster: _told_of_gaps(_kubectl(cluster, line), line, known))

    @cell_magic
    def manifest(self, line: str, cell: str) -> Any:
        """Apply the YAML of this cell; options are those of ``kubectl apply``, such as ``-n shop`` or ``--dry-run=server``."""
        return _with_cluster(lambda cluster: _apply(cluster, line, cell))

    @line_magic
    def step(self, line: str) -> Any:
        """One reconcile; ``event`` for the smallest step; a number for several."""
        return _with_cluster(lambda cluster: _step(cluster, line.split()))

    @line_magic
    def settle(self, line: str) -> Any:
        """Let time pass until nothing changes any more."""
        return Plain(text("notebook.settle_alone", given=line)) if line.strip() else _with_cluster(lambda cluster: cluster.settle())


def _with_cluster(act: Callable[[Cluster], Any]) -> Any:
    try:
        cluster = current()
    except LookupError as nothing:
        return Plain(nothing.args[0])
    return act(cluster)


def _kubectl(cluster: Cluster, line: str, cell: str | None = None) -> Result:
    before = cluster.now
    result = cluster.kubectl(line, stdin=cell)
    if cell is not None:
        result = remarked(result, cluster.simulation.parts.server.catalogue.by_kind, cell=True)
    waited = cluster.now - before
    if not waited or result.remark:
        return result
    if waited > result.paced:
        return replace(result, advice=text("notebook.moved", duration=duration(waited)))
    return replace(result, advice=text("notebook.passed", duration=duration(waited))) if result.ok else result


def _told_of_gaps(said: Result, line: str, known: Mapping[str, Any]) -> Result:
    """IPython puts the values of ``{name}`` and ``$name`` into a line, and leaves it as it is where Python knows no such name."""
    names = (next(filter(None, match.groups())) for match in GAPS.finditer(line))
    missing = next((name for name in names if name not in known and name not in JSONPATH_WORDS), "")
    return said if said.ok or not missing else replace(said, places="", advice=text("notebook.gap", name=missing))


def _apply(cluster: Cluster, line: str, cell: str) -> Result:
    said = _kubectl(cluster, f"apply -f - {line}", cell)
    return replace(said, places="", advice=text("notebook.options")) if "Unexpected args" in said.stderr else said


def _step(cluster: Cluster, words: list[str]) -> Any:
    if any(word not in STEP_SIZES and not word.isdecimal() for word in words):
        return Plain(text("notebook.step_what", known=", ".join(STEP_SIZES)))
    if any(word.isdecimal() and not 0 < int(word[:9]) <= MOST_STEPS for word in words):
        return Plain(text("notebook.step_count", most=MOST_STEPS))
    size = next((word for word in words if word in STEP_SIZES), "reconcile")
    count = next((int(word) for word in words if word.isdecimal()), 1)
    return cluster.step(size) if count == 1 else Steps(cluster.step(size) for _ in range(count))
