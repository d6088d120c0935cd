"""What every new namespace is given: the ServiceAccount ``default`` and the ConfigMap ``kube-root-ca.crt``.

Two small loops that show the pattern at its plainest: for this key something must exist; if it does not, make it.

Models: pkg/controller/serviceaccount/serviceaccounts_controller.go,
pkg/controller/certificates/rootcacertpublisher/publisher.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import Object, freeze, put
from k8snb.client.controller import Controller, Watches
from k8snb.component_helpers.apiserver import AUTHORITY
from k8snb.controllers.pod_control import is_terminating_namespace

ROOT_CA = "kube-root-ca.crt"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal "
    "service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
)


def _namespace(_controller: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    obj = new if new is not None else old
    return [obj["metadata"]["namespace"]] if obj is not None else []


def _is_active(namespace: Object | None) -> bool:
    return namespace is not None and namespace["status"].get("phase") == "Active" and "deletionTimestamp" not in namespace["metadata"]


class ServiceAccountController(Controller):
    """Every active namespace has a ServiceAccount named ``default``."""

    name = "service-account"
    watches = (Watches("namespaces"), Watches("serviceaccounts", _namespace))

    def reconcile(self, key: str) -> None:
        if not _is_active(self.informers["namespaces"].get(key)) or self.informers["serviceaccounts"].get(f"{key}/default"):
            return
        account = freeze({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": key}})
        create_unless_there(self, "serviceaccounts", account)


class RootCertificatePublisher(Controller):
    """Every active namespace has the ConfigMap from which Pods learn the cluster's certificate authority."""

    name = "root-ca-cert-publisher"
    account = "root-ca-cert-publisher"
    watches = (Watches("namespaces"), Watches("configmaps", _namespace))

    def reconcile(self, key: str) -> None:
        if not _is_active(self.informers["namespaces"].get(key)):
            return
        data = {"ca.crt": AUTHORITY}
        found = self.informers["configmaps"].get(f"{key}/{ROOT_CA}")
        if found is None:
            meta = {"name": ROOT_CA, "namespace": key, "annotations": {"kubernetes.io/description": DESCRIPTION}}
            create_unless_there(self, "configmaps", freeze({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}))
        elif found.get("data") != data:
            self.client.update("configmaps", put(found, "data", data))


def create_unless_there(controller: Controller, resource: str, obj: Object) -> None:
    """Create an object; somebody else having been faster, or the namespace going away, is fine."""
    try:
        controller.client.create(resource, obj, obj["metadata"]["namespace"])
    except ApiError as error:
        if error.reason != "AlreadyExists" and not is_terminating_namespace(error):
            raise
