"""The table form of objects: what ``kubectl get`` asks for, with columns and cells worked out by the server.

Models: k8s.io/apiserver/pkg/endpoints/handlers/response.go (asTable), pkg/registry/rest/table.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.apimachinery.meta import age
from k8snb.apimachinery.objects import FrozenDict, FrozenList, Object, freeze
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.context import Context


def table(context: Context, resource: Resource, objects: Iterable[Object], revision: str, meta: dict[str, Any] | None = None) -> Object:
    """A ``meta.k8s.io/v1 Table``: one row an object; ``includeObject`` says how much of the object each row carries."""
    include = context.request.options.include_object or "Metadata"
    rows = [FrozenDict({"cells": FrozenList(resource.cells(obj, context.now)), **_object(obj, include)}) for obj in objects]
    return FrozenDict({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": freeze(meta or {"resourceVersion": revision}),
        "columnDefinitions": freeze([dict(column) for column in resource.columns]), "rows": FrozenList(rows),
    })  # fmt: skip


def _object(obj: Object, include: str) -> dict[str, Any]:
    if include == "None":
        return {}
    if include == "Object":
        return {"object": obj}
    meta = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
    return {"object": FrozenDict(meta)}


_SCALE_COLUMNS = tuple(
    {"name": name, "type": kind, "format": form, "priority": 0}
    for name, kind, form in (("Name", "string", "name"), ("Desired", "integer", ""), ("Available", "integer", ""), ("Age", "string", ""))
)


def scale_table(context: Context, scale: Object) -> Object:
    """The table form of a ``Scale``, which is not stored and has no resource of its own."""
    meta = scale["metadata"]
    cells = [
        meta["name"],
        scale["spec"].get("replicas", 0),
        scale["status"].get("replicas", 0),
        age(meta.get("creationTimestamp"), context.now),
    ]
    row = {"cells": cells, **_object(scale, context.request.options.include_object or "Metadata")}
    return freeze({  # type: ignore[no-any-return]
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": meta["resourceVersion"]},
        "columnDefinitions": _SCALE_COLUMNS, "rows": [row],
    })  # fmt: skip
