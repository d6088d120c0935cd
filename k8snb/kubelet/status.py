"""The status of a pod, as its kubelet writes it: phase, conditions, one entry for each container.

All functions are pure. The status is computed anew each time from what the kubelet knows, then compared with what was
written last; conditions keep their transition time while they do not change.

Which details appear depends on who reports (:class:`Style`): a real kubelet, a real kubelet over a fake runtime (the recorder
of the reference recordings) or the stand-in that ran commands for them.

Models: pkg/kubelet/kubelet_pods.go (generateAPIPodStatus, getPhase, convertToAPIContainerStatuses), pkg/kubelet/status/generate.go.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
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
    everyone = state.containers.values()
    init, apps = [c for c in everyone if c.kind == INIT], [c for c in everyone if c.kind == APP]
    for c in init:
        if c.phase == EXITED and c.exit_code != 0 and not restarts(pod, c):
            return FAILED
    running = stopped = 0
    for c in apps:
        if c.phase == RUNNING:
            running += 1
        elif c.phase == EXITED or c.last is not None:
            stopped += 1
    if not (running or stopped) and any(not (c.phase == EXITED and c.exit_code == 0) for c in init):
        return PENDING
    if running + stopped < len(apps) or not apps:
        return PENDING
    if running or (not finished and any(goes_on(pod, c) for c in apps)):
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
    if why := state.rejected or (None if state.evicted is None or _runs(state) else state.evicted):
        status |= {"reason": why[0], "message": why[1]}
    for key in ("nominatedNodeName", "resourceClaimStatuses"):
        if key in old:
            status[key] = old[key]
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


# -- containers ------------------------------------------------------------------------------------------------------


def _container_statuses(pod: Object, state: PodState, style: Style) -> dict[str, Any]:
    spec, known = pod["spec"], state.containers
    initialized = init_done(state)
    found: dict[str, Any] = {}
    if init := spec.get("initContainers"):
        found["initContainerStatuses"] = FrozenList([container_status(s, known[s["name"]], True, style) for s in init])
    apps = [container_status(s, known[s["name"]], initialized, style) for s in spec["containers"]]
    if len(apps) > 1:
        apps.sort(key=lambda status: str(status["name"]))
    found["containerStatuses"] = FrozenList(apps)
    if spec.get("ephemeralContainers"):
        visitors = [s for s in spec["ephemeralContainers"] if s["name"] in known]
        found["ephemeralContainerStatuses"] = FrozenList([container_status(s, known[s["name"]], True, style) for s in visitors])
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
    if pod["metadata"].get("generation", 1) == 1 or _gets_what_it_wants(spec, state):
        return spec
    found = dict(spec)
    for key in ("initContainers", "containers"):
        if spec.get(key):
            found[key] = FrozenList([FrozenDict({**c, "resources": state.containers[c["name"]].allocated}) for c in spec[key]])
    return FrozenDict(found)


def _gets_what_it_wants(spec: Object, state: PodState) -> bool:
    for key in ("initContainers", "containers"):
        for container in spec.get(key) or ():
            if container.get("resources") != state.containers[container["name"]].allocated:
                return False
    return True


@once
def _pod_resources(spec: Object) -> FrozenDict:
    """What the pod as a whole was given: the sums of its containers and sidecars, or its own."""
    containers = spec["containers"]
    if len(containers) == 1 and not spec.get("initContainers") and not spec.get("resources"):
        resources = containers[0].get("resources") or EMPTY_DICT
        return _given(resources.get("limits") or EMPTY_DICT, resources.get("requests") or EMPTY_DICT)
    return _given(_total(spec, "limits"), _total(spec, "requests"))


def _given(limits: FrozenDict, requests: FrozenDict) -> FrozenDict:
    if not requests:
        return FrozenDict({"resources": FrozenDict({"limits": limits} if limits else {})})
    resources = {"limits": limits, "requests": requests} if limits else {"requests": requests}
    return FrozenDict({"resources": FrozenDict(resources), "allocatedResources": requests})


def _total(spec: Object, what: str) -> FrozenDict:
    own = (spec.get("resources") or EMPTY_DICT).get(what) or EMPTY_DICT
    total: dict[str, str] = {}
    init = spec.get("initContainers")
    sidecars = [c for c in init if c.get("restartPolicy") == "Always"] if init else ()
    for container in (*sidecars, *spec["containers"]):
        for name, amount in ((container.get("resources") or EMPTY_DICT).get(what) or EMPTY_DICT).items():
            total[name] = quantity.add(total[name], amount) if name in total else amount
    return FrozenDict({**total, **own})


# -- conditions ------------------------------------------------------------------------------------------------------

Verdict = tuple[str, str | None, str | None]
"""What a condition says: status, reason, message."""
_TRUE: Verdict = ("True", None, None)
_FALSE: Verdict = ("False", None, None)
_Wanted = tuple[str, str, str | None, str | None, int | None]
"""A condition: type, status, reason, message, observedGeneration."""
_OWN = ("PodResizePending", "PodResizeInProgress")  # conditions that go when they hold no more


def _conditions(pod: Object, state: PodState, phase: str, *, now: int, style: Style) -> FrozenList:
    """Conditions of others first, then the kubelet's own in its order. The same list comes back where nothing changed."""
    old: FrozenList = (pod.get("status") or EMPTY_DICT).get("conditions") or EMPTY_LIST
    known, stamp = {one["type"]: one for one in old}, timestamp(now)
    rows = []
    for wanted in _wanted(pod, state, phase, style):
        before = known.pop(wanted[0], None)  # its transition time stays while the status does
        when = before["lastTransitionTime"] if before is not None and before["status"] == wanted[1] else stamp
        rows.append((wanted, when))
    own = _own_conditions(tuple(rows))
    others = [one for one in old if one["type"] in known and one["type"] not in _OWN] if known else []
    found = FrozenList([*others, *own]) if others else own
    return old if found == old else found


