"""Volumes of pods: exactly one source each, and what every source demands. PersistentVolumes share many of the rules.

Models: pkg/apis/core/validation/validation.go (ValidateVolumes, validateVolumeSource and its many helpers).
Projected cluster trust bundles and pod certificates do not get here: their feature gates are off (``pod_defaults.py``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, not_supported, required, too_long, within
from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.apimachinery.quantity import exact
from k8snb.apimachinery.resource import once
from k8snb.apimachinery.validation import check, dns_label, dns_subdomain, in_range
from k8snb.resources.common.claim import validate_claim_template
from k8snb.resources.common.downward import VOLUME_FIELDS, validate_field_ref, validate_resource_ref
from k8snb.resources.common.paths import descending, file_mode, no_backsteps, non_reserved

Source = Mapping[str, Any]
Rule = Callable[[Source], Errors]


def required_fields(*fields: str) -> Rule:
    """The rule that these fields are not empty."""
    return lambda source: [required(field) for field in fields if not source.get(field)]


HOST_PATH_TYPES = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")


def host_path(source: Source) -> Errors:
    """A path of the node."""
    if not source.get("path"):
        return [required("path")]
    errors = no_backsteps("path", source["path"])
    kind = source.get("type")
    return errors if kind is None or kind in HOST_PATH_TYPES else [*errors, not_supported("type", kind, HOST_PATH_TYPES)]


def nfs(source: Source) -> Errors:
    """An NFS export."""
    errors = required_fields("server", "path")(source)
    path = source.get("path", "")
    return errors if path.startswith("/") else [*errors, invalid("path", path, "must be an absolute path")]


def disk(field: str) -> Rule:
    """A cloud disk that is named by ``field`` and may have partitions."""

    def rule(source: Source) -> Errors:
        errors = required_fields(field)(source)
        partition = source.get("partition", 0)
        return errors if 0 <= partition <= 255 else [*errors, invalid("partition", partition, in_range(1, 255))]

    return rule


INITIATOR_WORDS = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified."
_INITIATORS = {"iqn": r".*iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)", "eui": r"eui.[A-Za-z0-9]{16}", "naa": r"naa.[A-Za-z0-9]{32}"}


def _initiator(field: str, name: str, prefixed: str) -> Errors:
    pattern = _INITIATORS.get(name[:3])
    if pattern is None:
        return [invalid(field, name, prefixed)]
    return [] if re.fullmatch(pattern, name, re.ASCII) else [invalid(field, name, "must be valid format")]


def iscsi(source: Source, *, persistent: bool = False) -> Errors:
    """An iSCSI target."""
    words = "must be valid format" if persistent else "must be valid format starting with iqn, eui, or naa"
    errors = required_fields("targetPortal", "iqn")(source)
    if source.get("iqn"):
        errors += _initiator("iqn", source["iqn"], words)
    if not 0 <= source.get("lun", 0) <= 255:
        errors.append(invalid("lun", source["lun"], in_range(0, 255)))
    if (source.get("chapAuthDiscovery") or source.get("chapAuthSession")) and source.get("secretRef") is None:
        errors.append(required("secretRef"))
    if source.get("initiatorName") is not None:
        errors += _initiator("initiatorname", source["initiatorName"], words)
    return errors


def fibre_channel(source: Source) -> Errors:
    """A Fibre Channel target: by WWNs and LUN, or by WWIDs."""
    names, ids, lun = source.get("targetWWNs"), source.get("wwids"), source.get("lun")
    errors: Errors = []
    if not names and not ids:
        errors.append(required("targetWWNs", "must specify either targetWWNs or wwids, but not both"))
    if names and ids:
        errors.append(invalid("targetWWNs", list(names), "targetWWNs and wwids can not be specified simultaneously"))
    if names and lun is None:
        errors.append(required("lun", "lun is required if targetWWNs is specified"))
    elif names and not 0 <= (lun or 0) <= 255:
        errors.append(invalid("lun", lun, in_range(0, 255)))
    return errors


def flocker(source: Source) -> Errors:
    """A Flocker dataset."""
    name, uuid = source.get("datasetName", ""), source.get("datasetUUID", "")
    errors: Errors = []
    if not name and not uuid:
        errors.append(required("", "one of datasetName and datasetUUID is required"))
    if name and uuid:
        errors.append(invalid("", "resource", "datasetName and datasetUUID can not be specified simultaneously"))
    return errors + ([invalid("datasetName", name, "must not contain '/'")] if "/" in name else [])


def quobyte(source: Source) -> Errors:
    """A Quobyte volume."""
    registry, words = source.get("registry", ""), "must be a host:port pair or multiple pairs separated by commas"
    errors: Errors = []
    if not registry:
        errors.append(required("registry", words))
    elif len(source.get("tenant", "")) >= 65:
        errors.append(required("tenant", "must be a UUID and may not exceed a length of 64 characters"))
    else:
        errors += [invalid("registry", registry, words) for pair in registry.split(",") if not re.fullmatch(r"(\[.*\]|[^:]*):[^:]*", pair)]
    return errors + required_fields("volume")(source)


def flex(source: Source) -> Errors:
    """A FlexVolume; its options may not use Kubernetes' own names."""
    errors = required_fields("driver")(source)
    for key in sorted(source.get("options") or ()):
        normal = "." + key.partition("/")[0].lower()
        if normal.endswith((".kubernetes.io", ".k8s.io")):
            errors.append(invalid(f"options[{key}]", key, "kubernetes.io and k8s.io namespaces are reserved"))
    return errors


