"""A pod that names a RuntimeClass takes over its overhead and its scheduling rules; the class must exist.

Models: plugin/pkg/admission/runtimeclass/admission.go.
"""

from __future__ import annotations

from typing import Any

from k8snb.admission.plugin import Context, forbidden, is_plain
from k8snb.apimachinery.objects import FrozenDict, FrozenList, Object, dig, put
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request

CLASSES = "runtimeclasses.node.k8s.io"


class RuntimeClass:
    """Writes ``spec.overhead``, ``spec.nodeSelector`` and ``spec.tolerations``."""

    name = "RuntimeClass"
    handles = ("create",)
    resources = ("pods",)

    def admit(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> Object:
        """The pod with what its class demands."""
        name = obj["spec"].get("runtimeClassName") if is_plain(request, resource, "pods") else None
        if not name:
            return obj
        found = context.get(CLASSES, name)
        if found is None:
            raise forbidden(request, resource, obj, f'pod rejected: RuntimeClass "{name}" not found')
        changed = self._overhead(request, resource, obj, found) | self._scheduling(request, resource, obj, found)
        return put(obj, "spec", FrozenDict({**obj["spec"], **changed})) if changed else obj

    def validate(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> None:
        """Overhead comes from a RuntimeClass only."""
        if not is_plain(request, resource, "pods") or not obj["spec"].get("overhead"):
            return
        name = dig(obj, "spec.runtimeClassName")
        if not dig(context.get(CLASSES, name) if name else None, "overhead.podFixed"):
            raise forbidden(request, resource, obj, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")

    def _overhead(self, request: Request, resource: Resource, pod: Object, found: Object) -> dict[str, Any]:
        fixed, asked = dig(found, "overhead.podFixed"), dig(pod, "spec.overhead")
        if not fixed:
            return {}
        if asked is not None and asked != fixed:
            raise forbidden(request, resource, pod, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
        return {"overhead": fixed}

    def _scheduling(self, request: Request, resource: Resource, pod: Object, found: Object) -> dict[str, Any]:
        wanted, own = dig(found, "scheduling.nodeSelector", {}), dig(pod, "spec.nodeSelector", {})
        for key, value in sorted(wanted.items()):
            if own.get(key, value) != value:
                where = f"nodeSelector[{key}] ="
                why = f"conflict: runtimeClass.scheduling.{where} {value}; pod.spec.{where} {own[key]}"
                raise forbidden(request, resource, pod, why)
        changed: dict[str, Any] = {"nodeSelector": FrozenDict({**own, **wanted})} if wanted else {}
        tolerations, more = dig(pod, "spec.tolerations", []), dig(found, "scheduling.tolerations", [])
        added = [t for t in more if t not in tolerations]
        return changed | ({"tolerations": FrozenList([*tolerations, *added])} if added else {})
