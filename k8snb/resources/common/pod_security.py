"""Security contexts of pods and containers, and what an operating system forbids.

Models: pkg/apis/core/validation/validation.go (ValidateSecurityContext, validatePodSpecSecurityContext, validateWindows ...).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, duplicate, forbidden, invalid, not_supported, required, too_long, within
from k8snb.apimachinery.objects import EMPTY_DICT
from k8snb.apimachinery.validation import check, dns_subdomain, in_range
from k8snb.resources.common.internal_form import internal
from k8snb.resources.common.paths import descending

Context = Mapping[str, Any]
MAX_ID = 2147483647
PROFILE_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")


def containers_with_paths(spec: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Every container of a pod with its path: init containers, containers, ephemeral ones."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    for key in ("initContainers", "containers", "ephemeralContainers"):
        if containers := spec.get(key):
            found += [(f"{key}[{index}]", container) for index, container in enumerate(containers)]
    return found


def _identity(field: str, number: int | None) -> Errors:
    return [] if number is None or 0 <= number <= MAX_ID else [invalid(field, number, in_range(0, MAX_ID))]


def _identities(context: Context, *fields: str) -> Errors:
    return [error for field in fields for error in _identity(field, context.get(field))]


def _supported(context: Context, field: str, *choices: str) -> Errors:
    value = context.get(field)
    return [] if value is None or value in choices else [not_supported(field, value, choices)]


def _seccomp(profile: Context | None) -> Errors:
    if profile is None:
        return []
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    errors = _profile_type(kind, "type is required when seccompProfile is set")
    if kind != "Localhost":
        if local is not None:
            errors.append(invalid("localhostProfile", internal("Profile", profile), "can only be set when seccomp type is Localhost"))
        return errors
    if local is None:
        return [*errors, required("localhostProfile", "must be set when seccomp type is Localhost")]
    return errors + descending("localhostProfile", local)


def _profile_type(kind: str, why: str) -> Errors:
    if not kind:
        return [required("type", why)]
    return [] if kind in PROFILE_TYPES else [not_supported("type", kind, PROFILE_TYPES)]


def _app_armor(profile: Context | None) -> Errors:
    if profile is None:
        return []
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    errors = _profile_type(kind, "type is required when appArmorProfile is set")
    if kind in ("RuntimeDefault", "Unconfined") and local is not None:
        errors.append(invalid("localhostProfile", local, "can only be set when AppArmor type is Localhost"))
    elif kind == "Localhost":
        errors += _app_armor_localhost(local)
    return errors


def _app_armor_localhost(local: str | None) -> Errors:
    if local is None:
        return [required("localhostProfile", "must be set when AppArmor type is Localhost")]
    errors: Errors = []
    if local.strip() != local:
        errors.append(invalid("localhostProfile", local, "must not be padded with whitespace"))
    elif not local:
        errors.append(required("localhostProfile", "must be set when AppArmor type is Localhost"))
    return errors + ([too_long("localhostProfile", 4095)] if len(local) > 4095 else [])


def validate_security_context(context: Context, host_users: bool) -> Errors:
    """``securityContext`` of a container."""
    errors = _identities(context, "runAsUser", "runAsGroup") + _supported(context, "procMount", "Default", "Unmasked")
    if host_users and context.get("procMount") == "Unmasked":
        errors.append(invalid("procMount", "Unmasked", "`hostUsers` must be false to use `Unmasked`"))
    errors += within("seccompProfile", _seccomp(context.get("seccompProfile")))
    if context.get("allowPrivilegeEscalation") is False:
        errors += _no_escalation(context)
    errors += within("windowsOptions", _windows_options(context.get("windowsOptions") or EMPTY_DICT))
    return errors + within("appArmorProfile", _app_armor(context.get("appArmorProfile")))


def _no_escalation(context: Context) -> Errors:
    shown = internal("SecurityContext", context)
    errors: Errors = []
    if context.get("privileged"):
        errors.append(invalid("", shown, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"))
    for capability in (context.get("capabilities") or EMPTY_DICT).get("add") or ():
        if capability == "CAP_SYS_ADMIN":
            errors.append(invalid("", shown, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"))
    return errors


def validate_pod_security_context(context: Context, spec: Mapping[str, Any]) -> Errors:
    """``securityContext`` of a pod."""
    errors = _identities(context, "fsGroup", "runAsUser", "runAsGroup") if context else []
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        errors += _identity(f"supplementalGroups[{index}]", group)
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        errors.append(invalid("shareProcessNamespace", True, "ShareProcessNamespace and HostPID cannot both be enabled"))
    if not context:
        return errors
    errors += within("sysctls", _sysctls(context.get("sysctls") or (), spec))
    errors += _supported(context, "fsGroupChangePolicy", "Always", "OnRootMismatch")
    errors += within("seccompProfile", _seccomp(context.get("seccompProfile")))
    errors += within("windowsOptions", _windows_options(context.get("windowsOptions") or EMPTY_DICT))
    errors += within("appArmorProfile", _app_armor(context.get("appArmorProfile")))
    errors += _supported(context, "supplementalGroupsPolicy", "Merge", "Strict")
    return errors + _supported(context, "seLinuxChangePolicy", "MountOption", "Recursive")


_SYSCTL_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = rf"({_SYSCTL_SEGMENT}[\./])*{_SYSCTL_SEGMENT}"
_IPC = ("kernel.shm", "kernel.msg", "fs.mqueue.", "kernel.sem")


def _sysctls(sysctls: Any, spec: Mapping[str, Any]) -> Errors:
    errors: Errors = []
    names: set[str] = set()
    for index, sysctl in enumerate(sysctls):
        field, name = f"[{index}].name", sysctl.get("name", "")
        if not name:
            errors.append(required(field))
        elif len(name) > 253 or not re.fullmatch(_SYSCTL, name, re.ASCII):
            errors.append(invalid(field, name, f"must have at most 253 characters and match regex ^{_SYSCTL}$"))
        elif name in names:
            errors.append(duplicate(field, name))
        plain = name.replace("/", ".")
        if spec.get("hostNetwork") and plain.startswith("net."):
            errors.append(invalid(field, name, "may not be specified when 'hostNetwork' is true"))
        if spec.get("hostIPC") and plain.startswith(_IPC):
            errors.append(invalid(field, name, "may not be specified when 'hostIPC' is true"))
        names.add(name)
    return errors


# Windows


def _windows_options(options: Context) -> Errors:
    errors: Errors = []
    if options.get("gmsaCredentialSpecName") is not None:
        errors += check("gmsaCredentialSpecName", options["gmsaCredentialSpecName"], dns_subdomain)
    content = options.get("gmsaCredentialSpec")
    if content == "":
        errors.append(invalid("gmsaCredentialSpec", content, "gmsaCredentialSpec cannot be an empty string"))
    elif content and len(content) > 65536:
        errors.append(invalid("gmsaCredentialSpec", content, "gmsaCredentialSpec size must be under 64 KiB"))
    name = options.get("runAsUserName")
    return errors + ([invalid("runAsUserName", name, f"runAsUserName{why}") for why in _user_name(name)] if name is not None else [])


_DNS_PART = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DOMAIN = rf"""[^\\/:*?"<>|.][^\\/:*?"<>|]{{0,14}}|{_DNS_PART}(?:\.{_DNS_PART})*"""


def _user_name(name: str) -> list[str]:
    if not name:
        return [" cannot be an empty string"]
    if re.search(r"[\x00-\x1f\x7f]", name):
        return [" cannot contain control characters"]
    parts = name.split("\\")
    if len(parts) > 2:
        return [" cannot contain more than one backslash"]
    user, domain = parts[-1], parts[0] if len(parts) == 2 else None
    rules = (
        (domain is not None and len(domain) >= 256, "'s Domain length must be under 256 characters"),
        (domain is not None and not re.fullmatch(_DOMAIN, domain), "'s Domain doesn't match the NetBios nor the DNS format"),
        (not user, "'s User cannot be empty"),
        (len(user) > 104, "'s User length must not be longer than 104 characters"),
        (bool(re.fullmatch(r"[. ]+", user)), "'s User cannot contain only periods or spaces"),
        (bool(re.search(r'["/\\:;|=,+*?<>@\[\]]', user)), "'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]"),
    )
    return [why for broken, why in rules if broken]


def validate_host_process(spec: Mapping[str, Any]) -> Errors:
    """Windows HostProcess containers: all or none, and on the host's network."""
    of_pod = _host_process(spec)
    errors: Errors = []
    found = [(path, _host_process(container)) for path, container in containers_with_paths(spec)]
    if of_pod is None and not [own for _, own in found if own]:
        return errors
    for path, own in found:
        if of_pod is not None and own is not None and own != of_pod:
            why = f"pod hostProcess value must be identical if both are specified, was {str(of_pod).lower()}"
            errors.append(invalid(f"{path}.securityContext.windowsOptions.hostProcess", own, why))
    count = sum(bool(of_pod if own is None else own) for _, own in found)
    if count and count != len(found):
        errors.append(invalid("", "", "If pod contains any hostProcess containers then all containers must be HostProcess containers"))
    if count and not spec.get("hostNetwork"):
        errors.append(invalid("hostNetwork", False, "hostNetwork must be true if pod contains any hostProcess containers"))
    return errors


