"""Probes: the kubelet asks a container how it is.

    startup    until it has passed, the others wait; failing too often restarts the container
    liveness   failing too often restarts the container
    readiness  decides whether the pod gets traffic; never restarts anything

Each has a delay, a period, a time limit and two thresholds. :func:`ask` runs one probe and gives its outcome;
:func:`record` is the pure bookkeeping of streaks.

A probe ticks from the moment at which the kubelet took up the *pod*, not the container: with a period of 10 s, a container that
starts 3 s later is first asked after 7 s more. Two exceptions: a readiness probe is also asked at once when its container has
started; and a kubelet that has been restarted waits a random part of a period before the first tick, so that not all probes of
the node come at once.

    taken up      container starts                                    ticks (period 10 s)
    0 s ............ 3 s ............ 10 s ............ 20 s
                     readiness        liveness          both

Models: pkg/kubelet/prober (worker.go, prober.go, prober_manager.go), pkg/probe/{http,tcp,exec,grpc}.
Simplified: a container answers at once or after the latency that its image states; the random part is drawn once for a pod, not for
each of its probes; a redirect is taken for success, not followed; a probe whose ``host`` is neither empty nor the node itself is
asked of the pod all the same.
"""

from __future__ import annotations

import shlex
from typing import Any, NamedTuple

from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.strconv import atoi
from k8snb.kubelet.state import INIT, RUNNING, PodState, ProbeState
from k8snb.seams.cni import HTTPRequest
from k8snb.seams.cri import Runtime
from k8snb.sim.clock import SECOND
from k8snb.sim.kernel import Kernel

KINDS = ("startup", "liveness", "readiness")
_STATUS_OK = range(200, 400)


class Outcome(NamedTuple):
    """What a probe found. ``error``: it could not even be asked, so it says nothing about the container."""

    success: bool
    output: str = ""
    error: bool = False


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


def next_tick(origin: int, every: int, at: int) -> int:
    """The first moment at or after ``at`` that is a whole number of periods after ``origin`` (all in µs).

    >>> next_tick(5, 10, 5), next_tick(5, 10, 6), next_tick(50, 10, 7)
    (5, 15, 50)
    """
    return origin if at <= origin else origin + -(-(at - origin) // every) * every


def begin(kind: str, probe: Object, pod: PodState, started_at: int, now: int) -> ProbeState:
    """A probe of a container that has just started, or whose startup probe has just passed."""
    state = ProbeState(0, pod.probing_since, passed=kind == "liveness")
    state.due = first_due(kind, probe, state.origin, started_at, now)
    return state


def first_due(kind: str, probe: Object, origin: int, started_at: int, now: int) -> int:
    """When a probe is first asked (µs): with a tick after its delay; a readiness probe at once where its delay is over."""
    earliest = started_at + int(probe.get("initialDelaySeconds", 0)) * SECOND
    if kind == "readiness" and earliest <= now:
        return max(now, origin)
    return next_tick(origin, period(probe), max(now, earliest))


def resume(state: PodState, pod: Object | None, kernel: Kernel) -> None:
    """The kubelet was restarted: the probes of the pod begin anew, after a drawn part of their period."""
    if pod is None:
        return
    part = kernel.rng(f"probes/{state.uid}").fraction()
    for spec in (*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]):
        container = state.containers.get(spec["name"])
        if container is None or container.phase != RUNNING or container.kind == INIT:
            continue
        for kind, probe_state in container.probes.items():
            probe = spec_of(spec, kind)
            if probe is not None:
                probe_state.origin = kernel.now + int(part * period(probe))
                probe_state.due = first_due(kind, probe, probe_state.origin, container.started_at, kernel.now)
    state.probing_since = kernel.now


def record(state: ProbeState, probe: Object, success: bool, now: int) -> bool:
    """Note a result. True when it has just reached its threshold (again)."""
    result = "success" if success else "failure"
    state.streak = state.streak + 1 if state.result == result else 1
    state.result = result
    postpone(state, probe, now)
    return state.streak >= threshold(probe, success)


def postpone(state: ProbeState, probe: Object, now: int) -> None:
    """The probe was asked: again with its next tick."""
    state.due = next_tick(state.origin, period(probe), now + 1)


class Target(NamedTuple):
    """What is probed: a container of a pod, by its spec, its id, its pod's UID and address."""

    container: Object
    id: str
    uid: str
    address: str
    host_network: bool = False


