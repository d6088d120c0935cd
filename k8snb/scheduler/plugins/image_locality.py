"""Prefer nodes that have the pod's images already, weighed by size and by how common the image is.

    for each image: size * (nodes that have it / all nodes)    summed, then scaled from 23 MB .. 1000 MB per container to 0..100

The share of nodes keeps a single lucky node from attracting every replica ("node heating").

Models: pkg/scheduler/framework/plugins/imagelocality.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.scheduler.diagnosis import MAX_NODE_SCORE, SKIP, Status
from k8snb.scheduler.framework import Cycle, PreScorePlugin, ScorePlugin, Sight
from k8snb.scheduler.nodeinfo import NodeInfo, normalized_image

MB = 1024 * 1024
SMALLEST, LARGEST = 23 * MB, 1000 * MB


def priority(total: int, containers: int) -> int:
    """0..100 for the summed sizes of ``containers`` containers."""
    ceiling = LARGEST * containers
    total = min(max(total, SMALLEST), ceiling)
    return MAX_NODE_SCORE * (total - SMALLEST) // (ceiling - SMALLEST)


class ImageLocality(PreScorePlugin, ScorePlugin):
    """Scores by images that are there."""

    name = "ImageLocality"
    even = True

    def pre_score(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> Status | None:
        """Skip where no node has any of the images: all points would be 0. (Upstream scores them one by one.)"""
        total = len(cycle.snapshot.nodes)
        known = {}
        for image in cycle.pod.images:
            name = normalized_image(image)
            if name in cycle.snapshot.images:
                size, count = cycle.snapshot.images[name]
                known[name] = int(size * (count / total))
        cycle.data[self.name] = known
        return None if known else Status(SKIP)

    def sight(self, cycle: Cycle) -> Sight:
        """Which of the pod's images are there."""
        names = list(map(normalized_image, cycle.pod.images))
        return Sight(("images", *names), lambda node: tuple([name in node.facts.images for name in names]))

    def score(self, cycle: Cycle, node: NodeInfo) -> int:
        """The points of one node."""
        known, images = cycle.data[self.name], node.facts.images
        total = sum(known.get(name, 0) for name in map(normalized_image, cycle.pod.images) if name in images)
        return priority(total, len(cycle.pod.images))
