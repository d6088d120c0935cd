"""Values that never change: frozen JSON.

Every object that the store, a cache or the trace holds is a *frozen JSON value*: a tree of ``FrozenDict``, ``FrozenList``
and scalars. Because nobody can write into it, it may be shared without copying: by the store, by every informer, by a
checkpoint and by both sides of a fork. A copy of one (``copy.deepcopy``) is private and can be changed. They are ordinary
``dict`` and ``list`` subclasses, so ``json.dumps``, ``isinstance(x, dict)`` and ``==`` work as usual.

    template = freeze({"spec": {"replicas": 3}})
    template["spec"]["replicas"] = 5      # Frozen: this object is shared with the whole cluster ...

A frozen value is deeply frozen, so ``freeze`` of a frozen value returns the value itself, and work done on it once
(validation, defaulting, hashing) may be remembered on it: see :func:`memo`.
"""

from __future__ import annotations

from typing import Any, NoReturn

from k8snb.messages import Mistake, text


class Frozen(Mistake, TypeError):
    """Something tried to write into a frozen object. Build a new one with ``put`` or ``merge`` instead."""


def _refuse(self: Any, *_args: Any, **_kwargs: Any) -> NoReturn:
    raise Frozen(text("guests.frozen"))


class FrozenDict(dict):  # type: ignore[type-arg]
    """A JSON object that cannot be changed. ``memo`` is where work on it is remembered, ``proper`` a type that it is known to fit,
    ``settled`` says that it is a part of a stored object, in which nothing is left to be defaulted.

    The slots are empty until somebody has something to remember: ask with ``getattr``.
    """

    __slots__ = ("memo", "proper", "settled")
    memo: dict[Any, Any]
    proper: Any
    settled: bool
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __copy__(self) -> dict[Any, Any]:
        return dict(self)

    def __deepcopy__(self, _memo: Any) -> Any:
        return thaw(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("k8snb state is saved as JSON, never pickled")


class FrozenList(list):  # type: ignore[type-arg]
    """A JSON array that cannot be changed."""

    __slots__ = ("memo", "proper")
    memo: dict[Any, Any]
    proper: Any
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, _memo: Any) -> Any:
        return thaw(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("k8snb state is saved as JSON, never pickled")


EMPTY_DICT = FrozenDict()
EMPTY_LIST = FrozenList()
_FROZEN = frozenset((FrozenDict, FrozenList, str, int, float, bool, type(None)))


def freeze(value: Any) -> Any:
    """The frozen form of a JSON value. Frozen subtrees are shared, not copied.

    >>> freeze({"a": [1, {"b": None}]})
    {'a': [1, {'b': None}]}
    """
    if type(value) in _FROZEN:
        return value
    if isinstance(value, dict):
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return FrozenList([freeze(item) for item in value])
    return value


def thaw(value: Any) -> Any:
    """A private, ordinary, deeply mutable copy of a JSON value."""
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list):
        return [thaw(item) for item in value]
    return value


def memo(value: FrozenDict | FrozenList) -> dict[Any, Any]:
    """Where results computed from this frozen value are remembered; they live exactly as long as the value.

    Law: what is stored must be a pure function of the value (and of the key it is stored under).
    """
    found: dict[Any, Any] | None = getattr(value, "memo", None)  # most slots are empty once; catching that error costs twice as much
    if found is None:
        found = value.memo = {}
    return found
