"""What a server serves, from data: every resource with its names, scope, verbs, subresources and table columns.

The data were derived from the discovery and table documents of a real 1.36 server (``data/derive.py``), and *exactly* that
set is served. The file of a kind adds behaviour to its record:

    RESOURCE = served("apps/v1", "Deployment", default=default, validate=validate, cells=cells, simulated=True)

and a kind without a file is still stored, typed, listed and watched (:func:`complete`); it only has no behaviour.

Models: k8s.io/apiserver/pkg/endpoints/discovery/aggregated, pkg/registry/*/rest/storage_*.go.
Simplified: one stored version for each kind, no alpha or beta versions (the real server's defaults serve none).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from k8snb.apimachinery.resource import Resource, Subresource
from k8snb.apiserver.addresses import PROXY

USUAL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_DATA = Path(__file__).parent / "data"
_PACKAGES = {
    "": "io.k8s.api.core",
    "apiextensions.k8s.io": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
    "apiregistration.k8s.io": "io.k8s.kube-aggregator.pkg.apis.apiregistration",
    "flowcontrol.apiserver.k8s.io": "io.k8s.api.flowcontrol",
}


def type_name(api_version: str, kind: str) -> str:
    """The name of a kind's type in the schema data.

    >>> type_name("rbac.authorization.k8s.io/v1", "Role")
    'io.k8s.api.rbac.v1.Role'
    """
    group, _, version = api_version.rpartition("/")
    package = _PACKAGES.get(group) or f"io.k8s.api.{group.split('.')[0]}"
    return f"{package}.{version}.{kind}"


@functools.cache
def rows() -> dict[tuple[str, str], dict[str, Any]]:
    """The discovery data by (apiVersion, kind), in the order in which the server lists them."""
    found = json.loads((_DATA / "resources.json").read_text(encoding="utf-8"))
    return {(f"{row['group']}/{row['version']}".lstrip("/"), row["kind"]): row for row in found}


@functools.cache
def bootstrap() -> dict[str, list[dict[str, Any]]]:
    """The objects that a fresh server makes by itself, by plural: roles, priority classes, API services ..."""
    found: dict[str, list[dict[str, Any]]] = json.loads((_DATA / "bootstrap.json").read_text(encoding="utf-8"))
    return found


@functools.cache
def schema_of(name: str) -> Any:
    """The type of this name; read when first needed, for reading the type data takes longer than all the rest."""
    from k8snb.resources.schema import lookup

    return lookup(name)


def served(api_version: str, kind: str, **behaviour: Any) -> Resource:
    """The served resource of this kind with the ``behaviour`` (fields of :class:`Resource`) of its file.

    ``subresources`` given here replace those of discovery by name, so a file writes only the ones with a handler.
    Raises KeyError for what a real server does not serve.
    """
    row = rows()[api_version, kind]
    subresources = {sub[0]: _subresource(*sub) for sub in row.get("subresources", ())}
    subresources.update(behaviour.pop("subresources", {}))
    return Resource(
        group=row["group"],
        version=row["version"],
        kind=kind,
        plural=row["plural"],
        singular=row["singular"],
        namespaced=row["namespaced"],
        verbs=tuple(row.get("verbs", USUAL_VERBS)),
        short_names=tuple(row.get("shortNames", ())),
        categories=tuple(row.get("categories", ())),
        columns=tuple(dict(zip(("name", "type", "format", "priority"), column, strict=True)) for column in row.get("columns", ())),
        subresources=subresources,
        schema_source=functools.partial(schema_of, type_name(api_version, kind)),
        **behaviour,
    )


def _subresource(name: str, kind: str, verbs: Iterable[str] = ("get", "patch", "update")) -> Subresource:
    return Subresource(name=name, kind=kind, verbs=tuple(verbs), own_names=name == PROXY)


def with_handlers(resource: Resource, **handlers: Any) -> Resource:
    """The resource with handlers for some of its subresources: ``with_handlers(pods, eviction=evict)``."""
    changed = {name: replace(resource.subresources[name], handler=handler) for name, handler in handlers.items()}
    return replace(resource, subresources={**resource.subresources, **changed})


def with_parts(resource: Resource, **parts: tuple[Any, Any]) -> Resource:
    """The resource with subresources that are parts of it: name -> (what of an update counts, what is wrong with it)."""
    changed = {name: replace(resource.subresources[name], part=part, validate=check) for name, (part, check) in parts.items()}
    return replace(resource, subresources={**resource.subresources, **changed})


def complete(own: Iterable[Resource]) -> tuple[Resource, ...]:
    """All that a server serves, in discovery order: ``own`` where there is one, a generic resource for the rest."""
    known = {(resource.api_version, resource.kind): resource for resource in own}
    return tuple(known.get(key) or served(*key) for key in rows())
