"""Node lifecycle: a node that is not heard of is marked, and tainted, so that the rest of the system can react.

A kubelet renews its Lease every ten seconds. This loop looks every five; a node whose Lease has not moved for fifty seconds
(``node-monitor-grace-period``) has all its conditions set to Unknown, its Pods are marked not ready, and it is tainted.
It is *this* loop that says so: a dead node cannot.

    Ready False    -> node.kubernetes.io/not-ready      NoSchedule, NoExecute
    Ready Unknown  -> node.kubernetes.io/unreachable    NoSchedule, NoExecute

Models: pkg/controller/nodelifecycle/node_lifecycle_controller.go (monitorNodeHealth, tryUpdateNodeHealth, processTaintBaseEviction,
doNoScheduleTaintingPass). Simplified: evictions are not rate limited by zone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import condition, condition_status, timestamp
from k8snb.apimachinery.objects import FrozenDict, FrozenList, Object, freeze
from k8snb.client.controller import Controller, Index, Watches
from k8snb.sim.clock import SECOND
from k8snb.sim.state import Shelf

MONITOR_PERIOD, GRACE_PERIOD = 5 * SECOND, 50 * SECOND
TICK = "*"
LEASES, LEASE_NAMESPACE = "leases.coordination.k8s.io", "kube-node-lease"
NOT_READY, UNREACHABLE, UNSCHEDULABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable", "node.kubernetes.io/unschedulable"
_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
_NO_SCHEDULE = {
    ("Ready", "False"): NOT_READY, ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure", ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure", ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
}  # fmt: skip
_MANAGED = {*_NO_SCHEDULE.values(), UNSCHEDULABLE}


@dataclass(slots=True)
class LifecycleState:
    """When each node was last heard of, by this controller's own clock."""

    heard: Shelf = field(default_factory=Shelf)
    blind: bool = False  # its own view of the cluster was cut: silence then says nothing about the nodes


def by_node(pod: Object) -> Iterable[str]:
    """Index function: the node that a Pod is bound to."""
    return (pod["spec"].get("nodeName", ""),)


