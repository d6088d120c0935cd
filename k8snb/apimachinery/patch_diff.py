"""Computing patches: what clients send when they hold two or three versions of an object.

    two_way_strategic_patch(old, new, type)                    kubectl edit, label, set image
    three_way_strategic_patch(original, modified, current, type)   kubectl apply: what it applied last, the manifest, the live object
    three_way_merge_patch(original, modified, current)         the same for custom resources

*Three-way*: what the manifest says and the live object does not is set; what was applied last and is gone from the manifest
is removed; what others set is left alone. Two-way is the case in which the last applied and the live object are one.

Models: k8s.io/apimachinery/pkg/util/strategicpatch/patch.go (diffMaps, diffLists), pkg/util/jsonmergepatch/patch.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from k8snb.apimachinery.json_patch import equal
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.patch import DELETE_PRIMITIVES, PATCH, RETAIN_KEYS, SET_ORDER, go_text, identity, shape
from k8snb.apimachinery.schema import MAP, Field, Type

Patch = dict[str, Any]
_NOTHING: Mapping[str, Any] = {}


class Three(NamedTuple):
    """Three versions of one part of an object: applied last, wanted now, live."""

    original: Any
    modified: Any
    current: Any

    def at(self, key: str) -> Three:
        """The three versions of a field that ``modified`` and ``current`` have."""
        return Three(self.original.get(key), self.modified[key], self.current[key])


def two_way_strategic_patch(old: Object, new: Object, type_: Type) -> Patch:
    """The strategic merge patch that makes ``new`` of ``old``; ``{}`` where they are equal.

    Raises ApiError where a list item lacks its merge key.
    """
    return _diff(Three(old, new, old), type_)


def three_way_strategic_patch(original: Object | None, modified: Object, current: Object, type_: Type) -> Patch:
    """What ``kubectl apply`` sends. ``original`` is the last applied object; None where nothing is known of it."""
    return _diff(Three(original or _NOTHING, modified, current), type_)


def three_way_merge_patch(original: Object | None, modified: Object, current: Object) -> Patch:
    """What ``kubectl apply`` sends for a kind without a strategic merge patch: lists are replaced.

    >>> three_way_merge_patch({"a": 1, "b": 2}, {"a": 3}, {"a": 1, "b": 2, "c": 4})
    {'a': 3, 'b': None}
    """
    return _diff(Three(original or _NOTHING, modified, current), None)


def two_way_merge_patch(old: Object, new: Object) -> Patch:
    """The JSON merge patch that makes ``new`` of ``old``."""
    return _diff(Three(old, new, old), None)


def _diff(three: Three, type_: Type | None, *, retain: bool = False) -> Patch:
    """What must be set in ``current``, and what to remove because ``original`` had it."""
    original, modified, current = three
    if modified is current and (original is current or not original):
        return {}
    patch: Patch = {}
    for key, value in modified.items():
        if key not in current or shape(current[key]) != shape(value):
            patch[key] = value
        else:
            patch.update(_diff_value(key, three.at(key), _field(type_, key)))
    patch.update({key: None for key in original if key not in modified})
    kept = [key for key, value in modified.items() if value is not None]
    if retain and kept and (patch or any(key not in modified for key in current)):
        patch[RETAIN_KEYS] = sorted(kept)
    return patch


def _field(type_: Type | None, name: str) -> Field | None:
    if type_ is None:
        return None
    return Field(type_.item) if type_.kind == MAP and type_.item else type_.fields.get(name)


def _diff_value(key: str, three: Three, field: Field | None) -> Patch:
    original, value, current = three
    if isinstance(value, dict) and not (field and field.replace):
        before = original if isinstance(original, dict) else _NOTHING
        inner = _diff(three._replace(original=before), field.type if field else None, retain=bool(field and field.retain_keys))
        return {key: inner} if inner else {}
    if isinstance(value, list) and field and field.merge:
        return _diff_list(key, three._replace(original=original if isinstance(original, list) else []), field)
    return {} if equal(value, current) else {key: value}


def _diff_list(key: str, three: Three, field: Field) -> Patch:
    original, modified, current = three
    if not current and not original:
        return {key: modified} if modified else {}
    merge_key = field.merge_key
    changes, gone = _diff_items(three, field) if merge_key else _diff_scalars(three)
    patch = {key: changes} if changes else {}
    if gone:
        patch[DELETE_PRIMITIVES + key] = gone
    reordered = [identity(item, merge_key) for item in current] != [identity(item, merge_key) for item in modified]
    if modified and current and (changes or gone or reordered):
        patch[SET_ORDER + key] = [{merge_key: item[merge_key]} for item in modified] if merge_key else list(modified)
    return patch


def _diff_items(three: Three, field: Field) -> tuple[list[Any], list[Any]]:
    """Changed and new items in the order of ``modified``, then orders to delete what is no longer wanted."""
    key = field.merge_key
    before, wanted, live = ({identity(item, key): item for item in items} for items in three)
    changes: list[Any] = []
    for name, item in wanted.items():
        if name not in live:
            changes.append(item)
            continue
        inner = _diff(Three(before.get(name, _NOTHING), item, live[name]), field.type.item, retain=field.retain_keys)
        if inner:
            changes.append({**inner, key: name})
    gone = sorted((name for name in before if name not in wanted), key=go_text)
    return changes + [{PATCH: "delete", key: name} for name in gone], []


def _diff_scalars(three: Three) -> tuple[list[Any], list[Any]]:
    original, modified, current = three
    return [item for item in modified if item not in current], sorted({item for item in original if item not in modified}, key=go_text)
