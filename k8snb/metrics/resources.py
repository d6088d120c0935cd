"""NodeMetrics and PodMetrics: what is served under ``metrics.k8s.io/v1beta1``. Nothing of it is stored.

Models: k8s.io/metrics/pkg/apis/metrics/v1beta1; metrics-server pkg/api (table.go).
"""

from __future__ import annotations

from typing import Any

from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.quantity import write
from k8snb.apimachinery.resource import Resource

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
API_SERVICE = f"{VERSION}.{GROUP}"
NANO, KIB = 1_000_000, 1024


def usage(cpu: int, memory: int) -> dict[str, str]:
    """Millicores and bytes as the metrics server writes them: nanocores and KiB."""
    return {"cpu": f"{cpu * NANO}n" if cpu else "0", "memory": f"{memory // KIB}Ki" if memory else "0"}


def cpu_of(text: str) -> int:
    """The millicores of such a quantity, rounded up.

    >>> cpu_of("1500000n"), cpu_of("0")
    (2, 0)
    """
    return -(-int(text.removesuffix("n")) // NANO)


def memory_of(text: str) -> int:
    """The bytes."""
    return int(text.removesuffix("Ki")) * KIB if text.endswith("Ki") else int(text)


def _columns() -> tuple[dict[str, Any], ...]:
    names = (("Name", "string", "name"), ("cpu", "string", "quantity"), ("memory", "string", "quantity"), ("Window", "string", "duration"))
    return tuple({"name": name, "type": kind, "format": form, "priority": 0} for name, kind, form in names)


def _cells(obj: Object, _now: int) -> list[Any]:
    parts = [obj["usage"]] if "usage" in obj else [container["usage"] for container in obj["containers"]]
    cpu = sum(cpu_of(part["cpu"]) for part in parts)
    memory = sum(memory_of(part["memory"]) for part in parts)
    return [obj["metadata"]["name"], f"{cpu}m", write(memory, "BinarySI"), obj["window"]]


def _resource(kind: str, plural: str, *, namespaced: bool) -> Resource:
    return Resource(
        group=GROUP, version=VERSION, kind=kind, plural=plural, singular="", namespaced=namespaced, verbs=("get", "list"),
        columns=_columns(), cells=_cells, simulated=True,
    )  # fmt: skip


RESOURCES = (_resource("NodeMetrics", "nodes", namespaced=False), _resource("PodMetrics", "pods", namespaced=True))
