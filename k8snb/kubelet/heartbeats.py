"""How a kubelet speaks for its node: it registers it, renews its Lease, writes its status.

    start         -> the Node, if there is none, and its CSINode; then both of these
    every 10 s    -> the Lease ("I am here"), and a look at memory and disk
    every 5 min   -> the Node's status; at once where it has changed, or where somebody has said meanwhile that the node is lost

A kubelet whose container runtime does not answer can do nothing for its pods: after half a minute it says itself that the node is
not ready (:mod:`.outage`).

Models: pkg/kubelet/kubelet_node_status.go (registerWithAPIServer, syncNodeStatus), component-helpers/apimachinery/lease.
Simplified: heartbeats come every ten seconds exactly (upstream up to 4 % later); the look at memory and disk, which upstream has a
timer of its own, comes with them. The Ready condition's sentence is written when it becomes another one, not at each heartbeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.apimachinery.errors import ApiError, aggregate
from k8snb.apimachinery.meta import condition, condition_status
from k8snb.apimachinery.objects import FrozenDict, Object, put
from k8snb.component_helpers.csinode import driver_entry, with_entry
from k8snb.kubelet import eviction, image_gc, observing, outage
from k8snb.kubelet import node as nodes
from k8snb.kubelet.thresholds import DISK

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

LEASES, CSINODES = "leases.coordination.k8s.io", "csinodes.storage.k8s.io"

SHUTTING_DOWN = outage.Problem("node is shutting down")


def register(kubelet: Kubelet) -> None:
    """Make the Node where there is none, and begin to speak for it."""
    try:
        if kubelet.client.find("nodes", kubelet.node_name) is None:
            kubelet.client.create("nodes", nodes.new_node(kubelet.manifest, kubelet.node_name))
    except ApiError:
        why = "registering the node again"
        kubelet.kernel.after(nodes.LEASE_PERIOD, kubelet.name, ("register",), why=why, background=True)
        return
    if kubelet.own.registered and not kubelet.runtime.instant:
        outage.say_started(kubelet)
    kubelet.own.registered = True
    report_regularly(kubelet)
    renew(kubelet)
    register_drivers(kubelet)


def register_drivers(kubelet: Kubelet) -> None:
    """List the CSI drivers that the cluster has in the CSINode of this node. (What fails, a driver's registrar makes good.)"""
    try:
        names = [driver["metadata"]["name"] for driver in kubelet.client.list("csidrivers.storage.k8s.io")]
        known_here = [kubelet.drivers[name] for name in names if name in kubelet.drivers]
        node = kubelet.client.find("nodes", kubelet.node_name) if known_here else None
        if node is None:
            return
        for driver in known_here:
            facts = driver.node_info(kubelet.node_name, node["metadata"].get("labels") or {})
            entry = driver_entry(driver.traits.name, facts.id, [key for key, _ in facts.segments], facts.limit)
            known = kubelet.client.find(CSINODES, kubelet.node_name)
            wanted = with_entry(known, node, entry)
            if known is None:
                kubelet.client.create(CSINODES, wanted)
            elif known != wanted:
                kubelet.client.update(CSINODES, wanted)
    except ApiError:
        return


def renew(kubelet: Kubelet) -> None:
    """The heartbeat, and what is looked at with it."""
    kubelet.kernel.after(nodes.LEASE_PERIOD, kubelet.name, ("lease",), why="heartbeat", background=True)
    pressed = eviction.look(kubelet)
    node = node_of(kubelet)
    if node is None:
        return
    if pressed or _is_news(kubelet, node) or sum(kubelet.runtime.images().values()) != kubelet.own.reported:
        report(kubelet)
    now = kubelet.kernel.now
    try:
        found = kubelet.client.find(LEASES, kubelet.node_name, nodes.LEASE_NAMESPACE)
        if found is None:
            kubelet.client.create(LEASES, nodes.lease(node, now), nodes.LEASE_NAMESPACE)
        else:
            kubelet.client.update(LEASES, FrozenDict({**found, "spec": nodes.lease_spec(kubelet.node_name, now)}), typed=True)
    except ApiError:
        return  # the next heartbeat tries again


def report_regularly(kubelet: Kubelet) -> None:
    """The status of the node although nothing has changed; with it goes the look at the images."""
    kubelet.kernel.after(nodes.STATUS_PERIOD, kubelet.name, ("node",), why="node status", background=True)
    image_gc.collect(kubelet, observing.capacity_of(kubelet, DISK), observing.disk_used(kubelet))
    report(kubelet)


def report(kubelet: Kubelet) -> None:
    """Write the Node's status as it is from here: also when somebody has said meanwhile that this node is lost."""
    node = node_of(kubelet)
    if node is None:
        return
    known = kubelet.runtime.images()
    names = sorted(known, key=lambda name: (-known[name], name))[: nodes.IMAGES_SHOWN]
    images = [((kubelet.runtime.image_id(image), image), known[image]) for image in names]
    pressure, kubelet.own.reported = frozenset(kubelet.own.pressure), sum(known.values())
    problem = aggregate(map(str, _problems(kubelet)))
    now, boots = kubelet.kernel.now, kubelet.own.boots
    status = nodes.node_status(node, kubelet.manifest, now=now, images=images, pressure=pressure, boots=boots, problem=problem)
    try:
        kubelet.client.update_status("nodes", put(node, "status", status))
    except ApiError:
        kubelet.own.reported = -1  # the next turn tries again
        return
    _tell(kubelet, node, boots)


def _problems(kubelet: Kubelet) -> tuple[outage.Problem, ...]:
    """Why the node is not ready; nothing where it is."""
    return (SHUTTING_DOWN,) if kubelet.own.shutting_down else outage.problems(kubelet)


def _is_news(kubelet: Kubelet, node: Object) -> bool:
    """Whether the node is ready, or not, for another reason than its status says."""
    known, problems = condition(node, "Ready") or {}, _problems(kubelet)
    return known.get("status") != str(not problems) or any(one.what not in str(known.get("message", "")) for one in problems)


def _tell(kubelet: Kubelet, node: Object, boots: int) -> None:
    """Say what is news about the node: it has another boot behind it, it is heard of again."""
    boot, name = nodes.boot_id(kubelet.node_name, boots), kubelet.node_name
    before = ((node.get("status") or {}).get("nodeInfo") or {}).get("bootID", "")
    if before not in ("", boot):
        text = f"Node {name} has been rebooted, boot id: {boot}"
        kubelet.recorder.event(nodes.reference(name), "Warning", "Rebooted", text)
    known, reason = condition_status(node, "Ready"), "NodeNotReady" if _problems(kubelet) else "NodeReady"
    if known and known != str(not _problems(kubelet)):
        kubelet.recorder.event(nodes.reference(name), "Normal", reason, f"Node {name} status is now: {reason}")


def node_of(kubelet: Kubelet) -> Object | None:
    """The Node: from the cache, or asked for where the cache does not have it yet."""
    node = kubelet.nodes.get(kubelet.node_name)
    try:
        return node or kubelet.client.find("nodes", kubelet.node_name)
    except ApiError:
        return None
