"""CustomResourceDefinitions: a kind, defined by an object.

Models: k8s.io/apiextensions-apiserver pkg/apis/apiextensions/v1/defaults.go, pkg/apis/apiextensions/validation/validation.go,
pkg/registry/customresourcedefinition/strategy.go, pkg/controller/status/naming_controller.go.
Simplified: conversion webhooks are stored, not called.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import Errors, FieldError, duplicate, forbidden, invalid, not_supported, required, too_many, within
from k8snb.apimachinery.meta import condition, parse_time, set_condition
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, FrozenDict, FrozenList, Object, dig, freeze, put
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import dns_1035_label, dns_subdomain, immutable
from k8snb.resources.admissionregistration.webhooks import default_client_config, validate_client_config
from k8snb.resources.apiextensions.schema_rules import unknown_formats, validate_schema
from k8snb.resources.common.fill import fill, inside, where_given
from k8snb.resources.common.internal_form import internal
from k8snb.resources.discovery import served

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
APPROVED = "api-approved.kubernetes.io"
_SEE = f'protected groups must have approval annotation "{APPROVED}", see https://github.com/kubernetes/enhancements/pull/1111'
_PROTECTED = ("k8s.io", "kubernetes.io")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_SCALE_PATHS = (
    ("specReplicasPath", (".spec.",), "should be a json path under .spec"),
    ("statusReplicasPath", (".status.",), "should be a json path under .status"),
    ("labelSelectorPath", (".spec.", ".status."), "should be a json path under either .spec or .status"),
)
_STILL_STORED = (
    "missing from spec.versions; {0} was previously a storage version, and must remain in spec.versions until a storage migration "
    "ensures no data remains persisted in {0} and removes {0} from status.storedVersions"
)
_LONGEST_WARNING = 256
_MOST_FIELDS = 8
_SELECTABLE = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed."
_PRESERVE = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"


def default(obj: Object) -> Object:
    """The names that follow from others; versions are not converted."""
    return inside(obj, "spec", _default_spec)


def _default_spec(spec: Mapping[str, Any]) -> Any:
    spec = inside(spec, "names", _default_names)
    spec = fill(spec, {"conversion": {"strategy": "None"}})
    return inside(spec, "conversion", lambda conversion: where_given(conversion, "webhook", _default_webhook))


def _default_webhook(webhook: Mapping[str, Any]) -> Any:
    return where_given(webhook, "clientConfig", default_client_config)


def _default_names(names: Mapping[str, Any]) -> Any:
    kind = names.get("kind", "")
    given = {"singular": kind.lower(), "listKind": f"{kind}List" if kind else ""}
    missing = {key: text for key, text in given.items() if text and not names.get(key)}
    return FrozenDict({**names, **missing}) if missing else names


def storage_version(crd: Object) -> str:
    """The version in which objects are stored."""
    return next((v.get("name", "") for v in dig(crd, "spec.versions", ()) if v.get("storage")), "")


def served_version(crd: Object) -> str:
    """A version in which objects can be asked for: the stored one where it is served."""
    served = [version.get("name", "") for version in dig(crd, "spec.versions", ()) if version.get("served")]
    stored = storage_version(crd)
    return stored if stored in served or not served else str(served[0])


def prepare_for_create(obj: Object) -> Object:
    """The first stored version is the one to be stored."""
    stored = [version.get("name", "") for version in dig(obj, "spec.versions", ()) if version.get("storage")]
    accepted = {"plural": "", "kind": ""}
    return put(obj, "status", freeze({"conditions": None, "acceptedNames": accepted, "storedVersions": stored[:1]}))


def prepare_for_update(obj: Object, _old: Object) -> Object:
    """Every version that was ever stored is remembered."""
    known, version = list(dig(obj, "status.storedVersions", ())), storage_version(obj)
    return obj if not version or version in known else put(obj, "status.storedVersions", [*known, version])


def holds_deletion(obj: Object) -> bool:
    """A definition goes after its objects; from its deletion on, a finalizer holds it."""
    return "deletionTimestamp" not in obj["metadata"]


def terminating(obj: Object) -> Object:
    """A definition that waits for its objects to go."""
    finalizers = [name for name in obj["metadata"].get("finalizers") or () if name != CLEANUP]
    message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    state = {"type": "Terminating", "status": "True", "reason": "InstanceDeletionPending", "message": message}
    conditions = set_condition(dig(obj, "status.conditions", EMPTY_LIST), state, parse_time(obj["metadata"]["deletionTimestamp"]))
    return put(put(obj, "metadata.finalizers", [*finalizers, CLEANUP]), "status.conditions", conditions)


def validate(obj: Object) -> Errors:
    """The name, ``spec``, and the approval that protected groups need."""
    spec, name = obj.get("spec") or EMPTY_DICT, obj["metadata"].get("name", "")
    errors: Errors = []
    if name and name != f"{dig(spec, 'names.plural', '')}.{spec.get('group', '')}":
        errors.append(invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    errors = errors + _validate_spec(spec) + _validate_stored(obj) + _validate_approval(obj, spec.get("group", ""))
    return errors + ([invalid("spec.preserveUnknownFields", True, _PRESERVE)] if spec.get("preserveUnknownFields") else [])


def _validate_stored(obj: Object) -> Errors:
    stored, versions = list(dig(obj, "status.storedVersions", ())), dig(obj, "spec.versions", ())
    if not stored:
        return [invalid("status.storedVersions", None, "must have at least one stored version")]
    names = [version.get("name", "") for version in versions]
    new = [version.get("name", "") for version in versions if version.get("storage") and version.get("name", "") not in stored]
    errors = [invalid("status.storedVersions", stored, f"must have the storage version {name}") for name in new]
    missing = [(index, name) for index, name in enumerate(stored) if name not in names]
    return errors + [invalid(f"status.storedVersions[{index}]", name, _STILL_STORED.format(name)) for index, name in missing]


def _validate_approval(obj: Object, group: str) -> Errors:
    if not any(group == suffix or group.endswith(f".{suffix}") for suffix in _PROTECTED):
        return []
    field, text = f"metadata.annotations[{APPROVED}]", dig(obj, ("metadata", "annotations", APPROVED))
    if text is None:
        return [required(field, _SEE)]
    if text.startswith("unapproved") or "://" in text:
        return []
    why = f'protected groups must have approval annotation "{APPROVED}" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111'
    return [invalid(field, text, why)]


class _Shared(NamedTuple):
    """What the versions have in common, which Go's internal form keeps once, beside the versions; None where they differ."""

    schema: Any
    subresources: Any
    columns: Any
    fields: Any

    @classmethod
    def of(cls, versions: Sequence[Mapping[str, Any]]) -> _Shared:
        """What is the same in all of them."""
        given = [[version.get(name) or None for name in _PARTS] for version in versions]
        same = [values[0] if all(value == values[0] for value in values) else None for values in zip(*given, strict=True)]
        shared = cls(*same) if same else cls(None, None, None, None)
        alike = shared.schema is not None or not any(values[0] for values in given)
        return shared if alike else shared._replace(fields=None)

    def own(self, version: Mapping[str, Any]) -> dict[str, Any]:
        """The part of a version that is not shared."""
        return {name: value for name, value in version.items() if name not in _PARTS or self[_PARTS.index(name)] is None}


