"""Events: what components say about objects.

Models: pkg/apis/core/validation/events.go, pkg/registry/core/event/strategy.go, pkg/printers (printEvent).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8snb.apimachinery.errors import Errors, invalid, required
from k8snb.apimachinery.meta import age
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.validation import check, dns_subdomain, qualified_name
from k8snb.resources.common.formats import path_segment
from k8snb.resources.discovery import served


def validate(obj: Object) -> Errors:
    """An Event lies in the namespace of its object, or in ``default`` where that has none."""
    namespace = obj["metadata"].get("namespace", "")
    errors = _validate_namespace(obj, namespace) + (_validate_new_fields(obj) if obj.get("eventTime") else [])
    return errors + check("namespace", namespace, dns_subdomain)


def _validate_namespace(obj: Object, namespace: str) -> Errors:
    where = (obj.get("involvedObject") or EMPTY_DICT).get("namespace", "")
    if obj.get("eventTime"):
        fits = bool(where) or namespace in ("default", "kube-system")
    else:
        fits = where == namespace if where else namespace in ("", "default")
    return [] if fits else [invalid("involvedObject.namespace", where, "does not match event.namespace")]


def _validate_new_fields(obj: Object) -> Errors:
    """Events that say when they happened also name who reports, what was done, and why."""
    controller = obj.get("reportingComponent", "")
    errors: Errors = [] if controller else [required("reportingComponent")]
    errors += check("reportingComponent", controller, qualified_name)
    for field, limit in (("reportingInstance", 128), ("action", 128), ("reason", 128)):
        text = obj.get(field, "")
        if not text:
            errors.append(required(field))
        elif len(text) > limit:
            errors.append(invalid(field, "", f"can have at most {limit} characters"))
    if len(obj.get("message", "")) > 1024:
        errors.append(invalid("message", "", "can have at most 1024 characters"))
    return errors


def _source(obj: Object) -> str:
    source = obj.get("source") or EMPTY_DICT
    component = source.get("component") or obj.get("reportingComponent", "")
    instance = source.get("host") or obj.get("reportingInstance", "")
    return f"{component}, {instance}" if instance else component


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get events``."""
    first = age(obj.get("firstTimestamp") or obj.get("eventTime"), now)
    last = age(obj["lastTimestamp"], now) if obj.get("lastTimestamp") else first
    count = obj.get("count") or 1
    if obj.get("series") is not None:
        last, count = age(obj["series"].get("lastObservedTime"), now), obj["series"].get("count", 0)
    involved = obj.get("involvedObject") or EMPTY_DICT
    kind = involved.get("kind", "").lower()
    target = f"{kind}/{involved['name']}" if involved.get("name") else kind
    message = obj.get("message", "").strip()
    told = [last, obj.get("type", ""), obj.get("reason", ""), target, involved.get("fieldPath", ""), _source(obj), message]
    return [*told, first, str(count), obj["metadata"]["name"]]


def _field(path: str) -> Callable[[Object], str]:
    return lambda obj: str(dig(obj, path, ""))


_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
SELECTABLE = {f"involvedObject.{key}": _field(f"involvedObject.{key}") for key in _INVOLVED} | {
    "reason": _field("reason"),
    "reportingComponent": _field("reportingComponent"),
    "source": lambda obj: str(dig(obj, "source.component", "") or obj.get("reportingComponent", "")),
    "type": _field("type"),
}

EXAMPLE = {
    "apiVersion": "v1",
    "kind": "Event",
    "metadata": {"name": "web.1", "namespace": "shop"},
    "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": "web", "namespace": "shop"},
    "reason": "Tested",
    "message": "it works",
    "type": "Normal",
}

RESOURCE = served(
    "v1",
    "Event",
    validate=validate,
    validate_name=path_segment,
    cells=cells,
    selectable_fields=SELECTABLE,
    example=EXAMPLE,
    simulated=True,
)
