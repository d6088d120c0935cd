"""ComponentStatuses: an old list of the control plane's health. The server answers for them; nothing is stored.

Models: pkg/registry/core/componentstatus, pkg/printers (printComponentStatus).
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.meta import find_condition
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, Object, freeze
from k8snb.resources.discovery import served

WORDS = {"True": "Healthy", "False": "Unhealthy", "Unknown": "Unhealthy"}


def cells(obj: Object, _now: int) -> list[Any]:
    """One row of ``kubectl get componentstatuses``."""
    found = find_condition(obj.get("conditions") or EMPTY_LIST, "Healthy") or EMPTY_DICT
    return [obj["metadata"]["name"], WORDS.get(found.get("status", ""), "Unknown"), found.get("message", ""), found.get("error", "")]


PORTS = {"scheduler": 10259, "controller-manager": 10257}  # where the server asks how they are; etcd it knows


def statuses(context: Any) -> list[Object]:
    """The components that the server asks, and what they say. etcd is well, or there would be no answer."""
    running = context.server.components()
    return [_status(name, running.get(f"kube-{name}", True)) for name in (*PORTS, "etcd-0")]


def _status(name: str, healthy: bool) -> Object:
    if healthy:
        condition = {"type": "Healthy", "status": "True", "message": "ok"}
    else:
        at = f"127.0.0.1:{PORTS[name]}"
        refused = f'Get "https://{at}/healthz": dial tcp {at}: connect: connection refused'
        condition = {"type": "Healthy", "status": "False", "message": refused}
    body = {"apiVersion": "v1", "kind": "ComponentStatus", "metadata": {"name": name}, "conditions": [condition]}
    return freeze(body)  # type: ignore[no-any-return]


EXAMPLE = {
    "apiVersion": "v1",
    "kind": "ComponentStatus",
    "metadata": {"name": "etcd-0"},
    "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}],
}

RESOURCE = served(
    "v1", "ComponentStatus", cells=cells, listed=statuses, deprecated="v1 ComponentStatus is deprecated in v1.19+", example=EXAMPLE
)
