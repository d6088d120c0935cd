"""Words of the printed tables that many kinds share: ages, label lists, container lists.

A row is printed by the server, the columns come from discovery data. ``None`` in a row is Go's nil pointer.

Models: pkg/printers/internalversion/printers.go (translateTimestampSince, layoutContainerCells, printBoolPtr),
k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go (FormatLabelSelector), pkg/labels (FormatLabels).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery.meta import SECOND, human_duration, parse_time
from k8snb.apimachinery.meta import age as time_since
from k8snb.apimachinery.objects import Object, dig

NONE = "<none>"
UNSET = "<unset>"


def age(obj: Object, now: int) -> str:
    """The Age column."""
    return since(obj["metadata"].get("creationTimestamp"), now)


def since(stamp: str | None, now: int) -> str:
    """How long ago a timestamp is, as people read it."""
    return time_since(stamp, now)


def between(start: str, end: str) -> str:
    """How long it was from one timestamp to another."""
    return human_duration((parse_time(end) - parse_time(start)) / SECOND)


def flag(value: bool | None) -> str:
    """A boolean that may be unset."""
    return UNSET if value is None else str(value)


def name_marked_default(obj: Object, *annotations: str) -> str:
    """``fast (default)`` where one of the annotations marks the object as the default of its kind."""
    marked = any(dig(obj, ("metadata", "annotations", key)) == "true" for key in annotations)
    return f"{obj['metadata']['name']} (default)" if marked else str(obj["metadata"]["name"])


def containers_cells(pod_spec: Mapping[str, Any]) -> list[str]:
    """The two wide columns Containers and Images."""
    containers = pod_spec.get("containers") or ()
    return [",".join(str(c.get(key, "")) for c in containers) for key in ("name", "image")]


def some_of(words: Sequence[str], *, total: int, most: int = 3, empty: str = UNSET, separator: str = ",") -> str:
    """At most ``most`` words, and how many more there are."""
    shown = separator.join(words[:most])
    return f"{shown} + {total - most} more..." if total > most else shown or empty


def labels_text(labels: Mapping[str, str] | None) -> str:
    """``a=b,c=d``, sorted by key."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE
