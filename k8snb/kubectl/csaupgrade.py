"""From client-side to server-side apply: what the first owned becomes the second's, or it could never be removed again.

    before   kubectl-client-side-apply Update {data.a, annotation}     kubectl Apply {data.a}
    after    kubectl-last-applied      Apply  {annotation}             kubectl Apply {data.a, ...}

Models: k8s.io/client-go/util/csaupgrade/upgrade.go, k8s.io/kubectl/pkg/cmd/apply/apply.go (saveLastApplyAnnotationIfNecessary,
migrateToSSAIfNecessary).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.apimachinery.objects import dig, freeze, thaw
from k8snb.apiserver.request import APPLY_PATCH, JSON_PATCH
from k8snb.kubectl.builder import Info
from k8snb.kubectl.call import Call
from k8snb.kubectl.lastapplied import ANNOTATION

DEFAULT_MANAGER, ANNOTATION_MANAGER = "kubectl", "kubectl-last-applied"
PATH = ("f:metadata", "f:annotations", f"f:{ANNOTATION}")


def migrated(call: Call, info: Info, obj: Any, manager: str, body: Any) -> Any:
    """The object once ownership is settled after a server-side apply; as it was given where there was nothing to migrate."""
    obj = _annotation_kept(call, info, obj, manager)
    entries = dig(obj, "metadata.managedFields") or ()
    old = [entry["manager"] for entry in entries if _owns_annotation(entry, "Update")]
    if not old:
        return obj
    value = thaw(entries)
    for name in dict.fromkeys(old):
        value = upgraded(value, name, manager)
    patch = [
        {"op": "replace", "path": "/metadata/managedFields", "value": value},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": obj["metadata"]["resourceVersion"]},
    ]
    where = (info.kind, info.namespace, info.name)
    call.api.do("patch", *where, body=freeze(patch), patch_type=JSON_PATCH)
    return call.api.do("patch", *where, body=body, patch_type=APPLY_PATCH, field_manager=manager, force=call.flag("force-conflicts"))


def _annotation_kept(call: Call, info: Info, obj: Any, manager: str) -> Any:
    """The annotation of client-side apply gets an owner of its own, so that the next step does not orphan it."""
    text = dig(obj, ("metadata", "annotations", ANNOTATION))
    entries = dig(obj, "metadata.managedFields") or ()
    if manager != DEFAULT_MANAGER or text is None or any(_owns_annotation(entry, "Apply") for entry in entries):
        return obj
    known = {"name": info.name, **({"namespace": info.namespace} if info.namespace else {}), "annotations": {ANNOTATION: text}}
    body = freeze({"apiVersion": info.kind.api_version, "kind": info.kind.kind, "metadata": known})
    where = (info.kind, info.namespace, info.name)
    return call.api.do("patch", *where, body=body, patch_type=APPLY_PATCH, field_manager=ANNOTATION_MANAGER)


def _owns_annotation(entry: Any, operation: str) -> bool:
    return entry.get("operation") == operation and dig(entry, ("fieldsV1", *PATH)) is not None


def upgraded(entries: Sequence[dict[str, Any]], old: str, new: str) -> list[dict[str, Any]]:
    """Managed fields in which what ``old`` updated belongs to what ``new`` applied."""
    updates = [entry for entry in entries if entry["manager"] == old and entry["operation"] == "Update" and not entry.get("subresource")]
    target = next((one for one in entries if one["manager"] == new and one["operation"] == "Apply" and not one.get("subresource")), None)
    if target is None:
        if not updates:
            return list(entries)
        target = updates[0] | {"manager": new, "operation": "Apply"}
        entries = [target if entry is updates[0] else entry for entry in entries]
    for entry in updates:
        if entry["apiVersion"] == target["apiVersion"]:
            target["fieldsV1"] = _union(target["fieldsV1"], entry["fieldsV1"])
            break
    target["fieldsV1"] = _without(target["fieldsV1"], PATH)
    return [entry for entry in entries if entry not in updates]


def _union(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {key: _union(one.get(key, {}), other.get(key, {})) for key in sorted({**one, **other})}


def _without(fields: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """Without a field, and without what is empty then."""
    if path[0] not in fields:
        return fields
    inner = _without(fields[path[0]], path[1:]) if len(path) > 1 else {}
    return {key: inner if key == path[0] else value for key, value in fields.items() if key != path[0] or inner}
