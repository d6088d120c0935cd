"""The images of a cluster, and how a learner adds some: :class:`Images` is the catalogue with a memory.

    cluster.images                       a table: name, what it stands for
    cluster.images.explain("nginx")      one image: its versions, ports, use of CPU and memory; what it does and does not do
    cluster.images.add(MyImage)          from now on pods can run it

What is added is an input of the simulation: a fork and a rewind know the images that were there at their moment. A saved cluster holds
no code; what it runs of a learner's images goes on once they are added again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from k8snb.guests.arguments import careful
from k8snb.messages import text

if TYPE_CHECKING:
    from k8snb.kubelet.images.catalogue import Explanation
    from k8snb.simulation.simulation import Simulation


@careful("cluster.images")
class Images:
    """The images that exist in a cluster's world."""

    def __init__(self, simulation: Simulation):
        self._simulation = simulation

    def add(self, image: Any) -> Explanation:
        """Make an image known: a class derived from ``Image``. One of the same name is replaced.

        Raises ``ValueError`` with one sentence for what cannot be an image.
        """
        self._simulation.add_image(image)
        return self.explain(image.name)

    def explain(self, name: str) -> Explanation:
        """What an image stands for: ``nginx``, ``nginx:1.27`` or a full reference.

        Raises ``ValueError`` for a malformed name; LookupError (a ValueError, too) for a version that does not exist.
        """
        return self._simulation.images.explain(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._simulation.images)

    def __len__(self) -> int:
        return len(self._simulation.images)

    def __contains__(self, name: str) -> bool:
        return name in self._simulation.images

    def __repr__(self) -> str:
        """The table; in a loaded cluster, what it misses, too."""
        unsaved = self._simulation.unsaved
        head = [text("controllers.unsaved", names=", ".join(unsaved))] if unsaved else []
        return "\n".join([*head, repr(self._simulation.images)])
