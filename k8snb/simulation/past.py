"""All objects at one revision, read from etcd's journal: the past, to look at and not to touch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from k8snb.apimachinery.objects import Object
from k8snb.guests.arguments import careful
from k8snb.messages import NoSuchKey, text

if TYPE_CHECKING:
    from k8snb.simulation.simulation import Simulation


@careful("past")
class Past(Mapping[str, list[Object]]):
    """Resource key -> objects, as they were when ``revision`` was the last write. Events and leases are not recorded.

    Raises ``k8snb.etcd.store.Compacted`` when made for a revision that is no longer kept, or has not come yet.
    """

    def __init__(self, simulation: Simulation, revision: int):
        self.revision = revision
        catalogue = simulation.parts.server.catalogue
        self._known = catalogue.by_key
        self._objects: dict[str, list[Object]] = {}
        for key, value in simulation.parts.store.at(revision).items():
            resource = catalogue.of_key(key)
            if resource is not None:
                self._objects.setdefault(resource.key, []).append(value)

    def __getitem__(self, resource: str) -> list[Object]:
        if resource not in self._objects and resource not in self._known:
            raise NoSuchKey(text("cluster.no_resource", resource=resource))
        return self._objects.get(resource, [])

    def __iter__(self) -> Iterator[str]:
        return iter(self._objects)

    def __len__(self) -> int:
        return len(self._objects)

    def find(self, resource: str, name: str, namespace: str = "default") -> Any:
        """The object of that name, or None."""
        for obj in self[resource]:
            if obj["metadata"]["name"] == name and obj["metadata"].get("namespace", namespace) == namespace:
                return obj
        return None

    def __repr__(self) -> str:
        return f"<Past revision {self.revision}: {sum(map(len, self._objects.values()))} objects>"
