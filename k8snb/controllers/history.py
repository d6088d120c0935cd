"""Revisions of DaemonSets and StatefulSets: each distinct Pod template is kept as a ControllerRevision, numbered by its last use.

The data of a revision is a patch that brings the template back: ``{"spec": {"template": {..., "$patch": "replace"}}}``. Rolling
back to a former template does not make a new revision; the former one is given the newest number.

    ensure(controller, owner, known, label=...)  ->  the revision of the owner's present template, created or renumbered if need be

Models: pkg/controller/history/controller_history.go; pkg/controller/daemon/update.go (constructHistory);
pkg/controller/statefulset/stateful_set_control.go (getStatefulSetRevisions).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import owner_reference
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object, put
from k8snb.apimachinery.resource import once
from k8snb.client.controller import Controller
from k8snb.component_helpers.hashes import safe_hash

REVISIONS = "controllerrevisions.apps"
POD_HASH = "controller-revision-hash"  # on every Pod: which revision it was made from


@once
def data_of(template: Object) -> FrozenDict:
    """What a revision keeps of a template."""
    return FrozenDict({"spec": FrozenDict({"template": FrozenDict({**template, "$patch": "replace"})})})


@once
def template_of(revision: Object) -> FrozenDict:
    """The template that a revision keeps."""
    kept = revision["data"]["spec"]["template"]
    return FrozenDict({key: value for key, value in kept.items() if key != "$patch"})


def in_order(revisions: Iterable[Object]) -> list[Object]:
    """Oldest number first; equal numbers by age and name."""
    return sorted(revisions, key=lambda r: (r.get("revision", 0), r["metadata"]["creationTimestamp"], r["metadata"]["name"]))


def new_revision(owner: Object, number: int, *, label: str, collisions: int = 0) -> FrozenDict:
    """The revision of the owner's present template, as it is created. ``label`` carries its hash."""
    meta, template = owner["metadata"], owner["spec"]["template"]
    value = safe_hash([template, collisions] if collisions else template)
    labels = {**(template.get("metadata", EMPTY_DICT).get("labels") or EMPTY_DICT), label: value}
    head = {
        "name": f"{meta['name']}-{value}", "namespace": meta["namespace"], "labels": FrozenDict(labels),
        "ownerReferences": FrozenList([FrozenDict(owner_reference(owner))]),
    }  # fmt: skip
    if meta.get("annotations"):
        head["annotations"] = meta["annotations"]
    kind = {"apiVersion": "apps/v1", "kind": "ControllerRevision"}
    return FrozenDict({**kind, "metadata": FrozenDict(head), "data": data_of(template), "revision": number})


def ensure(controller: Controller, owner: Object, known: list[Object], *, label: str) -> tuple[Object, int]:
    """The stored revision of the owner's present template, and how many hash collisions there were. Raises ApiError."""
    collisions = (owner.get("status") or EMPTY_DICT).get("collisionCount", 0)
    equal = [r for r in in_order(known) if r["data"] == data_of(owner["spec"]["template"])]
    newest = equal[-1] if equal else None
    number = max((r.get("revision", 0) for r in known if r is not newest), default=0) + 1
    if newest is None:
        return _create(controller, owner, number, label, collisions)
    if newest.get("revision", 0) < number:
        newest = controller.client.update(REVISIONS, put(newest, "revision", number))
    return newest, collisions


def _create(controller: Controller, owner: Object, number: int, label: str, collisions: int) -> tuple[Object, int]:
    while True:
        wanted = new_revision(owner, number, label=label, collisions=collisions)
        meta = wanted["metadata"]
        try:
            return controller.client.create(REVISIONS, wanted, meta["namespace"]), collisions
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        found = controller.client.get(REVISIONS, meta["name"], meta["namespace"])
        if found["data"] == wanted["data"]:
            return found, collisions
        collisions += 1  # another template has this hash


def forget(controller: Controller, revisions: Iterable[Object], count: int, keep: Collection[str]) -> None:
    """Delete the ``count`` oldest of the revisions whose names are not in ``keep``."""
    unused = [r for r in in_order(revisions) if r["metadata"]["name"] not in keep]
    for revision in unused[: max(0, count)]:
        try:
            controller.client.delete(REVISIONS, revision["metadata"]["name"], revision["metadata"]["namespace"])
        except ApiError as error:
            if error.code != 404:
                raise
