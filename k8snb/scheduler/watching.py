"""How the cluster's changes reach the scheduler: each watch event updates the cache or the queue, and may wake pods.

Models: pkg/scheduler/eventhandlers.go.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from k8snb.apimachinery.objects import FrozenDict, Object, dig
from k8snb.client.indexes import by_namespace
from k8snb.client.informer import Informer
from k8snb.scheduler.cluster_event import ADD, ASSIGNED_POD, DELETE, NODE, UPDATE, Change, node_actions, pod_actions
from k8snb.scheduler.podinfo import PodInfo, newer_info, pod_info, same_but_status

if TYPE_CHECKING:
    from k8snb.scheduler.scheduler import KubeScheduler

RUNNING_ONLY = "status.phase!=Succeeded,status.phase!=Failed"  # a pod that ended needs no node and holds nothing

# Nodes come first, so that a restart knows them before it reads the first pod.
INFORMERS: tuple[tuple[str, str], ...] = (
    ("nodes", ""),
    ("namespaces", ""),
    ("services", ""),
    ("replicationcontrollers", ""),
    ("replicasets.apps", ""),
    ("statefulsets.apps", ""),
    ("persistentvolumes", ""),
    ("persistentvolumeclaims", ""),
    ("storageclasses.storage.k8s.io", ""),
    ("csinodes.storage.k8s.io", ""),
    ("csidrivers.storage.k8s.io", ""),
    ("csistoragecapacities.storage.k8s.io", ""),
    ("volumeattachments.storage.k8s.io", ""),
    ("poddisruptionbudgets.policy", ""),
    ("pods", RUNNING_ONLY),
)
_BY_NAMESPACE = ("services", "poddisruptionbudgets.policy", "persistentvolumeclaims")
_VOLUMES = {
    "persistentvolumes": "PersistentVolume",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "storageclasses.storage.k8s.io": "StorageClass",
    "csinodes.storage.k8s.io": "CSINode",
    "csidrivers.storage.k8s.io": "CSIDriver",
    "csistoragecapacities.storage.k8s.io": "CSIStorageCapacity",
    "volumeattachments.storage.k8s.io": "VolumeAttachment",
}


class Watching:
    """The handlers of one scheduler's informers."""

    def __init__(self, scheduler: KubeScheduler):
        self.scheduler = scheduler
        self.informers: dict[str, Informer] = {informer.resource: informer for informer in scheduler.informers.values()}
        for resource in _BY_NAMESPACE:
            self.informers[resource].add_index("namespace", by_namespace)
        self.informers["nodes"].tell(self.on_node)
        self.informers["pods"].tell(self.on_pod)
        for resource, kind in _VOLUMES.items():
            self.informers[resource].tell(functools.partial(self.on_other, kind))

    def pod(self, key: str) -> FrozenDict | None:
        """A pod as the watch has shown it."""
        found: FrozenDict | None = self.informers["pods"].get(key)  # type: ignore[assignment]
        return found

    def released(self, pod: FrozenDict) -> None:
        """A pod that was assumed somewhere is not there after all: as good as a deletion for those who wait."""
        self._move(Change(ASSIGNED_POD, DELETE, old=pod), 0)

    # Nodes and volumes

    def on_node(self, old: Object | None, new: Object | None, cause: int) -> None:
        """A node came, changed or went."""
        cache = self.scheduler.cache
        if new is None:
            assert old is not None
            self._move(Change(NODE, DELETE, old), cause)
            cache.remove_node(old["metadata"]["name"])
            return
        cache.set_node(new)  # type: ignore[arg-type]
        info = self.scheduler.own.cache.nodes[new["metadata"]["name"]]
        for action in [ADD] if old is None else node_actions(old, new):
            self._move(Change(NODE, action, old, new, info), cause)

    def on_other(self, kind: str, old: Object | None, new: Object | None, cause: int) -> None:
        """Something of storage came, changed or went."""
        self._move(Change(kind, DELETE if new is None else ADD if old is None else UPDATE, old, new), cause)

    # Pods

    def on_pod(self, old: Object | None, new: Object | None, cause: int) -> None:
        """A pod came, changed or went; with or without a node."""
        before = None if old is None else pod_info(old)
        settled = old is not None and new is not None and same_but_status(old, new)
        if settled:
            after: PodInfo | None = newer_info(before, new)  # type: ignore[arg-type]
        else:
            after = None if new is None else pod_info(new)
        if before is not None and after is not None and before.uid != after.uid:
            self.on_pod(old, None, cause)  # deleted and made anew while nobody looked
            before = old = None
        if after is None:
            assert before is not None
            self._gone(before, cause)
        elif after.node_name:
            self._on_its_node(before, after, cause, settled)
        elif after.scheduler_name in self.scheduler.frameworks:
            self._waiting(before, after, cause)

    def _gone(self, pod: PodInfo, cause: int) -> None:
        scheduler = self.scheduler
        if pod.node_name:
            scheduler.cache.remove_pod(pod.key)
            self._move(Change(ASSIGNED_POD, DELETE, old=pod.pod), cause)
            return
        scheduler.queue_of_pods.delete(pod.key)
        if scheduler.cache.is_assumed(pod.key):
            self._assumed_pod_deleted(pod, cause)
        elif dig(pod.pod, "status.nominatedNodeName"):
            self._move(Change(ASSIGNED_POD, DELETE, old=pod.pod), cause)

    def _on_its_node(self, before: PodInfo | None, after: PodInfo, cause: int, settled: bool) -> None:
        """``settled``: nothing that scheduling looks at has changed."""
        scheduler = self.scheduler
        scheduler.cache.add_pod(after.pod)
        if settled:
            return
        if before is not None and before.node_name:
            for action in pod_actions(before.pod, after.pod):
                self._move(Change(ASSIGNED_POD, action, before.pod, after.pod), cause)
            return
        scheduler.queue_of_pods.delete(after.key)
        self._move(Change(ASSIGNED_POD, ADD, new=after.pod), cause)

    def _waiting(self, before: PodInfo | None, after: PodInfo, cause: int) -> None:
        scheduler, causes = self.scheduler, (cause,) if cause else ()
        if scheduler.cache.is_assumed(after.key):
            if after.terminating and before is not None and not before.terminating:
                self._assumed_pod_deleted(after, cause)
        elif before is None:
            scheduler.queue_of_pods.add(after.pod, causes)
        else:
            scheduler.queue_of_pods.update(before.pod, after.pod, causes)
            was, is_now = dig(before.pod, "status.nominatedNodeName"), dig(after.pod, "status.nominatedNodeName")
            if was and was != is_now:
                self._move(Change(ASSIGNED_POD, DELETE, old=before.pod), cause)

    def _assumed_pod_deleted(self, pod: PodInfo, cause: int) -> None:
        """Its binding is under way and will fail; what it holds is free from now on."""
        self.scheduler.cache.forget(pod.key)
        self._move(Change(ASSIGNED_POD, DELETE, old=pod.pod), cause)

    def _move(self, change: Change, cause: int) -> None:
        self.scheduler.queue_of_pods.move(change, (cause,) if cause else ())
