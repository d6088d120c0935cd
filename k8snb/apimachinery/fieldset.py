"""Sets of fields: which parts of an object somebody owns, in the form that ``managedFields`` has.

A set is a frozen tree. ``{"f:spec": {"f:replicas": {}}}`` holds one path; a node without children is a member, a node with
children is one if it has the key ``"."``. Keys name children: ``f:name`` a field, ``k:{"name":"web"}`` an item of a list with
keys, ``v:"x"`` an item of a list that is a set.

    field_set(type, config)      what an applied configuration claims
    compare(type, old, new)      what a write set (changed or added), and what it removed

Both look only at what is not atomic, and remember what they find about an unchanged frozen subtree.

Models: sigs.k8s.io/structured-merge-diff/v6: fieldpath/set.go, serialize.go; typed/tofieldset.go, compare.go.
Simplified: items with equal keys in one list (which Kubernetes tolerates in stored objects) count as one path.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, memo
from k8snb.apimachinery.schema import ANY, LIST, STRUCT, Type

Set = Mapping[str, Any]
EMPTY: Set = EMPTY_DICT
_SELF = "."
_KEY_DEFAULTS = {"protocol": "TCP"}  # OpenAPI's defaults for fields that are keys


# --- algebra ---------------------------------------------------------------------------------------------------------


def is_member(node: Set) -> bool:
    """Whether the path that leads to this node belongs to the set."""
    return not node or _SELF in node


def _node(*, member: bool, children: dict[str, Any]) -> Set | None:
    if not children:
        return EMPTY_DICT if member else None
    return FrozenDict({_SELF: EMPTY_DICT, **children} if member else children)


def _root(children: dict[str, Any]) -> Set:
    return FrozenDict(children) if children else EMPTY_DICT


def union(a: Set, b: Set) -> Set:
    """The paths of either set."""
    if a is b or not b:
        return a
    return _root(_united(a, b)) if a else b


def _united(a: Set, b: Set) -> dict[str, Any]:
    merged = {key: node for key, node in a.items() if key != _SELF}
    for key, node in b.items():
        if key != _SELF:
            merged[key] = _unite(merged[key], node) if key in merged else node
    return merged


def _unite(a: Set, b: Set) -> Set:
    if a is b:
        return a
    found = _node(member=is_member(a) or is_member(b), children=_united(a, b))
    return EMPTY_DICT if found is None else found


def difference(a: Set, b: Set) -> Set:
    """The paths of ``a`` that are not in ``b``; ``a`` itself where that is all of them."""
    if not a or not b:
        return a
    kept = _rest(a, b)
    return a if kept is None else _root(kept)


def _rest(a: Set, b: Set) -> dict[str, Any] | None:
    """The children of ``a`` without what ``b`` has; None where nothing is taken away."""
    kept: dict[str, Any] = {}
    taken = False
    for key, node in a.items():
        if key == _SELF:
            continue
        other = b.get(key)
        left = node if other is None else _left(node, other)
        taken |= left is not node
        if left is not None:
            kept[key] = left
    return kept if taken else None


def _left(node: Set, other: Set) -> Set | None:
    if node is other:
        return None
    rest, member = _rest(node, other), is_member(node) and not is_member(other)
    if rest is None:
        if member == is_member(node):
            return node
        rest = {key: child for key, child in node.items() if key != _SELF}
    return _node(member=member, children=rest)


def intersection(a: Set, b: Set) -> Set:
    """The paths of both sets."""
    return _root(_common(a, b)) if a and b else EMPTY_DICT


def _common(a: Set, b: Set) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, node in a.items():
        other = b.get(key)
        if other is None or key == _SELF:
            continue
        both = _node(member=is_member(node) and is_member(other), children=_common(node, other))
        if both is not None:
            kept[key] = both
    return kept


def paths(fields: Set, prefix: str = "") -> Iterator[str]:
    """The members as error messages print them, members of a level before those below.

    >>> list(paths({"f:spec": {"f:replicas": {}, "f:ports": {'k:{"port":80}': {".": {}}}}}))
    ['.spec.replicas', '.spec.ports[port=80]']
    """
    names = sorted((key for key in fields if key != _SELF), key=_rank)
    for key in names:
        if is_member(fields[key]):
            yield prefix + printed(key)
    for key in names:
        yield from paths(fields[key], prefix + printed(key))


def _rank(key: str) -> tuple[int, str]:
    return "fkvi".index(key[0]), key


def printed(key: str) -> str:
    """One step of a path as error messages print it.

    >>> printed("f:spec"), printed('k:{"name":"web"}'), printed('v:"x"')
    ('.spec', '[name="web"]', '[="x"]')
    """
    kind, _, rest = key.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "k":
        pairs = json.loads(rest).items()
        return f"[{','.join(f'{name}={json.dumps(value, ensure_ascii=False)}' for name, value in pairs)}]"
    return f"[={rest}]" if kind == "v" else f"[{rest}]"


# --- the parts of a value --------------------------------------------------------------------------------------------


class Part(NamedTuple):
    """A child of a value: its type, its value, and whether it is a named field of a struct."""

    type: Type
    value: Any
    named: bool


_UNTYPED = Type(ANY, preserve=True)


def is_leaf(type_: Type, value: Any) -> bool:
    """Whether a value is owned as a whole: scalars, atoms, empty lists and maps."""
    if type_.atomic or not value or not isinstance(value, (dict, list)):
        return True
    if type_.kind == ANY:
        return not (type_.preserve and isinstance(value, dict))
    return not isinstance(value, list if type_.kind == LIST else dict)


def parts(type_: Type, value: Any) -> Mapping[str, Part]:
    """The children of a value that is no leaf, by their keys in a set."""
    if not value:
        return {}
    if type_.kind == LIST:
        return _items(type_, value)
    if type_.kind == STRUCT:
        fields = type_.fields
        found = {f"f:{name}": Part(fields[name].type, item, True) for name, item in value.items() if name in fields}
        if type_.preserve:
            found |= {f"f:{name}": Part(_UNTYPED, item, False) for name, item in value.items() if name not in fields}
        return found
    inner = type_.item or _UNTYPED
    return {f"f:{name}": Part(inner, item, False) for name, item in value.items()}


def _items(type_: Type, value: FrozenList) -> Mapping[str, Part]:
    known = memo(value)
    if (type_, parts) not in known:
        inner = type_.item or _UNTYPED
        known[type_, parts] = {item_key(type_, item): Part(inner, item, False) for item in value}
    found: Mapping[str, Part] = known[type_, parts]
    return found


def item_key(type_: Type, item: Any) -> str:
    """The key of a list's item in a set. Where an item lacks what tells it from others, null stands for that."""
    if type_.relation == "set" or not isinstance(item, dict):
        return f"v:{_json(item)}"
    return f"k:{_json({name: item.get(name, _default(type_, name)) for name in sorted(type_.keys)})}"


