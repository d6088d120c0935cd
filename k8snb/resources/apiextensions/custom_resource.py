"""From a CustomResourceDefinition to a served kind, of the same record as every built-in one.

    for resource in custom_resources(crd):
        catalogue.define(...)

Models: k8s.io/apiextensions-apiserver pkg/apiserver/customresource_handler.go, pkg/registry/customresource/{strategy,
tableconvertor/tableconvertor}.go.
Simplified: versions are converted by their apiVersion alone (strategy None); webhooks are not called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors
from k8snb.apimachinery.jsonpath import JSONPathError, Template
from k8snb.apimachinery.meta import age
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig, freeze, put
from k8snb.apimachinery.resource import Resource, Subresource
from k8snb.apimachinery.schema import Type
from k8snb.apimachinery.structural import apply_defaults, structural_type
from k8snb.apimachinery.structural import validate as validate_by_schema
from k8snb.resources.apiextensions.customresourcedefinition import storage_version
from k8snb.resources.apiextensions.rules import Finding, has_rules, judge
from k8snb.resources.autoscaling.scale import scale_of
from k8snb.resources.discovery import USUAL_VERBS, schema_of

_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
_NAME = {"name": "Name", "type": "string", "format": "name", "priority": 0}


def custom_resources(crd: Object) -> tuple[Resource, ...]:
    """The resources that a definition serves, one for each served version, in its order."""
    return tuple(custom_resource(crd, v["name"]) for v in dig(crd, "spec.versions", ()) if v.get("served"))


def custom_resource(crd: Object, version: str) -> Resource:
    """The served resource of one version. Raises ``KeyError`` where the definition has no such version."""
    spec = crd["spec"]
    found = next((v for v in spec["versions"] if v["name"] == version), None)
    if found is None:
        raise KeyError(version)
    names = spec["names"]
    parts = found.get("subresources") or EMPTY_DICT
    shape = _Shape(f"{spec['group']}/{version}", names["kind"], dig(found, "schema.openAPIV3Schema", EMPTY_DICT))
    columns = found.get("additionalPrinterColumns") or (_AGE,)
    return Resource(
        group=spec["group"],
        version=version,
        kind=names["kind"],
        plural=names["plural"],
        singular=names.get("singular") or names["kind"].lower(),
        namespaced=spec["scope"] == "Namespaced",
        verbs=USUAL_VERBS,
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        columns=(_NAME, *(_column(column) for column in columns)),
        subresources=_subresources(parts, names["kind"]),
        schema_source=shape.type,
        storage=storage_version(crd),
        to_storage=functools.partial(_in_version, f"{spec['group']}/{storage_version(crd)}"),
        from_storage=functools.partial(_in_version, f"{spec['group']}/{version}"),
        default=shape.default,
        validate=shape.validate,
        validate_create=shape.validate_create,
        validate_update=shape.validate_update,
        validate_status_update=shape.validate_update,
        warnings=shape.warnings,
        prepare_for_update=functools.partial(_count_generation, "status" in parts),
        cells=functools.partial(_cells, tuple(_cell_of(column) for column in columns)),
        selectable_fields={f["jsonPath"].lstrip("."): _field_of(f["jsonPath"]) for f in found.get("selectableFields") or ()},
        counts_generation=True,
        custom=True,
        simulated=True,
    )


class _Shape:
    """The type of one version, built when it is first needed."""

    def __init__(self, api_version: str, kind: str, schema: Mapping[str, Any]):
        self._api_version, self._kind, self._schema = api_version, kind, freeze(schema)
        self.type = functools.cache(self._build)

    def _build(self) -> Type:
        return structural_type(dict(self._schema), object_meta=schema_of(_OBJECT_META), kind=self._kind, api_version=self._api_version)

    def default(self, obj: Object) -> Object:
        """The defaults of the schema."""
        result: Object = apply_defaults(self.type(), obj)
        return result

    def validate(self, obj: Object) -> Errors:
        """What the schema says of types, bounds and forms."""
        return validate_by_schema(self.type(), obj)

    def validate_create(self, obj: Object) -> Errors:
        """The schema's rules in CEL."""
        return [finding.error for finding in self._judged(obj, None)]

    def validate_update(self, obj: Object, old: Object) -> Errors:
        """The same, of a change: what was wrong before and did not change is accepted."""
        return [finding.error for finding in self._judged(obj, old) if not finding.old]

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """What was accepted although it is wrong, because it was so before."""
        return [] if old is None else [str(finding.error) for finding in self._judged(obj, old) if finding.old]

    def _judged(self, obj: Object, old: Object | None) -> list[Finding]:
        return judge(self._schema, obj, old, self.validate(obj)) if has_rules(self._schema) else []


def _subresources(parts: Mapping[str, Any], kind: str) -> dict[str, Subresource]:
    found = {"status": Subresource(name="status", kind=kind)} if parts.get("status") is not None else {}
    return found | ({"scale": scale_of(parts["scale"])} if parts.get("scale") is not None else {})


def _in_version(api_version: str, obj: Object) -> Object:
    return obj if obj.get("apiVersion") == api_version else put(obj, "apiVersion", api_version)


def _count_generation(has_status: bool, obj: Object, old: Object) -> Object:
    """Every change outside metadata counts, but not of a status that has an endpoint of its own. ``spec`` is counted by the server."""
    ignored = {"apiVersion", "metadata", "spec"} | ({"status"} if has_status else set())
    if obj.get("spec") != old.get("spec") or all(obj.get(key) == old.get(key) for key in {*obj, *old} - ignored):
        return obj
    return put(obj, "metadata.generation", old["metadata"].get("generation", 0) + 1)


# The columns of its table


def _column(column: Mapping[str, Any]) -> FrozenDict:
    shown = {"name": column["name"], "type": column["type"], "format": column.get("format", "")}
    return FrozenDict({**shown, "description": column.get("description", ""), "priority": column.get("priority", 0)})


def _cell_of(column: Mapping[str, Any]) -> Callable[[Object, int], Any]:
    path, kind = Template(_braced(column["jsonPath"])), column["type"]

    def cell(obj: Object, now: int) -> Any:
        try:
            found = path.results(obj)
        except JSONPathError:
            return None
        if not found or not found[0]:
            return None
        return path.text(obj) if kind == "string" else _value(kind, found[0][0], now)

    return cell


def _braced(path: str) -> str:
    return "{" + path + "}"


def _value(kind: str, value: Any, now: int) -> Any:
    if kind == "date":
        try:
            return age(value, now) if isinstance(value, str) else None
        except ValueError:
            return "<invalid>"
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if kind == "integer" else value


def _cells(columns: tuple[Callable[[Object, int], Any], ...], obj: Object, now: int) -> list[Any]:
    return [obj["metadata"]["name"], *(cell(obj, now) for cell in columns)]


def _field_of(path: str) -> Callable[[Object], str]:
    template = Template(_braced(path))
    return template.text
