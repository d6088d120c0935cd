"""ComponentStatuses: an old list of the control plane's health. The server answers for them; nothing is stored.

Models: pkg/registry/core/componentstatus, pkg/printers (printComponentStatus).
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.meta import find_condition
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, Object
from k8snb.resources.discovery import served

WORDS = {"True": "Healthy", "False": "Unhealthy", "Unknown": "Unhealthy"}


def cells(obj: Object, _now: int) -> list[Any]:
    """One row of ``kubectl get componentstatuses``."""
    found = find_condition(obj.get("conditions") or EMPTY_LIST, "Healthy") or EMPTY_DICT
    return [obj["metadata"]["name"], WORDS.get(found.get("status", ""), "Unknown"), found.get("message", ""), found.get("error", "")]


EXAMPLE = {
    "apiVersion": "v1",
    "kind": "ComponentStatus",
    "metadata": {"name": "etcd-0"},
    "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}],
}

RESOURCE = served("v1", "ComponentStatus", cells=cells, deprecated="v1 ComponentStatus is deprecated in v1.19+", example=EXAMPLE)
