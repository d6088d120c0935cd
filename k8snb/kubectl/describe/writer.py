"""What every description is made of: indented lines with tabs, aligned at the end, and the events below.

    w = Writer()
    w.field("Name", "web")                 # Name:       web
    w.labels("Labels", {"app": "web"})     # Labels:     app=web
    w.text()

Levels indent by two blanks. ``flush`` starts a new set of columns, as it does before the events.

Models: k8s.io/kubectl/pkg/describe/describe.go (PrefixWriter, printLabelsMultiline, printAnnotationsMultiline, DescribeEvents).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8snb.apimachinery import meta, quantity
from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import dig
from k8snb.kubectl.api import Api, Json
from k8snb.kubectl.gosort import ordered
from k8snb.kubectl.text import align, go_value, long_time

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MAX_ANNOTATION = 140


class Writer:
    """Collects lines; ``text`` aligns their columns."""

    def __init__(self) -> None:
        self.parts: list[str] = [""]

    def write(self, level: int, text: str) -> None:
        """Text with the indentation of a level in front."""
        self.parts[-1] += "  " * level + text

    def line(self, text: str = "", level: int = 0) -> None:
        """A line."""
        self.write(level, text + "\n")

    def field(self, name: str, value: Any = "", level: int = 0) -> None:
        """A name and its value."""
        self.line(f"{name}:\t{shown(value)}", level)

    def table(self, *rows: Sequence[Any], level: int = 1) -> None:
        """Rows of cells."""
        for row in rows:
            self.line("\t".join(shown(cell) for cell in row), level)

    def flush(self) -> None:
        """What follows has columns of its own."""
        self.parts.append("")

    def text(self) -> str:
        """Everything, aligned."""
        return "".join(align(part) for part in self.parts)

    def pairs(self, title: str, lines: Sequence[str], indent: str = "") -> None:
        """Several values under one title, one a line."""
        for index, line in enumerate(lines or ["<none>"]):
            self.line(f"{indent}{title + ':' if not index else ''}\t{line}")

    def labels(self, title: str, labels: Mapping[str, str] | None, indent: str = "") -> None:
        """Labels, sorted, one a line."""
        self.pairs(title, [f"{key}={(labels or {})[key]}" for key in sorted(labels or {})], indent)

    def annotations(self, title: str, annotations: Mapping[str, str] | None) -> None:
        """Annotations, sorted, long ones on lines of their own; what ``apply`` remembers is left out."""
        known = annotations or {}
        lines: list[str] = []
        for key in sorted(set(known) - {LAST_APPLIED}):
            value = known[key].removesuffix("\n")
            if len(value) + len(key) + 2 <= MAX_ANNOTATION and "\n" not in value:
                lines.append(f"{key}: {value}")
            else:
                lines += [f"{key}:", *(f"  {_shorten(part)}" for part in value.split("\n"))]
        self.pairs(title, lines)


def _shorten(text: str) -> str:
    limit = MAX_ANNOTATION - 2
    return text[:limit] + "..." if len(text) > limit else text


def shown(value: Any) -> str:
    """A value as Go prints it; what is absent prints nothing."""
    return "" if value is None else go_value(value)


def yes(value: Any) -> str:
    """True or False; <unset> where absent."""
    return "<unset>" if value is None else "True" if value else "False"


def time_of(stamp: str | None) -> str:
    """A time in its long form; Go's zero time where absent."""
    return long_time(stamp) if stamp else "Mon, 01 Jan 0001 00:00:00 +0000"


def or_none(text: str) -> str:
    """The text, or <none>."""
    return text or "<none>"


def amount(value: Any) -> str:
    """A quantity in its canonical form; 0 where absent."""
    return quantity.canonical(str(value)) if value is not None else "0"


def name_and_namespace(w: Writer, obj: Json) -> None:
    """The first two lines of most descriptions."""
    w.field("Name", dig(obj, "metadata.name"))
    w.field("Namespace", dig(obj, "metadata.namespace"))


def labels_and_annotations(w: Writer, obj: Json) -> None:
    """Labels and annotations of an object."""
    w.labels("Labels", dig(obj, "metadata.labels"))
    w.annotations("Annotations", dig(obj, "metadata.annotations"))


def format_labels(labels: Mapping[str, str] | None) -> str:
    """Labels in one line; <none> where there are none."""
    return ",".join(f"{key}={(labels or {})[key]}" for key in sorted(labels or {})) or "<none>"


def controller(obj: Json) -> str:
    """``ReplicaSet/web-abc``, or nothing."""
    owner = meta.controller_of(obj)
    return f"{owner['kind']}/{owner['name']}" if owner else ""


def status_line(w: Writer, obj: Json, now: int) -> None:
    """The phase, or how long deletion has lasted."""
    leaving = dig(obj, "metadata.deletionTimestamp")
    w.field("Status", f"Terminating (lasts {meta.age(leaving, now)})" if leaving else dig(obj, "status.phase"))


# -- looking around ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Look:
    """What a description may look at beside its object: other objects, the time, whether events are wanted."""

    api: Api
    now: int
    show_events: bool = True

    def pods(self, namespace: str, **options: Any) -> list[Json]:
        """Pods of a namespace."""
        return self.api.items("v1", "Pod", namespace, **options)

    def events(self, obj: Json, **fields: str) -> list[Json] | None:
        """The events about an object, oldest first; None where they are not wanted or not allowed."""
        if not self.show_events:
            return None
        known = {
            "name": dig(obj, "metadata.name", ""), "namespace": dig(obj, "metadata.namespace", ""),
            "kind": obj.get("kind", ""), "uid": dig(obj, "metadata.uid", ""), **fields,
        }  # fmt: skip
        wanted = ",".join(f"involvedObject.{key}={value}" for key, value in known.items() if value)
        try:
            return self.api.items("v1", "Event", known["namespace"], field_selector=wanted)
        except ApiError:
            return None


Describer = Callable[[Json, Look], str]


def events_table(w: Writer, events: Sequence[Json] | None, now: int) -> None:
    """The events at the end of a description."""
    if events is None:
        return
    if not events:
        w.line("Events:\t<none>")
        return
    w.flush()
    w.line("Events:")
    w.table(("Type", "Reason", "Age", "From", "Message"), ("----", "------", "----", "----", "-------"))
    for event in ordered(events, lambda one, other: str(one.get("lastTimestamp") or "") < str(other.get("lastTimestamp") or "")):
        source = dig(event, "source.component", "") or event.get("reportingComponent", "")
        field = dig(event, "involvedObject.fieldPath", "")
        message = (event.get("message") or "").strip()
        w.table((event.get("type"), event.get("reason"), interval(event, now), source, f"{field}: {message}" if field else message))


def interval(event: Json, now: int) -> str:
    """When an event was seen: ``10s`` or ``3s (x4 over 2m)``."""
    first = meta.age(event.get("eventTime") or event.get("firstTimestamp"), now)
    series = event.get("series")
    if series:
        return f"{meta.age(series.get('lastObservedTime'), now)} (x{series.get('count')} over {first})"
    if (event.get("count") or 0) > 1:
        return f"{meta.age(event.get('lastTimestamp'), now)} (x{event['count']} over {first})"
    return first


def conditions_table(w: Writer, conditions: Sequence[Json] | None) -> None:
    """Type, status and reason of conditions, as workloads show them."""
    if conditions:
        w.line("Conditions:")
        w.table(("Type", "Status", "Reason"))
        w.table(("----", "------", "------"))
        for one in conditions:
            w.table((f"{one.get('type')} ", one.get("status"), one.get("reason")))
