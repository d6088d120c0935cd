"""Who owns which field, and server-side apply: changing an object by saying only what one cares about.

Each writer is a *manager*. ``metadata.managedFields`` has one entry for each (manager, operation, API version, subresource)
with the set of fields it owns (:mod:`k8snb.apimachinery.fieldset`).

* A create, update or patch (operation ``Update``) takes what it changed, from everybody: :func:`track_update`.
* An apply (operation ``Apply``) claims what its configuration names. To change what another manager owns is a *conflict*,
  unless forced; to set it to the same value is to share it. What a manager applied last time and names no more is removed,
  unless somebody else owns it: :func:`server_side_apply`.

Models: k8s.io/apimachinery/pkg/util/managedfields/internal (structuredmerge.go, managedfieldsupdater.go, stripmeta.go,
capmanagers.go, conflict.go), sigs.k8s.io/structured-merge-diff/v6/merge/update.go and typed/merge.go.
Simplified: ownership is not converted between API versions (one version is stored); entries of other versions are kept as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import ApiError, bad_request, quote
from k8snb.apimachinery.fieldset import (
    EMPTY,
    Part,
    Set,
    compare,
    difference,
    field_set,
    intersection,
    is_leaf,
    is_member,
    item_key,
    parts,
    paths,
    union,
    whole,
)
from k8snb.apimachinery.gotext import go_json
from k8snb.apimachinery.json_patch import equal
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, FrozenDict, FrozenList, Object, freeze, put, thaw
from k8snb.apimachinery.schema import LIST, Type
from k8snb.apimachinery.typed import check

UPDATE, APPLY = "Update", "Apply"
BEFORE_FIRST_APPLY, ANCIENT = "before-first-apply", "ancient-changes"
MOST_UPDATE_MANAGERS = 10
KUBECTL, LAST_APPLIED = "kubectl", "kubectl.kubernetes.io/last-applied-configuration"
Entry = dict[str, Any]
_STRIPPED = ("f:name", "f:namespace", "f:creationTimestamp", "f:selfLink", "f:uid", "f:generation", "f:managedFields", "f:resourceVersion")
_NAME = ("manager", "operation", "apiVersion", "subresource")


class Applied(NamedTuple):
    """What server-side apply gives: the merged object (to be decoded and validated yet) and its ``managedFields``."""

    object: FrozenDict
    entries: FrozenList


class Manager(NamedTuple):
    """Who writes, when (µs), how: one key of ``managedFields``."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    @classmethod
    def of(cls, entry: Entry) -> Manager:
        """The manager of an entry."""
        return cls(*(entry.get(key, "") for key in _NAME))

    def __str__(self) -> str:
        text = quote(self.name)
        if self.subresource:
            text += f" with subresource {quote(self.subresource)}"
        return f"{text} using {self.api_version}" if self.operation == UPDATE else text


def _same(a: Manager, b: Manager) -> bool:
    """An applier is the same whatever version it speaks."""
    return a == b or (a.operation == b.operation == APPLY and a._replace(api_version=b.api_version) == b)


# --- updates ---------------------------------------------------------------------------------------------------------


def entries_of_update(given: Any, live: Sequence[Entry]) -> Sequence[Entry]:
    """The entries to start from when a client sends an object: its own if it has some, else those of the live object.

    One empty entry is how a client asks to forget all ownership.
    """
    if given and len(given) == 1 and not given[0]:
        return EMPTY_LIST
    return given or live


def track_update(
    old: Object | None,
    new: Object,
    *,
    entries: Iterable[Entry],
    manager: str,
    api_version: str,
    time: int,
    schema: Type | None,
    subresource: str = "",
) -> FrozenList:
    """``managedFields`` after a create (``old`` None), update or patch at ``time`` (µs) by ``manager``.

    What changed goes over to the manager; what is gone is taken from all. An object that lost its entries stays without.
    """
    entries = FrozenList(entries)
    if schema is None or (old is not None and not entries):
        return entries
    changed, removed = (_tracked(found, schema, subresource) for found in compare(schema, old, freeze(new)))
    if not changed and not removed:
        return entries
    me, mine = Manager(manager, UPDATE, api_version, subresource), EMPTY
    kept: list[Entry] = []
    for entry in entries:
        fields = difference(difference(entry.get("fieldsV1", EMPTY), changed), removed)
        if changed and Manager.of(entry) == me:
            mine = fields
        elif fields:
            kept.append(entry if fields is entry["fieldsV1"] else FrozenDict({**entry, "fieldsV1": fields}))
    if changed:
        kept.append(_entry(me, union(mine, changed), time))
    return _in_order(_capped(kept))


def _tracked(fields: Set, schema: Type, subresource: str | None = None) -> Set:
    """Without what nobody can own: identity, type and bookkeeping; and without what this (sub)resource does not write."""
    apart = {"": "f:status", "status": "f:spec"}.get(subresource or "") if "status" in schema.fields and subresource is not None else None
    kept = {key: node for key, node in fields.items() if key not in ("f:apiVersion", "f:kind", "f:metadata", ".", apart)}
    metadata = {key: node for key, node in fields.get("f:metadata", EMPTY).items() if key not in _STRIPPED and key != "."}
    if metadata:
        kept["f:metadata"] = FrozenDict(metadata)
    return _resized(kept) if subresource == "resize" else FrozenDict(kept)


def _resized(fields: Set) -> Set:
    """What ``pods/resize`` writes of the fields of a Pod (upstream: podResizeStrategy.GetResetFieldsFilter)."""
    spec: dict[str, Any] = {}
    for name, items in fields.get("f:spec", EMPTY).items():
        if name in ("f:containers", "f:initContainers"):
            parts = {item: {key: node for key, node in own.items() if key in _SIZES} for item, own in items.items()}
            spec[name] = {item: own for item, own in parts.items() if own}
    kept: Set = freeze({"f:spec": {name: items for name, items in spec.items() if items}})
    return kept if kept["f:spec"] else EMPTY


_SIZES = ("f:resources", "f:resizePolicy")


def _entry(manager: Manager, fields: Set, time: int) -> Entry:
    entry = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        "time": timestamp(time),
        "fieldsType": "FieldsV1",
        "fieldsV1": freeze(fields),
    }
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return FrozenDict(entry)


def _in_order(entries: Iterable[Entry]) -> FrozenList:
    order = ("operation", "time", "manager", "apiVersion", "subresource")
    return FrozenList(sorted(entries, key=lambda entry: tuple(entry.get(key, "") for key in order)))


def _capped(entries: list[Entry]) -> list[Entry]:
    """Of more than ten updating managers, the oldest are put together as one."""
    updates = sorted((e for e in entries if e["operation"] == UPDATE), key=lambda e: (e.get("time", ""), e["manager"]))
    surplus = updates[: max(0, len(updates) - MOST_UPDATE_MANAGERS + 1)] if len(updates) > MOST_UPDATE_MANAGERS else []
    by_version: dict[str, Entry] = {}
    for entry in surplus:
        known = by_version.get(entry["apiVersion"])
        fields = union(known["fieldsV1"], entry["fieldsV1"]) if known else entry["fieldsV1"]
        ancient = {key: value for key, value in entry.items() if key != "subresource"}
        by_version[entry["apiVersion"]] = FrozenDict({**ancient, "manager": ANCIENT, "fieldsV1": fields})
    return [entry for entry in entries if not any(entry is old for old in surplus)] + list(by_version.values())


# --- apply -----------------------------------------------------------------------------------------------------------


