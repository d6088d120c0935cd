"""Index functions of caches: under which values an object is found (:meth:`k8snb.client.informer.Informer.add_index`).

Models: k8s.io/client-go/tools/cache (MetaNamespaceIndexFunc).
"""

from __future__ import annotations

from k8snb.apimachinery.objects import EMPTY_DICT, Object


def by_label(obj: Object) -> tuple[str, ...]:
    """``namespace/key=value`` for each label."""
    meta = obj["metadata"]
    namespace = meta.get("namespace", "")
    return tuple([f"{namespace}/{key}={value}" for key, value in (meta.get("labels") or EMPTY_DICT).items()])


def by_namespace(obj: Object) -> tuple[str, ...]:
    """The namespace."""
    return (obj["metadata"].get("namespace", ""),)


def by_node(pod: Object) -> tuple[str, ...]:
    """The node that a Pod is bound to."""
    return (pod["spec"].get("nodeName", ""),)
