"""Defaulting: three small functions that give back what they were given when there is nothing to add.

spec = fill(spec, {"replicas": 1, "revisionHistoryLimit": 10})
obj = inside(obj, "spec", default_spec)          # default_spec gets {} where there is no spec
spec = inside(spec, "rules", each(default_rule))  # of every item of a list
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, freeze

Default = Callable[[Any], Any]


def fill(value: Any, defaults: Mapping[str, Any]) -> Object:
    """``value`` with the keys of ``defaults`` that it lacks. An explicit null counts as absent."""
    missing = {key: freeze(given) for key, given in defaults.items() if value.get(key) is None}
    filled: Object = FrozenDict({**value, **missing}) if missing else value
    return filled


def fill_empty(value: Any, defaults: Mapping[str, Any]) -> Object:
    """As :func:`fill` for fields that are no pointers in Go: there, zero and the empty text count as absent too."""
    missing = {key: freeze(given) for key, given in defaults.items() if not value.get(key)}
    filled: Object = FrozenDict({**value, **missing}) if missing else value
    return filled


def inside(value: Any, key: str, default: Default) -> Object:
    """``value`` with ``default`` applied to what stands at ``key``; an absent object is made. What was stored has its defaults."""
    before = value.get(key)
    after = before if getattr(before, "settled", False) else default(EMPTY_DICT if before is None else before)
    changed: Object = value if after is before else FrozenDict({**value, key: after})
    return changed


def where_given(value: Any, key: str, default: Default) -> Object:
    """As :func:`inside`, but what is absent stays absent."""
    unchanged: Object = value
    return unchanged if value.get(key) is None else inside(value, key, default)


def each(default: Default) -> Default:
    """The default of a list's items, as a default of the list."""

    def of_list(items: Any) -> Any:
        after = [default(item) for item in items]
        return FrozenList(after) if any(new is not old for new, old in zip(after, items, strict=True)) else items

    return of_list
