"""Under what the objects of a resource lie in etcd: ``/registry/<resource>/``, with the historic exceptions of the real server.

Models: the storage prefixes of k8s.io/kubernetes/pkg/kubeapiserver/default_storage_factory_builder.go and each registry.
"""

from __future__ import annotations

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


def prefix(key: str, *, custom: bool) -> str:
    """The prefix of a resource with that key (``deployments.apps``).

    Built-in kinds lie directly under the root, custom resources under their group.

    >>> prefix("nodes", custom=False), prefix("deployments.apps", custom=False), prefix("teas.example.com", custom=True)
    ('/registry/minions/', '/registry/deployments/', '/registry/example.com/teas/')
    """
    if key in _HISTORIC:
        return f"{ROOT}{_HISTORIC[key]}/"
    plural, _, group = key.partition(".")
    built_in = group in _BUILT_IN or (group.endswith(".k8s.io") and group not in _GROUP_PREFIXED)
    return f"{ROOT}{plural}/" if built_in and not custom else f"{ROOT}{group}/{plural}/"
