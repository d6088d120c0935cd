"""The status of a pod, as its kubelet writes it: phase, conditions, one entry for each container.

All functions are pure. The status is computed anew each time from what the kubelet knows, then compared with what was
written last; conditions keep their transition time while they do not change.

Which details appear depends on who reports (:class:`Style`): a real kubelet, a real kubelet over a fake runtime (the recorder
of the reference recordings) or the stand-in that ran commands for them.

Models: pkg/kubelet/kubelet_pods.go (generateAPIPodStatus, getPhase, convertToAPIContainerStatuses), pkg/kubelet/status/generate.go.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apimachinery import quantity
from k8snb.apimachinery.meta import condition, timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, FrozenDict, FrozenList, Object
from k8snb.apimachinery.resource import once
from k8snb.component_helpers import qos_class
from k8snb.kubelet.restarts import goes_on, restarts
from k8snb.kubelet.state import APP, EPHEMERAL, EXITED, INIT, RUNNING, SIDECAR, ContainerState, PodState
from k8snb.resources.common.pod_containers import may_restart_all

PENDING, RUNNING_PHASE, SUCCEEDED, FAILED = "Pending", "Running", "Succeeded", "Failed"


class Style(NamedTuple):
    """Which details a reporter writes."""

    all_ready: bool = False  # a fake prober: every ordinary container counts as ready, whatever it does
    started: bool = True  # containerStatuses[].started
    scheduled_generation: bool = True  # PodScheduled carries observedGeneration
    pod_resources: bool = True  # status.resources and status.allocatedResources of the pod
    waiting_resources: bool = False  # containers that never ran have resources, too
    memory_zero: bool = False  # a request of cpu alone is reported with memory "0"


FAITHFUL = Style()
HOLLOW = Style(all_ready=True, started=False, memory_zero=True)
HOLLOW_EXITS = Style(scheduled_generation=False, pod_resources=False, waiting_resources=True)


def phase_of(pod: Object, state: PodState, finished: bool = False) -> str:
    """Pending, Running, Succeeded or Failed. ``finished``: nothing will be started any more."""
    if state.rejected or (state.evicted and not _runs(state)):
        return FAILED
    specs = {spec["name"]: spec for key in ("initContainers", "containers") for spec in pod["spec"].get(key) or ()}
    init = [c for c in state.containers.values() if c.kind == INIT]
    if any(c.phase == EXITED and c.exit_code != 0 and not restarts(pod, specs[c.name], c) for c in init):
        return FAILED
    apps = [c for c in state.containers.values() if c.kind == APP]
    running = [c for c in apps if c.phase == RUNNING]
    stopped = [c for c in apps if c.phase == EXITED or (c.phase != RUNNING and c.last is not None)]
    if any(not (c.phase == EXITED and c.exit_code == 0) for c in init) and not (running or stopped):
        return PENDING
    if len(running) + len(stopped) < len(apps) or not apps:
        return PENDING
    if running or (not finished and any(goes_on(pod, specs[c.name], c) for c in apps)):
        return RUNNING_PHASE
    return SUCCEEDED if all(c.phase == EXITED and c.exit_code == 0 for c in apps) else FAILED


def pod_status(pod: Object, state: PodState, *, host: str, now: int, style: Style, finished: bool = False) -> FrozenDict:
    """The whole status. Conditions of others (readiness gates, PodScheduled) stay as they are."""
    old = pod.get("status") or EMPTY_DICT
    phase = phase_of(pod, state, finished)
    status = {
        "observedGeneration": pod["metadata"].get("generation", 1), "phase": phase,
        "conditions": _conditions(pod, state, phase, now=now, style=style), "qosClass": old.get("qosClass") or qos_class(pod),
    }  # fmt: skip
    status |= _failure(state) | {key: old[key] for key in ("nominatedNodeName", "resourceClaimStatuses") if key in old}
    if host:
        status |= {"hostIP": host, "hostIPs": _ips(host)}
    if state.started_at:
        status["startTime"] = timestamp(state.started_at)
    if state.address:
        status |= {"podIP": state.address, "podIPs": _ips(state.address)}
    if state.rejected is None:
        status |= _container_statuses(pod, state, style)
        if style.pod_resources:
            status |= _pod_resources(_allocated_spec(pod, state))
    return FrozenDict(status)


def _runs(state: PodState) -> bool:
    """Whether something still runs: until then a pod that the kubelet ends is not said to have failed."""
    return any(container.phase == RUNNING for container in state.containers.values())


def _failure(state: PodState) -> dict[str, str]:
    why = state.rejected or (None if _runs(state) else state.evicted)
    return {"reason": why[0], "message": why[1]} if why else {}


# -- containers ------------------------------------------------------------------------------------------------------


def _container_statuses(pod: Object, state: PodState, style: Style) -> dict[str, Any]:
    spec = pod["spec"]
    initialized = init_done(state)
    found: dict[str, Any] = {}
    init = [container_status(s, state.containers[s["name"]], True, style) for s in spec.get("initContainers") or ()]
    apps = [container_status(s, state.containers[s["name"]], initialized, style) for s in spec["containers"]]
    if init:
        found["initContainerStatuses"] = FrozenList(init)
    found["containerStatuses"] = FrozenList(sorted(apps, key=lambda status: str(status["name"])))
    if spec.get("ephemeralContainers"):
        visitors = [s for s in spec["ephemeralContainers"] if s["name"] in state.containers]
        found["ephemeralContainerStatuses"] = FrozenList([container_status(s, state.containers[s["name"]], True, style) for s in visitors])
    return found


def init_done(state: PodState) -> bool:
    """Whether all init containers have done their work (sidecars: have started)."""
    return not _uninitialized(state)


def container_status(spec: Object, container: ContainerState, initialized: bool, style: Style) -> FrozenDict:
    """One entry of ``containerStatuses``."""
    status: dict[str, Any] = {
        "name": container.name, "image": container.image or spec["image"], "imageID": container.image_id,
        "lastState": container.last or EMPTY_DICT, "ready": is_ready(container, style),
        "restartCount": container.restarts, "state": _state(container, initialized),
    }  # fmt: skip
    if container.id:
        status["containerID"] = container.id
    if style.started and container.kind != EPHEMERAL:
        status["started"] = bool(container.started)
    if container.id or style.waiting_resources:
        status |= _resources(container, style)
    signal = (spec.get("lifecycle") or EMPTY_DICT).get("stopSignal")
    if signal and container.id:
        status["stopSignal"] = signal
    mounts = _mounts(spec)
    if mounts:
        status["volumeMounts"] = mounts
    return FrozenDict(status)


def is_ready(container: ContainerState, style: Style) -> bool:
    """What ``ready`` says of a container. An init container is ready once it has succeeded."""
    if container.kind == INIT:
        return container.phase == EXITED and container.exit_code == 0
    if style.all_ready:
        return container.kind == APP
    return container.kind != EPHEMERAL and container.phase == RUNNING and container.ready


def _state(container: ContainerState, initialized: bool) -> FrozenDict:
    if container.phase == RUNNING:
        return _running_since(timestamp(container.started_at))
    if container.phase == EXITED:
        return FrozenDict({"terminated": terminated(container)})
    reason = container.reason or ("ContainerCreating" if initialized and container.kind in (APP, EPHEMERAL) else "PodInitializing")
    return _waiting(reason, container.message)


def terminated(container: ContainerState) -> FrozenDict:
    """How a container ended."""
    found: dict[str, Any] = {
        "exitCode": container.exit_code,
        "startedAt": timestamp(container.started_at),
        "finishedAt": timestamp(container.finished_at),
    }
    optional = {"reason": container.exit_reason, "message": container.exit_message, "containerID": container.id}
    return FrozenDict(found | {key: value for key, value in optional.items() if value})


def _resources(container: ContainerState, style: Style) -> dict[str, Any]:
    """What was promised to the container, and what is enforced."""
    allocated = container.allocated or EMPTY_DICT
    resources = allocated if container.applied is None else container.applied
    requests, promised = resources.get("requests"), allocated.get("requests") or EMPTY_DICT
    if not requests:
        return {"resources": resources if resources.get("limits") else EMPTY_DICT}
    if style.memory_zero and "cpu" in requests and "memory" not in requests:
        shown = {"limits": resources["limits"]} if resources.get("limits") else {}
        return {"allocatedResources": promised, "resources": FrozenDict({**shown, "requests": FrozenDict({**requests, "memory": "0"})})}
    return {"allocatedResources": promised, "resources": _shown(resources)}


@once
def _shown(resources: Object) -> FrozenDict:
    return FrozenDict({key: resources[key] for key in ("limits", "requests") if resources.get(key)})


@once
def _mounts(spec: Object) -> FrozenList:
    mounts = []
    for mount in spec.get("volumeMounts") or ():
        status = {"name": mount["name"], "mountPath": mount["mountPath"]}
        if mount.get("readOnly"):
            status |= {"readOnly": True, "recursiveReadOnly": mount.get("recursiveReadOnly", "Disabled")}
        mounts.append(FrozenDict(status))
    return FrozenList(mounts)


def _allocated_spec(pod: Object, state: PodState) -> Object:
    """The pod's spec with the resources that were promised, which differ from the wanted ones while a resize is pending."""
    spec: Object = pod["spec"]
    if pod["metadata"].get("generation", 1) == 1:
        return spec
    found = dict(spec)
    for key in ("initContainers", "containers"):
        if spec.get(key):
            found[key] = FrozenList([FrozenDict({**c, "resources": state.containers[c["name"]].allocated}) for c in spec[key]])
    return FrozenDict(found)


