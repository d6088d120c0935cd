"""Probes: the kubelet asks a container how it is.

    startup    until it has passed, the others wait; failing too often restarts the container
    liveness   failing too often restarts the container
    readiness  decides whether the pod gets traffic; never restarts anything

Each has a delay, a period, a time limit and two thresholds. :func:`ask` runs one probe and gives its outcome;
:func:`record` is the pure bookkeeping of streaks.

Models: pkg/kubelet/prober (worker.go, prober.go), pkg/probe/{http,tcp,exec,grpc}.
Simplified: a container answers at once or after the latency that its image states; the kubelet's requests are not jittered.
"""

from __future__ import annotations

import shlex
from typing import Any, NamedTuple

from k8snb.apimachinery.objects import Object
from k8snb.kubelet.state import ProbeState
from k8snb.seams.cni import HTTPRequest
from k8snb.seams.cri import Runtime
from k8snb.sim.clock import SECOND

KINDS = ("startup", "liveness", "readiness")
_STATUS_OK = range(200, 400)


class Outcome(NamedTuple):
    """What a probe found."""

    success: bool
    output: str = ""


def spec_of(container: Object, kind: str) -> Object | None:
    """The probe of that kind that the container declares."""
    found: Object | None = container.get(f"{kind}Probe")
    return found


def threshold(probe: Object, success: bool) -> int:
    """How many equal results in a row change the kubelet's mind."""
    return int(probe.get("successThreshold", 1) if success else probe.get("failureThreshold", 3))


def period(probe: Object) -> int:
    """The time between two probes (µs)."""
    return int(probe.get("periodSeconds", 10)) * SECOND


def first_due(probe: Object, started_at: int, now: int) -> int:
    """When a probe is first asked."""
    return max(now, started_at + int(probe.get("initialDelaySeconds", 0)) * SECOND)


def record(state: ProbeState, probe: Object, success: bool, now: int) -> bool:
    """Note a result. True when it has just reached its threshold (again)."""
    result = "success" if success else "failure"
    state.streak = state.streak + 1 if state.result == result else 1
    state.result, state.due = result, now + period(probe)
    return state.streak >= threshold(probe, success)


class Target(NamedTuple):
    """What is probed: a container of a pod, by its spec, its id, its pod's UID and address."""

    container: Object
    id: str
    uid: str
    address: str


def ask(probe: Object, target: Target, runtime: Runtime) -> Outcome:
    """Run a probe or an equal hook (``httpGet``, ``tcpSocket``, ``exec``, ``grpc``)."""
    limit = int(probe.get("timeoutSeconds", 1)) * SECOND
    for kind, handler in _HANDLERS.items():
        if probe.get(kind) is not None:
            outcome: Outcome = handler(probe[kind], target, runtime, limit)
            return outcome
    return Outcome(True)


def port_number(port: Any, container: Object) -> int:
    """A port given by number or by name; 0 where there is no such name."""
    if isinstance(port, int):
        return port
    named = {item.get("name"): item["containerPort"] for item in container.get("ports") or ()}
    return int(port) if str(port).isdigit() else named.get(port, 0)


def _http(action: Object, target: Target, runtime: Runtime, limit: int) -> Outcome:
    port = port_number(action.get("port"), target.container)
    host: str = action.get("host") or target.address
    path: str = action.get("path") or "/"
    url = f"{action.get('scheme', 'HTTP').lower()}://{host}:{port}{path if path.startswith('/') else '/' + path}"
    headers = {header["name"].lower(): header["value"] for header in action.get("httpHeaders") or ()}
    reply = runtime.serve(target.uid, HTTPRequest("GET", path, headers.get("host", host), port, source="kubelet"))
    if reply is None:
        return Outcome(False, f'Get "{url}": dial tcp {host}:{port}: connect: connection refused')
    if reply.latency > limit:
        return Outcome(False, f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)')
    if reply.status not in _STATUS_OK:
        return Outcome(False, f"HTTP probe failed with statuscode: {reply.status}")
    return Outcome(True)


def _tcp(action: Object, target: Target, runtime: Runtime, _limit: int) -> Outcome:
    port = port_number(action.get("port"), target.container)
    if runtime.listens(target.uid, port):
        return Outcome(True)
    return Outcome(False, f"dial tcp {action.get('host') or target.address}:{port}: connect: connection refused")


def _exec(action: Object, target: Target, runtime: Runtime, limit: int) -> Outcome:
    command = tuple(action.get("command") or ())
    result = runtime.execute(target.id, command, limit)
    if not result.finished or result.duration > limit:
        return Outcome(False, f'command timed out: "{shlex.join(command)}" timed out after {limit // SECOND}s')
    return Outcome(result.code == 0, result.output.rstrip("\n") if result.code else "")


def _grpc(action: Object, target: Target, runtime: Runtime, limit: int) -> Outcome:
    port = port_number(action.get("port"), target.container)
    if runtime.listens(target.uid, port):
        return Outcome(True)
    service = f'failed to connect service "{target.address}:{port}" within {limit // SECOND}s'
    return Outcome(False, f"timeout: {service}: context deadline exceeded")


_HANDLERS: dict[str, Any] = {"httpGet": _http, "tcpSocket": _tcp, "exec": _exec, "grpc": _grpc}
