"""The Pod Security Standards: what a pod may not do at the levels ``baseline`` and ``restricted``.

A check looks at a pod's metadata and spec and gives the sentence about what is wrong, or nothing. All checks of a level are run;
a stricter check takes the place of its milder namesake.

    violations("restricted", pod)     # ['allowPrivilegeEscalation != false (container "web" must set ...)', ...]

Models: k8s.io/pod-security-admission/policy (check_*.go, registry.go), version latest.
Simplified: older versions of the standards are judged by the latest one; SELinux types and sysctls are the current lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from k8snb.apimachinery.errors import quote
from k8snb.apimachinery.objects import EMPTY_DICT, Object, dig
from k8snb.apimachinery.resource import once

LEVELS = ("privileged", "baseline", "restricted")
Spec = Mapping[str, Any]
_CAPABILITIES = frozenset(
    ("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP",
     "SETUID", "SYS_CHROOT")
)  # fmt: skip
_SYSCTLS = frozenset((
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
))  # fmt: skip
_VOLUMES = frozenset(("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"))
_SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_SECCOMP = ("RuntimeDefault", "Localhost")


class Check(NamedTuple):
    """One rule: its sentence comes from ``find``; ``replaces`` names the milder check that it makes superfluous."""

    name: str
    level: str
    find: Callable[[Spec], str]
    replaces: str = ""


def containers(spec: Spec) -> list[Mapping[str, Any]]:
    """All containers of a pod, as upstream visits them."""
    return [c for key in ("initContainers", "containers", "ephemeralContainers") for c in spec.get(key) or ()]


def _names(found: Iterable[Mapping[str, Any]], one: str = "container", many: str = "containers") -> str:
    names = [quote(str(item.get("name", ""))) for item in found]
    return f"{one if len(names) == 1 else many} {', '.join(names)}"


def _bad(spec: Spec, path: str, wrong: Callable[[Any], bool]) -> list[Mapping[str, Any]]:
    return [c for c in containers(spec) if wrong(dig(c, ("securityContext", *path.split("."))))]


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(quote(word) for word in sorted(set(words)))


def _is_windows(spec: Spec) -> bool:
    return bool(dig(spec, "os.name") == "windows")


# Baseline


def _privileged(spec: Spec) -> str:
    bad = _bad(spec, "privileged", bool)
    return f"privileged ({_names(bad)} must not set securityContext.privileged=true)" if bad else ""


def _host_namespaces(spec: Spec) -> str:
    used = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return f"host namespaces ({', '.join(used)})" if used else ""


def _host_path_volumes(spec: Spec) -> str:
    bad = [volume for volume in spec.get("volumes") or () if volume.get("hostPath") is not None]
    return f"hostPath volumes ({_names(bad, 'volume', 'volumes')})" if bad else ""


def _host_ports(spec: Spec) -> str:
    bad = [c for c in containers(spec) if any(port.get("hostPort") for port in c.get("ports") or ())]
    ports = sorted({str(port["hostPort"]) for c in bad for port in c["ports"] if port.get("hostPort")})
    uses, word = "uses" if len(bad) == 1 else "use", "hostPort" if len(ports) == 1 else "hostPorts"
    return f"hostPort ({_names(bad)} {uses} {word} {', '.join(ports)})" if bad else ""


def _added(spec: Spec, allowed: frozenset[str]) -> str:
    bad = [c for c in containers(spec) if set(dig(c, "securityContext.capabilities.add", ())) - allowed]
    names = {name for c in bad for name in dig(c, "securityContext.capabilities.add", ()) if name not in allowed}
    return f"{_names(bad)} must not include {_quoted(names)} in securityContext.capabilities.add" if bad else ""


def _capabilities_baseline(spec: Spec) -> str:
    added = _added(spec, _CAPABILITIES)
    return f"non-default capabilities ({added})" if added else ""


def _proc_mount(spec: Spec) -> str:
    if spec.get("hostUsers") is False:
        return ""
    bad = _bad(spec, "procMount", lambda value: value not in (None, "Default"))
    values = _quoted(dig(c, "securityContext.procMount", "") for c in bad)
    return f"procMount ({_names(bad)} must not set securityContext.procMount to {values})" if bad else ""


def _setters(spec: Spec, path: str, wrong: Callable[[Any], bool]) -> tuple[str, list[Any]]:
    """Who sets a bad value, "pod and container ...", and the values."""
    pod, bad = dig(spec, ("securityContext", *path.split("."))), _bad(spec, path, wrong)
    who = ["pod"] if wrong(pod) else []
    values = [pod] if wrong(pod) else []
    values += [dig(c, ("securityContext", *path.split("."))) for c in bad]
    return " and ".join([*who, *([_names(bad)] if bad else [])]), values


def _app_armor(spec: Spec) -> str:
    who, values = _setters(spec, "appArmorProfile.type", lambda value: value not in (None, "RuntimeDefault", "Localhost"))
    word = "profile" if len(values) == 1 else "profiles"
    return f"forbidden AppArmor {word} ({who} must not set AppArmor profile type to {_quoted(values)})" if who else ""


def _selinux(spec: Spec) -> str:
    def wrong(options: Any) -> bool:
        return bool(options) and (options.get("type", "") not in _SELINUX_TYPES or bool(options.get("user") or options.get("role")))

    who, values = _setters(spec, "seLinuxOptions", wrong)
    if not who:
        return ""
    types = [v["type"] for v in values if v.get("type", "") not in _SELINUX_TYPES]
    told = [f"type{'' if len(set(types)) == 1 else 's'} {_quoted(types)}"] if types else []
    told += ["user may not be set"] if any(v.get("user") for v in values) else []
    told += ["role may not be set"] if any(v.get("role") for v in values) else []
    sets = "sets" if " and " not in who and "containers" not in who else "set"
    return f"seLinuxOptions ({who} {sets} forbidden securityContext.seLinuxOptions: {'; '.join(told)})"


def _seccomp_baseline(spec: Spec) -> str:
    who, values = _setters(spec, "seccompProfile.type", lambda value: value not in (None, *_SECCOMP))
    return f"seccompProfile ({who} must not set securityContext.seccompProfile.type to {_quoted(values)})" if who else ""


def _sysctls(spec: Spec) -> str:
    bad = sorted({s.get("name", "") for s in dig(spec, "securityContext.sysctls", ())} - _SYSCTLS)
    return f"forbidden sysctls ({', '.join(bad)})" if bad else ""


def _windows_host_process(spec: Spec) -> str:
    who, _ = _setters(spec, "windowsOptions.hostProcess", bool)
    return f"hostProcess ({who} must not set securityContext.windowsOptions.hostProcess=true)" if who else ""


# Restricted


def _privilege_escalation(spec: Spec) -> str:
    bad = [] if _is_windows(spec) else _bad(spec, "allowPrivilegeEscalation", lambda value: value is not False)
    return f"allowPrivilegeEscalation != false ({_names(bad)} must set securityContext.allowPrivilegeEscalation=false)" if bad else ""


def _capabilities_restricted(spec: Spec) -> str:
    if _is_windows(spec):
        return ""
    keep = [c for c in containers(spec) if "ALL" not in dig(c, "securityContext.capabilities.drop", ())]
    told = [f'{_names(keep)} must set securityContext.capabilities.drop=["ALL"]'] if keep else []
    added = _added(spec, frozenset(("NET_BIND_SERVICE",)))
    told += [added] if added else []
    return f"unrestricted capabilities ({'; '.join(told)})" if told else ""


def _restricted_volumes(spec: Spec) -> str:
    kinds = {v["name"]: next((key for key in v if key != "name"), "unknown") for v in spec.get("volumes") or ()}
    bad = [{"name": name} for name, kind in kinds.items() if kind not in _VOLUMES]
    types = {kind for kind in kinds.values() if kind not in _VOLUMES}
    uses, word = "uses" if len(bad) == 1 else "use", "restricted volume type" + ("" if len(types) == 1 else "s")
    return f"restricted volume types ({_names(bad, 'volume', 'volumes')} {uses} {word} {_quoted(types)})" if bad else ""


def _run_as_non_root(spec: Spec) -> str:
    who, _ = _setters(spec, "runAsNonRoot", lambda value: value is False)
    if who:
        return f"runAsNonRoot != true ({who} must not set securityContext.runAsNonRoot=false)"
    silent = [] if dig(spec, "securityContext.runAsNonRoot") else _bad(spec, "runAsNonRoot", lambda value: value is None)
    return f"runAsNonRoot != true (pod or {_names(silent)} must set securityContext.runAsNonRoot=true)" if silent else ""


def _run_as_user(spec: Spec) -> str:
    who, _ = _setters(spec, "runAsUser", lambda value: value == 0 and value is not None)
    return f"runAsUser=0 ({who} must not set runAsUser=0)" if who else ""


def _seccomp_restricted(spec: Spec) -> str:
    bad = _seccomp_baseline(spec)
    if bad or _is_windows(spec):
        return bad
    silent = [] if dig(spec, "securityContext.seccompProfile.type") else _bad(spec, "seccompProfile.type", lambda value: value is None)
    must = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return f"seccompProfile (pod or {_names(silent)} {must})" if silent else ""


CHECKS = (  # by name, the order in which upstream tells them
    Check("allowPrivilegeEscalation", "restricted", _privilege_escalation),
    Check("appArmorProfile", "baseline", _app_armor),
    Check("capabilities_baseline", "baseline", _capabilities_baseline),
    Check("capabilities_restricted", "restricted", _capabilities_restricted, replaces="capabilities_baseline"),
    Check("hostNamespaces", "baseline", _host_namespaces),
    Check("hostPathVolumes", "baseline", _host_path_volumes),
    Check("hostPorts", "baseline", _host_ports),
    Check("privileged", "baseline", _privileged),
    Check("procMount", "baseline", _proc_mount),
    Check("restrictedVolumes", "restricted", _restricted_volumes, replaces="hostPathVolumes"),
    Check("runAsNonRoot", "restricted", _run_as_non_root),
    Check("runAsUser", "restricted", _run_as_user),
    Check("seLinuxOptions", "baseline", _selinux),
    Check("seccompProfile_baseline", "baseline", _seccomp_baseline),
    Check("seccompProfile_restricted", "restricted", _seccomp_restricted, replaces="seccompProfile_baseline"),
    Check("sysctls", "baseline", _sysctls),
    Check("windowsHostProcess", "baseline", _windows_host_process),
)
_REPLACED = frozenset(check.replaces for check in CHECKS)


@once
def _baseline(spec: Any) -> list[str]:
    return [text for check in CHECKS if check.level == "baseline" if (text := check.find(spec))]


@once
def _restricted(spec: Any) -> list[str]:
    return [text for check in CHECKS if check.name not in _REPLACED if (text := check.find(spec))]


def violations(level: str, spec: Object | None) -> list[str]:
    """What a pod spec (frozen) breaks at a level, a sentence for each check."""
    judge = {"baseline": _baseline, "restricted": _restricted}.get(level)
    return judge(spec or EMPTY_DICT) if judge else []
