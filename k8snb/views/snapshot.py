"""A snapshot as views read it: resource keys to lists of frozen objects, with the few indexes that pictures need.

    snapshot = {"deployments.apps": [...], "pods": [...], "nodes": [...]}

Ids of objects in views are ``resource namespace/name``, the same words as the subjects of trace records, so that a picture, a
trace record and a click all mean the same thing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from k8snb.apimachinery.meta import key_of
from k8snb.apimachinery.objects import EMPTY_LIST, Object, dig

Snapshot = Mapping[str, Sequence[Object]]


def identity(resource: str, obj: Object) -> str:
    """``pods shop/web-1``: the id of an object in every view and in the trace."""
    return f"{resource} {key_of(obj)}"


class Identity(NamedTuple):
    """What such an id says. ``namespace``: empty where the object has none."""

    resource: str
    namespace: str
    name: str

    @classmethod
    def of(cls, text: str) -> Identity:
        """Read an id.

        >>> Identity.of("pods shop/web-1"), Identity.of("nodes node-1").namespace
        (Identity(resource='pods', namespace='shop', name='web-1'), '')
        """
        resource, _, where = text.partition(" ")
        namespace, _, name = where.rpartition("/")
        return cls(resource, namespace, name)

    @property
    def where(self) -> str:
        """``shop/web-1``, or ``node-1``."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(slots=True)
class Index:
    """Objects of a snapshot by id, and what each owns, by the owner's UID. Built once for a picture."""

    objects: dict[str, tuple[str, Object]] = field(default_factory=dict)  # id -> resource, object
    owned: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # owner's uid -> ids
    uids: dict[str, str] = field(default_factory=dict)  # uid -> id

    @classmethod
    def of(cls, snapshot: Snapshot) -> Index:
        """The index of all objects, in the order of the snapshot."""
        index = cls()
        for resource, objects in snapshot.items():
            for obj in objects:
                index._add(resource, obj)
        return index

    def _add(self, resource: str, obj: Object) -> None:
        name = identity(resource, obj)
        self.objects[name] = (resource, obj)
        self.uids[str(dig(obj, "metadata.uid", ""))] = name
        for reference in dig(obj, "metadata.ownerReferences", EMPTY_LIST):
            self.owned[reference["uid"]].append(name)

    def children(self, name: str) -> list[str]:
        """Ids of what the object owns, sorted."""
        uid = dig(self.objects[name][1], "metadata.uid", "")
        return sorted(self.owned.get(uid, ()))

    def owners(self, name: str) -> list[str]:
        """Ids of the object's owners that are in the snapshot."""
        references = dig(self.objects[name][1], "metadata.ownerReferences", EMPTY_LIST)
        return [self.uids[r["uid"]] for r in references if r["uid"] in self.uids]

    def below(self, roots: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Every (owner id, owned id) pair under the roots, parents first, each object entered once."""
        seen, queue = set(roots), list(roots)
        for owner in queue:
            for child in self.children(owner):
                yield owner, child
                if child not in seen:
                    seen.add(child)
                    queue.append(child)