def _wanted(pod: Object, state: PodState, phase: str, style: Style) -> list[_Wanted]:
    """The kubelet's own conditions as they should be."""
    generation = pod["metadata"].get("generation", 1)
    found: list[_Wanted] = []
    if state.rejected is None:
        found += _resizing(state)
        if state.disruption is not None:  # the kubelet itself ends the pod
            found.append(("DisruptionTarget", "True", *state.disruption, generation))
        if may_restart_all(pod["spec"]):
            found.append(("AllContainersRestarting", "True" if state.restarting_all else "False", _DONE.get(phase), None, generation))
        ready = _containers_ready(state, phase, style)
        found += [
            ("PodReadyToStartContainers", *(_TRUE if state.sandbox == "ready" else _FALSE), generation),
            ("Initialized", *_initialized(state, phase), generation),
            ("Ready", *_pod_ready(pod, ready), generation),
            ("ContainersReady", *ready, generation),
        ]
    found.append(("PodScheduled", *_TRUE, generation if style.scheduled_generation else None))
    return found


def _resizing(state: PodState) -> Iterator[_Wanted]:
    """``PodResizePending`` and ``PodResizeInProgress``, while they hold."""
    for kind, known in ((_OWN[0], state.resize_pending), (_OWN[1], state.resizing)):
        if known is not None:
            yield kind, "True", known[0] or None, known[1] or None, known[2]


# Equal parts of many statuses are one object: what the API server computes of a frozen value it computes once.


@functools.lru_cache(maxsize=4096)
def _own_conditions(rows: tuple[tuple[_Wanted, str], ...]) -> FrozenList:
    return FrozenList([_condition(wanted, when) for wanted, when in rows])


@functools.lru_cache(maxsize=4096)
def _condition(wanted: _Wanted, when: str) -> FrozenDict:
    kind, status, reason, message, generation = wanted
    found = {"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": when}
    more = {"reason": reason, "message": message, "observedGeneration": generation}
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


def _containers_ready(state: PodState, phase: str, style: Style) -> Verdict:
    if phase in _DONE:
        return "False", _DONE[phase], None
    unready = [c for c in state.containers.values() if c.kind in (APP, SIDECAR) and not is_ready(c, style)]
    return ("False", "ContainersNotReady", f"containers with unready status: {_names(unready)}") if unready else _TRUE


def _pod_ready(pod: Object, containers_ready: Verdict) -> Verdict:
    gates = pod["spec"].get("readinessGates")
    if not gates or containers_ready is not _TRUE:
        return containers_ready
    problems = []
    for gate in gates:
        found = condition(pod, gate["conditionType"])
        if found is None:
            problems.append(f'corresponding condition of pod readiness gate "{gate["conditionType"]}" does not exist.')
        elif found["status"] != "True":
            problems.append(f'the status of pod readiness gate "{gate["conditionType"]}" is not "True", but {found["status"]}')
    return ("False", "ReadinessGatesNotReady", ", ".join(problems)) if problems else _TRUE


def _initialized(state: PodState, phase: str) -> Verdict:
    if phase == SUCCEEDED:
        return "True", "PodCompleted", None
    missing = _uninitialized(state)
    return ("False", "ContainersNotInitialized", f"containers with incomplete status: {_names(missing)}") if missing else _TRUE


def _uninitialized(state: PodState) -> list[ContainerState]:
    """The init containers that still have work to do; none once an ordinary container has started."""
    if state.begun:
        return []
    return [c for c in state.containers.values() if not _init_complete(c)]


def _init_complete(container: ContainerState) -> bool:
    if container.kind == INIT:
        return container.phase == EXITED and container.exit_code == 0
    return container.kind != SIDECAR or (container.phase == RUNNING and container.started is not False)