@once
def _pod_resources(spec: Object) -> FrozenDict:
    """What the pod as a whole was given: the sums of its containers and sidecars, or its own."""
    totals = {what: _total(spec, what) for what in ("limits", "requests")}
    resources = FrozenDict({what: total for what, total in totals.items() if total})
    found: dict[str, Any] = {"resources": resources}
    if totals["requests"]:
        found["allocatedResources"] = totals["requests"]
    return FrozenDict(found)


def _total(spec: Object, what: str) -> FrozenDict:
    own = (spec.get("resources") or EMPTY_DICT).get(what) or EMPTY_DICT
    total: dict[str, str] = {}
    running = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in [*running, *spec["containers"]]:
        for name, amount in ((container.get("resources") or EMPTY_DICT).get(what) or EMPTY_DICT).items():
            total[name] = quantity.add(total[name], amount) if name in total else amount
    return FrozenDict({**total, **own})


# -- conditions ------------------------------------------------------------------------------------------------------


def _conditions(pod: Object, state: PodState, phase: str, *, now: int, style: Style) -> FrozenList:
    """Conditions of others first, then the kubelet's own in its order. The same list comes back where nothing changed."""
    old: FrozenList = (pod.get("status") or EMPTY_DICT).get("conditions") or EMPTY_LIST
    known = {one["type"]: one for one in old}
    wanted: list[dict[str, Any]] = []
    if state.rejected is None:
        ready = _containers_ready(state, phase, style)
        wanted = [
            *_resizing(state),
            *_disrupted(state),
            *_restarting(pod, state, phase),
            {"type": "PodReadyToStartContainers", "status": "True" if state.sandbox == "ready" else "False"},
            {"type": "Initialized", **_initialized(state, phase)},
            {"type": "Ready", **_pod_ready(pod, ready)},
            {"type": "ContainersReady", **ready},
        ]
    wanted.append({"type": "PodScheduled", "status": "True"})
    generation = pod["metadata"].get("generation", 1)
    rows = tuple(_row(new, known.get(new["type"]), generation, now) for new in wanted)
    if not style.scheduled_generation:
        rows = (*rows[:-1], rows[-1]._replace(generation=None))
    types = {row.type for row in rows} | _OWN
    others = [one for one in old if one["type"] not in types]
    own = _own_conditions(rows)
    found = FrozenList([*others, *own]) if others else own
    return old if found == old else found


