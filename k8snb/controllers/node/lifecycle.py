"""Node lifecycle: a node that is not heard of is marked, and tainted, so that the rest of the system can react.

A kubelet renews its Lease every ten seconds. This loop looks every five; a node whose Lease has not moved for fifty seconds
(``node-monitor-grace-period``) has all its conditions set to Unknown, its Pods are marked not ready, and it is tainted.
It is *this* loop that says so: a dead node cannot.

    Ready False    -> node.kubernetes.io/not-ready      NoSchedule at once, NoExecute with the next look
    Ready Unknown  -> node.kubernetes.io/unreachable    NoSchedule at once, NoExecute with the next look

NoExecute ends Pods, so it is given with care: a node waits in the queue of its zone (:mod:`.zones`) until it is its turn.

Models: pkg/controller/nodelifecycle/node_lifecycle_controller.go (monitorNodeHealth, tryUpdateNodeHealth, processTaintBaseEviction,
doNoScheduleTaintingPass, doNoExecuteTaintingPass, handleDisruption).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import condition, condition_status, timestamp
from k8snb.apimachinery.objects import FrozenDict, FrozenList, Object, freeze
from k8snb.client.controller import Controller, Index, Watches
from k8snb.client.indexes import by_node
from k8snb.component_helpers.timing import timing
from k8snb.controllers.node.zones import EXCLUDED, Zone, next_states, zone_of
from k8snb.sim.state import Shelf

MONITOR_PERIOD, GRACE_PERIOD, STARTUP_GRACE = timing("node monitor"), timing("node grace"), timing("node startup grace")
TICK, TAINT_PASS = "*", "**"  # no names of nodes
LEASES, LEASE_NAMESPACE = "leases.coordination.k8s.io", "kube-node-lease"
NOT_READY, UNREACHABLE, UNSCHEDULABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable", "node.kubernetes.io/unschedulable"
_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
_NO_SCHEDULE = {
    ("Ready", "False"): NOT_READY, ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure", ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure", ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
}  # fmt: skip
_MANAGED = {*_NO_SCHEDULE.values(), UNSCHEDULABLE}
_EXECUTE = (NOT_READY, UNREACHABLE)


@dataclass(slots=True)
class LifecycleState:
    """When each node was last heard of, by this controller's own clock."""

    heard: Shelf = field(default_factory=Shelf)
    blind: bool = False  # its own view of the cluster was cut: silence then says nothing about the nodes
    zones: dict[str, Zone] = field(default_factory=dict)


