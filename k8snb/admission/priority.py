"""A pod's priority is a number that only its PriorityClass decides.

Models: plugin/pkg/admission/priority/admission.go.
"""

from __future__ import annotations

from typing import Any

from k8snb.admission.plugin import Context, forbidden, is_plain
from k8snb.apimachinery.objects import FrozenDict, Object
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request

CLASSES = "priorityclasses.scheduling.k8s.io"
_MUST_NOT = "must not be provided in pod spec; priority admission controller computed"


def default_class(context: Context) -> Object | None:
    """The PriorityClass marked ``globalDefault``; the lowest value where there are several."""
    marked = [c for c in context.remembered(CLASSES) if c.get("globalDefault")]
    return min(marked, key=lambda c: (int(c["value"]), str(c["metadata"]["name"]))) if marked else None


class Priority:
    """Writes ``spec.priority``, ``spec.preemptionPolicy`` and, from the default class, ``spec.priorityClassName``."""

    name = "Priority"
    handles = ("create", "update")
    resources = ("pods", CLASSES)
    judges = (CLASSES,)

    def admit(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> Object:
        """The pod with the priority of its class; on update, what it had is kept."""
        if not is_plain(request, resource, "pods"):
            return obj
        spec = obj["spec"]
        if old is not None:
            kept = {k: old["spec"][k] for k in ("priority", "preemptionPolicy") if k in old["spec"] and spec.get(k) is None}
        else:
            kept = self._computed(context, request, resource, obj)
        return FrozenDict(obj | {"spec": FrozenDict(spec | kept)}) if kept else obj

    def _computed(self, context: Context, request: Request, resource: Resource, obj: Object) -> dict[str, Any]:
        spec, name = obj["spec"], obj["spec"].get("priorityClassName")
        found = context.get(CLASSES, name) if name else default_class(context)
        if name and found is None:
            raise forbidden(request, resource, obj, f"no PriorityClass with name {name} was found")
        value = found["value"] if found else 0
        policy = (found or {}).get("preemptionPolicy") or "PreemptLowerPriority"
        if spec.get("priority") not in (None, value):
            raise forbidden(
                request,
                resource,
                obj,
                f"the integer value of priority ({spec['priority']}) {_MUST_NOT} {value} from the given PriorityClass name",
            )
        if spec.get("preemptionPolicy") not in (None, policy):
            why = (
                f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) {_MUST_NOT} {policy} from the given PriorityClass name"
            )
            raise forbidden(request, resource, obj, why)
        computed = {"priority": value, "preemptionPolicy": policy}
        return computed if name or not found else computed | {"priorityClassName": found["metadata"]["name"]}

    def validate(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> None:
        """Only one PriorityClass may be the default."""
        if not is_plain(request, resource, CLASSES) or not obj.get("globalDefault"):
            return
        known = default_class(context)
        if known is not None and (old is None or known["metadata"]["name"] != obj["metadata"].get("name")):
            why = f"PriorityClass {known['metadata']['name']} is already marked as default. Only one default can exist"
            raise forbidden(request, resource, obj, why)
