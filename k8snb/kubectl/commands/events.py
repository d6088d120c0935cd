"""``kubectl events``: what was reported, oldest first.

Models: k8s.io/kubectl/pkg/cmd/events (events.go, event_printer.go).
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.apimachinery.objects import dig
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import words
from k8snb.kubectl.call import ALL_NAMESPACES, CHUNK_SIZE, PRINT, Call, Command
from k8snb.kubectl.describe.writer import interval
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.gosort import ordered
from k8snb.kubectl.printers import formatted
from k8snb.kubectl.result import Failure, NoMatch, Several
from k8snb.kubectl.text import columns


def run(call: Call) -> None:
    """List events, all or about one object."""
    namespace = "" if call.flag("all-namespaces") else call.namespace
    types = [wanted.lower() for wanted in call.flag("types")]
    if not set(types) <= {"normal", "warning"}:
        raise Failure("valid --types are Normal or Warning")
    found = call.api.items("v1", "Event", namespace, field_selector=_about(call))
    found = [event for event in found if not types or str(event.get("type", "")).lower() in types]
    found = ordered(found, lambda one, other: _last(one) < _last(other))
    if call.flag("output"):
        formatted(call, call.flag("output"))({"apiVersion": "v1", "items": found, "kind": "List", "metadata": {"resourceVersion": ""}})
    elif found:
        call.write(columns(_rows(call, found)))
    else:
        call.err("No events found." if call.flag("all-namespaces") else f"No events found in {call.namespace} namespace.")


def _about(call: Call) -> str:
    if not call.flag("for"):
        return ""
    if "/" not in call.flag("for"):
        raise Failure("--for must be in resource/name form")
    try:
        word = words(call, [call.flag("for")])[0]
    except NoMatch as unknown:
        raise Several([unknown]) from None  # kubectl prints it without the word error
    return f"involvedObject.apiVersion={word.kind.api_version},involvedObject.kind={word.kind.kind},involvedObject.name={word.name}"


def _last(event: Json) -> str:
    return str(dig(event, "series.lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")


def _rows(call: Call, found: Sequence[Json]) -> list[list[str]]:
    everywhere = bool(call.flag("all-namespaces"))
    rows = [["NAMESPACE"] * everywhere + ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]]
    for event in found:
        about = event.get("involvedObject") or {}
        cells = [interval(event, call.host.now), event.get("type", ""), event.get("reason", "")]
        cells += [f"{about.get('kind')}/{about.get('name')}", str(event.get("message", "")).strip()]
        rows.append([event["metadata"].get("namespace", "")] * everywhere + cells)
    return rows if not call.flag("no-headers") else rows[1:]


COMMAND = Command(
    "events", "List events", "kubectl events [(-o|--output=)json|yaml|...] [--for TYPE/NAME] [--types=Normal,Warning]", run,
    (*PRINT, ALL_NAMESPACES, CHUNK_SIZE, Flag("for"), Flag("types", kind="strings"), boolean("watch", "w"), boolean("no-headers")),
)  # fmt: skip
