"""TTL: how long kubelets may keep Secrets and ConfigMaps before they ask again, by the size of the cluster.

A hint, as the annotation ``node.alpha.kubernetes.io/ttl`` in seconds: 0 up to a hundred nodes, more in larger clusters. The
boundaries overlap, so that a cluster at a boundary does not go to and fro.

Models: pkg/controller/ttl/ttl_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.client.controller import Controller, Watches

ANNOTATION = "node.alpha.kubernetes.io/ttl"
_STEPS = ((0, 100, 0), (90, 500, 15), (450, 1000, 30), (900, 2000, 60), (1800, 1 << 31, 300))  # from, to (nodes), seconds


def step_after(step: int, nodes: int) -> int:
    """The step of a cluster that was at ``step`` and now has so many nodes.

    >>> step_after(0, 101), step_after(1, 95), step_after(1, 90)
    (1, 1, 0)
    """
    while nodes > _STEPS[step][1]:
        step += 1
    while nodes <= _STEPS[step][0] and step:
        step -= 1
    return step


def _nodes(controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """A node came or changed: itself; when the step changes: all of them."""
    return controller.affected(old, new)  # type: ignore[no-any-return]


class TTLController(Controller):
    """Annotates each node."""

    name = "ttl"
    watches = (Watches("nodes", _nodes),)

    def new_state(self) -> dict[str, int]:
        return {"step": 0}

    def affected(self, old: Object | None, new: Object | None) -> list[str]:
        """The nodes whose annotation may be wrong now."""
        nodes = self.informers["nodes"]
        if (old is None) != (new is None):
            step = step_after(self.own["step"], len(nodes.all()))
            if step != self.own["step"]:
                self.own["step"] = step
                return [node["metadata"]["name"] for node in nodes.all()]
        return [new["metadata"]["name"]] if new is not None and _annotation(new) != self._wanted() else []

    def _wanted(self) -> str:
        return str(_STEPS[self.own["step"]][2])

    def reconcile(self, key: str) -> None:
        node = self.informers["nodes"].get(key)
        if node is not None and _annotation(node) != self._wanted():
            self.client.patch("nodes", key, {"metadata": {"annotations": {ANNOTATION: self._wanted()}}}, kind="strategic")


def _annotation(node: Object) -> str | None:
    found: str | None = (node["metadata"].get("annotations") or EMPTY_DICT).get(ANNOTATION)
    return found
