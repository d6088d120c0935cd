"""PersistentVolumeClaims.

Models: pkg/registry/core/persistentvolumeclaim/strategy.go, pkg/apis/core/validation (ValidatePersistentVolumeClaimUpdate),
pkg/printers (printPersistentVolumeClaim), pkg/api/persistentvolumeclaim/util.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, required, within
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig, drop, put
from k8snb.apimachinery.quantity import exact
from k8snb.apimachinery.validation import IMMUTABLE, immutable
from k8snb.resources.common.cells import UNSET, age
from k8snb.resources.common.claim import BETA_CLASS, claim_spec_warnings, default_claim, validate_claim_spec
from k8snb.resources.common.internal_form import diff
from k8snb.resources.discovery import served

_SHORT_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_SPEC_WORDS = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
DEPRECATED_CLASS = 'deprecated since v1.8; use "storageClassName" attribute instead'


def prepare_for_create(obj: Object) -> Object:
    """A new claim is Pending; its two data sources say the same."""
    spec = obj.get("spec") or EMPTY_DICT
    if dig(spec, "dataSourceRef.namespace"):  # the feature gate CrossNamespaceVolumeDataSource is off: the reference is taken out
        obj = drop(obj, "spec.dataSourceRef")
        spec = obj["spec"]
    source, ref = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and ref is None:
        obj = put(obj, "spec.dataSourceRef", {key: value for key, value in source.items() if value is not None})
    elif ref is not None and source is None and not ref.get("namespace"):
        obj = put(obj, "spec.dataSource", {key: ref[key] for key in ("apiGroup", "kind", "name") if ref.get(key) is not None})
    return put(obj, "status", {"phase": "Pending"})


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    return within("spec", validate_claim_spec(obj.get("spec") or EMPTY_DICT))


def _beta_class(obj: Object) -> str | None:
    found: str | None = dig(obj, ("metadata", "annotations", BETA_CLASS))
    return found


def validate_update(obj: Object, old: Object) -> Errors:
    """Bound once, a class once, and more room once it is bound; nothing else."""
    spec, before, bound = obj["spec"], old["spec"], dig(obj, "status.phase") == "Bound"
    errors: Errors = []
    free = {} if before.get("volumeName") else {"volumeName"}
    upgrade = _beta_class(old) is not None and before.get("storageClassName") is None and spec.get("storageClassName") == _beta_class(old)
    if not upgrade and _beta_class(obj) != _beta_class(old):
        errors.append(invalid(f"metadata.annotations.{BETA_CLASS}", _beta_class(obj) or "", IMMUTABLE))
    masked, was = dict(spec), dict(before)
    for key in free:
        was[key] = masked.get(key)
    class_set_once = before.get("storageClassName") is None and _beta_class(old) in (None, spec.get("storageClassName"))
    if upgrade or class_set_once:
        masked["storageClassName"] = before.get("storageClassName")
    if bound:
        masked = dict(_with_size(masked, dig(before, "resources.requests.storage")))
        masked["volumeAttributesClassName"] = before.get("volumeAttributesClassName")
    masked, was = _given(masked), _given(was)
    if masked != was:
        errors.append(forbidden("spec", f"{_SPEC_WORDS}\n{diff('PersistentVolumeClaimSpec', was, masked)}"))
    return errors + _validate_size(spec, before, old) + immutable("volumeMode", spec.get("volumeMode"), before.get("volumeMode"))


def _given(spec: Mapping[str, Any]) -> FrozenDict:
    return FrozenDict({key: value for key, value in spec.items() if value not in (None, "")})


def _with_size(spec: Mapping[str, Any], size: str | None) -> Mapping[str, Any]:
    resized: Mapping[str, Any] = put(dict(spec), "resources.requests.storage", size) if dig(spec, "resources.requests") else spec
    return resized


def _validate_size(spec: Mapping[str, Any], before: Mapping[str, Any], old: Object) -> Errors:
    new, was = dig(spec, "resources.requests.storage", "0"), dig(before, "resources.requests.storage", "0")
    shrunk = exact(new) < exact(was) and exact(new) <= exact(dig(old, "status.capacity.storage", "0"))
    return [forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")] if shrunk else []


def validate_status_update(obj: Object, _old: Object) -> Errors:
    """The capacity is an amount."""
    errors = [] if dig(obj, "spec.accessModes") else [required("Spec.accessModes")]
    for name, quantity in sorted(dig(obj, "status.capacity", EMPTY_DICT).items()):
        if exact(quantity) < 0:
            errors.append(invalid(f"status.capacity[{name}]", int(exact(quantity)), "must be a valid resource quantity"))
    return errors


def warnings(obj: Object, _old: Object | None) -> list[str]:
    """An annotation that has a field, and sizes in fractions of a byte."""
    found = [f"metadata.annotations[{BETA_CLASS}]: {DEPRECATED_CLASS}"] if _beta_class(obj) is not None else []
    return found + claim_spec_warnings("spec", obj.get("spec") or EMPTY_DICT)


def modes_text(modes: Any) -> str:
    """``RWO,ROX``, always in the same order."""
    return ",".join(short for mode, short in _SHORT_MODES.items() if mode in (modes or ()))


def class_name(obj: Object) -> str:
    """The storage class, wherever it is named."""
    beta = _beta_class(obj)
    return beta if beta is not None else str(dig(obj, "spec.storageClassName", ""))


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get persistentvolumeclaims``."""
    spec, status = obj["spec"], obj.get("status") or EMPTY_DICT
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", "")
    volume = spec.get("volumeName", "")
    size = dig(status, "capacity.storage", "0") if volume else ""
    modes = modes_text(status.get("accessModes")) if volume else ""
    classes = [class_name(obj), spec.get("volumeAttributesClassName") or UNSET]
    return [obj["metadata"]["name"], phase, volume, size, modes, *classes, age(obj, now), spec.get("volumeMode") or UNSET]


EXAMPLE = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}

RESOURCE = served(
    "v1",
    "PersistentVolumeClaim",
    default=default_claim,
    prepare_for_create=prepare_for_create,
    validate=validate,
    validate_update=validate_update,
    validate_status_update=validate_status_update,
    warnings=warnings,
    cells=cells,
    selectable_fields={"name": lambda obj: str(obj["metadata"]["name"])},
    example=EXAMPLE,
    simulated=True,
)
