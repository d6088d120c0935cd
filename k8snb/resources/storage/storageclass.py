"""StorageClasses: what kind of disk a claim gets, and who makes it.

Models: pkg/apis/storage/v1/defaults.go, pkg/apis/storage/validation (ValidateStorageClass), printStorageClass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, required, too_long, within
from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, immutable, one_of, qualified_name
from k8snb.resources.common.cells import age, name_marked_default
from k8snb.resources.common.fill import fill
from k8snb.resources.common.pod_warnings import DEPRECATED_LABELS
from k8snb.resources.discovery import served

IS_DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
_MOST_PARAMETERS = 512
_LONGEST_PARAMETERS = 256 * 1024


def default(obj: Object) -> Object:
    """Volumes go with their claim and are made at once."""
    return fill(obj, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})


def validate_provisioner(field: str, name: str) -> Errors:
    """Who makes the volumes: ``example.com/disk``."""
    if not name:
        return [required(field)]
    return [invalid(field, name, message) for message in qualified_name(name.lower())]


def validate_parameters(parameters: Mapping[str, str], *, needed: bool = False) -> Errors:
    """What the provisioner is told; paths are relative to the object."""
    if len(parameters) > _MOST_PARAMETERS:
        return [too_long("parameters", _MOST_PARAMETERS)]
    errors = [invalid("parameters", key, "field can not be empty.") for key in parameters if not key]
    if sum(len(key) + len(value) for key, value in parameters.items()) > _LONGEST_PARAMETERS:
        errors.append(too_long("parameters", _LONGEST_PARAMETERS))
    if needed and not parameters:
        errors.append(required("parameters", "must contain at least one key/value pair"))
    return errors


def validate(obj: Object) -> Errors:
    """The whole object."""
    errors = validate_provisioner("provisioner", obj.get("provisioner", "")) + validate_parameters(obj.get("parameters") or EMPTY_DICT)
    if obj.get("reclaimPolicy"):
        errors += one_of("reclaimPolicy", obj["reclaimPolicy"], ["Delete", "Retain"])
    mode = obj.get("volumeBindingMode")
    errors += [required("volumeBindingMode")] if mode is None else one_of("volumeBindingMode", mode, ["Immediate", "WaitForFirstConsumer"])
    for index, term in enumerate(obj.get("allowedTopologies") or ()):
        errors += within(f"allowedTopologies[{index}]", _validate_term(term))
        if term in (obj.get("allowedTopologies") or ())[:index]:
            errors.append(duplicate(f"allowedTopologies[{index}].matchLabelExpressions", ""))
    return errors


@once
def _validate_term(term: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for index, expression in enumerate(term.get("matchLabelExpressions") or ()):
        where, key, values = f"matchLabelExpressions[{index}]", expression.get("key", ""), expression.get("values") or ()
        errors += [] if values else [required(f"{where}.values")]
        errors += [duplicate(f"{where}.values[{i}]", value) for i, value in enumerate(values) if value in values[:i]]
        errors += check(f"{where}.key", key, qualified_name)
        errors += [duplicate(f"{where}.key", key)] if key in seen else []
        seen.add(key)
    return errors


def validate_update(obj: Object, old: Object) -> Errors:
    """A class keeps its meaning."""
    names = ("parameters", "provisioner", "reclaimPolicy")
    errors = [forbidden(name, f"updates to {name} are forbidden.") for name in names if obj.get(name) != old.get(name)]
    return errors + immutable("volumeBindingMode", obj.get("volumeBindingMode"), old.get("volumeBindingMode"))


def warnings(obj: Object, _old: Object | None) -> list[str]:
    """Labels of nodes that have newer names."""
    return [
        f"allowedTopologies[{i}].matchLabelExpressions[{j}].key: {DEPRECATED_LABELS[expression['key']]}"
        for i, term in enumerate(obj.get("allowedTopologies") or ())
        for j, expression in enumerate(term.get("matchLabelExpressions") or ())
        if expression.get("key") in DEPRECATED_LABELS
    ]


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get storageclasses``."""
    expands = str(bool(obj.get("allowVolumeExpansion"))).lower()
    policies = [obj.get("reclaimPolicy") or "Delete", obj.get("volumeBindingMode") or "Immediate"]
    return [name_marked_default(obj, *IS_DEFAULT), obj.get("provisioner", ""), *policies, expands, age(obj, now)]


EXAMPLE = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "fast"},
    "provisioner": "example.com/disk",
    "volumeBindingMode": "WaitForFirstConsumer",
}

RESOURCE = served(
    "storage.k8s.io/v1",
    "StorageClass",
    default=default,
    validate=validate,
    validate_update=validate_update,
    warnings=warnings,
    cells=cells,
    example=EXAMPLE,
    simulated=True,
)