_PARTS = ("schema", "subresources", "additionalPrinterColumns", "selectableFields")


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    scope, versions = spec.get("scope", ""), spec.get("versions") or ()
    shared = _Shared.of(versions)
    errors = within("spec", _validate_group(spec.get("group", "")))
    if not scope:
        errors.append(required("spec.scope"))
    elif scope not in ("Cluster", "Namespaced"):
        errors.append(not_supported("spec.scope", scope, ["Cluster", "Namespaced"]))
    without = [index for index, version in enumerate(versions) if dig(version, "schema.openAPIV3Schema") is None]
    errors += [required(f"spec.versions[{index}].schema.openAPIV3Schema", "schemas are required") for index in without]
    for index, version in enumerate(versions):
        name, path = version.get("name", ""), f"spec.versions[{index}]"
        errors += within(path, _labels("name", name, needed=True)) + within(path, _validate_deprecation(version))
        errors += _validate_parts(shared.own(version), path, "schema", status=_has_status(version))
    errors += within("spec", _validate_versions(versions, shared))
    if versions:
        errors += within("spec", _labels("version", versions[0].get("name", "")))
    errors += within("spec.names", _validate_names(spec.get("names") or EMPTY_DICT))
    common = {name: value for name, value in zip(_PARTS, shared, strict=True) if value is not None}
    errors += _validate_parts(common, "spec", "validation", status=any(map(_has_status, versions)))
    return errors + within("spec.conversion", _validate_conversion(spec.get("conversion") or EMPTY_DICT))