def _restarting(pod: Object, state: PodState, phase: str) -> list[dict[str, Any]]:
    """``AllContainersRestarting``, for pods with a rule that may restart all containers."""
    if not may_restart_all(pod["spec"]):
        return []
    why = {"reason": _DONE[phase]} if phase in _DONE else {}
    return [{"type": "AllContainersRestarting", "status": "True" if state.restarting_all else "False", **why}]


def _resizing(state: PodState) -> list[dict[str, Any]]:
    """``PodResizePending`` and ``PodResizeInProgress``, while they hold."""
    found: list[dict[str, Any]] = []
    for kind, known in (("PodResizePending", state.resize_pending), ("PodResizeInProgress", state.resizing)):
        if known is not None:
            texts = {key: text for key, text in (("reason", known[0]), ("message", known[1])) if text}
            found.append({"type": kind, "status": "True", **texts, "observedGeneration": known[2]})
    return found


def _disrupted(state: PodState) -> list[dict[str, Any]]:
    """``DisruptionTarget``, where the kubelet itself ends the pod."""
    if state.disruption is None:
        return []
    return [{"type": "DisruptionTarget", "status": "True", "reason": state.disruption[0], "message": state.disruption[1]}]


_OWN = {"PodResizePending", "PodResizeInProgress"}  # conditions that go when they hold no more