def ask(probe: Object, target: Target, runtime: Runtime) -> Outcome:
    """Run a probe or an equal hook (``httpGet``, ``tcpSocket``, ``exec``, ``grpc``)."""
    limit = int(probe.get("timeoutSeconds", 1)) * SECOND
    for kind, handler in _HANDLERS.items():
        if probe.get(kind) is not None:
            try:
                outcome: Outcome = handler(probe[kind], target, runtime, limit)
            except NoSuchPort as error:
                return Outcome(False, str(error), error=True)
            return outcome
    return Outcome(True)


class NoSuchPort(ValueError):
    """A probe names a port that the container does not declare; the message is upstream's."""


def port_number(port: Any, container: Object) -> int:
    """A port given by number or by name. Raises :class:`NoSuchPort`."""
    if isinstance(port, int):
        return port
    named = {item.get("name"): item["containerPort"] for item in container.get("ports") or ()}
    if port in named:
        return int(named[port])
    try:
        return atoi(str(port))
    except ValueError as problem:
        raise NoSuchPort(str(problem)) from None


AGENT = "kube-probe/1.36"
_TLS_PORTS = (443, 6443, 8443, 10250)
"""Where simulated programs are taken to speak TLS; elsewhere an HTTPS probe finds plain HTTP."""
_LOCAL = ("localhost", "127.0.0.1", "::1")


def _reaches(action: Object, target: Target) -> bool:
    """Whether the request reaches the pod at all: ``host: localhost`` means the node, for it is the kubelet who asks."""
    return action.get("host") not in _LOCAL or target.host_network


def _http(action: Object, target: Target, runtime: Runtime, limit: int) -> Outcome:
    port = port_number(action.get("port"), target.container)
    host: str = action.get("host") or target.address
    path: str = action.get("path") or "/"
    scheme: str = action.get("scheme", "HTTP").lower()
    url = f"{scheme}://{host}:{port}{path if path.startswith('/') else '/' + path}"
    asked = tuple((header["name"], header["value"]) for header in action.get("httpHeaders") or ())
    names = {name.lower() for name, _ in asked}
    headers = asked + tuple((name, value) for name, value in (("User-Agent", AGENT), ("Accept", "*/*")) if name.lower() not in names)
    named = next((value for name, value in asked if name.lower() == "host"), host)
    request = HTTPRequest("GET", path, named, port, source="kubelet", headers=headers, scheme=scheme)
    reply = runtime.serve(target.uid, request) if _reaches(action, target) else None
    if reply is None:
        return Outcome(False, f'Get "{url}": dial tcp {host}:{port}: connect: connection refused')
    if scheme == "https" and port not in _TLS_PORTS:
        return Outcome(False, f'Get "{url}": http: server gave HTTP response to HTTPS client')
    if reply.latency > limit:
        return Outcome(False, f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)')
    if reply.status not in _STATUS_OK:
        return Outcome(False, f"HTTP probe failed with statuscode: {reply.status}")
    return Outcome(True)


def _tcp(action: Object, target: Target, runtime: Runtime, _limit: int) -> Outcome:
    port = port_number(action.get("port"), target.container)
    if _reaches(action, target) and runtime.listens(target.uid, port):
        return Outcome(True)
    return Outcome(False, f"dial tcp {action.get('host') or target.address}:{port}: connect: connection refused")


def _exec(action: Object, target: Target, runtime: Runtime, limit: int) -> Outcome:
    command = tuple(action.get("command") or ())
    result = runtime.execute(target.id, command, limit)
    if not result.finished or result.duration > limit:
        return Outcome(False, f'command timed out: "{shlex.join(command)}" timed out after {limit // SECOND}s')
    if result.failed:
        return Outcome(False, f"rpc error: code = Unknown desc = {result.output}", error=True)
    return Outcome(result.code == 0, result.output.rstrip("\n") if result.code else "")


def _grpc(action: Object, target: Target, runtime: Runtime, limit: int) -> Outcome:
    port = port_number(action.get("port"), target.container)
    said = runtime.health(target.uid, port, action.get("service") or "")
    if not said:  # nobody is there, or somebody who does not understand the question
        service = f'failed to connect service "{target.address}:{port}" within {limit // SECOND}s'
        return Outcome(False, f"timeout: {service}: context deadline exceeded")
    return Outcome(said == "SERVING", "" if said == "SERVING" else f'service unhealthy (responded with "{said}")')


_HANDLERS: dict[str, Any] = {"httpGet": _http, "tcpSocket": _tcp, "exec": _exec, "grpc": _grpc}
