"""What a fresh API server makes by itself: namespaces, the default roles, priority classes, its own Service.

They are written to etcd directly, as they come from the recorded server, before anything else runs. ``default`` and
``kube-system`` are then filled by the ordinary controllers.

Models: k8s.io/kubernetes/pkg/controlplane (post-start hooks: bootstrap RBAC, priority and fairness, API services, Service).
"""

from __future__ import annotations

from contextlib import suppress

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.meta import timestamp
from k8snb.apimachinery.objects import FrozenDict, Object, freeze
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.keys import key_of
from k8snb.apiserver.request import MASTERS, User
from k8snb.apiserver.server import Server
from k8snb.client.client import Client
from k8snb.cloud.disks import CLASSES
from k8snb.component_helpers import apiserver
from k8snb.component_helpers.timing import timing
from k8snb.etcd.store import Change
from k8snb.metrics.resources import API_SERVICE
from k8snb.network.ingress import install
from k8snb.resources.discovery import bootstrap as bootstrap_objects
from k8snb.sim.kernel import Event
from k8snb.simulation.config import Config
from k8snb.simulation.storage import standard_class

_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def bootstrap(server: Server, more: tuple[Object, ...] = ()) -> None:
    """Write the bootstrap objects into an empty store, and ``more`` that this cluster begins with."""
    namespaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n, "labels": {"kubernetes.io/metadata.name": n}},
                   "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}} for n in _NAMESPACES]  # fmt: skip
    for obj in namespaces:
        _write(server, freeze(obj))
    for plural, objects in bootstrap_objects().items():
        if plural != "namespaces":
            for item in objects:
                _write(server, freeze(item))
    for obj in (*OWN_ENDPOINTS, *more):
        _write(server, obj)


def beginning(config: Config) -> tuple[Object, ...]:
    """The objects that a cluster of this configuration begins with, beyond those of every API server."""
    found = (standard_class(),) if config.storage else ()
    return (*found, *(METRICS_OBJECTS if config.metrics else ()), *(CLASSES if config.cloud else ()))


OWN_ENDPOINTS: tuple[Object, ...] = freeze([
    {"apiVersion": "v1", "kind": "Endpoints",
     "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
     "subsets": [{"addresses": [{"ip": apiserver.ADDRESS}], "ports": [{"name": "https", "port": apiserver.PORT, "protocol": "TCP"}]}]},
    {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
     "metadata": {"name": "kubernetes", "namespace": "default", "generation": 1, "labels": {"kubernetes.io/service-name": "kubernetes"}},
     "addressType": "IPv4", "endpoints": [{"addresses": [apiserver.ADDRESS], "conditions": {"ready": True}}],
     "ports": [{"name": "https", "port": apiserver.PORT, "protocol": "TCP"}]},
])  # fmt: skip
"""What an API server writes about itself, behind its own Service."""


class OwnService:
    """Looks after the Service ``kubernetes`` and its endpoints: what somebody deletes, the API server makes anew.

    Models: pkg/controlplane/controller/kubernetesservice, pkg/controlplane/reconcilers/lease.go.
    Simplified: it looks within ten seconds after one of them was deleted, and again until nothing is missing; not always.
    """

    PERIOD = timing("own service")
    NAME = "kube-apiserver"

    def __init__(self, server: Server):
        self.server = server
        server.kernel.handlers[self.NAME] = self.look
        for resource in ("services", "endpoints", "endpointslices.discovery.k8s.io"):
            server.when_changed(resource, self._changed)

    def _objects(self) -> tuple[Object, ...]:
        return (*(freeze(one) for one in bootstrap_objects()["services"]), *OWN_ENDPOINTS)

    def _changed(self, change: Change) -> None:
        if change.value is None and change.key.endswith("/default/kubernetes"):
            self._look_soon()

    def _look_soon(self) -> None:
        kernel, why = self.server.kernel, "the API server looks after its own Service"
        kernel.after(self.PERIOD - kernel.now % self.PERIOD, self.NAME, ("own service",), why=why, background=True)

    def _missing(self) -> list[tuple[Resource, Object]]:
        resources = [(self.server.catalogue.by_kind[obj["apiVersion"], obj["kind"]], obj) for obj in self._objects()]
        return [(each, obj) for each, obj in resources if self.server.stored(each.key, "kubernetes", "default") is None]

    def look(self, _event: Event) -> None:
        """Make what is missing. What cannot be made now (a refusal, an outage) is looked after in the next period."""
        client = Client(self.server.handle, User("system:apiserver", (MASTERS, "system:authenticated")), self.NAME)
        for resource, obj in self._missing() if self.server.state.running else ():
            with suppress(ApiError):
                client.create(resource.key, obj, "default")
        if self._missing():
            self._look_soon()


METRICS_OBJECTS: tuple[Object, ...] = freeze([
    {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
     "metadata": {"name": API_SERVICE, "labels": {"k8s-app": "metrics-server"}},
     "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
              "insecureSkipTLSVerify": True, "service": {"name": "metrics-server", "namespace": "kube-system", "port": 443}},
     "status": {"conditions": [{"type": "Available", "status": "True", "reason": "Passed", "message": "all checks passed",
                                "lastTransitionTime": "2026-01-01T00:00:00Z"}]}},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
     "metadata": {"name": "system:aggregated-metrics-reader", "labels": {
         "k8s-app": "metrics-server", "rbac.authorization.k8s.io/aggregate-to-admin": "true",
         "rbac.authorization.k8s.io/aggregate-to-edit": "true", "rbac.authorization.k8s.io/aggregate-to-view": "true"}},
     "rules": [{"apiGroups": ["metrics.k8s.io"], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]}]},
])  # fmt: skip
"""What the manifest of a metrics server adds: who serves the API, and who may read it."""


def install_ingress(server: Server, *, cloud: bool) -> None:
    """Create the objects of an Ingress controller, as ``kubectl apply`` of its manifest (for a cloud, or for none) does."""
    client = Client(server.handle, User(), "kubectl")
    for resource, obj in install.objects(cloud=cloud):
        client.create(resource, obj, obj["metadata"].get("namespace", ""))


def _write(server: Server, obj: Object) -> None:
    resource = server.catalogue.by_kind[obj["apiVersion"], obj["kind"]]
    meta = dict(obj["metadata"])
    meta["uid"] = server.kernel.rng("kube-apiserver/uids").uid()
    meta["creationTimestamp"] = timestamp(server.kernel.now)
    meta["resourceVersion"] = str(server.store.revision + 1)
    whole = FrozenDict({**obj, "metadata": FrozenDict(meta)})
    server.store.put(key_of(resource, meta.get("namespace", ""), meta["name"]), whole, expect=0)
