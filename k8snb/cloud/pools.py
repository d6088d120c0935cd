"""Node pools: machines of one size with one purpose, made from one template.

    NodePool("user", size="Standard_D4s_v5", zones=("1", "2", "3"))  --->  the manifest of machine number 7 of it

The kubelet of such a machine registers its Node with the pool's labels and taints, and with the taint
``node.cloudprovider.kubernetes.io/uninitialized``: until the cloud-controller-manager has said what the cloud knows of the
machine (zone, region, size), nothing is scheduled there.

Models: node pools of AKS and the virtual machine scale set behind each; k8s.io/cloud-provider/api (well-known taints).
Simplified: one operating system, one network; the cluster's resource group and subscription have fixed names.
"""

from __future__ import annotations

from typing import NamedTuple

from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, FrozenDict, FrozenList, Object, freeze
from k8snb.cloud.sizes import SIZES, allocatable, capacity

REGION = "westeurope"
SUBSCRIPTION = "00000000-0000-4000-8000-00000000c0de"
RESOURCE_GROUP = "mc_course_k8snb_westeurope"
UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized"
SHUTDOWN = "node.cloudprovider.kubernetes.io/shutdown"
TO_BE_DELETED = "ToBeDeletedByClusterAutoscaler"
NODE_IP = "alpha.kubernetes.io/provided-node-ip"
POOL = "kubernetes.azure.com/agentpool"
MODE = "kubernetes.azure.com/mode"
PRIORITY = "kubernetes.azure.com/scalesetpriority"
IMAGE = "kubernetes.azure.com/node-image-version"
FIRST_IMAGE = "AKSUbuntu-2204gen2containerd-202611.01.0"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class NodePool(NamedTuple):
    """What is asked for: how many machines, of which size, where. ``least`` and ``most`` bound the autoscaler."""

    name: str
    group: str  # the scale set: aks-NAME-12345678-vmss
    size: str = "Standard_D2s_v5"
    machines: int = 0  # how many are asked for
    mode: str = "User"  # or System: the pods that the cluster itself needs go there
    zones: tuple[str, ...] = ()
    labels: FrozenDict = EMPTY_DICT
    taints: FrozenList = EMPTY_LIST
    spot: bool = False
    autoscale: bool = False
    least: int = 0
    most: int = 0
    max_surge: int = 1
    image: str = FIRST_IMAGE
    made: int = 0  # machines ever made: the number of the next one
    going: bool = False  # it is being removed


class Instance(NamedTuple):
    """A virtual machine. ``state``: Creating, Running, Stopped, Deleting. ``since`` (µs): when that began."""

    name: str
    pool: str
    number: int
    size: str
    zone: str  # "1", or empty
    address: str
    state: str
    since: int
    image: str = FIRST_IMAGE
    evicted: int = 0  # a spot machine: when the cloud takes it back (µs); 0: not announced


def instance_name(pool: NodePool, number: int) -> str:
    """The name of a machine and of its Node.

    >>> instance_name(NodePool("user", "aks-user-12345678-vmss"), 37)
    'aks-user-12345678-vmss000011'
    """
    letters = ""
    while number or not letters:
        number, digit = divmod(number, len(_DIGITS))
        letters = _DIGITS[digit] + letters
    return f"{pool.group}{letters.rjust(6, '0')}"


def zone_label(zone: str) -> str:
    """The zone as a label has it; machines outside of any zone are in fault domain 0."""
    return f"{REGION}-{zone}" if zone else "0"


def provider_id(instance: Instance) -> str:
    """What identifies the machine in the cloud, as ``spec.providerID``."""
    group = instance.name[:-6]
    compute = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft.Compute"
    return f"azure://{compute}/virtualMachineScaleSets/{group}/virtualMachines/{instance.number}"


def labels_of(pool: NodePool, image: str) -> dict[str, str]:
    """The labels that the kubelets of a pool set by themselves."""
    spot = {PRIORITY: "spot"} if pool.spot else {}
    return {
        "agentpool": pool.name, POOL: pool.name, MODE: pool.mode.lower(), "kubernetes.azure.com/role": "agent",
        IMAGE: image, **spot, **pool.labels,
    }  # fmt: skip


def taints_of(pool: NodePool) -> list[Object]:
    """The pool's own taints; a spot pool repels whoever does not ask for it."""
    spot: list[Object] = [{"key": PRIORITY, "value": "spot", "effect": "NoSchedule"}] if pool.spot else []
    return [*spot, *pool.taints]


def manifest(pool: NodePool, instance: Instance) -> Object:
    """The Node that the kubelet of a new machine registers."""
    size = SIZES[instance.size]
    uninitialized = {"key": UNINITIALIZED, "value": "true", "effect": "NoSchedule"}
    found: Object = freeze({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": instance.name, "labels": labels_of(pool, instance.image), "annotations": {NODE_IP: instance.address}},
        "spec": {"taints": [uninitialized, *taints_of(pool)]},
        "status": {"capacity": capacity(size), "allocatable": allocatable(size)},
    })  # fmt: skip
    return found


def topology_labels(size: str, zone: str) -> dict[str, str]:
    """The labels that the cloud-controller-manager adds: what only the cloud knows of a machine."""
    return {
        "beta.kubernetes.io/instance-type": size, "node.kubernetes.io/instance-type": size,
        "failure-domain.beta.kubernetes.io/region": REGION, "failure-domain.beta.kubernetes.io/zone": zone,
        "topology.kubernetes.io/region": REGION, "topology.kubernetes.io/zone": zone,
    }  # fmt: skip


def template(pool: NodePool, zone: str = "") -> Object:
    """A Node as a new machine of this pool would become: what the cluster autoscaler tries pods on."""
    name = f"template-node-for-{pool.group}"
    labels = {
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64",
        **labels_of(pool, pool.image), **topology_labels(pool.size, zone_label(zone)),
    }  # fmt: skip
    size = SIZES[pool.size]
    found: Object = freeze({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
        "spec": {"taints": taints_of(pool)} if taints_of(pool) else {},
        "status": {"capacity": capacity(size), "allocatable": allocatable(size), "conditions": [{"type": "Ready", "status": "True"}]},
    })  # fmt: skip
    return found