def _has_status(version: Mapping[str, Any]) -> bool:
    return dig(version, "subresources.status") is not None


def _validate_versions(versions: Sequence[Mapping[str, Any]], shared: _Shared) -> Errors:
    names = [version.get("name", "") for version in versions]
    errors: Errors = []
    if len(set(names)) != len(names):
        errors.append(_versions("must contain unique version names", versions, shared))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        errors.append(_versions("must have exactly one version marked as storage version", versions, shared))
    return errors


def _versions(why: str, versions: Sequence[Mapping[str, Any]], shared: _Shared) -> FieldError:
    return invalid("versions", [internal("CRDVersion", shared.own(version)) for version in versions] or None, why)


def _validate_group(group: str) -> Errors:
    if not group:
        return [required("group")]
    if wrong := dns_subdomain(group):
        return [invalid("group", group, ",".join(wrong))]
    return [] if "." in group else [invalid("group", group, "should be a domain with at least one dot")]


def _validate_names(names: Mapping[str, Any]) -> Errors:
    errors = [required(key) for key in ("plural", "singular", "kind", "listKind") if not names.get(key)]
    for key in ("plural", "singular"):
        errors += _labels(key, names.get(key, ""))
    kind, list_kind = names.get("kind", ""), names.get("listKind", "")
    for key, text in (("kind", kind), ("listKind", list_kind)):
        wrong = dns_1035_label(text.lower()) if text else []
        if wrong:
            errors.append(invalid(key, text, f"may have mixed case, but should otherwise match: {','.join(wrong)}"))
    errors += _all_labels("shortNames", names)
    if kind and kind == list_kind:
        errors.append(invalid("listKind", list_kind, "kind and listKind may not be the same"))
    return errors + _all_labels("categories", names)


def _all_labels(key: str, names: Mapping[str, Any]) -> Errors:
    return [error for index, text in enumerate(names.get(key) or ()) for error in _labels(f"{key}[{index}]", text)]


def _labels(field: str, text: str, *, needed: bool = False) -> Errors:
    wrong = dns_1035_label(text) if text or needed else []
    return [invalid(field, text, ",".join(wrong))] if wrong else []


def _validate_deprecation(version: Mapping[str, Any]) -> Errors:
    text = version.get("deprecationWarning")
    if text is None:
        return []
    if not version.get("deprecated"):
        return [invalid("deprecationWarning", text, "can only be set for deprecated versions")]
    wrong = [] if len(text.encode()) <= _LONGEST_WARNING else [f"must be <= {_LONGEST_WARNING} characters long"]
    wrong += [] if text else ["must not be an empty string"]
    hidden = next((index for index, char in enumerate(text) if not char.isprintable()), None)
    if hidden is not None:
        index = len(text[:hidden].encode())
        wrong.append(f"must only contain printable UTF-8 characters; non-printable character found at index {index}")
    return [invalid("deprecationWarning", text, why) for why in wrong]


