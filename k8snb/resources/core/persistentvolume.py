"""PersistentVolumes.

Models: pkg/apis/core/validation (ValidatePersistentVolumeSpec ...), pkg/apis/core/v1/defaults.go, pkg/registry/core/
persistentvolume/strategy.go, pkg/api/persistentvolume/util.go, pkg/printers (printPersistentVolume).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object, dig, put
from k8snb.apimachinery.quantity import value
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain, immutable
from k8snb.resources.common.cells import UNSET, age
from k8snb.resources.common.claim import BETA_CLASS, VOLUME_MODES, validate_access_modes
from k8snb.resources.common.compute import positive
from k8snb.resources.common.fill import fill, inside, where_given
from k8snb.resources.common.internal_form import diff
from k8snb.resources.common.paths import no_backsteps
from k8snb.resources.common.pod_defaults import VOLUME_SOURCES, default_resource_list
from k8snb.resources.common.pod_scheduling import validate_node_selector
from k8snb.resources.common.pod_warnings import DEPRECATED_VOLUMES, VOLUME_PATHS, node_term_warnings
from k8snb.resources.common.volumes import (
    INITIATOR_WORDS,
    Rule,
    Source,
    azure_disk,
    csi_driver_name,
    disk,
    fibre_channel,
    flex,
    flocker,
    host_path,
    iscsi,
    nfs,
    one_source,
    quobyte,
    required_fields,
    storage_os,
    with_secret,
)
from k8snb.resources.core.persistentvolumeclaim import DEPRECATED_CLASS, class_name, modes_text
from k8snb.resources.discovery import served

RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")


def _local(source: Source) -> Errors:
    return no_backsteps("path", source["path"]) if source.get("path") else [required("path")]


def _glusterfs(source: Source) -> Errors:
    errors = required_fields("endpoints", "path")(source)
    namespace = source.get("endpointsNamespace")
    if namespace == "":
        why = "if the endpointnamespace is set, it must be a valid namespace name"
        errors.append(invalid("endpointsNamespace", namespace, why))
    return errors + (check("endpointsNamespace", namespace, dns_label) if namespace else [])


def _azure_file(source: Source) -> Errors:
    errors = required_fields("secretName", "shareName")(source)
    return [*errors, required("secretNamespace")] if source.get("secretNamespace") == "" else errors


def _csi(source: Source) -> Errors:
    errors = csi_driver_name("driver", source.get("driver", "")) + required_fields("volumeHandle")(source)
    for key in ("controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"):
        ref = source.get(key)
        if ref is not None:
            name, namespace = ref.get("name", ""), ref.get("namespace", "")
            errors += check(f"{key}.name", name, dns_subdomain) if name else [required(f"{key}.name")]
            errors += check(f"{key}.namespace", namespace, dns_label) if namespace else [required(f"{key}.namespace")]
    return errors


SOURCES: dict[str, tuple[Rule, str]] = {
    "hostPath": (host_path, ""),
    "gcePersistentDisk": (disk("pdName"), "persistentDisk"),
    "awsElasticBlockStore": (disk("volumeID"), ""),
    "glusterfs": (_glusterfs, ""),
    "flocker": (flocker, ""),
    "nfs": (nfs, ""),
    "rbd": (required_fields("monitors", "image"), ""),
    "quobyte": (quobyte, ""),
    "cephfs": (required_fields("monitors"), ""),
    "iscsi": (with_secret(lambda source: iscsi(source, persistent=True)), ""),
    "cinder": (with_secret(required_fields("volumeID"), namespace=True), ""),
    "fc": (fibre_channel, ""),
    "flexVolume": (flex, ""),
    "azureFile": (_azure_file, ""),
    "vsphereVolume": (required_fields("volumePath"), ""),
    "photonPersistentDisk": (required_fields("pdID"), ""),
    "portworxVolume": (required_fields("volumeID"), ""),
    "azureDisk": (azure_disk, ""),
    "scaleIO": (required_fields("gateway", "system", "volumeName"), ""),
    "local": (_local, ""),
    "storageos": (with_secret(storage_os, namespace=True), ""),
    "csi": (_csi, ""),
}


def default(obj: Object) -> Object:
    """Kept after use; a file system; Pending."""
    defaulted: Object = inside(inside(obj, "spec", _default_spec), "status", lambda status: fill(status, {"phase": "Pending"}))
    return defaulted


def _default_spec(spec: Mapping[str, Any]) -> Any:
    for key in [key for key in spec if key in VOLUME_SOURCES]:
        spec = where_given(spec, key, VOLUME_SOURCES[key])
    spec = where_given(spec, "claimRef", lambda ref: ref)
    spec = where_given(spec, "capacity", default_resource_list)
    return fill(spec, {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"})


def validate(obj: Object) -> Errors:
    """``spec``, whole."""
    spec = obj.get("spec") or EMPTY_DICT
    return within("spec", _validate_spec(spec) + _validate_initiator(obj["metadata"].get("name", ""), spec.get("iscsi") or EMPTY_DICT))


def _validate_initiator(name: str, target: Mapping[str, Any]) -> Errors:
    portal = target.get("targetPortal", "")
    if target.get("initiatorName") is None or len(f"{name}:{portal}") <= 64:
        return []
    return [invalid("iscsi.targetportal", portal, INITIATOR_WORDS)]


@once
def _validate_spec(spec: Mapping[str, Any]) -> Errors:
    modes = spec.get("accessModes") or ()
    errors = ([] if modes else [required("accessModes")]) + validate_access_modes(modes)
    errors += _validate_capacity(spec.get("capacity") or EMPTY_DICT)
    policy = spec.get("persistentVolumeReclaimPolicy", "")
    if policy and policy not in RECLAIM_POLICIES:
        errors.append(not_supported("persistentVolumeReclaimPolicy", policy, RECLAIM_POLICIES))
    affinity = spec.get("nodeAffinity")
    if affinity is not None:
        errors += _validate_affinity(affinity)
    errors += one_source(spec, SOURCES)
    if affinity is None and next((kind for kind in SOURCES if spec.get(kind) is not None), "") == "local":
        errors.append(required("nodeAffinity", "Local volume requires node affinity"))
    if spec.get("hostPath") and posixpath.normpath(spec["hostPath"].get("path") or ".") == "/" and policy == "Recycle":
        errors.append(forbidden("persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'"))
    return errors + _validate_classes(spec)


def _validate_capacity(capacity: Mapping[str, str]) -> Errors:
    errors = [] if capacity else [required("capacity")]
    if set(capacity) != {"storage"}:
        errors.append(not_supported("capacity", dict(sorted(capacity.items())), ["storage"]))
    for name, quantity in sorted(capacity.items()):
        if value(quantity) < 0:
            errors.append(invalid(f"capacity[{name}]", value(quantity), "must be a valid resource quantity"))
        errors += positive(f"capacity[{name}]", quantity)
    return errors


def _validate_affinity(affinity: Mapping[str, Any]) -> Errors:
    if affinity.get("required") is None:
        return [required("nodeAffinity.required", "must specify required node constraints")]
    return within("nodeAffinity.required", validate_node_selector(affinity["required"]))


def _validate_classes(spec: Mapping[str, Any]) -> Errors:
    errors = check("storageClassName", spec["storageClassName"], dns_subdomain) if spec.get("storageClassName") else []
    if spec.get("volumeMode") not in (None, *VOLUME_MODES):
        errors.append(not_supported("volumeMode", spec["volumeMode"], VOLUME_MODES))
    name = spec.get("volumeAttributesClassName")
    if name is None:
        return errors
    field = "volumeAttributesClassName"
    errors += check(field, name, dns_subdomain) if name else [required(field, "an empty string is disallowed")]
    return errors if spec.get("csi") is not None else [*errors, required("csi", f"has to be specified when using {field}")]


def validate_update(obj: Object, old: Object) -> Errors:
    """Where the data lies does not change."""
    spec, before = obj["spec"], old["spec"]
    new, was = _source(spec), _source(before)
    if dig(was, "csi") is not None and dig(was, "csi.controllerExpandSecretRef") is None and dig(new, "csi") is not None:
        new = {"csi": FrozenDict({k: v for k, v in new["csi"].items() if k != "controllerExpandSecretRef"})}
    errors: Errors = []
    if new != was:
        words = f"spec.persistentvolumesource is immutable after creation\n{diff('PersistentVolumeSource', was, new)}"
        errors.append(forbidden("spec.persistentvolumesource", words))
    errors += immutable("volumeMode", spec.get("volumeMode"), before.get("volumeMode"))
    if before.get("nodeAffinity") is not None and spec.get("nodeAffinity") != before["nodeAffinity"]:
        why = "field is immutable, except for updating from beta label to GA"
        errors.append(invalid("nodeAffinity", spec.get("nodeAffinity"), why))
    return errors


def _source(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {key: spec[key] for key in SOURCES if spec.get(key) is not None}


def _note_phase(context: Any, obj: Object, old: Object | None) -> Object:
    """A new volume says since when it has its phase."""
    return put(obj, "status.lastPhaseTransitionTime", timestamp(context.now)) if old is None else obj


def warnings(obj: Object, _old: Object | None) -> list[str]:
    """Annotations, policies and plugins that have had their day."""
    spec = obj["spec"]
    found = (
        [f"metadata.annotations[{BETA_CLASS}]: {DEPRECATED_CLASS}"] if dig(obj, ("metadata", "annotations", BETA_CLASS)) is not None else []
    )
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        why = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."
        found.append(f"spec.persistentVolumeReclaimPolicy: {why}")
    for index, term in enumerate(dig(spec, "nodeAffinity.required.nodeSelectorTerms", ())):
        found += node_term_warnings(f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]", term)
    kinds = ("cephfs", "photonPersistentDisk", "scaleIO", "storageos", "glusterfs", "rbd")
    return found + [f"spec.{VOLUME_PATHS.get(kind, kind)}: {DEPRECATED_VOLUMES[kind]}" for kind in kinds if spec.get(kind) is not None]


def cells(obj: Object, now: int) -> list[Any]:
    """One row of ``kubectl get persistentvolumes``."""
    spec, status = obj["spec"], obj.get("status") or EMPTY_DICT
    claim = spec.get("claimRef")
    owner = f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim is not None else ""
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", "")
    size, policy = dig(spec, "capacity.storage", "0"), spec.get("persistentVolumeReclaimPolicy", "")
    classes = [class_name(obj), spec.get("volumeAttributesClassName") or UNSET]
    return [
        obj["metadata"]["name"], size, modes_text(spec.get("accessModes")), policy, phase, owner, *classes,
        status.get("reason", ""), age(obj, now), spec.get("volumeMode") or UNSET,
    ]  # fmt: skip


EXAMPLE = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "disk-1"},
    "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"}},
}

RESOURCE = served(
    "v1",
    "PersistentVolume",
    default=default,
    prepare_for_create=lambda obj: put(obj, "status", {"phase": "Pending"}),
    validate=validate,
    validate_update=validate_update,
    warnings=warnings,
    allocate=_note_phase,
    cells=cells,
    selectable_fields={"name": lambda obj: str(obj["metadata"]["name"])},
    example=EXAMPLE,
    simulated=True,
)
