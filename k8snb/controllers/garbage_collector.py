"""The garbage collector: what nobody owns any more goes, and deletions spread from owners to what they own.

It keeps a graph of *all* objects by UID: who depends on whom (``ownerReferences``). A key is one UID. Three ways to delete an owner:

    Background   the owner goes at once; its dependents, now without an owner, are deleted after it
    Foreground   the owner waits (finalizer ``foregroundDeletion``) until dependents that block it are gone
    Orphan       the owner waits (finalizer ``orphan``) until its dependents no longer name it; they stay

Models: pkg/controller/garbagecollector (garbagecollector.go: attemptToDeleteItem, attemptToOrphan; graph_builder.go).
Custom resources join the graph when their definition is established, and leave it with the definition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import is_true
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.resource import Resource
from k8snb.client.controller import DEFINITIONS, Controller
from k8snb.client.informer import key_of, split_key
from k8snb.resources import RESOURCES
from k8snb.sim.state import Shelf

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
IGNORED = ("events",)


def _collected() -> tuple[Resource, ...]:
    """Every resource whose objects can be listed, watched and deleted, once for each that is served in several versions."""
    needed = {"list", "watch", "delete"}
    found = {r.key: r for r in RESOURCES if needed <= set(r.verbs) and r.key not in IGNORED and r.storage in ("", r.version)}
    return tuple(found.values())


COLLECTED = _collected()
_BUILT_IN = frozenset(r.key for r in RESOURCES)
_BY_KIND = {(r.api_version.rpartition("/")[0], r.kind): (r.key, r.namespaced) for r in COLLECTED}


@dataclass(slots=True)
class GraphState:
    """``places``: UID -> (resource, key) of every object; ``dependents``: UID of an owner -> UIDs of what names it."""

    places: Shelf = field(default_factory=Shelf)
    dependents: dict[str, Shelf] = field(default_factory=dict)


class GarbageCollector(Controller):
    """One turn looks at one object: does it have a living owner, does it wait for dependents, must it let them go?"""

    name = "garbage-collector"
    account = "generic-garbage-collector"
    reads = tuple(r.key for r in COLLECTED)

    def __init__(self, process: Any):
        super().__init__(process)
        for resource in self.reads:
            self.informers[resource].tell(self._listener(resource))
        self.informers[DEFINITIONS].tell(self._defined)
        for definition in self.informers[DEFINITIONS].all():  # in a fork the cache is there, the listeners are not
            self._defined(None, definition, 0)

    def _defined(self, old: Object | None, new: Object | None, _cause: int) -> None:
        """A definition came, changed or went: its resource joins the graph, or leaves it."""
        if new is None:
            assert old is not None
            self.process.leave(old["metadata"]["name"])
        elif is_true(new, "Established") and new["metadata"]["name"] not in self.process.informers:
            name = new["metadata"]["name"]
            self.process.follow(name, self._listener(name))

    def on_stop(self) -> None:
        """Which resources there are is learned anew."""
        for name in [name for name in self.process.informers if name.partition("?")[0] not in _BUILT_IN]:
            self.process.leave(name)

    def new_state(self) -> Any:
        return GraphState()

    def _listener(self, resource: str) -> Callable[[Object | None, Object | None, int], None]:
        def changed(old: Object | None, new: Object | None, cause: int) -> None:
            if new is None:
                assert old is not None
                self._gone(old, cause)
            else:
                self._seen(resource, old, new, cause)

        return changed

    # ------------------------------------------------------------------ the graph

    def _seen(self, resource: str, old: Object | None, new: Object, cause: int) -> None:
        graph: GraphState = self.own
        meta = new["metadata"]
        uid = meta["uid"]
        owners = meta.get("ownerReferences") or ()
        if old is None:
            graph.places[uid] = (resource, key_of(new))
        if old is None or (old["metadata"].get("ownerReferences") or ()) != owners:
            self._link(uid, old, owners)
            if any(ref["uid"] not in graph.places for ref in owners):
                self.queue.add(uid, cause)
        if "deletionTimestamp" in meta:
            self._deleting(uid, meta, cause)

    def _link(self, uid: str, old: Object | None, owners: Any) -> None:
        graph: GraphState = self.own
        for ref in (old["metadata"].get("ownerReferences") or ()) if old is not None else ():
            graph.dependents.get(ref["uid"], Shelf()).pop(uid, None)
        for ref in owners:
            graph.dependents.setdefault(ref["uid"], Shelf())[uid] = True

    def _deleting(self, uid: str, meta: Object, cause: int) -> None:
        finalizers = meta.get("finalizers") or ()
        if ORPHAN in finalizers or FOREGROUND in finalizers:
            self.queue.add(uid, cause)
        if FOREGROUND in finalizers:
            for dependent in self.own.dependents.get(uid, ()):
                self.queue.add(dependent, cause)

    def _gone(self, obj: Object, cause: int) -> None:
        graph: GraphState = self.own
        uid = obj["metadata"]["uid"]
        graph.places.pop(uid, None)
        for ref in obj["metadata"].get("ownerReferences") or ():
            graph.dependents.get(ref["uid"], Shelf()).pop(uid, None)
            owner = self._object(ref["uid"])
            if owner is not None and "deletionTimestamp" in owner["metadata"]:
                self.queue.add(ref["uid"], cause)
        for dependent in graph.dependents.pop(uid, ()):
            self.queue.add(dependent, cause)

    def _object(self, uid: str) -> Object | None:
        place = self.own.places.get(uid)
        informer = self.process.informers.get(place[0]) if place else None  # None: its definition has gone, and it with that
        return informer.get(place[1]) if place and informer is not None else None

    # ------------------------------------------------------------------ one turn

    def reconcile(self, key: str) -> None:
        place = self.own.places.get(key)
        if place is None:
            return
        resource, where = place
        namespace, name = split_key(where)
        item = self.client.find(resource, name, namespace)
        if item is None or item["metadata"]["uid"] != key:
            return
        finalizers = item["metadata"].get("finalizers") or ()
        if "deletionTimestamp" in item["metadata"]:
            if ORPHAN in finalizers:
                self._orphan(resource, item)
            elif FOREGROUND in finalizers:
                self._wait_for_dependents(resource, item)
            return
        owners = item["metadata"].get("ownerReferences") or ()
        if owners:
            self._check_owners(resource, item, owners)

    def _check_owners(self, resource: str, item: Object, owners: Any) -> None:
        solid, lost, waiting = [], [], []
        for ref in owners:
            owner = self._owner(ref, item)
            if owner is None:
                lost.append(ref)
            elif "deletionTimestamp" in owner["metadata"] and FOREGROUND in (owner["metadata"].get("finalizers") or ()):
                waiting.append(ref)
            else:
                solid.append(ref)
        if solid:
            if lost or waiting:
                self._unlink(resource, item, [ref["uid"] for ref in lost + waiting])
            return
        dependents = bool(self.own.dependents.get(item["metadata"]["uid"]))
        self._delete(resource, item, "Foreground" if waiting and dependents else "Background")

    def _owner(self, ref: Object, item: Object) -> Object | None:
        """The owner as the API server has it now, None where there is no such object (any more)."""
        mapped = _BY_KIND.get((ref["apiVersion"].rpartition("/")[0], ref["kind"])) or self._custom(ref)
        if mapped is None:
            raise ApiError(404, "NotFound", f"unable to get REST mapping for {ref['apiVersion']}/{ref['kind']}")
        resource, namespaced = mapped
        namespace = item["metadata"].get("namespace", "") if namespaced else ""
        owner = self.client.find(resource, ref["name"], namespace)
        return owner if owner is not None and owner["metadata"]["uid"] == ref["uid"] else None

    def _custom(self, ref: Object) -> tuple[str, bool] | None:
        group = ref["apiVersion"].rpartition("/")[0]
        for definition in self.informers[DEFINITIONS].all():
            spec = definition["spec"]
            if spec["group"] == group and spec["names"]["kind"] == ref["kind"]:
                return definition["metadata"]["name"], spec["scope"] == "Namespaced"
        return None

    def _wait_for_dependents(self, resource: str, item: Object) -> None:
        """Foreground: go when no dependent that blocks is left; until then see that they go."""
        uid = item["metadata"]["uid"]
        blocking = [d for d in self.own.dependents.get(uid, ()) if self._blocks(d, uid)]
        if not blocking:
            self._drop_finalizer(resource, item, FOREGROUND)
            return
        for dependent in blocking:
            self.queue.add(dependent)

    def _blocks(self, dependent: str, owner: str) -> bool:
        obj = self._object(dependent)
        refs = (obj["metadata"].get("ownerReferences") or ()) if obj is not None else ()
        return any(ref["uid"] == owner and ref.get("blockOwnerDeletion") for ref in refs)

    def _orphan(self, resource: str, item: Object) -> None:
        """Orphan: the dependents let go of the owner, then the owner may go."""
        uid = item["metadata"]["uid"]
        for dependent in list(self.own.dependents.get(uid, ())):
            place, obj = self.own.places.get(dependent), self._object(dependent)
            if place is not None and obj is not None:
                self._unlink(place[0], obj, [uid])
        self._drop_finalizer(resource, item, ORPHAN)

    # ------------------------------------------------------------------ acting

    def _unlink(self, resource: str, obj: Object, owners: list[str]) -> None:
        meta = obj["metadata"]
        refs = [ref for ref in meta.get("ownerReferences") or () if ref["uid"] not in owners]
        self._patch(resource, obj, {"metadata": {"uid": meta["uid"], "ownerReferences": refs or None}})

    def _drop_finalizer(self, resource: str, obj: Object, finalizer: str) -> None:
        rest = [name for name in obj["metadata"].get("finalizers") or () if name != finalizer]
        patch = {"metadata": {"resourceVersion": obj["metadata"]["resourceVersion"], "finalizers": rest or None}}
        self._patch(resource, obj, patch)

    def _patch(self, resource: str, obj: Object, patch: Object) -> None:
        try:
            self.client.patch(resource, obj["metadata"]["name"], patch, obj["metadata"].get("namespace", ""))
        except ApiError as error:
            if error.code != 404:
                raise

    def _delete(self, resource: str, item: Object, propagation: str) -> None:
        meta = item["metadata"]
        try:
            self.client.delete(resource, meta["name"], meta.get("namespace", ""), uid=meta["uid"], propagation=propagation)
        except ApiError as error:
            if error.code not in (404, 409):
                raise