def with_secret(rule: Rule, *, namespace: bool = False) -> Rule:
    """A rule, and a secret reference that is whole where it is given."""

    def checked(source: Source) -> Errors:
        ref = source.get("secretRef")
        fields = ("name", "namespace") if namespace else ("name",)
        return rule(source) + ([] if ref is None else within("secretRef", required_fields(*fields)(ref)))

    return checked


def storage_os(source: Source) -> Errors:
    """A StorageOS volume."""
    errors = check("volumeName", source["volumeName"], dns_label) if source.get("volumeName") else [required("volumeName")]
    return errors + (check("volumeNamespace", source["volumeNamespace"], dns_label) if source.get("volumeNamespace") else [])


def azure_disk(source: Source) -> Errors:
    """An Azure disk: its URI must suit its kind."""
    errors = required_fields("diskName", "diskURI")(source)
    for field, choices in (("cachingMode", ("None", "ReadOnly", "ReadWrite")), ("kind", ("Dedicated", "Managed", "Shared"))):
        if source.get(field) is not None and source[field] not in choices:
            errors.append(not_supported(field, source[field], choices))
    kind, uri = source.get("kind"), source.get("diskURI", "")
    if kind == "Managed" and not uri.startswith("/subscriptions/"):
        managed = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
        errors.append(not_supported("diskURI", uri, [managed]))
    elif kind not in (None, "Managed") and not uri.startswith("https://"):
        errors.append(not_supported("diskURI", uri, ["https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"]))
    return errors


def csi_driver_name(field: str, name: str) -> Errors:
    """The name of a CSI driver."""
    if not name:
        return [required(field)]
    errors = [too_long(field, 63)] if len(name) > 63 else []
    return errors + [invalid(field, name, message) for message in dns_subdomain(name.lower())]


def _csi(source: Source) -> Errors:
    errors = csi_driver_name("driver", source.get("driver", ""))
    ref = source.get("nodePublishSecretRef")
    if ref is None:
        return errors
    return errors + (check("name", ref["name"], dns_subdomain) if ref.get("name") else [required("nodePublishSecretRef.name")])


def key_to_path(item: Source) -> Errors:
    """A key of a ConfigMap or Secret, and the file it becomes."""
    path = item.get("path", "")
    return required_fields("key", "path")(item) + non_reserved("path", path) + file_mode("mode", item.get("mode"))


