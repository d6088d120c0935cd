"""The ``scale`` subresource: one small object, autoscaling/v1 Scale, through which anything that counts replicas is scaled.

    scale = to_scale(deployment)                      # what `kubectl scale` and the autoscaler read
    deployment = from_scale(deployment, scale)        # what they wrote, put back

A custom resource says by paths where its numbers are: ``to_scale(obj, paths)``.

Models: pkg/registry/apps/*/storage/storage.go (ScaleREST, scaleFromDeployment), apiextensions-apiserver
pkg/registry/customresource/etcd.go (scaleFromCustomResource).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery import patch as patches
from k8snb.apimachinery.decode import decode_object
from k8snb.apimachinery.errors import ApiError, Errors, object_invalid, object_not_found, quote
from k8snb.apimachinery.objects import FrozenDict, Object, dig, put
from k8snb.apimachinery.resource import Subresource
from k8snb.apimachinery.selectors import format_label_selector
from k8snb.apimachinery.validation import not_negative
from k8snb.apiserver import writes
from k8snb.apiserver.request import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, Request
from k8snb.resources.common.cells import NONE, labels_text
from k8snb.resources.discovery import schema_of

KINDS = ("deployments.apps", "replicasets.apps", "statefulsets.apps", "replicationcontrollers")
_TYPE = "io.k8s.api.autoscaling.v1.Scale"
_META = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def to_scale(obj: Object, paths: Mapping[str, str] | None = None) -> Object:
    """The Scale of an object. ``paths`` is the ``scale`` of a CRD version: specReplicasPath, statusReplicasPath, labelSelectorPath.

    Raises ApiError where a custom resource does not say how many replicas it wants.
    """
    if paths is None:
        wanted, actual, selector = dig(obj, "spec.replicas", 0), dig(obj, "status.replicas", 0), selector_text(dig(obj, "spec.selector"))
    else:
        wanted, actual, selector = _custom(obj, paths)
    meta = {key: obj["metadata"][key] for key in _META if key in obj["metadata"]}
    status = {"replicas": actual} | ({"selector": selector} if selector else {})
    spec = {"replicas": wanted} if wanted else {}
    return FrozenDict({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": FrozenDict(meta), "spec": FrozenDict(spec), "status": FrozenDict(status),
    })  # fmt: skip


def _custom(obj: Object, paths: Mapping[str, str]) -> tuple[int, int, str]:
    wanted = dig(obj, paths["specReplicasPath"].lstrip("."))
    if wanted is None:
        missing = f"Internal error occurred: the spec replicas field {quote(paths['specReplicasPath'])} does not exist"
        raise ApiError(500, "InternalError", missing, {})
    selector = dig(obj, paths["labelSelectorPath"].lstrip("."), "") if paths.get("labelSelectorPath") else ""
    return wanted, dig(obj, paths["statusReplicasPath"].lstrip("."), 0), str(selector)


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A selector as the Scale carries it, so that its pods can be listed: ``app=web``."""
    if not selector:
        return ""
    is_object = any(isinstance(selector.get(key), (dict, list)) for key in ("matchLabels", "matchExpressions"))
    text = format_label_selector(selector) if is_object else labels_text(selector)  # a ReplicationController has plain labels
    return "" if text == NONE else text


def from_scale(obj: Object, scale: Object, paths: Mapping[str, str] | None = None) -> Object:
    """The object with the replicas that a Scale asks for; a ``resourceVersion`` in the Scale becomes its precondition."""
    where = paths["specReplicasPath"].lstrip(".") if paths else "spec.replicas"
    version = dig(scale, "metadata.resourceVersion")
    if version:
        obj = put(obj, "metadata.resourceVersion", version)
    return put(obj, where, dig(scale, "spec.replicas", 0))


def validate_scale(scale: Object) -> Errors:
    """A Scale that is written: not negative."""
    return not_negative("spec.replicas", dig(scale, "spec.replicas", 0))


def handle_scale(context: Any, request: Request, obj: Object | None, paths: Mapping[str, str] | None = None) -> Object:
    """GET, PUT and PATCH of the subresource. The object itself is updated, as any update is."""
    if obj is None:
        raise object_not_found(request.group, request.resource, request.name)
    if request.verb == "get":
        return to_scale(obj, paths)
    scale, _ = decode_object(schema_of(_TYPE), _wanted(request, obj, paths), kind="Scale", version="v1")
    if errors := validate_scale(scale):
        raise object_invalid("autoscaling", "Scale", request.name, errors)
    resource = context.server.catalogue.by_path[request.group, request.version, request.resource]
    return to_scale(writes.update_decoded(context, resource, from_scale(obj, scale, paths), obj), paths)


def _wanted(request: Request, obj: Object, paths: Mapping[str, str] | None) -> Object:
    if request.verb != "patch":
        return FrozenDict(request.body)
    live = to_scale(obj, paths)
    if request.patch_type == JSON_PATCH:
        return patches.apply_json_patch(live, request.body)
    if request.patch_type in (MERGE_PATCH, STRATEGIC_MERGE_PATCH):  # a Scale has no lists: both mean the same
        return patches.apply_merge_patch(live, request.body)
    raise ApiError(415, "UnsupportedMediaType", f"k8snb does not apply to scale: {request.patch_type}", {})


def scale_of(paths: Mapping[str, str]) -> Subresource:
    """The subresource of a CRD version that says where its numbers are."""
    return Subresource(name="scale", kind="autoscaling/v1 Scale", handler=functools.partial(handle_scale, paths=paths))


SCALE = Subresource(name="scale", kind="autoscaling/v1 Scale", handler=handle_scale)
