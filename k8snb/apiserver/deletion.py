"""Deletion: at once, gracefully, or when the last finalizer is gone.

    delete --+-- no grace, no finalizers ----------------> the key goes
             +-- grace (a Pod on a node) ----------------> deletionTimestamp = now + grace; the kubelet ends it, then deletes
             +-- finalizers (also: propagation policy) --> deletionTimestamp; whoever removes the last finalizer ends it

Models: k8s.io/apiserver/pkg/registry/rest/delete.go (BeforeDelete), registry/generic/registry/store.go (Delete,
deletionFinalizersForGarbageCollection, DeleteCollection).
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.errors import ApiError, conflict, object_not_found
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import FrozenDict, FrozenList, Object
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver import admission, reads
from k8snb.apiserver.context import Context
from k8snb.apiserver.keys import key_of
from k8snb.sim.clock import SECOND

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"


def delete(context: Context, resource: Resource) -> Object:
    """DELETE: gives ``Status`` Success when the object is gone, or the object as it now waits for its end."""
    context = _heeding(context)
    stored = context.server.catalogue.storage_of(resource)
    request = context.request
    key = key_of(stored, request.namespace if stored.namespaced else "", request.name)
    found = context.server.store.get(key)
    if found is None:
        raise object_not_found(resource.group, resource.plural, request.name)
    return _delete(context, resource, stored, key, found.value)


def _heeding(context: Context) -> Context:
    """A dry run may be asked for in the options that are the body, as kubectl does."""
    request = context.request
    if request.options.dry_run or "All" not in ((request.body or {}).get("dryRun") or ()):
        return context
    return context.asking(request._replace(options=request.options._replace(dry_run=True)))


def _delete(context: Context, resource: Resource, stored: Resource, key: str, obj: Object) -> Object:
    options: Object = context.request.body or {}
    _check_preconditions(stored, obj, options.get("preconditions") or {})
    admission.validate(context, stored, None, obj)
    waiting = _marked(context, stored, obj, options)
    if context.request.options.dry_run:
        return success(resource, obj)
    if waiting is None:
        remove(context.server, stored, key, obj, obj)
        return success(resource, obj)
    if waiting is not obj:
        from k8snb.apiserver.writes import store_update

        waiting = store_update(context.server, stored, key, waiting, obj)
    return resource.from_storage(waiting)


def _check_preconditions(resource: Resource, obj: Object, wanted: Object) -> None:
    for field, label, key in (("uid", "UID", "uid"), ("resourceVersion", "ResourceVersion", "resourceVersion")):
        if field in wanted and wanted[field] != obj["metadata"][key]:
            why = f"Precondition failed: {label} in precondition: {wanted[field]}, {label} in object meta: {obj['metadata'][key]}"
            raise conflict(resource.group, resource.plural, obj["metadata"]["name"], why)


def _marked(context: Context, resource: Resource, obj: Object, options: Object) -> Object | None:
    """The object as it waits for its end, the same object where it waits already, or None where it may go at once."""
    asked = options.get("gracePeriodSeconds")
    grace = resource.graceful_delete(obj, asked) if resource.graceful_delete is not None else 0
    finalizers = _finalizers(resource, obj, options)
    old_meta = obj["metadata"]
    pending = list(old_meta.get("finalizers") or ())
    if "deletionTimestamp" in old_meta:
        return _shortened(context, resource, obj, grace, finalizers)
    if not grace and not finalizers and not resource.holds_deletion(obj):
        return None
    meta = {key: value for key, value in old_meta.items() if key != "finalizers"}
    if finalizers:
        meta["finalizers"] = FrozenList(finalizers if finalizers != pending else pending)
    meta["deletionTimestamp"] = timestamp(context.now + grace * SECOND)
    meta["deletionGracePeriodSeconds"] = grace
    if meta.get("generation"):
        meta["generation"] += 1
    return resource.prepare_for_delete(FrozenDict({**obj, "metadata": FrozenDict(meta)}))


def _shortened(context: Context, resource: Resource, obj: Object, grace: int, finalizers: list[str]) -> Object | None:
    """A second deletion of an object that is going already: it can only make the wait shorter."""
    old_meta = obj["metadata"]
    left = old_meta.get("deletionGracePeriodSeconds", 0)
    meta = dict(old_meta)
    if finalizers != list(old_meta.get("finalizers") or ()):
        meta["finalizers"] = FrozenList(finalizers)
    if grace < left:
        meta["deletionTimestamp"] = timestamp(context.now + grace * SECOND)
        meta["deletionGracePeriodSeconds"] = grace
    if not meta.get("deletionGracePeriodSeconds") and not meta.get("finalizers") and not resource.holds_deletion(obj):
        return None
    return obj if meta == old_meta else FrozenDict({**obj, "metadata": FrozenDict(meta)})


def _finalizers(resource: Resource, obj: Object, options: Object) -> list[str]:
    """The finalizers that the deletion leaves: the propagation policy is carried out by the garbage collector's own two."""
    present: list[str] = list(obj["metadata"].get("finalizers") or ())
    policy = options.get("propagationPolicy")
    if options.get("orphanDependents") is not None and not policy:
        policy = "Orphan" if options["orphanDependents"] else "Background"
    if policy is None:
        if ORPHAN in present or FOREGROUND in present:
            return present
        policy = resource.default_propagation
    kept = [name for name in present if name not in (ORPHAN, FOREGROUND)]
    own = {"Orphan": [ORPHAN], "Foreground": [FOREGROUND]}.get(policy, [])
    wanted = kept + own
    return present if sorted(wanted) == sorted(present) else wanted


def finished(resource: Resource, obj: Object) -> bool:
    """Whether an update took away the last thing that kept a deleted object."""
    meta = obj["metadata"]
    held = meta.get("deletionGracePeriodSeconds") or meta.get("finalizers") or resource.holds_deletion(obj)
    return "deletionTimestamp" in meta and not held


def remove(server: Any, resource: Resource, key: str, obj: Object, old: Object) -> Object:
    """Take an object out of the store; the deletion event carries its last form with the revision of its end."""
    last = FrozenDict({**obj, "metadata": FrozenDict({**obj["metadata"], "resourceVersion": str(server.store.revision + 1)})})
    server.store.delete(key, expect=int(old["metadata"]["resourceVersion"]), value=last)
    server.managed.forget(key)
    if resource.release is not None:
        resource.release(server, last)
    return last


def success(resource: Resource, obj: Object) -> Object:
    """The ``Status`` that says that an object is gone."""
    details = {"name": obj["metadata"]["name"], "group": resource.group, "kind": resource.plural, "uid": obj["metadata"]["uid"]}
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return FrozenDict({**status, "details": FrozenDict({key: value for key, value in details.items() if value})})


def delete_collection(context: Context, resource: Resource) -> Object:
    """DELETE on a collection: every object that the selectors let through; gives the list of them."""
    found = reads.list_objects(context, resource)
    for item in found["items"]:
        inner = context.request._replace(verb="delete", name=item["metadata"]["name"], namespace=item["metadata"].get("namespace", ""))
        try:
            delete(context.asking(inner), resource)
        except ApiError as error:
            if error.code != 404:  # somebody else was faster: fine
                raise
    return found
