"""The admission chain: plugins that may change a request's object, then plugins that may refuse it.

The plugins themselves know kinds and live in :mod:`k8snb.admission`; here is only the order of calls. Mutating ones run
before validation, validating ones after it, each in the order of the tuple that the server was given. After a change by a policy
the mutating ones are asked once more, so that defaults and limits hold for what the policy added.

Models: k8s.io/apiserver/pkg/admission/chain.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.context import Context
from k8snb.apiserver.request import Request


class Chain:
    """The plugins in their order, and which of them are asked about what. Wiring, worked out once for each question.

    ``stored`` gives the stored objects of a resource: a plugin that ``needs`` some kind is asked only while there are any of it.
    """

    def __init__(self, plugins: tuple[Any, ...], stored: Callable[[str], Sequence[Object]]):
        self._all, self._stored = plugins, stored
        self._asked: dict[tuple[str, str, str], tuple[Any, ...]] = {}

    def plugins(self, phase: str, verb: str, resource: str) -> tuple[Any, ...]:
        """Those that have the method ``phase``, handle the verb, look at the resource (by key) and have what they need."""
        question = (phase, verb, resource)
        found = self._asked.get(question)
        if found is None:
            found = self._asked[question] = tuple(p for p in self._all if hasattr(p, phase) and self._looks(p, *question))
        return found

    def _looks(self, plugin: Any, phase: str, verb: str, resource: str) -> bool:
        if verb not in plugin.handles or resource not in getattr(plugin, "resources", (resource,)):
            return False
        if phase == "validate" and resource not in getattr(plugin, "judges", (resource,)):
            return False
        return not hasattr(plugin, "needs") or bool(self._stored(plugin.needs))

    def forget(self) -> None:
        """Something that plugins need has come or gone."""
        self._asked.clear()


def mutate(context: Context, resource: Resource, obj: Object, old: Object | None) -> Object:
    """Run the mutating plugins. What a plugin changed is noted for the trace under the plugin's name."""
    plugins = context.server.admission.plugins("admit", operation(context.request, old), resource.key)
    obj, again = _round(plugins, context, resource, obj, old)
    return _round(plugins, context, resource, obj, old)[0] if again else obj


def _round(
    plugins: tuple[Any, ...], context: Context, resource: Resource, obj: Object, old: Object | None
) -> tuple[Object, bool]:  # fmt: skip
    """The object after each plugin was asked once, and whether one of those that ask for another round has changed it."""
    request, again = context.request, False
    for plugin in plugins:
        changed = plugin.admit(context, request, resource, obj, old)
        if changed is not obj:
            context.notes.append(f"admission {plugin.name} changed it")
            obj, again = changed, again or getattr(plugin, "reinvokes", False)
    return obj, again


def validate(context: Context, resource: Resource, obj: Object | None, old: Object | None) -> None:
    """Run the validating plugins; the first refusal ends the request. ``obj`` is None for a deletion."""
    request = context.request
    verb = operation(request, old)
    for plugin in context.server.admission.plugins("validate", verb, resource.key):
        plugin.validate(context, request, resource, obj, old)


def operation(request: Request, old: Object | None) -> str:
    """The admission operation: ``create``, ``update``, ``delete`` or ``connect``. A patch is an update, or creates."""
    if request.verb in ("delete", "deletecollection"):
        return "delete"
    return "create" if old is None else "update"