def _validate_parts(found: Mapping[str, Any], path: str, schema_name: str, *, status: bool) -> Errors:
    """Schema, subresources, columns and fields of one version, or of all of them."""
    schema = dig(found, "schema.openAPIV3Schema")
    errors = validate_schema(f"{path}.{schema_name}.openAPIV3Schema", schema, status=status) if schema is not None else []
    scale = dig(found, "subresources.scale")
    errors += within(f"{path}.subresources", _validate_scale(scale)) if scale is not None else []
    for index, column in enumerate(found.get("additionalPrinterColumns") or ()):
        errors += within(f"{path}.additionalPrinterColumns[{index}]", _validate_column(column))
    fields = found.get("selectableFields") or ()
    return errors + within(f"{path}.selectableFields", _validate_fields(fields, schema)) if schema is not None else errors


def _validate_fields(fields: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> Errors:
    errors, seen = [], set()
    for index, field in enumerate(fields):
        path = field.get("jsonPath", "")
        where = f"[{index}].jsonPath"
        if not path:
            errors.append(required(where))
            continue
        part: Any = schema
        for step in path.split(".")[1:]:
            part = (part.get("properties") or EMPTY_DICT).get(step) if isinstance(part, Mapping) else None
        if path.startswith(".metadata"):
            errors.append(invalid(where, path, "must not point to fields in metadata"))
        elif not path.startswith(".") or not isinstance(part, Mapping):
            errors.append(invalid(where, path, "is an invalid path: does not refer to a valid field"))
        elif part.get("type") not in ("string", "boolean", "integer"):
            errors.append(invalid(where, path, _SELECTABLE))
        errors += [duplicate(where, path)] if path in seen else []
        seen.add(path)
    return errors + ([too_many("", len(seen), _MOST_FIELDS)] if len(seen) > _MOST_FIELDS else [])


def _validate_column(column: Mapping[str, Any]) -> Errors:
    kind, form = column.get("type", ""), column.get("format", "")
    errors = [] if column.get("name") else [required("name")]
    if not kind:
        errors.append(required("type", f"must be one of {','.join(_COLUMN_TYPES)}"))
    elif kind not in _COLUMN_TYPES:
        errors.append(invalid("type", kind, f"must be one of {','.join(_COLUMN_TYPES)}"))
    if form and form not in _COLUMN_FORMATS:
        errors.append(invalid("format", form, f"must be one of {','.join(_COLUMN_FORMATS)}"))
    path = column.get("jsonPath", "")
    return errors + (_validate_json_path("JSONPath", path) if path else [required("JSONPath")])


def _validate_json_path(field: str, path: str) -> Errors:
    return [] if path.startswith(".") else [invalid(field, path, "must be a simple json path starting with .")]


def _validate_scale(scale: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    for key, prefixes, where in _SCALE_PATHS:
        path, field = scale.get(key, ""), f"scale.{key}"
        if not path:
            errors += [] if key == "labelSelectorPath" else [required(field)]
        elif not path.startswith(prefixes):
            errors += _validate_json_path(field, path) or [invalid(field, path, where)]
    return errors


def _validate_conversion(conversion: Mapping[str, Any]) -> Errors:
    strategy, webhook = conversion.get("strategy", ""), conversion.get("webhook") or EMPTY_DICT
    config, known = webhook.get("clientConfig"), list(webhook.get("conversionReviewVersions") or ())
    if not strategy:
        errors = [required("strategy")]
    else:
        errors = [] if strategy in ("None", "Webhook") else [not_supported("strategy", strategy, ["None", "Webhook"])]
    if strategy != "Webhook":
        given = (("webhookClientConfig", config is not None), ("conversionReviewVersions", known))
        return errors + [forbidden(name, "should not be set when strategy is not set to Webhook") for name, there in given if there]
    if config is None:
        errors.append(required("webhookClientConfig", "required when strategy is set to Webhook"))
    else:
        errors += within("webhookClientConfig", validate_client_config(config))
    return errors + within("conversionReviewVersions", _validate_review_versions(known))


def _validate_review_versions(versions: list[str]) -> Errors:
    if not versions:
        return [required("")]
    errors: Errors = []
    for index, version in enumerate(versions):
        if version in versions[:index]:
            errors.append(invalid(f"[{index}]", version, "duplicate version"))
        else:
            errors += [invalid(f"[{index}]", version, why) for why in dns_1035_label(version)]
    accepted = {"v1", "v1beta1"} & set(versions)
    return errors if accepted else [*errors, invalid("", versions, "must include at least one of v1, v1beta1")]


def validate_update(obj: Object, old: Object) -> Errors:
    """Group and plural stay, and once established scope and kind."""
    fixed = ("scope", "names.kind") if (condition(old, "Established") or {}).get("status") == "True" else ()
    names = [f"spec.{name}" for name in (*fixed, "group", "names.plural")]
    return [error for name in names for error in immutable(name, dig(obj, name), dig(old, name))]


def warnings(obj: Object, old: Object | None) -> list[str]:
    """Formats that nobody checks and that were not there before."""
    known = set(_formats(old)) if old is not None else set()
    return [f'unrecognized format "{name}"' for name in dict.fromkeys(_formats(obj)) if name not in known]


def _formats(crd: Object) -> Iterator[str]:
    for version in dig(crd, "spec.versions", ()):
        yield from unknown_formats(dig(version, "schema.openAPIV3Schema", EMPTY_DICT))


def established_status(crd: Object, *, resources: Collection[str], kinds: Collection[str], now: int) -> Object:
    """The status of a definition: which of its names are accepted, and whether its kind is served.

    ``resources`` and ``kinds`` are the plural, singular and short names, and the kinds, that others of its group have.
    """
    names = dig(crd, "spec.names", EMPTY_DICT)
    status = crd.get("status") or EMPTY_DICT
    conflict = _conflict(names, resources, kinds)
    accepted = status.get("acceptedNames") or EMPTY_DICT if conflict else names
    conditions = status.get("conditions") or EMPTY_LIST
    for state in _naming_conditions(conflict, conditions):
        conditions = set_condition(conditions, state, now)
    changed: FrozenDict = freeze({**status, "acceptedNames": accepted, "conditions": FrozenList(conditions)})
    return changed


def _conflict(names: Mapping[str, Any], resources: Collection[str], kinds: Collection[str]) -> tuple[str, str] | None:
    """The last name that is taken, as the reason of a condition and the name."""
    wanted = [("PluralConflict", names.get("plural"), resources), ("SingularConflict", names.get("singular"), resources)]
    wanted += [("ShortNamesConflict", name, resources) for name in names.get("shortNames") or ()]
    wanted += [("KindConflict", names.get("kind"), kinds), ("ListKindConflict", names.get("listKind"), kinds)]
    found = [(reason, str(name)) for reason, name, taken in wanted if name in taken]
    return found[-1] if found else None


def _naming_conditions(conflict: tuple[str, str] | None, known: Any) -> list[dict[str, str]]:
    if conflict is None:
        accepted = {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": "no conflicts found"}
        initial = {"reason": "InitialNamesAccepted", "message": "the initial names have been accepted"}
        return [accepted, {"type": "Established", "status": "True", **initial}]
    reason, name = conflict
    refused = {"type": "NamesAccepted", "status": "False", "reason": reason, "message": f'"{name}" is already in use'}
    if any(c.get("type") == "Established" and c.get("status") == "True" for c in known):  # what is served stays served
        return [refused]
    return [refused, {"type": "Established", "status": "False", "reason": "NotAccepted", "message": "not all names are accepted"}]


EXAMPLE = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "names": {"plural": "widgets", "kind": "Widget"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer", "minimum": 1}}}},
                    }
                },
            }
        ],
    },
}

RESOURCE = served(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    default=default,
    prepare_for_create=prepare_for_create,
    prepare_for_update=prepare_for_update,
    prepare_for_delete=terminating,
    holds_deletion=holds_deletion,
    validate=validate,
    validate_update=validate_update,
    warnings=warnings,
    counts_generation=True,
    example=EXAMPLE,
    simulated=True,
)
