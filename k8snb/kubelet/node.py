"""The Node object and its Lease: how a kubelet says that its machine is there and well.

On start the kubelet registers its node: capacity, addresses, versions, four conditions. Then it renews a Lease every 10 s
(cheap, that is the heartbeat) and writes the node's status when it changed, else every 5 min. When both stop coming, the node
lifecycle controller draws its conclusions.

Models: pkg/kubelet/kubelet_node_status.go, pkg/kubelet/nodestatus/setters.go, component-helpers/apimachinery/lease.
What "well" means for memory and disk says :mod:`.eviction`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from k8snb.apimachinery.meta import micro_timestamp, set_condition, timestamp
from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, FrozenDict, FrozenList, Object, freeze
from k8snb.component_helpers.timing import timing
from k8snb.sim.clock import SECOND

VERSION = "v1.36.2"
LEASE_PERIOD, STATUS_PERIOD = timing("node lease renewal"), timing("node status report")
LEASE_SECONDS = timing("node lease duration") // SECOND
LEASE_NAMESPACE = "kube-node-lease"
PROVIDED_NODE_IP = "alpha.kubernetes.io/provided-node-ip"

SYSTEM_CPU, SYSTEM_MEMORY = 60, 420 << 20
"""What kernel, kubelet and container runtime of a machine use themselves: millicores, bytes."""
IMAGES_SHOWN = 50
"""``nodeStatusMaxImages``: so many images stand in the status of the node."""
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")
_WELL = {
    "MemoryPressure": ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
}
_PRESSED = {
    "MemoryPressure": ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
    "DiskPressure": ("KubeletHasDiskPressure", "kubelet has disk pressure"),
    "PIDPressure": ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
}
STATUS_EVENTS = {
    "MemoryPressure": ("NodeHasSufficientMemory", "NodeHasInsufficientMemory"),
    "DiskPressure": ("NodeHasNoDiskPressure", "NodeHasDiskPressure"),
    "PIDPressure": ("NodeHasSufficientPID", "NodeHasInsufficientPID"),
}
"""What the kubelet says of its node when such a condition has become False, or True."""


def address_of(name: str) -> str:
    """The machine's address. ``node-7`` has the seventh of a range; any other name one of its own, from a hash of it."""
    found = re.fullmatch(r"node-(\d+)", name)
    if found:
        number = int(found[1])
        return f"192.168.{10 + number // 250 % 150}.{number % 250 + 2}"
    number = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    return f"192.168.{160 + number // 250 % 90}.{number % 250 + 2}"


def machine_address(manifest: Object) -> str:
    """The machine's address: the one that its kubelet was told (``--node-ip``), or one that follows from its name."""
    annotations = manifest["metadata"].get("annotations") or EMPTY_DICT
    return str(annotations.get(PROVIDED_NODE_IP) or address_of(manifest["metadata"]["name"]))


def reference(name: str) -> Object:
    """What Events about a node are about."""
    return FrozenDict({"apiVersion": "v1", "kind": "Node", "metadata": FrozenDict({"name": name, "uid": name})})


def labels_of(manifest: Object, name: str) -> dict[str, str]:
    """The labels of the manifest, and those that every kubelet sets."""
    own = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
           "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64"}  # fmt: skip
    return own | dict(manifest["metadata"].get("labels") or {})


def new_node(manifest: Object, name: str) -> Object:
    """The Node that a kubelet registers."""
    meta = {"name": name, "labels": labels_of(manifest, name)}
    annotations = {"volumes.kubernetes.io/controller-managed-attach-detach": "true", **(manifest["metadata"].get("annotations") or {})}
    found: Object = freeze(
        {"apiVersion": "v1", "kind": "Node", "metadata": {**meta, "annotations": annotations}, "spec": manifest.get("spec") or {}}
    )
    return found


def node_status(
    node: Object, manifest: Object, *, now: int, images: list[tuple[tuple[str, str], int]], pressure: frozenset[str], boots: int,
    problem: str,
) -> FrozenDict:  # fmt: skip
    """The status that the kubelet writes. ``images``: (names, bytes) of what lies on the disk, largest first. ``boots``: see
    :func:`boot_id`. ``problem``: why the node is not ready; empty: it is."""
    name = node["metadata"]["name"]
    given = manifest.get("status") or EMPTY_DICT
    old = node.get("status") or EMPTY_DICT
    capacity = given.get("capacity") or EMPTY_DICT
    status: dict[str, Any] = {
        **old, "capacity": capacity, "allocatable": given.get("allocatable") or capacity,
        "conditions": conditions(old.get("conditions") or EMPTY_LIST, now, pressure, problem),
        "addresses": freeze([{"type": "InternalIP", "address": machine_address(manifest)}, {"type": "Hostname", "address": name}]),
        "daemonEndpoints": freeze({"kubeletEndpoint": {"Port": 10250}}), "nodeInfo": node_info(name, boots),
    }  # fmt: skip
    if images or "images" in status:
        status["images"] = freeze([{"names": list(names), "sizeBytes": size} for names, size in images])
    for key, known in old.items():
        if status[key] == known:
            status[key] = known  # the very same, so that the API server need not look at it again
    return FrozenDict(status)


def conditions(old: FrozenList, now: int, pressure: frozenset[str], problem: str = "") -> FrozenList:
    """The four conditions of a machine, with the time of this heartbeat."""
    rows = [(kind, kind in pressure, *(_PRESSED if kind in pressure else _WELL)[kind]) for kind in PRESSURES]
    found = old
    ready = ("Ready", False, "KubeletNotReady", problem) if problem else ("Ready", True, "KubeletReady", "kubelet is posting ready status")
    for kind, true, reason, message in [*rows, ready]:
        wanted = {"type": kind, "status": str(true), "reason": reason, "message": message, "lastHeartbeatTime": timestamp(now)}
        found = set_condition(found, wanted, now)
    return found


def boot_id(name: str, boots: int) -> str:
    """The identity of a machine's present life; another one after each loss of power."""
    digest = hashlib.sha256((f"{name}/{boots}" if boots else name).encode()).hexdigest()
    return f"{digest[32:40]}-{digest[40:44]}-{digest[44:48]}-{digest[48:52]}-{digest[52:64]}"


def node_info(name: str, boots: int) -> FrozenDict:
    """Versions and identifiers, the same for every machine of this kind but for the identifiers."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    machine = digest[:32]
    return FrozenDict({
        "machineID": machine, "systemUUID": f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}",
        "bootID": boot_id(name, boots), "kernelVersion": "6.12.0",
        "osImage": "Debian GNU/Linux 13 (trixie)", "containerRuntimeVersion": "containerd://2.1.4", "kubeletVersion": VERSION,
        "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64",
    })  # fmt: skip


def lease(node: Object, now: int) -> Object:
    """The Lease of a node, renewed now."""
    name = node["metadata"]["name"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node["metadata"].get("uid", "")}
    found: Object = freeze({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": name, "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]}, "spec": lease_spec(name, now),
    })  # fmt: skip
    return found


def lease_spec(name: str, now: int) -> FrozenDict:
    """What it says, renewed now."""
    return FrozenDict({"holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": micro_timestamp(now)})
