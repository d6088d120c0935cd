"""Which drivers a cluster has, and what its nodes say about them.

A driver is installed when a CSIDriver object says so. On a real cluster a manifest brings it; here a StorageClass that names a
driver which is simulated is enough, and its CSIDriver appears. Then each node lists the driver in its CSINode, with its place
and its limit: a node that comes later does so when it is there, and in a cloud once the cloud has said where it is.

Models: node-driver-registrar; pkg/volume/csi/nodeinfomanager (installDriverToCSINode).
Simplified: a node without drivers has no CSINode.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import Object, dig, freeze
from k8snb.client.controller import Watches
from k8snb.component_helpers.csinode import driver_entry, with_entry
from k8snb.seams.csi import Driver
from k8snb.storage.sidecar import Sidecar

CLASSES, DRIVERS, NODES = "storageclasses.storage.k8s.io", "csidrivers.storage.k8s.io", "csinodes.storage.k8s.io"


UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized"


def _usable(node: Object | None) -> bool:
    """Whether a node is there, and known to its cloud: before that nobody can say in which zone it is."""
    return node is not None and not any(taint["key"] == UNINITIALIZED for taint in dig(node, "spec.taints", ()))


def _installed(registrar: Any, old: Object | None, new: Object | None) -> Iterable[str]:
    """All drivers, when a node becomes usable."""
    if _usable(old) or not _usable(new):
        return []
    return [driver["metadata"]["name"] for driver in registrar.informers[DRIVERS].all()]


class Registrar(Sidecar):
    """One turn looks at one driver, by name: wanted by a class, installed, known to the nodes."""

    name = "node-driver-registrar"
    watches = (
        Watches(CLASSES, lambda _self, _old, new: [new["provisioner"]] if new is not None else []),
        Watches(DRIVERS),
        Watches("nodes", _installed),
    )

    def reconcile(self, key: str) -> None:
        driver = self.driver(key)
        if driver is None or driver.traits.directory:
            return
        if self.informers[DRIVERS].get(key) is None:
            if any(item["provisioner"] == key for item in self.informers[CLASSES].all()):
                self._install(driver)
            return
        for node in self.client.list("nodes"):
            if _usable(node):
                self._register(driver, node)

    def _install(self, driver: Driver) -> None:
        try:
            self.client.create(DRIVERS, driver_object(driver))
        except ApiError as error:
            if error.code != 409:
                raise

    def _register(self, driver: Driver, node: Object) -> None:
        name = node["metadata"]["name"]
        facts = driver.node_info(name, node["metadata"].get("labels") or {})
        known = self.client.find(NODES, name)
        wanted = with_entry(known, node, driver_entry(driver.traits.name, facts.id, [key for key, _ in facts.segments], facts.limit))
        if known is None:
            self.client.create(NODES, wanted)
        elif wanted != known:
            self.client.update(NODES, wanted)


def driver_object(driver: Driver) -> Object:
    """The CSIDriver of a simulated driver."""
    spec = {"attachRequired": driver.traits.attach, "podInfoOnMount": False, "fsGroupPolicy": "File"}
    found: Object = freeze({"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": driver.traits.name}, "spec": spec})
    return found
