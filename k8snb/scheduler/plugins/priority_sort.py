"""Who is next: the highest priority, and among equals who came first.

Models: pkg/scheduler/framework/plugins/queuesort.
"""

from __future__ import annotations

from k8snb.scheduler.framework import QueueSortPlugin
from k8snb.scheduler.podinfo import PodInfo


class PrioritySort(QueueSortPlugin):
    """Sorts the active queue."""

    name = "PrioritySort"

    def sort_key(self, pod: PodInfo, timestamp: int) -> tuple[int | str, ...]:
        """Descending priority, ascending time."""
        return (-pod.priority, timestamp)
