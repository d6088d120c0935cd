"""Probes and lifecycle hooks of containers.

Models: pkg/apis/core/validation/validation.go (validateHandler, validateProbe, validateLifecycle).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8snb.apimachinery.errors import Errors, forbidden, invalid, not_supported, required, within
from k8snb.apimachinery.validation import check, http_header_name, not_negative
from k8snb.resources.common.pod_env import port_number, port_number_or_name

SCHEMES = ("HTTP", "HTTPS")
_REALTIME = [f"SIGRTMIN+{n}" for n in range(1, 16)] + [f"SIGRTMAX-{n}" for n in range(14, 0, -1)]
_SIGNALS = (
    "SIGABRT SIGALRM SIGBUS SIGCHLD SIGCLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGIOT SIGKILL SIGPIPE SIGPOLL SIGPROF SIGPWR "
    "SIGQUIT SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH "
    "SIGXCPU SIGXFSZ SIGRTMIN SIGRTMAX"
)
LINUX_SIGNALS = sorted([*_SIGNALS.split(), *_REALTIME])
WINDOWS_SIGNALS = ["SIGKILL", "SIGTERM"]


def _exec(action: Mapping[str, Any], _grace: int | None) -> Errors:
    return [] if action.get("command") else [required("command")]


def _http_get(action: Mapping[str, Any], _grace: int | None) -> Errors:
    errors = [] if action.get("path") else [required("path")]
    errors += port_number_or_name("port", action.get("port", 0))
    if action.get("scheme", "") not in SCHEMES:
        errors.append(not_supported("scheme", action.get("scheme", ""), SCHEMES))
    for header in action.get("httpHeaders") or ():
        errors += check("httpHeaders", header.get("name", ""), http_header_name)
    return errors


def _tcp_socket(action: Mapping[str, Any], _grace: int | None) -> Errors:
    return port_number_or_name("port", action.get("port", 0))


def _grpc(action: Mapping[str, Any], _grace: int | None) -> Errors:
    return port_number("port", action.get("port", 0))


def _sleep(action: Mapping[str, Any], grace: int | None) -> Errors:
    seconds = action.get("seconds", 0)
    if grace is None or 0 <= seconds <= grace:
        return []
    return [invalid("", seconds, f"must be non-negative and less than terminationGracePeriodSeconds ({grace})")]


Check = Callable[[Mapping[str, Any], "int | None"], Errors]
_PROBE_HANDLERS: dict[str, Check] = {"exec": _exec, "httpGet": _http_get, "tcpSocket": _tcp_socket, "grpc": _grpc}
_HOOK_HANDLERS: dict[str, Check] = {"exec": _exec, "httpGet": _http_get, "tcpSocket": _tcp_socket, "sleep": _sleep}


def _validate_handler(handler: Mapping[str, Any], kinds: Mapping[str, Check], grace: int | None) -> Errors:
    given = [kind for kind in kinds if handler.get(kind) is not None]
    if not given:
        return [required("", "must specify a handler type")]
    errors = within(given[0], kinds[given[0]](handler[given[0]], grace))
    return errors + [forbidden(kind, "may not specify more than 1 handler type") for kind in given[1:]]


_COUNTS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def validate_probe(probe: Mapping[str, Any], kind: str, grace: int | None) -> Errors:
    """A probe; ``kind`` is the name of its field."""
    errors = _validate_handler(probe, _PROBE_HANDLERS, grace)
    for field in _COUNTS:
        errors += not_negative(field, probe.get(field))
    own_grace = probe.get("terminationGracePeriodSeconds")
    if own_grace is not None and own_grace <= 0:
        errors.append(invalid("terminationGracePeriodSeconds", own_grace, "must be greater than 0"))
    if kind == "readinessProbe":
        if own_grace is not None:
            errors.append(invalid("terminationGracePeriodSeconds", own_grace, "must not be set for readinessProbes"))
    elif probe.get("successThreshold", 0) != 1:
        errors.append(invalid("successThreshold", probe.get("successThreshold", 0), "must be 1"))
    return errors


PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def validate_probes(container: Mapping[str, Any], grace: int | None) -> Errors:
    """All probes of a container."""
    return [e for kind in PROBES if container.get(kind) for e in within(kind, validate_probe(container[kind], kind, grace))]


def validate_lifecycle(lifecycle: Mapping[str, Any], grace: int | None, os: str) -> Errors:
    """Hooks and the stop signal; ``os`` is the pod's, empty where it names none."""
    errors: Errors = []
    for hook in ("postStart", "preStop"):
        if lifecycle.get(hook) is not None:
            errors += within(hook, _validate_handler(lifecycle[hook], _HOOK_HANDLERS, grace))
    signal = lifecycle.get("stopSignal")
    if signal is None:
        return errors
    if not os:
        return [*errors, forbidden("stopSignal", "may not be set for containers with empty `spec.os.name`")]
    known = {"windows": WINDOWS_SIGNALS, "linux": LINUX_SIGNALS}.get(os, [signal])
    return errors if signal in known else [*errors, not_supported("stopSignal", signal, known)]
