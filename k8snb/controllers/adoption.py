"""Whose Pod is it? Owner references, adoption and release, shared by every controller that owns Pods or ReplicaSets.

A controller owns what its selector matches *and* whose controller reference names it. An orphan that matches is **adopted**
(a reference is added), an owned object that matches no longer is **released** (the reference is removed). An object that
another controller owns is never touched.

Models: pkg/controller/controller_ref_manager.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import controller_of, owner_reference
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.selectors import Selector, from_label_selector, from_set, nothing
from k8snb.client.controller import Controller, Index
from k8snb.client.indexes import owners_of
from k8snb.client.informer import OfPart

_RESOURCES = {
    "ReplicaSet": "replicasets.apps", "Deployment": "deployments.apps", "StatefulSet": "statefulsets.apps",
    "DaemonSet": "daemonsets.apps", "Job": "jobs.batch", "ReplicationController": "replicationcontrollers",
}  # fmt: skip


@partial(OfPart, owners_of)
def owner_uid(obj: Object) -> Iterable[str]:
    """Index function: the UID of the controller that owns the object."""
    ref = controller_of(obj)
    return (ref["uid"],) if ref is not None else ()


@partial(OfPart, owners_of)
def orphaned_in(obj: Object) -> Iterable[str]:
    """Index function: the namespace, for objects that no controller owns."""
    return (obj["metadata"].get("namespace", ""),) if controller_of(obj) is None else ()


def ownership(resource: str) -> tuple[Index, Index]:
    """The two indexes that :func:`claimed` needs on the cache of ``resource``."""
    return Index(resource, "owner", owner_uid), Index(resource, "orphans", orphaned_in)


def selector_of(owner: Object) -> Selector:
    """The owner's selector. (A ReplicationController's is a plain map of labels; one without a selector matches nothing.)"""
    selector = owner["spec"].get("selector")
    if not selector:
        return nothing()
    return from_set(selector) if owner["kind"] == "ReplicationController" else from_label_selector(selector)


def claimed(controller: Controller, resource: str, owner: Object, *, belongs: Callable[[Object], bool] = lambda _obj: True) -> list[Object]:
    """The objects that ``owner`` controls now, after adopting and releasing what must be. Raises ApiError on conflicts.

    ``belongs`` asks for more than the selector does (a StatefulSet takes only Pods that are called after it).
    """
    cache, meta = controller.informers[resource], owner["metadata"]
    selector = selector_of(owner)
    owned = cache.by("owner", meta["uid"])
    kept = []
    for obj in owned:
        if selector.matches(obj["metadata"].get("labels")) and belongs(obj):
            kept.append(obj)
        elif "deletionTimestamp" not in meta:
            _release(controller, resource, obj, owner)
    if "deletionTimestamp" in meta:
        return kept
    for obj in cache.by("orphans", meta["namespace"]):
        if "deletionTimestamp" not in obj["metadata"] and selector.matches(obj["metadata"].get("labels")) and belongs(obj):
            adopted = _adopt(controller, resource, obj, owner)
            if adopted is not None:
                kept.append(adopted)
    return kept


def _adopt(controller: Controller, resource: str, obj: Object, owner: Object) -> Object | None:
    """Add the controller reference, if the owner is still there and not being deleted (asked freshly, not from the cache)."""
    fresh = controller.client.find(_RESOURCES[owner["kind"]], owner["metadata"]["name"], owner["metadata"]["namespace"])
    if fresh is None or fresh["metadata"]["uid"] != owner["metadata"]["uid"] or "deletionTimestamp" in fresh["metadata"]:
        return None
    patch = {"metadata": {"ownerReferences": [owner_reference(owner)], "uid": obj["metadata"]["uid"]}}
    return _patched(controller, resource, obj, patch)


def _release(controller: Controller, resource: str, obj: Object, owner: Object) -> None:
    refs = [{"$patch": "delete", "uid": owner["metadata"]["uid"]}]
    _patched(controller, resource, obj, {"metadata": {"ownerReferences": refs, "uid": obj["metadata"]["uid"]}})


def _patched(controller: Controller, resource: str, obj: Object, patch: Object) -> Object | None:
    meta = obj["metadata"]
    try:
        return controller.client.patch(resource, meta["name"], patch, meta["namespace"], kind="strategic")
    except ApiError as error:
        if error.code in (404, 422):  # gone meanwhile, or another object of that name
            return None
        raise