def _host_process(owner: Mapping[str, Any]) -> bool | None:
    options = (owner.get("securityContext") or EMPTY_DICT).get("windowsOptions")
    value: bool | None = options.get("hostProcess") if options else None
    return value


_NOT_FOR_WINDOWS_PODS = (
    "securityContext.appArmorProfile", "securityContext.seLinuxOptions", "hostUsers", "hostPID", "hostIPC",
    "securityContext.seccompProfile", "securityContext.fsGroup", "securityContext.fsGroupChangePolicy", "securityContext.sysctls",
    "shareProcessNamespace", "securityContext.runAsUser", "securityContext.runAsGroup", "securityContext.supplementalGroups",
    "securityContext.supplementalGroupsPolicy", "securityContext.seLinuxChangePolicy",
)  # fmt: skip
_NOT_FOR_WINDOWS_CONTAINERS = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged",
    "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
)  # fmt: skip


def validate_os(spec: Mapping[str, Any]) -> Errors:
    """``os.name``, and the fields that make no sense there."""
    name = (spec.get("os") or EMPTY_DICT).get("name", "")
    if not name:
        return [required("os.name")]
    if name not in ("linux", "windows"):
        return [not_supported("os", name, ("linux", "windows"))]
    return _validate_windows(spec) if name == "windows" else _validate_linux(spec)


