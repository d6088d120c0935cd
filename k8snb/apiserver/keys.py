"""Where objects lie in etcd: ``/registry/<resource>/<namespace>/<name>``.

Models: k8s.io/apiserver/pkg/registry/generic/registry/store.go (NamespaceKeyFunc, NoNamespaceKeyFunc).
"""

from __future__ import annotations

from k8snb.apimachinery.resource import Resource


def key_of(resource: Resource, namespace: str, name: str) -> str:
    """The key of one object."""
    return f"{resource.prefix}{namespace}/{name}" if resource.namespaced else f"{resource.prefix}{name}"
