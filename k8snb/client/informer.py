"""An informer: a local cache of one resource, fed by list and watch, with indexes.

A component never asks the API server "how many Pods are there now?" in its loop. It keeps a copy, told of every change, and
**allowed to be stale**: it lags by the watch's latency, or by minutes when the watch is broken. Whoever decides from a cache
must therefore tolerate being wrong, and learns of it by a 409 or 404 when writing.

    list -> [ADDED...]          watch -> ADDED, MODIFIED, DELETED -> cache, indexes, handlers
    watch broken -> list again: what is missing now was deleted meanwhile

Models: client-go/tools/cache (reflector.go, shared_informer.go, thread_safe_store.go). NEVER modify objects from the cache:
here they are frozen, so nobody can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.objects import FrozenList, Object
from k8snb.apimachinery.resource import once
from k8snb.apiserver.watch import Hub, WatchEvent
from k8snb.sim.state import Shelf

IndexFunction = Callable[[Object], Iterable[str]]
Part = Callable[[Object], Any]
TallyFunction = Callable[[Object], Iterable[tuple[str, str]]]
Handler = Callable[[Object | None, Object | None, int], None]  # old, new, trace id of the write


@dataclass(frozen=True, slots=True)
class OfPart:
    """An index function that looks at one ``part`` of an object alone (and at its key): while the part is the same, so are its ``values``.

    The informer asks only when the part is another one: most changes are of a status, most indexes of something else.
    """

    part: Part
    values: IndexFunction

    def __call__(self, obj: Object) -> Iterable[str]:
        """The values."""
        return self.values(obj)


def the_whole(obj: Object) -> Object:
    """The part that index functions look at which do not say more."""
    return obj


@dataclass(slots=True)
class InformerState:
    """The cache. Keys are ``namespace/name`` or ``name``. Index buckets are dicts used as ordered sets."""

    cache: Shelf = field(default_factory=Shelf)
    indexes: dict[str, dict[str, Shelf]] = field(default_factory=dict)
    tallies: dict[str, dict[str, Shelf]] = field(default_factory=dict)  # name -> group -> value -> how many
    watch: int = 0
    synced: bool = False
    revision: int = 0  # of the newest change seen


class Informer:
    """The cache of one resource within one component; reading it is what upstream calls a *lister*."""

    def __init__(self, resource: str, state: InformerState, hub: Hub, *, component: str, fields: str = ""):
        self.resource, self.state, self.hub, self.component, self.fields = resource, state, hub, component, fields
        self.index_functions: dict[str, IndexFunction] = {}
        self._indexes_of: dict[Part, list[str]] = {}  # the names of the indexes by the part that they look at
        self.tally_functions: dict[str, TallyFunction] = {}
        self._handlers: list[Handler] = []
        self._owner_of: dict[Handler, str] = {}  # handlers that are told only of objects with such a controller
        self._told: dict[tuple[str | None, str | None], list[Handler]] = {}  # who is told, by the controllers before and after

    def tell(self, handler: Handler) -> None:
        """Tell ``handler`` of every change of the cache."""
        self._handlers.append(handler)
        self._told.clear()

    def tell_of(self, owner: str, handler: Handler, *, first: bool = False) -> None:
        """Tell ``handler`` of objects that are, or were, controlled by one of the kind ``owner`` (empty: by none), and of no others."""
        self._owner_of[handler] = owner
        self._handlers.insert(0 if first else len(self._handlers), handler)
        self._told.clear()

    def _told_of(self, old: Object | None, new: Object | None) -> list[Handler]:
        if not self._owner_of:
            return self._handlers
        owners = (None if old is None else owner_kind(old), None if new is None else owner_kind(new))
        found = self._told.get(owners)
        if found is None:
            found = self._told[owners] = [one for one in self._handlers if one not in self._owner_of or self._owner_of[one] in owners]
        return found

    def add_index(self, name: str, function: IndexFunction) -> None:
        """Keep an index: ``function`` gives the values under which an object is found by :meth:`by`."""
        if name not in self.index_functions:
            self.index_functions[name] = function
            self._indexes_of.setdefault(function.part if isinstance(function, OfPart) else the_whole, []).append(name)
        self.state.indexes.setdefault(name, {})

    def add_tally(self, name: str, function: TallyFunction) -> None:
        """Keep a tally: ``function`` gives the (group, value) pairs that an object counts under."""
        self.tally_functions.setdefault(name, function)
        self.state.tallies.setdefault(name, {})

    def tally(self, name: str, group: str) -> Shelf:
        """Value -> how many objects of the group count under it. Not to be changed."""
        return self.state.tallies[name].get(group, _NOTHING)

    def get(self, key: str) -> Object | None:
        """The cached object of that key."""
        found: Object | None = self.state.cache.get(key)
        return found

    def all(self) -> list[Object]:
        """Every cached object, in the order in which they were first seen."""
        return list(self.state.cache.values())

    def by(self, index: str, value: str) -> list[Object]:
        """The cached objects under one value of an index."""
        cache = self.state.cache
        return [cache[key] for key in self.state.indexes[index].get(value, ())]

    def count(self, index: str, value: str) -> int:
        """How many objects are under one value of an index."""
        return len(self.state.indexes[index].get(value, ()))

    def start(self, items: list[Object], revision: int) -> None:
        """List, then watch: fill the cache and open the watch at the list's revision."""
        state = self.state
        watch = self.hub.open(self.resource, fields=self.fields, component=self.component, revision=revision)
        state.watch, state.synced, state.revision = watch.id, True, revision
        seen = {key_of(item): item for item in items}
        for key in [key for key in state.cache if key not in seen]:
            self._apply(key, None, 0)
        for key, item in seen.items():
            if state.cache.get(key) is not item:
                self._apply(key, item, 0)

    def stop(self) -> None:
        """Close the watch; the cache is forgotten."""
        self.hub.close(self.state.watch)
        self.state.cache.clear()
        for kept in (self.state.indexes, self.state.tallies):
            for name in kept:
                kept[name] = {}
        self.state.watch, self.state.synced = 0, False

    def deliver(self) -> bool:
        """Take what waits on the watch into the cache. False where the watch has ended and must be opened again."""
        for event in self.hub.take(self.state.watch):
            if event.type == "ERROR":
                self.state.synced = False
                return False
            self._event(event)
        return True

    def _event(self, event: WatchEvent) -> None:
        self.state.revision = event.revision
        if event.type != "BOOKMARK":
            gone = event.type == "DELETED"
            self._apply(key_of(event.object), None if gone else event.object, event.cause, event.object)

    def _apply(self, key: str, new: Object | None, cause: int, last: Object | None = None) -> None:
        cache = self.state.cache
        old = cache.get(key)
        if old is not None and new is not None and old["metadata"]["uid"] != new["metadata"]["uid"]:
            self._apply(key, None, cause)  # another object of the same name: while the watch was broken, the old one went
            old = None
        if new is None:
            if old is None:
                return
            del cache[key]
        else:
            cache[key] = new
        for part, names in self._indexes_of.items():
            if old is None or new is None or part(old) is not part(new):
                for name in names:
                    self._reindex(name, self.index_functions[name], key, old, new)
        for name, count in self.tally_functions.items():
            self._recount(name, count, old, new)
        before = old if new is not None or last is None else last
        for handler in self._told_of(before, new):
            handler(before, new, cause)

    def _reindex(self, name: str, function: IndexFunction, key: str, old: Object | None, new: Object | None) -> None:
        before = tuple(function(old)) if old is not None else ()
        after = tuple(function(new)) if new is not None else ()
        if before == after:
            return
        buckets = self.state.indexes[name]
        for value in before:
            if value not in after and value in buckets:
                bucket = buckets[value]
                bucket.pop(key, None)
                if not bucket:
                    del buckets[value]
        for value in after:
            buckets.setdefault(value, Shelf())[key] = True

    def _recount(self, name: str, function: TallyFunction, old: Object | None, new: Object | None) -> None:
        before = function(old) if old is not None else ()
        after = function(new) if new is not None else ()
        if before == after:
            return
        groups = self.state.tallies[name]
        for group, value in before:
            counts = groups[group]
            counts[value] -= 1
            if not counts[value]:
                del counts[value]
                if not counts:
                    del groups[group]
        for group, value in after:
            counts = groups.setdefault(group, Shelf())
            counts[value] = counts.get(value, 0) + 1


_NOTHING = Shelf()


def owner_kind(obj: Object) -> str:
    """The kind of the object's controller; empty where it has none."""
    references = obj["metadata"].get("ownerReferences")
    return _controlling_kind(references) if references else ""


@once
def _controlling_kind(references: FrozenList) -> str:
    return next((str(ref["kind"]) for ref in references if ref.get("controller")), "")


def key_of(obj: Object) -> str:
    """``namespace/name``, or ``name`` for objects without a namespace."""
    meta: dict[str, Any] = obj["metadata"]
    namespace = meta.get("namespace")
    return f"{namespace}/{meta['name']}" if namespace else str(meta["name"])


def split_key(key: str) -> tuple[str, str]:
    """Namespace (perhaps empty) and name of a key."""
    namespace, _, name = key.rpartition("/")
    return namespace, name
