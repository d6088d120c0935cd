"""Namespace deletion: everything in it goes first, then the namespace.

A namespace that is being deleted is in phase Terminating and accepts nothing new. This loop deletes every collection in it,
notes what is left in the conditions, and when nothing is left removes the finalizer ``kubernetes`` from ``spec.finalizers``.

Models: pkg/controller/namespace/deletion/namespaced_resources_deleter.go, status_condition_utils.go.
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import set_condition
from k8snb.apimachinery.objects import FrozenDict, Object, freeze, put
from k8snb.client.controller import DEFINITIONS, Controller, Watches
from k8snb.resources import RESOURCES
from k8snb.sim.clock import SECOND

FINALIZER = "kubernetes"
GRACE = 5 * SECOND  # namespaceDeletionGracePeriod: servers that still admit objects into the namespace may notice meanwhile
_NEEDED = {"list", "deletecollection"}
CONTENT = tuple(dict.fromkeys(r.key for r in RESOURCES if r.namespaced and set(r.verbs) >= _NEEDED and r.storage in ("", r.version)))
_PODS_FIRST = ("pods",)
_FINE = (
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
    ("NamespaceDeletionContentFailure", "ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
    ("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
    ("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
)


class NamespaceController(Controller):
    """Empties namespaces that are being deleted."""

    name = "namespace"
    watches = (Watches("namespaces", delay=GRACE),)
    reads = (DEFINITIONS,)

    def reconcile(self, key: str) -> None:
        namespace = self.client.find("namespaces", key)
        if namespace is None or "deletionTimestamp" not in namespace["metadata"]:
            return
        if FINALIZER not in (namespace["spec"].get("finalizers") or ()):
            return
        remaining = self._delete_content(key)
        namespace = self._note(namespace, remaining)
        if remaining:
            self.queue.add_after(key, self._wait(remaining), "content is still being deleted")
            return
        rest = [name for name in namespace["spec"]["finalizers"] if name != FINALIZER]
        self.client.update("namespaces", put(namespace, "spec.finalizers", rest), subresource="finalize")

    @staticmethod
    def _wait(remaining: dict[str, list[Object]]) -> int:
        """Half the longest grace period of what is left, as upstream; a little where there is none."""
        grace = max((obj["metadata"].get("deletionGracePeriodSeconds", 0) for found in remaining.values() for obj in found), default=0)
        return max(grace * SECOND // 2, SECOND)

    def _delete_content(self, namespace: str) -> dict[str, list[Object]]:
        """Delete every collection; what is still there afterwards, by resource."""
        remaining: dict[str, list[Object]] = {}
        custom = [self._key(crd) for crd in self.informers[self.reads[0]].all() if crd["spec"].get("scope") == "Namespaced"]
        for resource in (*_PODS_FIRST, *(key for key in CONTENT if key not in _PODS_FIRST), *custom):
            found = self._list(resource, namespace)
            if found:
                self._delete_all(resource, namespace)
                left = self._list(resource, namespace)
                if left:
                    remaining[resource] = left
        return remaining

    @staticmethod
    def _key(crd: Object) -> str:
        return f"{crd['spec']['names']['plural']}.{crd['spec']['group']}"

    def _list(self, resource: str, namespace: str) -> list[Object]:
        try:
            return self.client.list(resource, namespace)
        except ApiError as error:
            if error.code in (404, 405):
                return []
            raise

    def _delete_all(self, resource: str, namespace: str) -> None:
        self.client.request("deletecollection", resource, namespace=namespace, body={"propagationPolicy": "Background"})

    def _note(self, namespace: Object, remaining: dict[str, list[Object]]) -> Object:
        """The conditions of a deletion: what is left, and which finalizers hold it."""
        conditions: Any = (namespace.get("status") or {}).get("conditions") or ()
        troubled = _trouble(remaining)
        for kind, reason, message in _FINE:
            status = "True" if kind in troubled else "False"
            words = troubled.get(kind, (reason, message))
            new = {"type": kind, "status": status, "reason": words[0], "message": words[1]}
            conditions = set_condition(conditions, new, self.now)
        if list(conditions) == list((namespace.get("status") or {}).get("conditions") or ()):
            return namespace
        changed = FrozenDict({**(namespace.get("status") or {}), "conditions": freeze(list(conditions))})
        return self.client.update_status("namespaces", FrozenDict({**namespace, "status": changed}))


def _trouble(remaining: dict[str, list[Object]]) -> dict[str, tuple[str, str]]:
    """Condition type -> (reason, message) for what is left."""
    if not remaining:
        return {}
    counts = ", ".join(f"{_dotted(resource)} has {len(found)} resource instances" for resource, found in sorted(remaining.items()))
    found = {"NamespaceContentRemaining": ("SomeResourcesRemain", f"Some resources are remaining: {counts}")}
    finalizers: dict[str, int] = {}
    for objects in remaining.values():
        for obj in objects:
            for name in obj["metadata"].get("finalizers") or ():
                finalizers[name] = finalizers.get(name, 0) + 1
    if finalizers:
        held = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(finalizers.items()))
        found["NamespaceFinalizersRemaining"] = ("SomeFinalizersRemain", f"Some content in the namespace has finalizers remaining: {held}")
    return found


def _dotted(resource: str) -> str:
    return resource if "." in resource else f"{resource}."