def _validate_linux(spec: Mapping[str, Any]) -> Errors:
    owners = [("", spec), *((f"{path}.", container) for path, container in containers_with_paths(spec))]
    return [
        forbidden(f"{path}securityContext.windowsOptions", "windows options cannot be set for a linux pod")
        for path, owner in owners
        if (owner.get("securityContext") or EMPTY_DICT).get("windowsOptions") is not None
    ]


def _validate_windows(spec: Mapping[str, Any]) -> Errors:
    why = "cannot be set for a windows pod"
    errors: Errors = []
    for path in _NOT_FOR_WINDOWS_PODS:
        owner, _, field = path.rpartition(".")
        value = (spec.get(owner) or EMPTY_DICT if owner else spec).get(field)
        if value is not None and value != [] and not (field in ("hostPID", "hostIPC") and not value):
            errors.append(forbidden(path, why))
    for path, container in containers_with_paths(spec):
        context = container.get("securityContext") or EMPTY_DICT
        errors += [
            forbidden(f"{path}.securityContext.{field}", why) for field in _NOT_FOR_WINDOWS_CONTAINERS if context.get(field) is not None
        ]
    return errors


def validate_host_users(spec: Mapping[str, Any]) -> Errors:
    """A user namespace of its own does not go together with other namespaces of the host."""
    if spec.get("hostUsers") is not False:
        return []
    why = "when `hostUsers` is false"
    errors = [
        forbidden(shown, why)
        for key, shown in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC"))
        if spec.get(key)
    ]
    return errors + [forbidden(f"{path}.volumeDevices", why) for path, c in containers_with_paths(spec) if c.get("volumeDevices")]
