"""The choices of a cluster: its nodes, its seed, which runtime its kubelets use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.objects import FrozenDict, FrozenList, Object, freeze
from k8snb.sim.clock import EPOCH

ETCD_SIZES = (1, 3, 5)
CLOUDS = ("", "aks")
RUNTIMES = ("faithful", "hollow", "hollow-exits")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that decides how a cluster begins. Plain data: it is saved with the cluster."""

    nodes: FrozenList = field(default_factory=FrozenList)  # Node manifests
    seed: int = 0
    runtime: str = "faithful"
    start: int = EPOCH  # virtual time at the beginning, in microseconds
    shuffle: bool = False  # draw the order of same-time events: hunts races
    loud: bool = True  # warn of what is accepted but not simulated
    etcd: int = 1  # members of etcd; more than one is a Raft group
    encrypt_secrets: bool = False  # encryption at rest: etcd holds Secrets as ciphertext
    storage: bool = False  # a default StorageClass, "standard", from the start
    ingress: bool = False  # an Ingress controller is installed
    metrics: bool = False  # a metrics server runs
    cloud: str = ""  # "aks": a managed cluster, whose machines come from node pools
    pool: int = 0  # machines in the first node pool of a managed cluster
    scheduler: FrozenDict | None = None  # a KubeSchedulerConfiguration; None: that of a default scheduler


def node_manifests(nodes: int | Iterable[Mapping[str, Any]]) -> FrozenList:
    """Node manifests, from a number (``node-1`` ... of ordinary size, in three zones) or as they are given.

    Raises ValueError for a number below zero.
    """
    if isinstance(nodes, int):
        if nodes < 0:
            raise ValueError(f"a cluster cannot have {nodes} nodes")
        return FrozenList([ordinary_node(number) for number in range(1, nodes + 1)])
    return FrozenList([freeze(dict(node)) for node in nodes])


def ordinary_node(number: int) -> Object:
    """A worker of two CPUs and four GiB."""
    name = f"node-{number}"
    labels = {
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": f"zone-{(number - 1) % 3 + 1}", "topology.kubernetes.io/region": "region-1",
    }  # fmt: skip
    size = {"cpu": "2", "memory": "4Gi", "pods": "110", "ephemeral-storage": "50Gi"}
    return freeze({  # type: ignore[no-any-return]
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": {"capacity": size, "allocatable": size},
    })  # fmt: skip