class NodeLifecycleController(Controller):
    """Watches over heartbeats. The key ``*`` is the periodic look; any other key is the name of a node to taint or free."""

    name = "node-lifecycle"
    account = "node-controller"
    watches = (Watches("nodes"),)
    reads = (LEASES, "pods")
    indexes = (Index("pods", "node", by_node),)

    def __init__(self, process: Any):
        super().__init__(process)
        self.agent = "node-controller"
        self.recorder.component = self.agent
        self.informers[LEASES].handlers.append(self._heard)
        self.informers["nodes"].handlers.append(self._registered)

    def new_state(self) -> Any:
        return LifecycleState()

    def on_start(self) -> None:
        self._again()

    def _again(self) -> None:
        self.queue.add_after(TICK, MONITOR_PERIOD, "are all nodes heard of?", background=True)

    def _heard(self, old: Object | None, new: Object | None, _cause: int) -> None:
        if new is not None and new["metadata"]["namespace"] == LEASE_NAMESPACE and new != old:
            self.own.heard[new["metadata"]["name"]] = self.now

    def _registered(self, old: Object | None, new: Object | None, _cause: int) -> None:
        """A node that is new, or whose kubelet has just written its status, has been heard of."""
        if new is None:
            assert old is not None
            self.own.heard.pop(old["metadata"]["name"], None)
        elif old is None or _heartbeat(old) != _heartbeat(new):
            self.own.heard[new["metadata"]["name"]] = self.now

    def reconcile(self, key: str) -> None:
        if key == TICK:
            self._monitor()
            self._again()
            return
        node = self.informers["nodes"].get(key)
        if node is not None:
            self._taint(node)
            if condition_status(node, "Ready") != "True":
                self._mark_pods(node)

    def _monitor(self) -> None:
        """Silence counts only while this controller itself can hear (a real one would have lost its leadership meanwhile)."""
        own: LifecycleState = self.own
        if not (self.informers[LEASES].state.synced and self.informers["nodes"].state.synced):
            own.blind = True
            return
        if own.blind:
            own.blind = False
            own.heard.update({node["metadata"]["name"]: self.now for node in self.informers["nodes"].all()})
        for node in self.informers["nodes"].all():
            silent = self.now - self.own.heard.get(node["metadata"]["name"], self.now)
            if silent > GRACE_PERIOD and condition_status(node, "Ready") != "Unknown":
                self._lose(node)

    def _lose(self, node: Object) -> None:
        """All conditions become Unknown: nobody is there to say."""
        now = timestamp(self.now)
        known = {c["type"]: c for c in (node.get("status") or {}).get("conditions") or ()}
        for kind in _CONDITIONS:
            old = known.get(kind)
            if old is None:
                words = ("NodeStatusNeverUpdated", "Kubelet never posted node status.")
            else:
                words = ("NodeStatusUnknown", "Kubelet stopped posting node status.")
            beat = (old or {}).get("lastHeartbeatTime") or node["metadata"]["creationTimestamp"]
            since = old["lastTransitionTime"] if old is not None and old["status"] == "Unknown" else now
            known[kind] = freeze({"type": kind, "status": "Unknown", "reason": words[0], "message": words[1],
                                  "lastHeartbeatTime": beat, "lastTransitionTime": since})  # fmt: skip
        status = FrozenDict({**(node.get("status") or {}), "conditions": FrozenList(known.values())})
        self.recorder.event(node, "Normal", "NodeNotReady", f"Node {node['metadata']['name']} status is now: NodeNotReady")
        self.client.update_status("nodes", FrozenDict({**node, "status": status}))

    def _taint(self, node: Object) -> None:
        """The taints that follow from the node's conditions; those of others stay."""
        present = list(node["spec"].get("taints") or ())
        wanted = [key for (kind, status), key in _NO_SCHEDULE.items() if condition_status(node, kind) == status]
        if node["spec"].get("unschedulable"):
            wanted.append(UNSCHEDULABLE)
        execute = [key for key in wanted if key in (NOT_READY, UNREACHABLE)]
        kept = [t for t in present if not _managed(t) or t["key"] in (wanted if t["effect"] == "NoSchedule" else execute)]
        have = {(t["key"], t["effect"]) for t in kept}
        added = [{"key": key, "effect": "NoSchedule"} for key in wanted if (key, "NoSchedule") not in have]
        added += [
            {"key": key, "effect": "NoExecute", "timeAdded": timestamp(self.now)} for key in execute if (key, "NoExecute") not in have
        ]
        if kept != present or added:
            spec = {key: value for key, value in node["spec"].items() if key != "taints"}
            taints = freeze(kept + added)
            self.client.update("nodes", FrozenDict({**node, "spec": FrozenDict({**spec, **({"taints": taints} if taints else {})})}))

    def _mark_pods(self, node: Object) -> None:
        """Pods on a node that is not ready are not ready, whatever their last status says."""
        for pod in self.informers["pods"].by("node", node["metadata"]["name"]):
            if condition_status(pod, "Ready") == "True":
                self._mark(pod)

    def _mark(self, pod: Object) -> None:
        change = {"type": "Ready", "status": "False", "lastTransitionTime": timestamp(self.now)}
        conditions = [{**c, **change} if c["type"] == "Ready" else c for c in pod["status"]["conditions"]]
        status = FrozenDict({**pod["status"], "conditions": freeze(conditions)})
        try:
            self.client.update_status("pods", FrozenDict({**pod, "status": status}))
        except ApiError as error:
            if error.code != 404:
                raise
        self.recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready")


def _managed(taint: Object) -> bool:
    if taint["effect"] == "NoExecute":
        return taint["key"] in (NOT_READY, UNREACHABLE)
    return taint["effect"] == "NoSchedule" and taint["key"] in _MANAGED


def _heartbeat(node: Object) -> str:
    found = condition(node, "Ready")
    return str(found.get("lastHeartbeatTime", "")) if found is not None and found["status"] != "Unknown" else ""