class NodeLifecycleController(Controller):
    """Watches over heartbeats. Keys: ``*`` is the periodic look, ``**`` the look at who waits for NoExecute; else the name of a node."""

    name = "node-lifecycle"
    account = "node-controller"
    watches = (Watches("nodes"),)
    reads = (LEASES, "pods")
    indexes = (Index("pods", "node", by_node),)

    def __init__(self, process: Any):
        super().__init__(process)
        self.agent = "node-controller"
        self.recorder.component = self.agent
        self.informers[LEASES].tell(self._heard)
        self.informers["nodes"].tell(self._registered)

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
        if key == TAINT_PASS:
            self._give_up_nodes()
            return
        node = self.informers["nodes"].get(key)
        if node is not None:
            self._taint(node, "NoSchedule", _no_schedule(node))
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
            self._hear_all()
        ready: dict[str, list[bool]] = {}
        for node in self.informers["nodes"].all():
            silent = self.now - own.heard.get(node["metadata"]["name"], self.now)
            observed = condition_status(node, "Ready")
            lost = observed != "Unknown" and silent > (GRACE_PERIOD if observed else STARTUP_GRACE)
            if lost:
                self._lose(node)
            self._queue(node, observed)
            if EXCLUDED not in (node["metadata"].get("labels") or ()):
                ready.setdefault(zone_of(node), []).append(observed == "True" and not lost)
        self._look_at_zones(ready)
        self._give_up_nodes()

    def _hear_all(self) -> None:
        """Give every node the whole grace period again."""
        self.own.heard.update({node["metadata"]["name"]: self.now for node in self.informers["nodes"].all()})

    def _queue(self, node: Object, observed: str) -> None:
        """A node that was seen not ready waits for its NoExecute taint; one that is ready is freed of it."""
        waiting = self.own.zones.setdefault(zone_of(node), Zone()).waiting
        name = node["metadata"]["name"]
        wanted = {"False": NOT_READY, "Unknown": UNREACHABLE}.get(observed, "")
        present = [t["key"] for t in node["spec"].get("taints") or () if t["effect"] == "NoExecute" and t["key"] in _EXECUTE]
        if present and present != [wanted]:
            self._taint(node, "NoExecute", [wanted] if wanted else [])  # another one, or none: at once
        if not wanted or present:
            waiting.pop(name, None)
        else:
            waiting[name] = wanted

    def _look_at_zones(self, ready: dict[str, list[bool]]) -> None:
        zones: dict[str, Zone] = self.own.zones
        for gone in [name for name in zones if name not in ready]:
            del zones[gone]
        found, stopped, resumed = next_states({name: zone.state for name, zone in zones.items()}, dict(ready))
        for name, (state, interval) in found.items():
            zones[name].state, zones[name].interval = state, interval
        if stopped:  # nothing at all is heard of: that says more about this controller than about the nodes
            for node in self.informers["nodes"].all():
                self._taint(node, "NoExecute", [])
        if resumed:
            self._hear_all()

    def _give_up_nodes(self) -> None:
        """Taint the nodes whose turn it is; come back where others wait."""
        for zone in self.own.zones.values():
            for name, taint in list(zone.waiting.items()):
                if not zone.interval or self.now < zone.free_at:
                    break
                node = self.informers["nodes"].get(name)
                del zone.waiting[name]
                if node is not None:
                    self._taint(node, "NoExecute", [taint])
                    zone.free_at = self.now + zone.interval
            if zone.waiting and zone.interval:
                self.queue.add_after(TAINT_PASS, max(timing("taint pass"), zone.free_at - self.now), "nodes wait to be given up")

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

    def _taint(self, node: Object, effect: str, wanted: Sequence[str]) -> None:
        """Give the node exactly these of the taints that this controller manages with that effect; those of others stay."""
        if _with_taints(node, effect, wanted, self.now) is None:
            return
        newest = self.client.find("nodes", node["metadata"]["name"])  # its other taints may have changed a moment ago
        taints = _with_taints(newest, effect, wanted, self.now) if newest is not None else None
        if newest is not None and taints is not None:
            rest = {key: value for key, value in newest["spec"].items() if key != "taints"}
            self.client.update("nodes", FrozenDict({**newest, "spec": FrozenDict({**rest, **({"taints": taints} if taints else {})})}))

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


def _no_schedule(node: Object) -> list[str]:
    """The NoSchedule taints that follow from the conditions of a node, and from its being cordoned."""
    found = [taint for (kind, status), taint in _NO_SCHEDULE.items() if condition_status(node, kind) == status]
    return [*found, UNSCHEDULABLE] if node["spec"].get("unschedulable") else found


def _with_taints(node: Object, effect: str, wanted: Sequence[str], now: int) -> FrozenList | None:
    """The node's taints once exactly the ``wanted`` ones of that effect are there, of those managed here; None where they are."""
    present = list(node["spec"].get("taints") or ())
    managed = _MANAGED if effect == "NoSchedule" else _EXECUTE
    kept = [t for t in present if t["effect"] != effect or t["key"] not in managed or t["key"] in wanted]
    have = {t["key"] for t in kept if t["effect"] == effect}
    added = [freeze({"key": key, "effect": effect, "timeAdded": timestamp(now)}) for key in wanted if key not in have]
    return FrozenList(kept + added) if added or kept != present else None


def _heartbeat(node: Object) -> str:
    found = condition(node, "Ready")
    return str(found.get("lastHeartbeatTime", "")) if found is not None and found["status"] != "Unknown" else ""