def _keys(items: Sequence[Source] | None) -> Errors:
    return [error for index, item in enumerate(items or ()) for error in within(f"items[{index}]", key_to_path(item))]


def _keyed(name: str) -> Rule:
    return lambda source: required_fields(name)(source) + file_mode("defaultMode", source.get("defaultMode")) + _keys(source.get("items"))


def _downward_file(file: Source) -> Errors:
    path, field, resource = file.get("path", ""), file.get("fieldRef"), file.get("resourceFieldRef")
    errors = ([] if path else [required("path")]) + non_reserved("path", path)
    if field is not None:
        errors += within("fieldRef", validate_field_ref(field, VOLUME_FIELDS))
        if resource is not None:
            errors.append(invalid("", "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"))
    elif resource is not None:
        errors += within("resourceFieldRef", validate_resource_ref(resource, volume=True))
    else:
        errors.append(required("", "one of fieldRef and resourceFieldRef is required"))
    return errors + file_mode("mode", file.get("mode"))


def _downward(source: Source) -> Errors:
    errors = file_mode("defaultMode", source.get("defaultMode"))
    return errors + [error for file in source.get("items") or () for error in _downward_file(file)]


def _token(source: Source) -> Errors:
    seconds = source.get("expirationSeconds", 0)
    errors: Errors = []
    if seconds < 600:
        errors.append(invalid("expirationSeconds", seconds, "may not specify a duration less than 10 minutes"))
    if seconds > 1 << 32:
        errors.append(invalid("expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds"))
    return errors


_PROJECTIONS: dict[str, Rule] = {
    "secret": lambda source: required_fields("name")(source) + _keys(source.get("items")),
    "configMap": lambda source: required_fields("name")(source) + _keys(source.get("items")),
    "downwardAPI": lambda source: [error for file in source.get("items") or () for error in _downward_file(file)],
    "serviceAccountToken": _token,
}


def _projected_paths(kind: str, source: Source) -> list[str]:
    return [item["path"] for item in source.get("items") or () if item.get("path")] if kind != "serviceAccountToken" else []


@once
def _projected(volume: Source) -> Errors:
    errors = file_mode("defaultMode", volume.get("defaultMode"))
    taken: set[str] = set()
    for index, source in enumerate(volume.get("sources") or ()):
        given = [kind for kind in _PROJECTIONS if source.get(kind) is not None]
        for kind in given:
            errors += within(f"sources[{index}].{kind}", _PROJECTIONS[kind](source[kind]))
            for path in _projected_paths(kind, source[kind]):
                shown = source[kind].get("name", "") if kind in ("secret", "configMap") else path
                errors += [invalid("", shown, "conflicting duplicate paths")] if path in taken else []
                taken.add(path)
        if "serviceAccountToken" in given:
            path = source["serviceAccountToken"].get("path", "")
            errors += non_reserved("path", path) if path else [required("path")]
        if len(given) > 1:
            errors.append(forbidden(f"sources[{index}]", "may not specify more than 1 volume type per source"))
    return errors


def _empty_dir(source: Source) -> Errors:
    limit = source.get("sizeLimit")
    bad = limit is not None and exact(str(limit)) < 0
    return [forbidden("sizeLimit", "SizeLimit field must be a valid resource quantity")] if bad else []


def _ephemeral(source: Source) -> Errors:
    template = source.get("volumeClaimTemplate")
    return [required("volumeClaimTemplate")] if template is None else within("volumeClaimTemplate", validate_claim_template(template))


def _git_repo(source: Source) -> Errors:
    return required_fields("repository")(source) + descending("directory", source.get("directory", ""))


def _image(source: Source) -> Errors:
    errors = required_fields("reference")(source)
    policy = source.get("pullPolicy", "")
    if policy not in ("Always", "IfNotPresent", "Never"):
        errors.append(not_supported("pullPolicy", policy, ("Always", "IfNotPresent", "Never")) if policy else required("pullPolicy"))
    return errors


