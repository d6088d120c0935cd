"""The choices of a cluster: its nodes, its seed, which runtime its kubelets use.

They are checked here and nowhere else: :func:`configuration` says in one sentence what cannot be, before anything is made.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from k8snb.apimachinery.objects import FrozenDict, FrozenList, Object, dig, freeze
from k8snb.kubelet import configuration as kubelet_configuration
from k8snb.messages import Mistake, text
from k8snb.scheduler.configuration import parse, settings
from k8snb.sim.clock import EPOCH

Nodes = int | Iterable[Mapping[str, Any]]

ETCD_SIZES = (1, 3, 5)
CLOUDS = ("", "aks")
RUNTIMES = ("faithful", "hollow", "hollow-exits")
MOST_MACHINES = 1000  # of one node pool
MOST_NODES = 5000  # as Kubernetes itself is made for


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
    kubelet: FrozenDict | None = None  # a KubeletConfiguration; None: that of a default kubelet


def configuration(
    nodes: Nodes = 3, seed: int = 0, *, runtime: str = "faithful", start: int | None = None, etcd: int = 1, cloud: str = "",
    scheduler: str | Mapping[str, Any] | None = None, kubelet: str | Mapping[str, Any] | None = None, metrics: bool | None = None,
    **switches: bool,
) -> Config:  # fmt: skip
    """The choices of a cluster, checked: those of :class:`Config`, as a learner writes them. Raises ValueError with one sentence."""
    if runtime not in RUNTIMES:
        raise Mistake(text("cluster.no_runtime", runtime=runtime, names=", ".join(RUNTIMES)))
    if etcd not in ETCD_SIZES:
        raise Mistake(text("cluster.no_etcd_size", count=etcd, sizes=", ".join(map(str, ETCD_SIZES))))
    if cloud not in CLOUDS:
        raise Mistake(text("cloud.no_cloud", cloud=cloud, names=", ".join(filter(None, CLOUDS))))
    _check_types(seed, start, switches | ({} if metrics is None else {"metrics": metrics}))
    return Config(
        nodes=node_manifests(0 if cloud else nodes), pool=first_machines(nodes) if cloud else 0, seed=seed, runtime=runtime,
        start=EPOCH if start is None else start, etcd=etcd, cloud=cloud, scheduler=chosen_scheduler(scheduler),
        kubelet=chosen_kubelet(kubelet),
        metrics=bool(cloud) if metrics is None else metrics, **switches,
    )  # fmt: skip


def _check_types(seed: Any, start: Any, switches: Mapping[str, Any]) -> None:
    if not isinstance(seed, int):
        raise Mistake(text("cluster.no_seed", seed=seed))
    if start is not None and (not isinstance(start, int) or start < 0):
        raise Mistake(text("cluster.no_start", start=start))
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise Mistake(text("cluster.no_switch", name=name, value=value))


def chosen_scheduler(given: str | Mapping[str, Any] | None) -> FrozenDict | None:
    """A KubeSchedulerConfiguration as a cluster is made with it. Raises ValueError with all that is wrong with it."""
    if given is None:
        return None
    document = parse(given)
    ignored = settings(document).ignored
    if ignored:
        warnings.warn(text("scheduler.no_effect", fields=", ".join(ignored)), stacklevel=4)  # where the Cluster is made
    return document


def chosen_kubelet(given: str | Mapping[str, Any] | None) -> FrozenDict | None:
    """A KubeletConfiguration as a cluster is made with it. Raises ValueError with all that is wrong with it."""
    if given is None:
        return None
    document = kubelet_configuration.parse(given)
    ignored = kubelet_configuration.settings(document).ignored
    if ignored:
        warnings.warn(text("kubelet.no_effect", fields=", ".join(ignored)), stacklevel=4)  # where the Cluster is made
    return document


def first_machines(nodes: Nodes) -> int:
    """How many machines the first pool of a managed cluster has. Raises ValueError."""
    if not isinstance(nodes, int) or not 0 <= nodes <= MOST_MACHINES:
        raise Mistake(text("cloud.no_machines", nodes=nodes, most=MOST_MACHINES))
    return nodes


def node_manifests(nodes: Nodes) -> FrozenList:
    """Node manifests, from a number (``node-1`` ... of ordinary size, in three zones) or as they are given.

    Raises ValueError for what is neither, and for manifests that have no names of their own.
    """
    if isinstance(nodes, int) and nodes > MOST_NODES:
        raise Mistake(text("cluster.too_many_nodes", nodes=nodes, most=MOST_NODES))
    if isinstance(nodes, int) and nodes >= 0:
        return FrozenList([ordinary_node(number) for number in range(1, nodes + 1)])
    if isinstance(nodes, (int, str, Mapping)) or not isinstance(nodes, Iterable):
        raise Mistake(text("cluster.no_nodes", nodes=nodes))
    found = list(nodes)
    names = [_name(node) for node in found]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise Mistake(text("cluster.unnamed_node"))
    return FrozenList([freeze(dict(node)) for node in found])


def _name(node: Any) -> Any:
    return dig(node, "metadata.name") if isinstance(node, Mapping) else None


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
