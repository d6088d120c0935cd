"""The cluster that a notebook is talking to now: what ``%kubectl``, ``%%manifest``, ``%step`` and ``current()`` mean.

One notebook is one kernel, so one *current* cluster is enough; making a cluster current is all the state that magics have.
"""

from __future__ import annotations

from typing import Any


class NoCluster(LookupError):
    """A magic was used before there was a cluster."""


class Session:
    """Holds the current cluster of this kernel."""

    def __init__(self) -> None:
        self._cluster: Any = None

    def use(self, cluster: Any) -> Any:
        """Make ``cluster`` the current one, and return it."""
        self._cluster = cluster
        return cluster

    @property
    def cluster(self) -> Any:
        """The current cluster. Raises :class:`NoCluster` where none was made yet."""
        if self._cluster is None:
            raise NoCluster("no cluster yet: cluster = Cluster(nodes=3)")
        return self._cluster


_SESSION = Session()


def session() -> Session:
    """The session of this kernel."""
    return _SESSION