# In upstream's order, with the path under which upstream reports the source where it is not its own name.
SOURCES: dict[str, tuple[Rule, str]] = {
    "emptyDir": (_empty_dir, ""),
    "hostPath": (host_path, ""),
    "gitRepo": (_git_repo, ""),
    "gcePersistentDisk": (disk("pdName"), "persistentDisk"),
    "awsElasticBlockStore": (disk("volumeID"), ""),
    "secret": (_keyed("secretName"), ""),
    "nfs": (nfs, ""),
    "iscsi": (iscsi, ""),
    "glusterfs": (required_fields("endpoints", "path"), ""),
    "flocker": (flocker, ""),
    "persistentVolumeClaim": (required_fields("claimName"), ""),
    "rbd": (required_fields("monitors", "image"), ""),
    "cinder": (with_secret(required_fields("volumeID")), ""),
    "cephfs": (required_fields("monitors"), ""),
    "quobyte": (quobyte, ""),
    "downwardAPI": (_downward, ""),
    "fc": (fibre_channel, ""),
    "flexVolume": (flex, ""),
    "configMap": (_keyed("name"), ""),
    "azureFile": (required_fields("secretName", "shareName"), ""),
    "vsphereVolume": (required_fields("volumePath"), ""),
    "photonPersistentDisk": (required_fields("pdID"), ""),
    "portworxVolume": (required_fields("volumeID"), ""),
    "azureDisk": (azure_disk, ""),
    "storageos": (with_secret(storage_os), ""),
    "projected": (_projected, ""),
    "scaleIO": (required_fields("gateway", "system", "volumeName"), ""),
    "csi": (_csi, ""),
    "ephemeral": (_ephemeral, ""),
    "image": (_image, ""),
}
_MISSPELT = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}  # where more than one source is given


def one_source(volume: Source, sources: Mapping[str, tuple[Rule, str]]) -> Errors:
    """Exactly one of ``sources``, sound in itself."""
    given = [kind for kind in volume if kind in sources and volume[kind] is not None]
    if len(given) > 1:
        given = [kind for kind in sources if kind in given]
    if not given:
        return [required("", "must specify a volume type")]
    rule, path = sources[given[0]]
    errors = within(path or given[0], rule(volume[given[0]]))
    return errors + [forbidden(_MISSPELT.get(kind, kind), "may not specify more than 1 volume type") for kind in given[1:]]


def validate_volumes(volumes: Sequence[Source], pod_name: str = "") -> tuple[dict[str, Source], Errors]:
    """The sound volumes by name, and what is wrong with the others. ``pod_name`` is empty for templates."""
    errors: Errors = []
    sound: dict[str, Source] = {}
    created = {f"{pod_name}-{v.get('name', '')}" for v in volumes if v.get("ephemeral") is not None} if pod_name else set()
    for index, volume in enumerate(volumes):
        name = volume.get("name", "")
        wrong = one_source(volume, SOURCES) + _too_long_names(volume, pod_name)
        wrong += check("name", name, dns_label) if name else [required("name")]
        if name in sound:
            wrong.append(duplicate("name", name))
        if not wrong:
            sound[name] = volume
        errors += within(f"[{index}]", wrong)
        claim = (volume.get("persistentVolumeClaim") or EMPTY_DICT).get("claimName", "")
        if claim and claim in created:
            why = "must not reference a PVC that gets created for an ephemeral volume"
            errors.append(invalid(f"[{index}].persistentVolumeClaim.claimName", claim, why))
    return sound, errors


def _too_long_names(volume: Source, pod_name: str) -> Errors:
    name, errors = volume.get("name", ""), []
    target = volume.get("iscsi") or EMPTY_DICT
    if target.get("initiatorName") is not None and len(f"{name}:{target.get('targetPortal', '')}") > 64:
        errors.append(invalid("name", name, INITIATOR_WORDS))
    if volume.get("ephemeral") is not None and pod_name and name:
        claim = f"{pod_name}-{name}"
        errors += [invalid("name", name, f'PVC name "{claim}": {message}') for message in dns_subdomain(claim)]
    return errors