def server_side_apply(
    live: Object | None,
    applied: Object,
    *,
    entries: Iterable[Entry] | None,
    manager: str,
    api_version: str,
    time: int,
    schema: Type,
    force: bool = False,
    subresource: str = "",
) -> Applied:
    """``live`` (None: there is none yet) with the configuration ``applied`` by ``manager`` at ``time`` (µs).

    An apply that changes nothing gives ``live`` itself. Raises ApiError: 409 with one cause for each field that another manager
    owns and ``force`` does not take over; 400 if the configuration has managed fields; 500 (as upstream) if it does not fit the type.
    """
    config = _configuration(applied, schema)
    me = Manager(manager, APPLY, api_version, subresource)
    others, last = _others(entries or (), live, me, schema, time)
    named = field_set(schema, config)
    claimed = _tracked(named, schema, subresource)
    merged = _merge(schema, live or EMPTY_DICT, config)
    if last:
        owned = named
        for entry in others:
            owned = union(owned, entry["fieldsV1"])
        merged = _pruned(schema, merged, last["fieldsV1"], owned)
    changed, removed = (_tracked(found, schema, subresource) for found in compare(schema, live, merged))
    allowed = _formerly_applied(live, schema) if manager == KUBECTL else EMPTY
    others = _settle(others, changed, removed, allowed=changed if force else allowed)
    merged = _remembering(merged, config) if manager == KUBECTL else merged
    same = live is not None and merged == live
    mine = _entry(me, claimed, time)
    if last and same:
        mine = FrozenDict({**mine, "time": last.get("time", mine["time"])})
    kept = [*others, mine] if claimed else others
    return Applied(freeze(live) if same else freeze(merged), _in_order(_capped(kept)))


def _configuration(applied: Object, schema: Type) -> FrozenDict:
    metadata = applied.get("metadata") or {}
    if metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    config: FrozenDict = freeze(applied)
    problems = check(schema, config)
    if problems:
        name = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
        where = f"{name}; {applied.get('apiVersion', '')}, Kind={applied.get('kind', '')}"
        text = problems[0] if len(problems) == 1 else "errors:\n" + "\n".join(f"  {problem}" for problem in problems)
        raise ApiError(500, "", f"failed to create typed patch object ({where}): {text}")
    return config


def _others(entries: Iterable[Entry], live: Object | None, me: Manager, schema: Type, time: int) -> tuple[list[Entry], Entry | None]:
    """The entries of the other managers, and what this one applied last. What was there before all is somebody's, too."""
    entries = list(entries)
    if not entries and live is not None:
        before = _tracked(whole(schema, freeze(live)), schema)
        entries = [_entry(Manager(BEFORE_FIRST_APPLY, UPDATE, me.api_version), before, time)]
    mine = next((entry for entry in entries if _same(Manager.of(entry), me)), None)
    return [entry for entry in entries if entry is not mine], mine


def _settle(entries: list[Entry], changed: Set, removed: Set, *, allowed: Set) -> list[Entry]:
    """The others' entries after the apply. Raises ApiError for conflicts that are not ``allowed``."""
    clashes = [(Manager.of(entry), difference(intersection(entry["fieldsV1"], changed), allowed)) for entry in entries]
    clashes = [(manager, fields) for manager, fields in clashes if fields]
    if clashes:
        raise conflict_error(clashes)
    left = [(entry, difference(difference(entry["fieldsV1"], changed), removed)) for entry in entries]
    return [entry if fields == entry["fieldsV1"] else FrozenDict({**entry, "fieldsV1": fields}) for entry, fields in left if fields]


def _last_applied(obj: Object | None) -> str:
    annotations = ((obj or EMPTY_DICT).get("metadata") or EMPTY_DICT).get("annotations") or EMPTY_DICT
    return str(annotations.get(LAST_APPLIED, ""))


def _formerly_applied(live: Object | None, schema: Type) -> Set:
    """What kubectl applied from the client's side and nobody changed since: it may take that over."""
    try:
        config = freeze(json.loads(_last_applied(live)))
    except ValueError:
        return EMPTY
    changed, removed = compare(schema, freeze(live), config)
    return difference(difference(field_set(schema, config), changed), removed)


def _remembering(merged: Any, config: Object) -> Any:
    """An object that was applied from the client's side keeps a true record of what kubectl applied last."""
    if not _last_applied(merged):
        return merged
    said = thaw(config)
    said["metadata"].get("annotations", {}).pop(LAST_APPLIED, None)
    return put(merged, ("metadata", "annotations", LAST_APPLIED), go_json(said) + "\n")


def conflict_error(clashes: Iterable[tuple[Manager, Set]]) -> ApiError:
    """409: fields that others own would change."""
    found = [(manager, list(paths(fields))) for manager, fields in sorted(clashes, key=lambda clash: clash[0])]
    flat = [(manager, path) for manager, owned in found for path in owned]
    causes = [{"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": path} for manager, path in flat]
    if len(causes) == 1:
        text = f"1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        lines = [line for manager, owned in found for line in (f"conflicts with {manager}:", *(f"- {path}" for path in owned))]
        text = f"{len(causes)} conflicts: " + "\n".join(lines)
    return ApiError(409, "Conflict", f"Apply failed with {text}", {"causes": causes})


