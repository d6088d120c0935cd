"""Claims of storage: the spec that PersistentVolumeClaims, their templates in StatefulSets and ephemeral volumes share.

Models: pkg/apis/core/validation/validation.go (ValidatePersistentVolumeClaimSpec, ValidatePersistentVolumeClaimTemplate),
pkg/apis/core/v1/defaults.go (SetDefaults_PersistentVolumeClaim), pkg/api/persistentvolumeclaim/util.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery.errors import Errors, FieldError, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.apimachinery.quantity import exact
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain, validate_annotations, validate_label_selector, validate_labels
from k8snb.resources.common.compute import positive
from k8snb.resources.common.fill import fill, inside
from k8snb.resources.common.pod_defaults import default_claim_spec

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
BETA_CLASS = "volume.beta.kubernetes.io/storage-class"


def default_claim(claim: Mapping[str, Any]) -> Any:
    """The defaults of a claim: file systems rather than blocks; it is Pending until somebody binds it."""
    return inside(inside(claim, "spec", default_claim_spec), "status", lambda status: fill(status, {"phase": "Pending"}))


def validate_access_modes(modes: Sequence[str]) -> Errors:
    """The modes are known; one pod alone goes with nothing else."""
    errors: Errors = [not_supported("accessModes", mode, ACCESS_MODES) for mode in modes if mode not in ACCESS_MODES]
    known = {mode for mode in modes if mode in ACCESS_MODES}
    if "ReadWriteOncePod" in known and len(known) > 1:
        errors.append(forbidden("accessModes", "may not use ReadWriteOncePod with other access modes"))
    return errors


@once
def validate_claim_spec(spec: Mapping[str, Any]) -> Errors:
    """``spec`` of a claim."""
    modes = spec.get("accessModes") or ()
    errors: Errors = [] if modes else [required("accessModes", "at least 1 access mode is required")]
    if spec.get("selector") is not None:
        errors += within("selector", validate_label_selector(spec["selector"]))
    errors += validate_access_modes(modes)
    size = ((spec.get("resources") or EMPTY_DICT).get("requests") or EMPTY_DICT).get("storage")
    errors += [required("resources[storage]")] if size is None else positive("resources[storage]", size)
    if spec.get("storageClassName"):
        errors += check("storageClassName", spec["storageClassName"], dns_subdomain)
    if spec.get("volumeMode") not in (None, *VOLUME_MODES):
        errors.append(not_supported("volumeMode", spec["volumeMode"], VOLUME_MODES))
    errors += _validate_sources(spec)
    return errors + (
        check("volumeAttributesClassName", spec["volumeAttributesClassName"], dns_subdomain)
        if spec.get("volumeAttributesClassName")
        else []
    )


def _validate_sources(spec: Mapping[str, Any]) -> Errors:
    source, ref = spec.get("dataSource"), spec.get("dataSourceRef")
    errors = [] if source is None else within("dataSource", _validate_source(source))
    if ref is None:
        return errors
    errors += within("dataSourceRef", _validate_source(ref))
    if ref.get("namespace"):
        errors += check("dataSourceRef.namespace", ref["namespace"], dns_label)
        if source is not None:
            errors.append(
                FieldError("", "FieldValueInvalid", "Invalid value: {}: may not be specified when dataSourceRef.namespace is specified")
            )
    elif source is not None and any(source.get(key) != ref.get(key) for key in ("apiGroup", "kind", "name")):
        errors.append(FieldError("", "FieldValueInvalid", "Invalid value: {}: must match dataSourceRef"))
    return errors


def _validate_source(source: Mapping[str, Any]) -> Errors:
    errors: Errors = [required(field) for field in ("name", "kind") if not source.get(field)]
    group = source.get("apiGroup") or ""
    if not group and source.get("kind") != "PersistentVolumeClaim":
        errors.append(invalid("", source.get("kind", ""), "must be 'PersistentVolumeClaim' when referencing the default apiGroup"))
    return errors + (check("apiGroup", group, dns_subdomain) if group else [])


_NOT_OF_TEMPLATES = (
    "name", "generateName", "namespace", "selfLink", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
    "deletionGracePeriodSeconds", "ownerReferences", "finalizers", "managedFields",
)  # fmt: skip


@once
def validate_claim_template(template: Mapping[str, Any]) -> Errors:
    """The template of an ephemeral volume's claim: labels, annotations and spec, for the claim gets its name from the pod."""
    meta = template.get("metadata") or EMPTY_DICT
    errors = within("metadata.annotations", validate_annotations(meta.get("annotations") or EMPTY_DICT))
    errors += within("metadata.labels", validate_labels(meta.get("labels") or EMPTY_DICT))
    errors += [forbidden(f"metadata.{field}", "cannot be set") for field in _NOT_OF_TEMPLATES if meta.get(field)]
    return errors + within("spec", validate_claim_spec(template.get("spec") or EMPTY_DICT))


def claim_spec_warnings(path: str, spec: Mapping[str, Any]) -> list[str]:
    """Sizes in fractions of a byte are no sizes."""
    found = []
    for kind in ("requests", "limits"):
        size = ((spec.get("resources") or EMPTY_DICT).get(kind) or EMPTY_DICT).get("storage")
        if size is not None and exact(size).denominator != 1:
            found.append(f'{path}.resources.{kind}[storage]: fractional byte value "{size}" is invalid, must be an integer')
    return found
