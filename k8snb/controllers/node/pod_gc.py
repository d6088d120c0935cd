"""Pod garbage collection: Pods that no kubelet will ever finish.

Pods of nodes that no longer exist (after a quarantine of 40 s), Pods being deleted that were never bound, and Pods being deleted
on a node that is not ready and has the ``out-of-service`` taint. Such Pods are marked Failed and deleted without grace.

Models: pkg/controller/podgc/gc_controller.go. Simplified: the threshold of 12,500 terminated Pods is not reached in lessons.
"""

from __future__ import annotations

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import is_true
from k8snb.apimachinery.objects import Object
from k8snb.client.controller import Controller, Index
from k8snb.client.indexes import by_node
from k8snb.component_helpers.timing import timing
from k8snb.controllers.node.eviction import disrupted
from k8snb.sim.state import Shelf

PERIOD, QUARANTINE = timing("pod collection"), timing("pod quarantine")
TICK = "*"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


class PodGCController(Controller):
    """Looks every twenty seconds."""

    name = "pod-garbage-collector"
    account = "pod-garbage-collector"
    reads = ("nodes", "pods")
    indexes = (Index("pods", "node", by_node),)

    def new_state(self) -> Shelf:
        return Shelf()  # nodes that are missing -> since when

    def on_start(self) -> None:
        self.queue.add_after(TICK, PERIOD, "Pods without a node?", background=True)

    def reconcile(self, key: str) -> None:
        self.queue.add_after(key, PERIOD, "Pods without a node?", background=True)
        nodes, pods = self.informers["nodes"], self.informers["pods"]
        for name in list(pods.state.indexes["node"]):
            if not name:
                self._terminating(pods.by("node", ""))
            elif nodes.get(name) is None:
                self._orphaned(name, pods.by("node", name))
            elif _out_of_service(nodes.get(name)):
                self._terminating(pods.by("node", name))

    def _terminating(self, pods: list[Object]) -> None:
        for pod in pods:
            if "deletionTimestamp" in pod["metadata"]:
                self._end(pod)

    def _orphaned(self, node: str, pods: list[Object]) -> None:
        since = self.own.setdefault(node, self.now)
        if self.now - since < QUARANTINE or self.client.find("nodes", node) is not None:
            return
        for pod in pods:
            self._end(pod, disrupted(pod, "DeletionByPodGC", "PodGC: node no longer exists", self.now))
        del self.own[node]

    def _end(self, pod: Object, marked: Object | None = None) -> None:
        """Say that the Pod has failed (and, with ``marked``, why), then delete it without grace."""
        meta, status = pod["metadata"], (marked or pod)["status"]
        change = {"status": {"phase": "Failed", "conditions": list(status.get("conditions") or ())}}
        try:
            if status.get("phase") not in ("Succeeded", "Failed"):
                self.client.patch("pods", meta["name"], change, meta["namespace"], kind="strategic", subresource="status")
            self.client.delete("pods", meta["name"], meta["namespace"], grace=0)
        except ApiError as error:
            if error.code != 404:
                raise


def _out_of_service(node: Object | None) -> bool:
    """Whether somebody has said that the machine is off for good. (Of one that is ready, nobody can say so.)"""
    if node is None or is_true(node, "Ready"):
        return False
    return any(taint["key"] == OUT_OF_SERVICE for taint in node["spec"].get("taints") or ())
