"""Where objects lie in etcd: ``/registry/<resource>/<namespace>/<name>``, with the historic exceptions of the real server.

Models: the storage prefixes of k8s.io/kubernetes/pkg/kubeapiserver/default_storage_factory_builder.go and each registry.
"""

from __future__ import annotations

from k8snb.apimachinery.resource import Resource

ROOT = "/registry/"
_HISTORIC = {
    "nodes": "minions",
    "services": "services/specs",
    "endpoints": "services/endpoints",
    "replicationcontrollers": "controllers",
    "ingresses.networking.k8s.io": "ingress",
    "serviceaccounts": "serviceaccounts",
}
_GROUP_PREFIXED = {"apiextensions.k8s.io", "apiregistration.k8s.io"}
_BUILT_IN = {"", "apps", "batch", "autoscaling", "policy"}


def prefix_of(resource: Resource) -> str:
    """The prefix under which all objects of a resource lie.

    Built-in kinds lie directly under the root, custom resources under their group.
    """
    known = _PREFIXES.get((resource.key, resource.custom))
    if known is None:
        known = _PREFIXES[resource.key, resource.custom] = _prefix(resource)
    return known


_PREFIXES: dict[tuple[str, bool], str] = {}  # a pure function of its key, remembered


def _prefix(resource: Resource) -> str:
    if resource.key in _HISTORIC:
        return f"{ROOT}{_HISTORIC[resource.key]}/"
    built_in = resource.group in _BUILT_IN or (resource.group.endswith(".k8s.io") and resource.group not in _GROUP_PREFIXED)
    return f"{ROOT}{resource.plural}/" if built_in and not resource.custom else f"{ROOT}{resource.group}/{resource.plural}/"


def key_of(resource: Resource, namespace: str, name: str) -> str:
    """The key of one object."""
    prefix = _PREFIXES.get((resource.key, resource.custom)) or prefix_of(resource)
    return f"{prefix}{namespace}/{name}" if resource.namespaced else f"{prefix}{name}"
