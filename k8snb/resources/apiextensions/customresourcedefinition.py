"""CustomResourceDefinitions: a kind, defined by an object.

Models: k8s.io/apiextensions-apiserver pkg/apis/apiextensions/v1/defaults.go, pkg/apis/apiextensions/validation/validation.go,
pkg/registry/customresourcedefinition/strategy.go, pkg/controller/status/naming_controller.go.
Simplified: conversion webhooks are stored, not called.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, FieldError, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.meta import condition, parse_time, set_condition
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, FrozenDict, FrozenList, Object, dig, freeze, put
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import dns_1035_label, dns_subdomain, immutable
from k8snb.resources.admissionregistration.webhooks import default_client_config, validate_client_config
from k8snb.resources.apiextensions.schema_rules import unknown_formats, validate_schema
from k8snb.resources.common.fill import fill, inside, where_given
from k8snb.resources.discovery import served

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
APPROVED = "api-approved.kubernetes.io"
_SEE = f'protected groups must have approval annotation "{APPROVED}", see https://github.com/kubernetes/enhancements/pull/1111'
_PROTECTED = ("k8s.io", "kubernetes.io")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_SCALE_PATHS = (
    ("specReplicasPath", ".spec.", "should be a json path under .spec"),
    ("statusReplicasPath", ".status.", "should be a json path under .status"),
    ("labelSelectorPath", ".", "should be a json path under either .spec or .status"),
)
_STILL_STORED = "missing from spec.versions; may not be removed from spec.versions unless it also is removed from status.storedVersions"
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
    return errors + within("spec", _validate_spec(spec)) + _validate_approval(obj, spec.get("group", ""))


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


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    errors = _validate_group(spec.get("group", ""))
    scope, versions = spec.get("scope", ""), spec.get("versions") or ()
    if not scope:
        errors.append(required("scope"))
    elif scope not in ("Cluster", "Namespaced"):
        errors.append(not_supported("scope", scope, ["Cluster", "Namespaced"]))
    for index, version in enumerate(versions):
        errors += within(f"versions[{index}]", _validate_version(version))
    names = [version.get("name", "") for version in versions]
    if len(set(names)) != len(names):
        errors.append(_versions("must contain unique version names", versions))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        errors.append(_versions("must have exactly one version marked as storage version", versions))
    errors += within("names", _validate_names(spec.get("names") or EMPTY_DICT))
    if spec.get("preserveUnknownFields"):
        errors.append(invalid("preserveUnknownFields", True, _PRESERVE))
    return errors + within("conversion", _validate_conversion(spec.get("conversion") or EMPTY_DICT))


def _versions(why: str, versions: Any) -> FieldError:
    return invalid("versions", [{key.capitalize(): value for key, value in v.items()} for v in versions] or None, why)


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
    for key in ("shortNames", "categories"):
        errors += [error for index, text in enumerate(names.get(key) or ()) for error in _labels(f"{key}[{index}]", text)]
    if kind and kind == list_kind:
        errors.append(invalid("listKind", list_kind, "kind and listKind may not be the same"))
    return errors


def _labels(field: str, text: str) -> Errors:
    wrong = dns_1035_label(text) if text else []
    return [invalid(field, text, ",".join(wrong))] if wrong else []


@once
def _validate_version(version: Mapping[str, Any]) -> Errors:
    name, schema = version.get("name", ""), dig(version, "schema.openAPIV3Schema")
    wrong = dns_1035_label(name)
    errors = [invalid("name", name, ",".join(wrong))] if wrong else []
    if schema is None:
        errors.append(required("schema.openAPIV3Schema", "schemas are required"))
    else:
        errors += within("schema.openAPIV3Schema", validate_schema(schema))
    if not version.get("deprecated") and version.get("deprecationWarning") is not None:
        errors.append(invalid("deprecationWarning", version["deprecationWarning"], "can only be set for deprecated versions"))
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        errors += within(f"additionalPrinterColumns[{index}]", _validate_column(column))
    scale = dig(version, "subresources.scale")
    if scale is not None:
        errors += within("subresources.scale", _validate_scale(scale))
    fields = version.get("selectableFields") or ()
    return errors + [required(f"selectableFields[{i}].jsonPath") for i, field in enumerate(fields) if not field.get("jsonPath")]


def _validate_column(column: Mapping[str, Any]) -> Errors:
    kind, form = column.get("type", ""), column.get("format", "")
    errors = [] if column.get("name") else [required("name")]
    if not kind:
        errors.append(required("type", f"must be one of {','.join(_COLUMN_TYPES)}"))
    elif kind not in _COLUMN_TYPES:
        errors.append(invalid("type", kind, f"must be one of {','.join(_COLUMN_TYPES)}"))
    if form and form not in _COLUMN_FORMATS:
        errors.append(invalid("format", form, f"must be one of {','.join(_COLUMN_FORMATS)}"))
    return errors + ([] if column.get("jsonPath") else [required("jsonPath")])


def _validate_scale(scale: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    for key, prefix, where in _SCALE_PATHS:
        path = scale.get(key, "")
        if not path and key != "labelSelectorPath":
            errors.append(required(key))
        elif path and not path.startswith(prefix):
            errors.append(invalid(key, path, where))
    return errors


def _validate_conversion(conversion: Mapping[str, Any]) -> Errors:
    strategy, webhook = conversion.get("strategy", ""), conversion.get("webhook")
    if not strategy:
        return [required("strategy")]
    if strategy not in ("None", "Webhook"):
        return [not_supported("strategy", strategy, ["None", "Webhook"])]
    if strategy == "None":
        return [forbidden("webhook", "should not be set when strategy is not set to Webhook")] if webhook is not None else []
    config = dig(conversion, "webhook.clientConfig")
    errors = [] if config is not None else [required("webhookClientConfig", "required when strategy is set to Webhook")]
    errors += within("webhookClientConfig", validate_client_config(config)) if config is not None else []
    return errors + ([] if dig(conversion, "webhook.conversionReviewVersions") else [required("conversionReviewVersions")])


def validate_update(obj: Object, old: Object) -> Errors:
    """Group, and once established scope and names, stay; stored versions are not taken away."""
    errors = immutable("spec.group", dig(obj, "spec.group"), dig(old, "spec.group"))
    if (condition(old, "Established") or {}).get("status") == "True":
        for name in ("scope", "names.kind", "names.plural"):
            errors += immutable(f"spec.{name}", dig(obj, f"spec.{name}"), dig(old, f"spec.{name}"))
    versions = [version.get("name") for version in dig(obj, "spec.versions", ())]
    for index, name in enumerate(dig(old, "status.storedVersions", ())):
        if name not in versions:
            errors.append(invalid(f"status.storedVersions[{index}]", name, _STILL_STORED))
    return errors


def warnings(obj: Object, _old: Object | None) -> list[str]:
    """Formats of texts that nobody checks."""
    versions = dig(obj, "spec.versions", ())
    found = (name for v in versions for name in unknown_formats(dig(v, "schema.openAPIV3Schema", EMPTY_DICT)))
    return [f'unrecognized format "{name}"' for name in dict.fromkeys(found)]


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