def missing_key(type_: Type, item: Any) -> str:
    """The first key field that an item lacks; empty if it has all."""
    names = sorted(type_.keys) if isinstance(item, dict) else ()
    return next((name for name in names if item.get(name, _default(type_, name)) is None), "")


def _default(type_: Type, name: str) -> Any:
    rules = type_.item.fields[name].type.rules if type_.item and name in type_.item.fields else None
    return getattr(rules, "default", None) if rules else _KEY_DEFAULTS.get(name)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# --- sets of values --------------------------------------------------------------------------------------------------


def field_set(type_: Type, value: Any) -> Set:
    """The paths that an applied configuration names: leaves, items of lists, keys of maps."""
    return _root(dict(_claims(type_, value))) if not is_leaf(type_, value) else EMPTY_DICT


def _claims(type_: Type, value: Any) -> Set:
    if is_leaf(type_, value):
        return EMPTY_DICT
    known = memo(value)
    if (type_, _claims) not in known:
        found = {key: _claim(part) for key, part in parts(type_, value).items()}
        known[type_, _claims] = FrozenDict(found)
    result: Set = known[type_, _claims]
    return result


def _claim(part: Part) -> Set:
    node = _claims(part.type, part.value)
    return node if part.named or not node else FrozenDict({_SELF: EMPTY_DICT, **node})


def whole(type_: Type, value: Any) -> Set:
    """Everything in a value that has just been added or removed, itself included."""
    if is_leaf(type_, value):
        return EMPTY_DICT
    known = memo(value)
    if (type_, whole) not in known:
        children = {key: whole(part.type, part.value) for key, part in parts(type_, value).items()}
        known[type_, whole] = FrozenDict({_SELF: EMPTY_DICT, **children})
    result: Set = known[type_, whole]
    return result


class Comparison(NamedTuple):
    """``set``: paths that were added or have a new value; ``removed``: paths that are gone."""

    set: Set
    removed: Set


def compare(type_: Type, old: Any, new: Any) -> Comparison:
    """What a write did. ``old`` is None for a create: what Go's zero object has is not counted as added."""
    changed, removed = _compare(type_, type_.born if old is None else old, new)
    return Comparison(changed or EMPTY_DICT, removed or EMPTY_DICT)


def _compare(type_: Type, old: Any, new: Any) -> tuple[Set | None, Set | None]:
    if old is new:
        return None, None
    whole_before, whole_after = is_leaf(type_, old), is_leaf(type_, new)
    unlike = old and new and (whole_before or whole_after)  # one has parts, and the other is neither that nor empty
    if unlike or (whole_before and whole_after):
        return (None, None) if old == new and type(old) is type(new) else (EMPTY_DICT, None)
    if old and new and type_.kind == STRUCT:
        old, new = _changed_fields(old, new), _changed_fields(new, old)
    before, after = parts(type_, old), parts(type_, new)
    changed: dict[str, Any] = {key: whole(part.type, part.value) for key, part in after.items() if key not in before}
    removed: dict[str, Any] = {key: whole(part.type, part.value) for key, part in before.items() if key not in after}
    for key, part in after.items():
        if key in before and before[key].value is not part.value:
            inner_changed, inner_removed = _compare(part.type, before[key].value, part.value)
            if inner_changed is not None:
                changed[key] = inner_changed
            if inner_removed is not None:
                removed[key] = inner_removed
    return _node(member=False, children=changed), _node(member=False, children=removed)


def _changed_fields(of: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those fields of one form of a struct that are not the very same in the other: of most, nothing needs to be made."""
    return {name: item for name, item in of.items() if name not in other or other[name] is not item}
