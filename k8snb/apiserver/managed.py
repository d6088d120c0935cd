"""Field ownership (``metadata.managedFields``), computed only when somebody looks.

Nearly nobody reads managed fields, but each of a cluster's writes changes them. So the server keeps, beside each object, the
short chain of writes since ownership was last computed, and works it off when a client asks for the object, or applies to it:

    computed up to here  ->  (old, new, "kubectl-client-side-apply", Update)  ->  (old, new, "kubelet", Update, status)

Objects are frozen and ownership of an unchanged subtree is remembered on it, so the delay costs nothing; a chain that grows
long is worked off at once, so it holds few objects that nobody else does.

Models: k8s.io/apimachinery/pkg/util/managedfields (internal/fieldmanager.go, structuredmerge.go).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8snb.apimachinery import apply
from k8snb.apimachinery.objects import EMPTY_LIST, FrozenList, Object, put
from k8snb.apimachinery.resource import Resource
from k8snb.sim.state import Shelf

_LONGEST = 64


class Write(NamedTuple):
    """One write that ownership has not been computed for."""

    old: Object | None
    new: Object
    manager: str
    api_version: str
    time: int
    subresource: str


class Owned(NamedTuple):
    """``entries``: managedFields as computed; ``chain``: the writes since."""

    entries: FrozenList
    chain: tuple[Write, ...]


_NONE = Owned(EMPTY_LIST, ())


class ManagedFields:
    """Ownership of all objects, by etcd key."""

    def __init__(self, state: Shelf):
        self.state = state
        self._seen: dict[str, tuple[Owned, FrozenList]] = {}  # worked out for a reader: reading leaves no mark on the state

    def wrote(self, resource: Resource, key: str, write: Write) -> None:
        """Note a create, update or patch."""
        owned: Owned = self.state.get(key, _NONE)
        chain = (*owned.chain, write)
        self.state[key] = Owned(owned.entries, chain)
        if len(chain) > _LONGEST:
            self.of(resource, key)

    def applied(self, key: str, entries: Any) -> None:
        """Ownership as server-side apply (or an explicit reset) has determined it."""
        self.state[key] = Owned(entries, ())

    def forget(self, key: str) -> None:
        """The object is gone."""
        self.state.pop(key, None)
        self._seen.pop(key, None)

    def of(self, resource: Resource, key: str) -> FrozenList:
        """The object's ``managedFields``, up to date: the chain is worked off."""
        owned: Owned = self.state.get(key, _NONE)
        if owned.chain:
            owned = self.state[key] = Owned(self._entries(resource, key, owned), ())
            self._seen.pop(key, None)
        return owned.entries

    def _entries(self, resource: Resource, key: str, owned: Owned) -> FrozenList:
        known, entries = self._seen.get(key, (None, EMPTY_LIST))
        if known is owned:
            return entries
        found: Any = owned.entries
        for write in owned.chain:
            found = apply.track_update(
                write.old, write.new, entries=found, manager=write.manager, api_version=write.api_version,
                time=write.time, subresource=write.subresource, schema=resource.schema,
            )  # fmt: skip
        self._seen[key] = owned, found
        return found  # type: ignore[no-any-return]

    def shown(self, resource: Resource, key: str, obj: Object) -> Object:
        """The object as a client sees it, ownership included."""
        entries = self._entries(resource, key, self.state.get(key, _NONE))
        return put(obj, ("metadata", "managedFields"), entries) if entries else obj
