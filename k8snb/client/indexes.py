"""Index functions of caches: under which values an object is found (:meth:`k8snb.client.informer.Informer.add_index`).

Models: k8s.io/client-go/tools/cache (MetaNamespaceIndexFunc).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from k8snb.apimachinery.objects import EMPTY_DICT, Object
from k8snb.client.informer import OfPart


def labels_of(obj: Object) -> Any:
    """The part that functions of labels look at."""
    return obj["metadata"].get("labels")


def namespace_of(obj: Object) -> Any:
    """The part that functions of the namespace look at."""
    return obj["metadata"].get("namespace")


def owners_of(obj: Object) -> Any:
    """The part that functions of the owners look at."""
    return obj["metadata"].get("ownerReferences")


def spec_of(obj: Object) -> Any:
    """The part that functions of the spec look at."""
    return obj["spec"]


@partial(OfPart, labels_of)
def by_label(obj: Object) -> tuple[str, ...]:
    """``namespace/key=value`` for each label."""
    meta = obj["metadata"]
    namespace = meta.get("namespace", "")
    return tuple([f"{namespace}/{key}={value}" for key, value in (meta.get("labels") or EMPTY_DICT).items()])


@partial(OfPart, namespace_of)
def by_namespace(obj: Object) -> tuple[str, ...]:
    """The namespace."""
    return (obj["metadata"].get("namespace", ""),)


@partial(OfPart, spec_of)
def by_node(pod: Object) -> tuple[str, ...]:
    """The node that a Pod is bound to."""
    return (pod["spec"].get("nodeName", ""),)
