"""What a container is given: ports, environment variables, mounts, devices.

All validations take the list and give errors relative to it.

Models: pkg/apis/core/validation/validation.go (validateContainerPorts, ValidateEnv, ValidateEnvFrom, ValidateVolumeMounts,
ValidateVolumeDevices).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, not_found, not_supported, required, within
from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.apimachinery.validation import check, config_key, dns_label, dns_subdomain, env_var_name, in_range, port_name
from k8snb.resources.common.downward import ENV_FIELDS, validate_field_ref, validate_resource_ref
from k8snb.resources.common.paths import descending, no_backsteps

Items = Sequence[Mapping[str, Any]]
Volumes = Mapping[str, Mapping[str, Any]]

PROTOCOLS = ("SCTP", "TCP", "UDP")


def port_number(field: str, number: int) -> Errors:
    """A port number that can be used."""
    return [] if 1 <= number <= 65535 else [invalid(field, number, in_range(1, 65535))]


def port_number_or_name(field: str, port: int | str) -> Errors:
    """A port by its number or its name."""
    return check(field, port, port_name) if isinstance(port, str) else port_number(field, port)


def protocol(field: str, value: str) -> Errors:
    """A transport protocol."""
    if not value:
        return [required(field)]
    return [] if value in PROTOCOLS else [not_supported(field, value, PROTOCOLS)]


def validate_ports(ports: Items) -> Errors:
    """Ports of a container."""
    errors: Errors = []
    names: set[str] = set()
    for index, port in enumerate(ports):
        name = port.get("name", "")
        if name and name in names:
            errors.append(duplicate(f"[{index}].name", name))
        elif name:
            wrong = check(f"[{index}].name", name, port_name)
            errors += wrong
            names |= set() if wrong else {name}
        number = port.get("containerPort", 0)
        errors += port_number(f"[{index}].containerPort", number) if number else [required(f"[{index}].containerPort")]
        if host := port.get("hostPort", 0):
            errors += port_number(f"[{index}].hostPort", host)
        errors += protocol(f"[{index}].protocol", port.get("protocol", ""))
    return errors


def validate_env(variables: Items) -> Errors:
    """Environment variables."""
    errors: Errors = []
    for index, variable in enumerate(variables):
        name = variable.get("name", "")
        errors += check(f"[{index}].name", name, env_var_name) if name else [required(f"[{index}].name")]
        if variable.get("valueFrom") is not None:
            errors += within(f"[{index}].valueFrom", _validate_value_from(variable["valueFrom"], variable.get("value", "")))
    return errors


def _key_ref(ref: Mapping[str, Any]) -> Errors:
    errors = check("name", ref.get("name", ""), dns_subdomain)
    return errors + (check("key", ref["key"], config_key) if ref.get("key") else [required("key")])


def _file_key_ref(ref: Mapping[str, Any]) -> Errors:
    errors = check("key", ref["key"], env_var_name) if ref.get("key") else [required("key")]
    errors += check("volumeName", ref["volumeName"], dns_label) if ref.get("volumeName") else [required("volumeName")]
    return errors + (no_backsteps("path", ref["path"]) if ref.get("path") else [required("path")])


_VALUE_SOURCES = {
    "fieldRef": lambda ref: validate_field_ref(ref, ENV_FIELDS),
    "resourceFieldRef": validate_resource_ref,
    "configMapKeyRef": _key_ref,
    "secretKeyRef": _key_ref,
    "fileKeyRef": _file_key_ref,
}


def _validate_value_from(source: Mapping[str, Any], value: str) -> Errors:
    given = [key for key in _VALUE_SOURCES if source.get(key) is not None]
    errors = [error for key in given for error in within(key, _VALUE_SOURCES[key](source[key]))]
    if not given:
        words = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        errors.append(invalid("", "", words))
    elif value:
        errors.append(invalid("", "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        errors.append(invalid("", "", "may not have more than one field specified at a time"))
    return errors


def validate_env_from(sources: Items) -> Errors:
    """Whole ConfigMaps and Secrets as variables."""
    errors: Errors = []
    for index, source in enumerate(sources):
        if source.get("prefix"):
            errors += check(f"[{index}].prefix", source["prefix"], env_var_name)
        given = [key for key in ("configMapRef", "secretRef") if source.get(key) is not None]
        for key in given:
            name = source[key].get("name", "")
            field = f"[{index}].{key}.name"
            errors += check(field, name, dns_subdomain) if name else [required(field)]
        if not given:
            errors.append(invalid("", "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(given) > 1:
            errors.append(invalid("", "", "may not have more than one field specified at a time"))
    return errors


_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_RECURSIVE = ("Disabled", "Enabled", "IfPossible")


def validate_mounts(mounts: Items, devices: Items, volumes: Volumes, container: Mapping[str, Any]) -> Errors:
    """Where volumes appear in a container. Several errors stand at the list itself, as upstream has them."""
    errors: Errors = []
    seen: set[str] = set()
    device_paths = {device.get("name", ""): device.get("devicePath", "") for device in devices}
    for index, mount in enumerate(mounts):
        name, path = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            errors.append(required(f"[{index}].name"))
        if name not in volumes:
            errors.append(not_found(f"[{index}].name", name))
        if not path:
            errors.append(required(f"[{index}].mountPath"))
        if path in seen:
            errors.append(invalid(f"[{index}].mountPath", path, "must be unique"))
        seen.add(path)
        if name in device_paths:
            errors.append(invalid(f"[{index}].name", name, "must not already exist in volumeDevices"))
        if path in device_paths.values():
            errors.append(invalid(f"[{index}].mountPath", path, "must not already exist as a path in volumeDevices"))
        errors += _validate_sub_paths(index, mount) + _validate_propagation(mount, container)
    return errors


def _validate_sub_paths(index: int, mount: Mapping[str, Any]) -> Errors:
    path, expression = mount.get("subPath", ""), mount.get("subPathExpr", "")
    errors = descending("subPath", path) if path else []
    if expression and path:
        errors.append(invalid(f"[{index}].subPathExpr", expression, "subPathExpr and subPath are mutually exclusive"))
    return errors + (descending("subPathExpr", expression) if expression else [])


def _validate_propagation(mount: Mapping[str, Any], container: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    propagation = mount.get("mountPropagation")
    if propagation is not None and propagation not in _PROPAGATIONS:
        errors.append(not_supported("mountPropagation", propagation, _PROPAGATIONS))
    if propagation == "Bidirectional" and not (container.get("securityContext") or EMPTY_DICT).get("privileged"):
        errors.append(forbidden("mountPropagation", "Bidirectional mount propagation is available only to privileged containers"))
    recursive = mount.get("recursiveReadOnly")
    if recursive is not None and recursive not in _RECURSIVE:
        errors.append(not_supported("recursiveReadOnly", recursive, _RECURSIVE))
    elif recursive in ("Enabled", "IfPossible"):
        if not mount.get("readOnly"):
            errors.append(forbidden("recursiveReadOnly", "may only be specified when readOnly is true"))
        if propagation not in (None, "None"):
            errors.append(forbidden("recursiveReadOnly", "may only be specified when mountPropagation is None or not specified"))
    return errors


def validate_devices(devices: Items, mounts: Items, volumes: Volumes) -> Errors:
    """Where block volumes appear in a container."""
    errors: Errors = []
    names: set[str] = set()
    paths: set[str] = set()
    mounted = {mount.get("name", ""): mount.get("mountPath", "") for mount in mounts}
    for index, device in enumerate(devices):
        name, path = device.get("name", ""), device.get("devicePath", "")
        errors += _validate_device_name(index, name, names, volumes)
        if not path:
            errors.append(required(f"[{index}].devicePath"))
        if path in paths:
            errors.append(invalid(f"[{index}].devicePath", path, "must be unique"))
        if path and no_backsteps("", path):
            errors.append(invalid(f"[{index}].devicePath", path, "can not contain backsteps ('..')"))
        else:
            paths.add(path)
        if name in mounted:
            errors.append(invalid(f"[{index}].name", name, "must not already exist in volumeMounts"))
        if path in mounted.values():
            errors.append(invalid(f"[{index}].devicePath", path, "must not already exist as a path in volumeMounts"))
        names |= {name} if name else set()
    return errors


def _validate_device_name(index: int, name: str, names: set[str], volumes: Volumes) -> Errors:
    field = f"[{index}].name"
    errors = [] if name else [required(field)]
    if name in names:
        errors.append(invalid(field, name, "must be unique"))
    volume = volumes.get(name)
    if volume is None:
        errors.append(not_found(field, name))
    elif volume.get("persistentVolumeClaim") is None and volume.get("ephemeral") is None:
        errors.append(invalid(field, name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"))
    return errors
