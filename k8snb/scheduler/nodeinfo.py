"""What the scheduler knows of a node: an immutable record, replaced whenever something on the node changes.

Upstream keeps a mutable NodeInfo with a generation number and copies it into a snapshot for every cycle. Here a
:class:`NodeInfo` is a *value*: adding a pod makes a new one that shares the rest. So a snapshot is only a list of them, a
"what if these pods were gone?" of preemption needs no undo, a fork shares them all, and **identity is the generation**:
whoever remembers a result for a NodeInfo may use it as long as the cache still holds that very record.

    before = node_info(node)
    after = before.with_pod(pod)         # before.pods is still ()

Models: pkg/scheduler/framework/types.go, NodeInfo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from k8snb.apimachinery.objects import EMPTY_DICT, EMPTY_LIST, FrozenDict, Object, dig
from k8snb.apimachinery.resource import once
from k8snb.component_helpers.resources import resource_amounts
from k8snb.messages import counted
from k8snb.scheduler.podinfo import PodInfo, Port, pod_info

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
REGION = "topology.kubernetes.io/region"


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """The digest of one Node object. Two nodes with equal facts are equal to every plugin, but for their names."""

    labels: FrozenDict
    taints: tuple[Object, ...]
    unschedulable: bool
    allocatable: FrozenDict  # resource -> amount
    zone: str
    images: FrozenDict  # name -> bytes


NO_FACTS = NodeFacts(EMPTY_DICT, (), False, EMPTY_DICT, "", EMPTY_DICT)


@once
def node_facts(node: Any) -> NodeFacts:
    """The digest of a frozen Node, remembered on it."""
    labels = node["metadata"].get("labels") or EMPTY_DICT
    spec = node.get("spec") or EMPTY_DICT
    region, zone = labels.get(REGION, ""), labels.get(ZONE, "")
    images = {
        normalized_image(name): int(image.get("sizeBytes", 0))
        for image in dig(node, "status.images", EMPTY_LIST)
        for name in image.get("names") or ()
    }
    return NodeFacts(
        labels=labels,
        taints=tuple(spec.get("taints") or ()),
        unschedulable=bool(spec.get("unschedulable")),
        allocatable=FrozenDict(resource_amounts(dig(node, "status.allocatable"))),
        zone=f"{region}:\0:{zone}" if region or zone else "",
        images=FrozenDict(images),
    )


def normalized_image(name: str) -> str:
    """An image name with its tag: ``nginx`` is ``nginx:latest``."""
    return name if name.rfind(":") > name.rfind("/") else f"{name}:latest"


class NodeInfo(NamedTuple):
    """A node and the pods that are there, or assumed to be. ``node`` is None while only its pods are known."""

    name: str
    node: FrozenDict | None = None
    facts: NodeFacts = NO_FACTS  # the digest of ``node``
    pods: tuple[FrozenDict, ...] = ()
    requested: FrozenDict = EMPTY_DICT  # resource -> amount
    non_zero_cpu: int = 0
    non_zero_memory: int = 0
    ports: tuple[Port, ...] = ()
    affinity_pods: tuple[FrozenDict, ...] = ()  # those with any inter-pod term
    anti_affinity_pods: tuple[FrozenDict, ...] = ()  # those with a required anti-affinity term

    def infos(self) -> list[PodInfo]:
        """The digests of the pods here, in the order in which they came."""
        return [pod_info(pod) for pod in self.pods]

    def with_node(self, node: FrozenDict | None) -> NodeInfo:
        """The same pods on a changed Node object."""
        return self._replace(node=node, facts=NO_FACTS if node is None else node_facts(node))

    def with_pod(self, pod: FrozenDict) -> NodeInfo:
        """One pod more."""
        info = pod_info(pod)
        return self._replace(
            pods=(*self.pods, pod),
            requested=_add(self.requested, info.requests, 1),
            non_zero_cpu=self.non_zero_cpu + info.non_zero_cpu,
            non_zero_memory=self.non_zero_memory + info.non_zero_memory,
            ports=self.ports + info.ports,
            affinity_pods=(*self.affinity_pods, pod) if info.has_affinity else self.affinity_pods,
            anti_affinity_pods=(*self.anti_affinity_pods, pod) if info.anti_affinity else self.anti_affinity_pods,
        )

    def with_newer(self, old: PodInfo, new: PodInfo) -> NodeInfo:
        """A pod's newer form in the place of the one that is here, where both are the same for scheduling."""
        pods = _swap(self.pods, old.pod, new.pod)
        if not old.has_affinity:
            return self._replace(pods=pods)
        affinity, anti_affinity = _swap(self.affinity_pods, old.pod, new.pod), _swap(self.anti_affinity_pods, old.pod, new.pod)
        return self._replace(pods=pods, affinity_pods=affinity, anti_affinity_pods=anti_affinity)

    def without_pod(self, key: str) -> NodeInfo:
        """One pod less, by ``namespace/name``; the same record where it is not here."""
        gone = next((info for info in self.infos() if info.key == key), None)
        if gone is None:
            return self
        ports = list(self.ports)
        for port in gone.ports:
            ports.remove(port)
        return self._replace(
            pods=_drop(self.pods, gone),
            requested=_add(self.requested, gone.requests, -1),
            non_zero_cpu=self.non_zero_cpu - gone.non_zero_cpu,
            non_zero_memory=self.non_zero_memory - gone.non_zero_memory,
            ports=tuple(ports),
            affinity_pods=_drop(self.affinity_pods, gone),
            anti_affinity_pods=_drop(self.anti_affinity_pods, gone),
        )

    def __repr__(self) -> str:
        return f"<NodeInfo {self.name} with {counted(len(self.pods), 'pod')}>"


def _swap(pods: tuple[FrozenDict, ...], old: FrozenDict, new: FrozenDict) -> tuple[FrozenDict, ...]:
    return tuple([new if pod is old else pod for pod in pods])


def _drop(pods: tuple[FrozenDict, ...], gone: PodInfo) -> tuple[FrozenDict, ...]:
    return tuple(pod for pod in pods if pod is not gone.pod)


def _add(total: FrozenDict, amounts: Mapping[str, int], sign: int) -> FrozenDict:
    if not amounts:
        return total
    changed = dict(total)
    for name, amount in amounts.items():
        changed[name] = changed.get(name, 0) + sign * amount
    return FrozenDict(changed)
