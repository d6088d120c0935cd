"""Kubernetes objects as frozen JSON values, and the few ways to make a changed one.

An API object is the same tree of dicts and lists that a learner sees as YAML. Stored objects are frozen
(:mod:`k8snb.sim.frozen`): a change is a *new* object which shares everything that stayed the same.

    pod = put(pod, "status.phase", "Running")
    pod = put(pod, ("metadata", "labels", "app.kubernetes.io/name"), "web")     # keys with dots: give a tuple
    pod = merge(pod, {"status": {"phase": "Running", "message": None}})         # RFC 7386: None removes

Models: the discipline of client-go's "NEVER modify objects from the store. It's a read-only, local cache."
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.sim.frozen import EMPTY_DICT, EMPTY_LIST, Frozen, FrozenDict, FrozenList, freeze, memo, thaw

__all__ = [
    "EMPTY_DICT",
    "EMPTY_LIST",
    "Frozen",
    "FrozenDict",
    "FrozenList",
    "Object",
    "Path",
    "dig",
    "drop",
    "freeze",
    "memo",
    "merge",
    "put",
    "thaw",
    "too_deep",
]  # fmt: skip

Object = dict[str, Any]
DEEPEST = 256  # levels: recursion over values stays far from the end of Python's stack
Path = str | Sequence[str | int]


@functools.lru_cache(maxsize=4096)
def _split(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def _keys(path: Path) -> tuple[str | int, ...]:
    return _split(path) if isinstance(path, str) else tuple(path)


def too_deep(value: Any) -> bool:
    """Whether a value is nested deeper than objects may be."""
    level = [value] if isinstance(value, (dict, list, tuple)) else []
    for _ in range(DEEPEST):
        if not level:
            return False
        inner = [child for one in level for child in (one.values() if isinstance(one, dict) else one)]
        level = [child for child in inner if isinstance(child, (dict, list, tuple))]
    return bool(level)


def dig(obj: Any, path: Path, default: Any = None) -> Any:
    """The value at ``path``, or ``default`` where any part of the path is absent or null.

    >>> dig({"spec": {"replicas": 3}}, "spec.replicas")
    3
    """
    for key in _split(path) if isinstance(path, str) else path:
        if type(obj) is FrozenDict or isinstance(obj, dict):  # the first is what nearly every one is, and costs least to know
            obj = obj.get(key)
        elif isinstance(obj, list) and isinstance(key, int) and -len(obj) <= key < len(obj):
            obj = obj[key]
        else:
            return default
        if obj is None:
            return default
    return obj


def put(obj: Object, path: Path, value: Any) -> FrozenDict:
    """A new object with ``value`` at ``path``; missing objects on the way are made. The rest is shared.

    >>> put({"spec": {"replicas": 3}}, "spec.replicas", 5)
    {'spec': {'replicas': 5}}
    """
    keys = _keys(path)
    result: FrozenDict = _put(freeze(obj), keys, freeze(value)) if keys else freeze(value)
    return result


def _put(node: Any, keys: tuple[str | int, ...], value: Any) -> Any:
    head, rest = keys[0], keys[1:]
    if isinstance(node, list):
        if not isinstance(head, int):
            raise TypeError(f"a list is indexed by a number, not by {head!r}")
        items = list(node)
        items[head] = _put(items[head], rest, value) if rest else value
        return FrozenList(items)
    if node is not None and not isinstance(node, dict):
        raise TypeError(f"cannot set {head!r} inside {node!r}")
    changed = dict(node or ())
    changed[head] = _put(changed.get(head), rest, value) if rest else value
    return FrozenDict(changed)


def drop(obj: Object, path: Path) -> FrozenDict:
    """A new object without the key at ``path`` (the same object where it was absent).

    >>> drop({"spec": {"a": 1, "b": 2}}, "spec.a")
    {'spec': {'b': 2}}
    """
    keys = _keys(path)
    frozen: FrozenDict = freeze(obj)
    parent = dig(frozen, keys[:-1], None) if keys[:-1] else frozen
    if not isinstance(parent, dict) or keys[-1] not in parent:
        return frozen
    smaller = FrozenDict({key: item for key, item in parent.items() if key != keys[-1]})
    return put(frozen, keys[:-1], smaller) if keys[:-1] else smaller


def merge(obj: Object, patch: Mapping[str, Any]) -> FrozenDict:
    """``obj`` with a JSON merge patch (RFC 7386) applied: objects merge, null removes, all else replaces.

    >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}})
    {'a': {'c': 2, 'd': 3}}
    """
    result: FrozenDict = _merge(obj, patch)
    return result


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return freeze(patch)
    changed = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            changed.pop(key, None)
        else:
            changed[key] = _merge(changed.get(key), value)
    return FrozenDict({key: freeze(value) for key, value in changed.items()})
