"""Bind: the ``Binding`` that tells the API server on which node a pod shall run.

Models: pkg/scheduler/framework/plugins/defaultbinder.
"""

from __future__ import annotations

from k8snb.apimachinery.objects import FrozenDict
from k8snb.scheduler.framework import BindPlugin
from k8snb.scheduler.podinfo import PodInfo


class DefaultBinder(BindPlugin):
    """Binds by the ``pods/binding`` subresource."""

    name = "DefaultBinder"

    def bind(self, pod: PodInfo, node: str) -> FrozenDict | None:
        """The uid makes sure that it is this very pod, and not a new one of the same name."""
        metadata = FrozenDict({"namespace": pod.namespace, "name": pod.name, "uid": pod.uid})
        return FrozenDict(
            {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": FrozenDict({"kind": "Node", "name": node})}
        )
