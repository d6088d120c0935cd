"""The row of ``kubectl get pods``: READY, STATUS and RESTARTS tell the story of a pod in three words.

Models: pkg/printers/internalversion/printers.go, printPod.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apimachinery.meta import age, condition_status, find_condition
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, Object
from k8snb.resources.common.cells import NONE

Status = Mapping[str, Any]


class _Count(NamedTuple):
    """What a list of container statuses adds up to: ready ones, restarts, the last end of a run, and the word for STATUS."""

    ready: int = 0
    restarts: int = 0
    ended: str = ""
    reason: str = ""
    initializing: bool = False


def cells(pod: Object, now: int) -> list[Any]:
    """Name, Ready, Status, Restarts, Age, and when wide IP, Node, Nominated Node, Readiness Gates."""
    spec, status = pod.get("spec") or EMPTY_DICT, pod.get("status") or EMPTY_DICT
    init = {container["name"]: container for container in spec.get("initContainers") or ()}
    total = len(spec.get("containers") or ()) + sum(map(_restarts_always, init.values()))
    count = _init(status, init, _plain_reason(status))
    if not count.initializing or condition_status(pod, "Initialized") == "True":
        count = _running(pod, status, _after_init(status, init, count))
    restarts = f"{count.restarts} ({age(count.ended, now)} ago)" if count.restarts and count.ended else str(count.restarts)
    created = age(pod["metadata"].get("creationTimestamp"), now)
    ips = [item.get("ip", "") for item in status.get("podIPs") or ()]
    wide = [(ips or [""])[0], spec.get("nodeName", ""), status.get("nominatedNodeName", ""), _gates(spec, status)]
    shown = [pod["metadata"]["name"], f"{count.ready}/{total}", _leaving(pod, status, count.reason), restarts, created]
    return shown + [word or NONE for word in wide]


def _plain_reason(status: Status) -> str:
    reason = status.get("reason") or status.get("phase", "")
    scheduled = find_condition(status.get("conditions") or EMPTY_LIST, "PodScheduled") or EMPTY_DICT
    return "SchedulingGated" if scheduled.get("reason") == "SchedulingGated" else reason


def _restarts_always(container: Mapping[str, Any]) -> bool:
    return container.get("restartPolicy") == "Always"


def _last_end(container: Status) -> str:
    ended: str = ((container.get("lastState") or EMPTY_DICT).get("terminated") or EMPTY_DICT).get("finishedAt") or ""
    return ended


def _init(status: Status, init: Mapping[str, Any], reason: str) -> _Count:
    count = _Count(reason=reason)
    for index, container in enumerate(status.get("initContainerStatuses") or ()):
        ended = max(count.ended, _last_end(container))
        count = count._replace(restarts=count.restarts + container.get("restartCount", 0), ended=ended)
        state = container.get("state") or EMPTY_DICT
        terminated = state.get("terminated")
        if terminated is not None and not terminated.get("exitCode"):
            continue
        if _restarts_always(init.get(container["name"], EMPTY_DICT)) and container.get("started"):
            count = count._replace(ready=count.ready + bool(container.get("ready")))
            continue
        return count._replace(reason=_init_reason(state, index, len(init)), initializing=True)
    return count


def _init_reason(state: Status, index: int, total: int) -> str:
    terminated, waiting = state.get("terminated"), (state.get("waiting") or EMPTY_DICT).get("reason")
    if terminated is not None:
        return f"Init:{_end_reason(terminated)}"
    return f"Init:{waiting}" if waiting and waiting != "PodInitializing" else f"Init:{index}/{total}"


def _end_reason(terminated: Status) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    return f"Signal:{terminated['signal']}" if terminated.get("signal") else f"ExitCode:{terminated.get('exitCode', 0)}"


def _after_init(status: Status, init: Mapping[str, Any], count: _Count) -> _Count:
    """From now on only the restarts of sidecars count."""
    sidecars = [c for c in status.get("initContainerStatuses") or () if _restarts_always(init.get(c["name"], EMPTY_DICT))]
    ended = max((_last_end(container) for container in sidecars), default="")
    return count._replace(restarts=sum(c.get("restartCount", 0) for c in sidecars), ended=ended)


def _running(pod: Object, status: Status, count: _Count) -> _Count:
    reason, running = count.reason, False
    containers: Sequence[Status] = status.get("containerStatuses") or EMPTY_LIST
    ready, restarts, ended = count.ready, count.restarts, count.ended
    for container in reversed(containers):
        restarts += container.get("restartCount", 0)
        ended = max(ended, _last_end(container))
        state = container.get("state") or EMPTY_DICT
        waiting = (state.get("waiting") or EMPTY_DICT).get("reason")
        if waiting:
            reason = waiting
        elif state.get("terminated") is not None:
            reason = _end_reason(state["terminated"])
        elif container.get("ready") and state.get("running") is not None:
            running, ready = True, ready + 1
    if reason == "Completed" and running:
        reason = "Running" if condition_status(pod, "Ready") == "True" else "NotReady"
    return _Count(ready, restarts, ended, reason)


def _leaving(pod: Object, status: Status, reason: str) -> str:
    if not pod["metadata"].get("deletionTimestamp"):
        return reason
    if status.get("reason") == "NodeLost":
        return "Unknown"
    return reason if status.get("phase") in ("Succeeded", "Failed") else "Terminating"


def _gates(spec: Mapping[str, Any], status: Status) -> str:
    gates = [gate.get("conditionType") for gate in spec.get("readinessGates") or ()]
    if not gates:
        return ""
    found = [find_condition(status.get("conditions") or EMPTY_LIST, gate) or EMPTY_DICT for gate in gates]
    return f"{sum(c.get('status') == 'True' for c in found)}/{len(gates)}"
