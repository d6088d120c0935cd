"""The admission chain: plugins that may change a request's object, then plugins that may refuse it.

The plugins themselves know kinds and live in :mod:`k8snb.admission`; here is only the order of calls. Mutating ones run
before validation, validating ones after it, each in the order of the tuple that the server was given.

Models: k8s.io/apiserver/pkg/admission/chain.go.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.context import Context
from k8snb.apiserver.request import Request


def mutate(context: Context, resource: Resource, obj: Object, old: Object | None) -> Object:
    """Run the mutating plugins. What a plugin changed is noted for the trace under the plugin's name."""
    request = context.request
    verb = operation(request, old)
    for plugin in context.server.mutating:
        if verb in plugin.handles:
            changed = plugin.admit(context, request, resource, obj, old)
            if changed is not obj:
                context.notes.append(f"admission {plugin.name} changed it")
                obj = changed
    return obj


def validate(context: Context, resource: Resource, obj: Object | None, old: Object | None) -> None:
    """Run the validating plugins; the first refusal ends the request. ``obj`` is None for a deletion."""
    request = context.request
    verb = operation(request, old)
    for plugin in context.server.validating:
        if verb in plugin.handles:
            plugin.validate(context, request, resource, obj, old)


def operation(request: Request, old: Object | None) -> str:
    """The admission operation: ``create``, ``update``, ``delete`` or ``connect``. A patch is an update, or creates."""
    if request.verb in ("delete", "deletecollection"):
        return "delete"
    return "create" if old is None else "update"
