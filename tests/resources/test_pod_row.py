"""READY, STATUS and RESTARTS: what ``kubectl get pods`` makes of a pod's status."""

from typing import Any

import pytest

from k8snb.apimachinery.objects import freeze
from k8snb.resources.core.pod_cells import cells

NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
RUNNING = {"state": {"running": {}}, "ready": True, "started": True}
WAITS = {"state": {"waiting": {"reason": "ContainerCreating"}}}
CRASHES = {
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2025-12-31T23:58:00Z"}},
    "restartCount": 4,
}


def ended(code: int, **more: Any) -> dict[str, Any]:
    return {"state": {"terminated": {"exitCode": code, **more}}}


def row(phase: str, containers: list[Any], init: list[Any] = (), *, sidecars: int = 0, **changes: Any) -> list[str]:  # type: ignore[assignment]
    """The first four cells of a pod with these container statuses; the first ``sidecars`` init containers are restartable."""
    names = [f"i{n}" for n in range(len(init))]
    pod = {
        "metadata": {"name": "web", "creationTimestamp": "2025-12-31T23:00:00Z", **changes.pop("meta", {})},
        "spec": {
            "containers": [{"name": f"c{n}"} for n in range(len(containers) or 1)],
            "initContainers": [{"name": n} | ({"restartPolicy": "Always"} if i < sidecars else {}) for i, n in enumerate(names)],
        },
        "status": {
            "phase": phase,
            "containerStatuses": [{"name": f"c{n}", **status} for n, status in enumerate(containers)],
            "initContainerStatuses": [{"name": n, **status} for n, status in zip(names, init, strict=True)],
            **changes,
        },
    }
    return cells(freeze(pod), NOW)[1:5]


def ready(value: str) -> list[dict[str, str]]:
    return [{"type": "Ready", "status": value}]


STORIES = [
    (row("Pending", []), ["0/1", "Pending", "0", "60m"]),
    (row("Pending", [WAITS]), ["0/1", "ContainerCreating", "0", "60m"]),
    (row("Running", [RUNNING, WAITS | {"ready": False}]), ["1/2", "ContainerCreating", "0", "60m"]),
    (row("Running", [RUNNING]), ["1/1", "Running", "0", "60m"]),
    (row("Running", [CRASHES]), ["0/1", "CrashLoopBackOff", "4 (2m ago)", "60m"]),
    (row("Running", [RUNNING, ended(0, reason="Completed")], conditions=ready("True")), ["1/2", "Running", "0", "60m"]),
    (row("Running", [RUNNING, ended(0, reason="Completed")], conditions=ready("False")), ["1/2", "NotReady", "0", "60m"]),
    (row("Running", [ended(0, reason="Completed"), RUNNING], conditions=ready("False")), ["1/2", "NotReady", "0", "60m"]),
    (row("Succeeded", [ended(0, reason="Completed")]), ["0/1", "Completed", "0", "60m"]),
    (row("Failed", [ended(1, reason="Error")]), ["0/1", "Error", "0", "60m"]),
    (row("Failed", [ended(137, signal=9)]), ["0/1", "Signal:9", "0", "60m"]),
    (row("Failed", [ended(3)]), ["0/1", "ExitCode:3", "0", "60m"]),
    (row("Failed", [], reason="Evicted"), ["0/1", "Evicted", "0", "60m"]),
    (row("Pending", [WAITS], [WAITS]), ["0/1", "Init:ContainerCreating", "0", "60m"]),
    (row("Pending", [WAITS], [{"state": {"running": {}}}, WAITS]), ["0/1", "Init:0/2", "0", "60m"]),
    (row("Pending", [WAITS], [ended(0), {"state": {"running": {}}}]), ["0/1", "Init:1/2", "0", "60m"]),
    (row("Pending", [WAITS], [ended(1, reason="Error") | {"restartCount": 2}]), ["0/1", "Init:Error", "2", "60m"]),
    (row("Running", [RUNNING], [RUNNING], sidecars=1), ["2/2", "Running", "0", "60m"]),
    (row("Running", [RUNNING], meta={"deletionTimestamp": "2026-01-01T00:00:00Z"}), ["1/1", "Terminating", "0", "60m"]),
    (
        row("Succeeded", [ended(0, reason="Completed")], meta={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
        ["0/1", "Completed", "0", "60m"],
    ),
    (
        row("Pending", [], conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]),
        ["0/1", "SchedulingGated", "0", "60m"],
    ),
    (row("Running", [RUNNING], reason="NodeLost", meta={"deletionTimestamp": "2026-01-01T00:00:00Z"}), ["1/1", "Unknown", "0", "60m"]),
]


@pytest.mark.parametrize(("shown", "wanted"), STORIES)
def test_a_row_tells_the_story_of_a_pod(shown: list[str], wanted: list[str]) -> None:
    assert shown == wanted
