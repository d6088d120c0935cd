"""What all objects share: owners, conditions, times, ages.

Times are integers of microseconds since the Unix epoch (``kernel.now``); in objects they are RFC 3339 text with a precision of
seconds (``Time``) or microseconds (``MicroTime``: leases, events).

Models: k8s.io/apimachinery/pkg/apis/meta/v1 (controller_ref.go, time.go), pkg/api/meta/conditions.go, pkg/util/duration.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from k8snb.apimachinery.objects import EMPTY_DICT, FrozenList, Object, freeze

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@functools.lru_cache(maxsize=65536)
def _second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")


@functools.lru_cache(maxsize=65536)
def _timestamp(second: int) -> str:
    return f"{_second(second)}Z"


def timestamp(now: int) -> str:
    """A time as objects carry it, in whole seconds.

    >>> timestamp(1_767_225_600_000_000)
    '2026-01-01T00:00:00Z'
    """
    return _timestamp(now // SECOND)


def micro_timestamp(now: int) -> str:
    """A time with microseconds, as leases and events carry it."""
    return f"{_second(now // SECOND)}.{now % SECOND:06d}Z"


@functools.lru_cache(maxsize=65536)
def parse_time(text: str) -> int:
    """Microseconds since the epoch of an RFC 3339 time. Raises ValueError.

    >>> parse_time("2026-01-01T01:00:00.5+01:00")
    1767225600500000
    """
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError(f"a time needs a zone: {text}")
    return (when - _EPOCH) // timedelta(microseconds=1)


def seconds_between(earlier: str | None, now: int) -> float:
    """Seconds from a time in an object until ``now``; 0 where it is absent."""
    return (now - parse_time(earlier)) / SECOND if earlier else 0.0


def human_duration(seconds: float) -> str:
    """A duration as kubectl prints it in the AGE column: two units at most, fewer as it grows.

    >>> [human_duration(s) for s in (3, 119, 150, 3 * 3600, 9 * 3600, 26 * 3600, 3 * 86400, 800 * 86400)]
    ['3s', '119s', '2m30s', '3h', '9h', '26h', '3d', '2y70d']
    """
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 60 * 2:
        return f"{max(whole, 0)}s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 10:
        return _two(minutes, "m", whole % 60, "s")
    if minutes < 60 * 3:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 24 * 8:
        return _two(days, "d", hours % 24, "h")
    if hours < 24 * 365 * 2:
        return f"{days}d"
    if hours < 24 * 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(big: int, big_unit: str, small: int, small_unit: str) -> str:
    return f"{big}{big_unit}{small}{small_unit}" if small else f"{big}{big_unit}"


def age(since: str | None, now: int) -> str:
    """The AGE column: how long ago ``since`` was, ``<unknown>`` where it is absent."""
    return human_duration(seconds_between(since, now)) if since else "<unknown>"


def controller_of(obj: Object) -> Mapping[str, Any] | None:
    """The owner reference that says ``controller: true``, or None."""
    for ref in obj["metadata"].get("ownerReferences") or ():
        if ref.get("controller"):
            found: Mapping[str, Any] = ref
            return found
    return None


def is_controlled_by(obj: Object, owner: Object) -> bool:
    """Whether ``owner`` is the controller of ``obj``, by UID."""
    ref = controller_of(obj)
    return ref is not None and ref["uid"] == owner["metadata"]["uid"]


def owner_reference(owner: Object, *, block: bool = True) -> dict[str, Any]:
    """The controller reference to ``owner`` that a controller puts on what it makes."""
    meta = owner["metadata"]
    ref = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": meta["name"], "uid": meta["uid"], "controller": True}
    return ref | {"blockOwnerDeletion": True} if block else ref


def annotation(obj: Object, name: str) -> str:
    """The value of an annotation; empty where there is none."""
    return str((obj["metadata"].get("annotations") or EMPTY_DICT).get(name, ""))


def key_of(obj: Object) -> str:
    """``namespace/name``, or the name alone: how queues name an object."""
    meta = obj["metadata"]
    return f"{meta['namespace']}/{meta['name']}" if meta.get("namespace") else str(meta["name"])


def condition(obj: Object, kind: str) -> Mapping[str, Any] | None:
    """The condition of this type, or None."""
    return find_condition((obj.get("status") or {}).get("conditions") or (), kind)


def find_condition(conditions: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any] | None:
    """The condition of this type in a list of conditions, or None."""
    for one in conditions:
        if one["type"] == kind:
            return one
    return None


def condition_status(obj: Object, kind: str) -> str:
    """``True``, ``False``, ``Unknown``, or empty where there is no such condition."""
    found = condition(obj, kind)
    return str(found["status"]) if found else ""


def is_true(obj: Object, kind: str) -> bool:
    """Whether the condition of this type is True."""
    return condition_status(obj, kind) == "True"


def set_condition(conditions: Sequence[Mapping[str, Any]], new: Mapping[str, Any], now: int) -> FrozenList:
    """The list with this condition in it. ``lastTransitionTime`` changes only where the status does.

    ``new`` is the condition without times. Other fields that the old one has (``lastUpdateTime``, ``observedGeneration``) are
    replaced when ``new`` names them, kept otherwise. The same list comes back where nothing changed.
    """
    old = find_condition(conditions, new["type"])
    changed = old is None or old["status"] != new["status"]
    when = timestamp(now) if changed or old is None else old.get("lastTransitionTime")
    merged = freeze({**(old or {}), **new, "lastTransitionTime": new.get("lastTransitionTime", when)})
    if old == merged and isinstance(conditions, FrozenList):
        return conditions
    rest = [merged if c["type"] == new["type"] else c for c in conditions]
    return FrozenList(rest if old is not None else [*rest, merged])


def drop_condition(conditions: Sequence[Mapping[str, Any]], kind: str) -> FrozenList:
    """The list without the condition of this type."""
    return FrozenList([c for c in conditions if c["type"] != kind])
