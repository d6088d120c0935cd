"""Events of events.k8s.io: the same objects as the core ones, under other names for some fields.

    regarding <-> involvedObject      note <-> message      deprecatedCount <-> count ...

Models: pkg/apis/events/v1/conversion.go, pkg/apis/core/validation/events.go.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import FrozenDict, Object
from k8snb.resources.core import event as core
from k8snb.resources.discovery import served

_NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_BACK = {old: new for new, old in _NAMES.items()}


def _renamed(obj: Object, names: dict[str, str], api_version: str) -> Object:
    return FrozenDict({**{names.get(key, key): value for key, value in obj.items()}, "apiVersion": api_version})


def to_core(obj: Object) -> Object:
    """The stored form."""
    return _renamed(obj, _NAMES, "v1")


def from_core(obj: Object) -> Object:
    """The form of events.k8s.io."""
    return _renamed(obj, _BACK, "events.k8s.io/v1")


EXAMPLE = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "web.1", "namespace": "shop"},
    "regarding": {"apiVersion": "v1", "kind": "Pod", "name": "web", "namespace": "shop"},
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "reportingController": "example.com/tester",
    "reportingInstance": "tester-1",
    "action": "Testing",
    "reason": "Tested",
    "note": "it works",
    "type": "Normal",
}

_FIELDS = ("reason", "type")
SELECTABLE = {name: value for name, value in core.SELECTABLE.items() if name in _FIELDS} | {
    name.replace("involvedObject", "regarding"): value for name, value in core.SELECTABLE.items() if name.startswith("involvedObject")
}

RESOURCE = served(
    "events.k8s.io/v1",
    "Event",
    storage="/v1",
    to_storage=to_core,
    from_storage=from_core,
    cells=lambda obj, now: core.cells(to_core(obj), now),
    selectable_fields={**SELECTABLE, "reportingController": core.SELECTABLE["reportingComponent"]},
    example=EXAMPLE,
    simulated=True,
)
