"""``pods/ephemeralcontainers`` and ``pods/resize``: the two parts of a pod's spec that may change while it runs.

Each is an update of the whole pod of which the server takes one part, and drops the rest in silence. Ephemeral containers can only
be added. A resize changes CPU and memory of containers, and their resizePolicy; it may not change the pod's QoS class, and the
kubelet decides later whether there is room.

Models: pkg/registry/core/pod/strategy.go (dropNonEphemeralContainerUpdates, dropNonResizeUpdates), pkg/apis/core/validation
(ValidatePodEphemeralContainersUpdate, ValidatePodResize).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, FrozenList, Object
from k8snb.resources.common.pod_annotations import is_mirror
from k8snb.resources.common.qos import qos_class

Containers = Sequence[Mapping[str, Any]]
_LISTS = ("initContainers", "containers")
_RESIZABLE = ("cpu", "memory")


def _with_spec(old: Object, new: Object, spec: Mapping[str, Any]) -> Object:
    """The old pod with another spec, and what of the new metadata an update may bring."""
    return FrozenDict({**old, "metadata": new["metadata"], "spec": FrozenDict(spec)})


# -- ephemeral containers --------------------------------------------------------------------------------------------


def with_ephemeral(new: Object, old: Object) -> Object:
    """The old pod with the ephemeral containers of the new one."""
    rest = {key: value for key, value in old["spec"].items() if key != "ephemeralContainers"}
    wanted = new["spec"].get("ephemeralContainers")
    return _with_spec(old, new, {**rest, **({"ephemeralContainers": wanted} if wanted else {})})


def validate_ephemeral_update(new: Object, old: Object) -> Errors:
    """Ephemeral containers never change, and never go."""
    if is_mirror(old):
        return [forbidden("", "static pods do not support ephemeral containers")]
    known = {container["name"]: container for container in new["spec"].get("ephemeralContainers") or ()}
    errors: Errors = []
    for container in old["spec"].get("ephemeralContainers") or ():
        name = container["name"]
        if name not in known:
            errors.append(forbidden("spec.ephemeralContainers", f'existing ephemeral containers "{name}" may not be removed'))
        elif known[name] != container:
            errors.append(forbidden("spec.ephemeralContainers", f'existing ephemeral containers "{name}" may not be changed'))
    return errors


# -- resize ----------------------------------------------------------------------------------------------------------


def resized(new: Object, old: Object) -> Object:
    """The old pod with the resources and resize policies of the new one's containers. (Others than CPU and memory are refused.)"""
    spec = dict(old["spec"])
    for key in _LISTS:
        wanted = {container.get("name", ""): container for container in new["spec"].get(key) or ()}
        if old["spec"].get(key):
            spec[key] = FrozenList([_resized(container, wanted.get(container["name"])) for container in old["spec"][key]])
    return _with_spec(old, new, spec)


def _resized(old: Mapping[str, Any], new: Mapping[str, Any] | None) -> Object:
    if new is None:
        return FrozenDict(old)
    changed = dict(old)
    for field in ("resources", "resizePolicy"):
        changed.pop(field, None)
        if field in new:
            changed[field] = new[field]
    return FrozenDict(changed)


def validate_resize(new: Object, old: Object) -> Errors:
    """What a resize may not do."""
    if is_mirror(old):
        return [forbidden("", "static pods cannot be resized")]
    errors: Errors = []
    if qos_class(new) != qos_class(old):
        was = (old.get("status") or EMPTY_DICT).get("qosClass", qos_class(old))
        errors.append(invalid("spec", was, "Pod QOS Class may not change as a result of resizing"))
    for key in _LISTS:
        for index, (after, before) in enumerate(zip(new["spec"].get(key) or (), old["spec"].get(key) or (), strict=True)):
            errors += within(f"spec.{key}[{index}]", _container_resize(key, after, before))
    return errors


def _container_resize(key: str, after: Mapping[str, Any], before: Mapping[str, Any]) -> Errors:
    new, old = after.get("resources") or EMPTY_DICT, before.get("resources") or EMPTY_DICT
    if new == old:
        return []
    if key == "initContainers" and before.get("restartPolicy") != "Always":
        return [forbidden("resources", "only resources for sidecar containers and regular containers may be resized")]
    errors: Errors = []
    for what in ("limits", "requests"):
        wanted, had = new.get(what) or EMPTY_DICT, old.get(what) or EMPTY_DICT
        if any(name in had and name not in wanted for name in _RESIZABLE):
            errors.append(forbidden(f"resources.{what}", f"resource {what} cannot be removed"))
        if any(wanted.get(name) != had.get(name) for name in {*wanted, *had} if name not in _RESIZABLE):
            errors.append(forbidden("resources", "only cpu and memory resources are mutable"))
    return errors
