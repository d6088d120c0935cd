"""Patches: a change as a document, in the three forms that need no memory. (The fourth is :mod:`k8snb.apimachinery.apply`.)

    apply_json_patch(pod, [{"op": "replace", "path": "/spec/nodeName", "value": "node-1"}])         RFC 6902
    apply_merge_patch(pod, {"metadata": {"labels": {"app": None}}})                                 RFC 7386
    apply_strategic_merge_patch(pod, {"spec": {"containers": [{"name": "web", "image": "nginx"}]}}, type)

A strategic merge patch knows the type: a list whose field has a merge key is merged item by item. Keys that begin with ``$``
are directives: ``$patch: replace|delete``, ``$retainKeys``, ``$setElementOrder/<list>``, ``$deleteFromPrimitiveList/<list>``.
How such patches are computed is in :mod:`k8snb.apimachinery.patch_diff`.

Nothing is mutated; the result shares every part that the patch does not touch, and a patch without effect gives the object itself.

Models: k8s.io/apimachinery/pkg/util/strategicpatch/patch.go, k8s.io/apiserver/pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8snb.apimachinery.errors import ApiError, bad_request
from k8snb.apimachinery.gojson import json_name, number
from k8snb.apimachinery.json_patch import apply_json_patch, equal, rejected
from k8snb.apimachinery.objects import FrozenDict, FrozenList, Object, freeze, merge, too_deep
from k8snb.apimachinery.schema import MAP, Field, Type

__all__ = ["apply_json_patch", "apply_merge_patch", "apply_patch", "apply_strategic_merge_patch", "go_text", "without_directives"]

PATCH, RETAIN_KEYS = "$patch", "$retainKeys"
SET_ORDER, DELETE_PRIMITIVES = "$setElementOrder/", "$deleteFromPrimitiveList/"
BAD_RETAIN_KEYS = "invalid patch format of retainKeys"
BAD_ORDER_LIST = "invalid patch format of setElementOrder list"
BAD_PRIMITIVE_LIST = "invalid patch format of primitive list"


def go_text(value: Any) -> str:
    """A JSON value as Go's ``%v`` prints it.

    >>> go_text({"b": [1, True], "a": None})
    'map[a:<nil> b:[1 true]]'
    """
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{go_text(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(go_text(item) for item in value)}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "<nil>"}[value]
    return value if isinstance(value, str) else number(value)


# --- JSON merge patch ------------------------------------------------------------------------------------------------


def apply_merge_patch(obj: Object, patch: Any) -> FrozenDict:
    """The object with a JSON merge patch (RFC 7386) applied. Raises ApiError (400) for a patch that is no object."""
    if not isinstance(patch, dict):
        raise bad_request(_NO_MAP.format(json_name(patch)))
    frozen: FrozenDict = freeze(obj)
    merged = merge(frozen, patch)
    return frozen if equal(merged, frozen) else merged


_NO_MAP = "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}"


# --- strategic merge patch -------------------------------------------------------------------------------------------


def apply_strategic_merge_patch(obj: Object, patch: Any, type_: Type) -> FrozenDict:
    """The object with a strategic merge patch applied, by the merge keys of its type.

    Raises ApiError: 400 for malformed directives, 422 for unknown ones, 500 (as upstream) for an item without its merge key.
    """
    if not isinstance(patch, dict):
        raise bad_request(_NO_MAP.format(json_name(patch)))
    return _merge_map(freeze(obj), freeze(patch), type_)


def no_merge_key(item: Any, key: str) -> ApiError:
    """500, without a reason: this is how upstream answers a list item that cannot be told from others."""
    return ApiError(500, "", f"map: {go_text(item)} does not contain declared merge key: {key}")


def _unknown_directive(directive: Any, item: Any) -> ApiError:
    text = f"unknown patch type: {go_text(directive)} in map: {go_text(item)}"
    return ApiError(422, "Invalid", rejected().message, {"causes": [{"reason": "UnexpectedServerResponse", "message": text}]})


def _field(type_: Type | None, name: str) -> Field | None:
    """How the type sees a key: None below what has no type."""
    if type_ is None or type_.kind == "any":
        return None
    if type_.kind == MAP:
        return Field(type_.item) if type_.item else None
    return type_.fields.get(name)


def _merge_map(original: Any, patch: FrozenDict, type_: Type | None) -> FrozenDict:
    if PATCH in patch:
        return _directive(patch)
    merged = dict(original)
    if RETAIN_KEYS in patch:
        merged = _retained(merged, patch)
    ordered = {key[len(SET_ORDER) :]: order for key, order in patch.items() if key.startswith(SET_ORDER)}
    for name, order in ordered.items():
        merged.update(_merge_ordered(merged.get(name), patch.get(name), order, _known_field(type_, name), name))
    for key, value in patch.items():
        if key.startswith(DELETE_PRIMITIVES):
            _delete_primitives(merged, key[len(DELETE_PRIMITIVES) :], value)
        elif key != RETAIN_KEYS and not key.startswith(SET_ORDER) and key not in ordered:
            _merge_key(merged, key, value, _field(type_, key))
    same = len(merged) == len(original) and all(key in original and merged[key] is original[key] for key in merged)
    return original if same and isinstance(original, FrozenDict) else FrozenDict(merged)


def _directive(patch: FrozenDict) -> FrozenDict:
    if patch[PATCH] == "replace":
        return FrozenDict({key: value for key, value in patch.items() if key != PATCH})
    if patch[PATCH] == "delete":
        return FrozenDict()
    raise _unknown_directive(patch[PATCH], patch)


def _retained(merged: dict[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """What ``$retainKeys`` leaves. A patch may not set what it does not retain."""
    keep = patch[RETAIN_KEYS]
    if not isinstance(keep, list):
        raise bad_request(BAD_RETAIN_KEYS)
    if any(value is not None and key[0] != "$" and key not in keep for key, value in patch.items()):
        raise bad_request(BAD_RETAIN_KEYS)
    return {key: value for key, value in merged.items() if key in keep}


def _merge_key(merged: dict[str, Any], key: str, value: Any, field: Field | None) -> None:
    old = merged.get(key)
    if value is None:
        merged.pop(key, None)
    elif key not in merged or shape(old) != shape(value):
        merged[key] = without_directives(value)
    elif shape(value) == "scalar":
        merged[key] = old if equal(old, value) else value
    elif isinstance(value, dict):
        merged[key] = value if field and field.replace else _merge_map(old, freeze(value), field.type if field else None)
    elif field and field.merge:
        merged[key] = _merge_list(old, value, field)
    elif not equal(old, value):
        merged[key] = value


def shape(value: Any) -> str:
    """``map``, ``list`` or ``scalar``."""
    return "map" if isinstance(value, dict) else "list" if isinstance(value, list) else "scalar"


def without_directives(value: Any) -> Any:
    """A patch for something that is not there yet, as a value: no nulls in objects, no directives."""
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if item is not None and not _is_directive(key)}
        return FrozenDict({key: without_directives(item) for key, item in kept.items()})
    if isinstance(value, list):
        return FrozenList([without_directives(item) for item in value if not (isinstance(item, dict) and PATCH in item)])
    return value


def _is_directive(key: str) -> bool:
    return key in (PATCH, RETAIN_KEYS) or key.startswith((SET_ORDER, DELETE_PRIMITIVES))


def _delete_primitives(merged: dict[str, Any], name: str, gone: Any) -> None:
    if not name or not isinstance(gone, list):
        raise bad_request(BAD_PRIMITIVE_LIST)
    old = merged.get(name)
    if isinstance(old, list) and any(item in gone for item in old):
        merged[name] = FrozenList([item for item in old if item not in gone])


def _known_field(type_: Type | None, name: str) -> Field:
    field = _field(type_, name)
    if field is None:
        struct = type_.go.rpartition(".")[2] if type_ else ""
        raise ApiError(500, "", f'unable to find api field in struct {struct} for the json field "{name}"')
    return field


def _merge_ordered(old: Any, patch: Any, order: Any, field: Field, name: str) -> dict[str, Any]:
    """A list merged that comes with the order its items are to have; nothing where there is no list."""
    if not isinstance(order, list) or not isinstance(old or [], list) or not isinstance(patch or [], list):
        raise bad_request(BAD_ORDER_LIST)
    _check_order(patch or [], order, field.merge_key)
    if old is None and patch is None:
        return {}
    whole = _merge_list(old, patch, field) if old and patch else without_directives(patch) if patch else old or []
    placed = in_order(whole, order, old or [], field.merge_key)
    return {name: old if placed == old else FrozenList(placed)}


def _check_order(items: list[Any], order: list[Any], key: str) -> None:
    """The items of a patch must stand in the order that the patch itself asks for."""
    wanted = iter([identity(item, key) for item in order])
    kept = [item for item in items if not (isinstance(item, dict) and PATCH in item)]
    if order and not all(any(identity(item, key) == other for other in wanted) for item in kept):
        raise ApiError(500, "", f"The order in patch list:\n{go_text(items)}\n doesn't match $setElementOrder list:\n{go_text(order)}\n")


def identity(item: Any, key: str) -> Any:
    """What tells an item of a list from the others: the value of its merge key, or the item itself.

    Raises ApiError for an object without its merge key.
    """
    if not key:
        return item
    if not isinstance(item, dict) or key not in item:
        raise no_merge_key(item, key)
    return item[key]


def _merge_list(old: Any, patch: Any, field: Field) -> FrozenList:
    key = field.merge_key
    if not key:
        both = list(dict.fromkeys([*old, *patch]))
        return FrozenList(in_order(both, patch, old, ""))
    items, replace = _without_deleted(old, patch, key)
    new = [item for item in patch if PATCH not in item]
    if replace:
        return FrozenList(new)
    at = {identity(item, key): index for index, item in enumerate(items)}
    for item in new:
        index = at.setdefault(identity(item, key), len(items))
        if index < len(items):
            items[index] = _merge_map(items[index], item, field.type.item)
        else:
            items.append(without_directives(item))
    placed = in_order(items, patch, old, key)
    same = len(placed) == len(old) and all(a is b for a, b in zip(placed, old, strict=True))
    return old if same and isinstance(old, FrozenList) else FrozenList(placed)


def _without_deleted(old: Iterable[Any], patch: Iterable[Any], key: str) -> tuple[list[Any], bool]:
    """The old items that the patch does not delete, and whether the patch replaces the whole list."""
    items, replace = list(old), False
    for item in patch:
        directive = item.get(PATCH) if isinstance(item, dict) else None
        if directive == "delete":
            gone = identity(item, key)
            items = [kept for kept in items if kept.get(key) != gone]
        elif directive == "replace":
            replace = True
        elif directive is not None:
            text = "merging lists cannot yet be specified in the patch"
            raise ApiError(500, "", text) if directive == "merge" else _unknown_directive(directive, item)
    return items, replace


def in_order(items: Iterable[Any], wanted: Iterable[Any], before: Iterable[Any], key: str) -> list[Any]:
    """``items`` sorted: those named in ``wanted`` in that order, the others between them as they stood ``before``.

    >>> in_order(["a", "b", "x"], ["b", "a"], ["x", "a", "b"], "")
    ['x', 'b', 'a']
    """
    first = _places(wanted, key)
    place = _places(before, key)
    ours = sorted((i for i in items if identity(i, key) in first), key=lambda i: first[identity(i, key)])
    theirs = sorted((i for i in items if identity(i, key) not in first), key=lambda i: place.get(identity(i, key), len(place)))
    result: list[Any] = []
    for item in ours:
        at = place.get(identity(item, key), -1)
        while theirs and place.get(identity(theirs[0], key), len(place)) < at:
            result.append(theirs.pop(0))
        result.append(item)
    return result + theirs


def _places(items: Iterable[Any], key: str) -> dict[Any, int]:
    places: dict[Any, int] = {}
    for index, item in enumerate(items):
        places.setdefault(identity(item, key), index)
    return places


def _bounded(obj: FrozenDict) -> FrozenDict:
    """The object. Raises ApiError 400 where the steps of a patch have put one part below another too often."""
    if too_deep(obj):
        raise bad_request("exceeded max depth")
    return obj


def apply_patch(obj: Object, body: Any, media_type: str, type_: Type | None) -> FrozenDict | None:
    """The object with a patch of that media type applied; None for a media type that is not to be had (``type_`` None: no
    strategic merge, as for custom resources). Server-side apply is not a patch of this sort: see :mod:`.apply`."""
    if media_type == "application/json-patch+json":
        return _bounded(apply_json_patch(obj, body))
    if media_type == "application/strategic-merge-patch+json" and type_ is not None:
        return apply_strategic_merge_patch(obj, body, type_)
    if media_type == "application/merge-patch+json":
        return apply_merge_patch(obj, body)
    return None
