"""The scheduler's filters on an imagined cluster (see :mod:`k8snb.seams.scheduling`).

Models: cluster-autoscaler/simulator/clustersnapshot/predicate. Simplified: pods that wait for room made by preemption do not count.
"""

from __future__ import annotations

from collections.abc import Iterable

from k8snb.apimachinery.objects import Object, freeze
from k8snb.scheduler.cache import Snapshot
from k8snb.scheduler.diagnosis import Diagnosis
from k8snb.scheduler.framework import Cycle, Framework, PluginFailure
from k8snb.scheduler.memo import Memo
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import pod_info
from k8snb.scheduler.scheduler import KubeScheduler


class FilterTrial:
    """Implements :class:`k8snb.seams.scheduling.Trial`."""

    def __init__(self, scheduler: KubeScheduler, nodes: list[NodeInfo]):
        self.scheduler, self.snapshot = scheduler, Snapshot(nodes, {})

    def add(self, node: Object) -> None:
        """One node more."""
        name = node["metadata"]["name"]
        self.snapshot = Snapshot([*self.snapshot.nodes, NodeInfo(name).with_node(freeze(node))], {})

    def without(self, node: str) -> FilterTrial:
        """Another trial, without that node. What is known of the others is shared: it is made of values."""
        return FilterTrial(self.scheduler, [info for info in self.snapshot.nodes if info.name != node])

    def remove(self, node: str) -> None:
        """One node less."""
        self.snapshot = Snapshot([info for info in self.snapshot.nodes if info.name != node], {})

    def put(self, pod: Object, node: str) -> None:
        """The pod is there."""
        info = self.snapshot.get(node)
        if info is not None:
            frozen = freeze(pod)
            self.snapshot.replace(info.with_pod(frozen), new=pod_info(frozen))

    def why_not(self, pod: Object, node: str) -> tuple[str, ...]:
        """The first objection: its plugin's reasons."""
        framework, info = self._framework(pod), self.snapshot.get(node)
        if info is None:
            return ("node not found",)
        cycle = Cycle(pod_info(freeze(pod)), self.snapshot, self.scheduler, Memo(), framework)
        try:
            names, rejection = framework.run_pre_filter(cycle, Diagnosis(cycle.pod.key))
            if rejection is not None:
                return rejection.reasons
            if names is not None and node not in names:
                return ("node(s) didn't match Pod's node affinity/selector",)
            status = framework.run_filters(cycle, info)
        except PluginFailure as failure:
            return (str(failure),)
        return status.reasons if status is not None else ()

    def _framework(self, pod: Object) -> Framework:
        frameworks = self.scheduler.frameworks
        return frameworks.get(pod["spec"].get("schedulerName", "")) or next(iter(frameworks.values()))


class FilterSimulator:
    """Implements :class:`k8snb.seams.scheduling.SchedulingSimulator` with the filters of a running scheduler."""

    def __init__(self, scheduler: KubeScheduler):
        self.scheduler = scheduler

    def trial(self, world: Iterable[tuple[Object, Iterable[Object]]]) -> FilterTrial:
        """An imagined cluster."""
        nodes = []
        for node, pods in world:
            info = NodeInfo(node["metadata"]["name"]).with_node(freeze(node))
            for pod in pods:
                info = info.with_pod(freeze(pod))
            nodes.append(info)
        return FilterTrial(self.scheduler, nodes)