class _Row(NamedTuple):
    """A condition as a key."""

    type: str
    status: str
    reason: str | None
    message: str | None
    generation: int | None
    when: str


def _row(new: dict[str, Any], old: Mapping[str, Any] | None, generation: int, now: int) -> _Row:
    """One condition; its transition time is that of the old one while the status stays."""
    changed = old is None or old["status"] != new["status"]
    when = timestamp(now) if changed or old is None else old["lastTransitionTime"]
    return _Row(new["type"], new["status"], new.get("reason"), new.get("message"), new.get("observedGeneration", generation), when)


# Equal parts of many statuses are one object: what the API server computes of a frozen value it computes once.


@functools.lru_cache(maxsize=4096)
def _own_conditions(rows: tuple[_Row, ...]) -> FrozenList:
    return FrozenList([_condition(row) for row in rows])


@functools.lru_cache(maxsize=4096)
def _condition(row: _Row) -> FrozenDict:
    found = {"type": row.type, "status": row.status, "lastProbeTime": None, "lastTransitionTime": row.when}
    more = {"reason": row.reason, "message": row.message, "observedGeneration": row.generation}
    return FrozenDict(found | {key: value for key, value in more.items() if value is not None})


@functools.lru_cache(maxsize=4096)
def _ips(address: str) -> FrozenList:
    return FrozenList([FrozenDict({"ip": address})])


@functools.lru_cache(maxsize=4096)
def _running_since(when: str) -> FrozenDict:
    return FrozenDict({"running": FrozenDict({"startedAt": when})})


@functools.lru_cache(maxsize=4096)
def _waiting(reason: str, message: str) -> FrozenDict:
    return FrozenDict({"waiting": FrozenDict({"reason": reason, "message": message} if message else {"reason": reason})})


_DONE = {SUCCEEDED: "PodCompleted", FAILED: "PodFailed"}


def _names(containers: Sequence[ContainerState]) -> str:
    return "[" + " ".join(container.name for container in containers) + "]"


def _containers_ready(state: PodState, phase: str, style: Style) -> dict[str, str]:
    if phase in _DONE:
        return {"status": "False", "reason": _DONE[phase]}
    unready = [c for c in state.containers.values() if c.kind in (APP, SIDECAR) and not is_ready(c, style)]
    if unready:
        return {"status": "False", "reason": "ContainersNotReady", "message": f"containers with unready status: {_names(unready)}"}
    return {"status": "True"}


def _pod_ready(pod: Object, containers_ready: dict[str, str]) -> dict[str, str]:
    if containers_ready["status"] != "True":
        return containers_ready
    problems = []
    for gate in pod["spec"].get("readinessGates") or ():
        found = condition(pod, gate["conditionType"])
        if found is None:
            problems.append(f'corresponding condition of pod readiness gate "{gate["conditionType"]}" does not exist.')
        elif found["status"] != "True":
            problems.append(f'the status of pod readiness gate "{gate["conditionType"]}" is not "True", but {found["status"]}')
    if problems:
        return {"status": "False", "reason": "ReadinessGatesNotReady", "message": ", ".join(problems)}
    return {"status": "True"}


def _initialized(state: PodState, phase: str) -> dict[str, str]:
    missing = _uninitialized(state)
    if phase == SUCCEEDED:
        return {"status": "True", "reason": "PodCompleted"}
    if missing:
        return {"status": "False", "reason": "ContainersNotInitialized", "message": f"containers with incomplete status: {_names(missing)}"}
    return {"status": "True"}


def _uninitialized(state: PodState) -> list[ContainerState]:
    """The init containers that still have work to do; none once an ordinary container has started."""
    if state.begun:
        return []
    return [c for c in state.containers.values() if not _init_complete(c)]


def _init_complete(container: ContainerState) -> bool:
    if container.kind == INIT:
        return container.phase == EXITED and container.exit_code == 0
    return container.kind != SIDECAR or (container.phase == RUNNING and container.started is not False)