# --- merging and pruning ---------------------------------------------------------------------------------------------


def overlay(type_: Type, live: Any, config: Any) -> Any:
    """An object with what a configuration says, merged by the same rules, whoever owns what."""
    return _merge(type_, live, config)


def _merge(type_: Type, live: Any, config: Any) -> Any:
    """``live`` with what ``config`` says; the same frozen value where nothing differs."""
    if type_.atomic or not isinstance(config, (dict, list)) or (live and is_leaf(type_, live)):
        return live if equal(live, config) else config
    if not config:
        return live or config  # an empty container adds nothing
    if type_.kind == LIST:
        return _merge_list(type_, live or EMPTY_LIST, config)
    children = parts(type_, config)
    old = live or EMPTY_DICT
    new = {key[2:]: _merge(part.type, old.get(key[2:]), part.value) for key, part in children.items()}
    changed = {name: value for name, value in new.items() if name not in old or old[name] is not value}
    return FrozenDict({**old, **changed}) if changed else live


def _merge_list(type_: Type, live: Any, config: Any) -> Any:
    """Items merged by key. The configuration's order holds; items of others keep their place before what followed them."""
    inner = type_.item
    assert inner is not None, "a list that is merged has a type of items"
    wanted = {key: part.value for key, part in parts(type_, config).items()}
    there = [(item_key(type_, item), item) for item in live]
    old = dict(reversed(there))
    placed = iter(_interleaved([key for key, _ in there], list(wanted)))
    duplicates = {key: [item for other, item in there if other == key] for key in old}
    items: list[Any] = []
    for key in placed:
        if key not in wanted:
            items.extend(duplicates[key])
        else:
            items.append(_merge(inner, old[key], wanted[key]) if key in old else wanted[key])
    same = len(items) == len(live) and all(a is b for a, b in zip(items, live, strict=True))
    return live if same else FrozenList(items)


def _interleaved(left: list[str], right: list[str]) -> list[str]:
    """Both lists of keys as one, without repetition: the order of ``right``, with what only ``left`` has before what follows it there."""
    in_right, shared = set(right), [key for key in right if key in set(left)]
    result: list[str] = []
    left, right = list(dict.fromkeys(left)), list(right)
    while left or right:
        if left and left[0] not in in_right:
            result.append(left.pop(0))
        elif left and right and left[0] != right[0] and shared and left[0] != shared[0]:
            left.pop(0)  # common to both, but not the next one in the order of right
        elif right:
            key = right.pop(0)
            result.append(key)
            shared = shared[1:] if shared and shared[0] == key else shared
            left = left[1:] if left and left[0] == key else left
        else:
            left.pop(0)
    return result


def _pruned(type_: Type, value: Any, last: Set, owned: Set) -> Any:
    """``value`` without what was applied ``last`` and is ``owned`` by nobody now."""
    if is_leaf(type_, value):
        return value
    gone: set[str] = set()
    changed: dict[str, Any] = {}
    for key, part in parts(type_, value).items():
        if key not in last:
            continue
        if _lost(part, last[key], owned.get(key)):
            gone.add(key)
            continue
        smaller = _pruned(part.type, part.value, last[key], owned.get(key, EMPTY))
        if smaller is not part.value:
            changed[key] = smaller
    return _replaced(type_, value, gone, changed) if gone or changed else value


def _lost(part: Part, last: Set, owned: Set | None) -> bool:
    """A field is kept if anything in it is owned; an item of a list or key of a map if it is itself."""
    if part.named:
        return owned is None
    return is_member(last) and (owned is None or not is_member(owned))


def _replaced(type_: Type, value: Any, gone: set[str], changed: dict[str, Any]) -> Any:
    if type_.kind == LIST:
        keys = [item_key(type_, item) for item in value]
        return FrozenList([changed.get(key, item) for key, item in zip(keys, value, strict=True) if key not in gone])
    return FrozenDict({name: changed.get(f"f:{name}", item) for name, item in value.items() if f"f:{name}" not in gone})
