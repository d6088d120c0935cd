"""Making and deleting Pods on behalf of an owner, with the Events that say so.

Models: pkg/controller/controller_utils.go (RealPodControl, GetPodFromTemplate).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from k8snb.apimachinery.errors import NAMESPACE_TERMINATING, ApiError, has_cause
from k8snb.apimachinery.meta import controller_of, owner_reference
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.selectors import from_label_selector
from k8snb.client.controller import Controller, OfOwner
from k8snb.client.informer import key_of


def pod_from_template(owner: Object, template: Object, *, name: str = "") -> Object:
    """The Pod that a template describes, owned by ``owner``, as Go prints one. The spec is the template's own, shared."""
    meta = {key: value for key, value in (template.get("metadata") or {}).items() if key in ("labels", "annotations", "finalizers")}
    meta["ownerReferences"] = _owned_by(owner)
    if name:
        meta["name"] = name
    else:
        meta["generateName"] = f"{owner['metadata']['name']}-"
    meta["namespace"] = owner["metadata"]["namespace"]
    return FrozenDict({"apiVersion": "v1", "kind": "Pod", "metadata": FrozenDict(meta), "spec": template["spec"], "status": EMPTY_DICT})


@once
def _owned_by(owner: Object) -> FrozenList:
    """The owner references of everything that it makes: one value for all."""
    return FrozenList([FrozenDict(owner_reference(owner))])


def create_pod(controller: Controller, owner: Object, template: Object, *, pod: Object | None = None) -> Object:
    """Create a Pod (from the template, unless one is given) and say so. Raises ApiError, after saying that too."""
    wanted = pod if pod is not None else pod_from_template(owner, template)
    try:
        made = controller.client.create("pods", wanted, owner["metadata"]["namespace"], typed=True)
    except ApiError as error:
        if not is_terminating_namespace(error):
            controller.recorder.event(owner, "Warning", "FailedCreate", f"Error creating: {error.message}")
        raise
    controller.recorder.event(owner, "Normal", "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
    return made


def slow_start(count: int, create: Callable[[int], Any]) -> tuple[int, ApiError | None]:
    """Call ``create(0)``, ``create(1)`` ... in batches of 1, 2, 4, 8 ...; a batch with a refusal is the last.

    So a template that the API server refuses fails once and not a thousand times. How many succeeded, and the first refusal.
    """
    made, begun, batch = 0, 0, 1
    while begun < count:
        error: ApiError | None = None
        for number in range(begun, min(begun + batch, count)):
            try:
                create(number)
                made += 1
            except ApiError as refused:
                error = error or refused
        if error is not None:
            return made, error
        begun, batch = begun + batch, batch * 2
    return made, None


def is_terminating_namespace(error: ApiError) -> bool:
    """Whether something was refused only because its namespace is going away: nothing to retry, nothing to say."""
    return has_cause(error, NAMESPACE_TERMINATING)


def delete_pod(controller: Controller, owner: Object, pod: Object) -> None:
    """Delete a Pod and say so. Raises ApiError, after saying that too (404 is told but not said)."""
    meta = pod["metadata"]
    try:
        controller.client.delete("pods", meta["name"], meta["namespace"])
    except ApiError as error:
        if error.code != 404:
            controller.recorder.event(owner, "Warning", "FailedDelete", f"Error deleting: {error.message}")
        raise
    controller.recorder.event(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {meta['name']}")


def _matching_orphan_owners(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """For a Pod that nobody owns: the keys of all owners of the controller's kind whose selector matches it."""
    pod = new if new is not None else old
    if pod is None or controller_of(pod) is not None:
        return []
    labels, namespace = pod["metadata"].get("labels"), pod["metadata"]["namespace"]
    if not labels:
        return []
    owners = controller.informers[controller.resource].all()
    return [key_of(o) for o in owners if o["metadata"]["namespace"] == namespace and _selects(o, labels)]


matching_orphan_owners = OfOwner("", _matching_orphan_owners)


def _selects(owner: Object, labels: Object) -> bool:
    selector = owner["spec"].get("selector")
    if not selector:
        return False
    if "matchLabels" in selector or "matchExpressions" in selector:
        return from_label_selector(selector).matches(labels)
    return all(labels.get(key) == value for key, value in selector.items())  # a ReplicationController's plain map
