"""Disks and file shares of the cloud: two CSI drivers, and the StorageClasses that a managed cluster begins with.

A disk lives in one zone, and only machines of that zone can have it; one machine at a time. How many disks a machine can have at
once depends on its size. A file share is reached from everywhere, by many at once. A claim that names no class gets the class
``default``, and its disk is made in the zone where the scheduler has put its first consumer (WaitForFirstConsumer).

Models: sigs.k8s.io/azuredisk-csi-driver (limits by size), azurefile-csi-driver; the StorageClasses of AKS.
Simplified: the topology key is topology.kubernetes.io/zone, where the real driver has one of its own; all disks are equally fast;
a cluster over several zones begins with the same classes (since 1.29 AKS gives it zone-redundant disks).
"""

from __future__ import annotations

from typing import Any, Final

from k8snb.apimachinery.objects import Object, freeze
from k8snb.cloud.sizes import SIZES
from k8snb.seams.csi import EVERYWHERE, Timing, Traits
from k8snb.sim.clock import LATENCY

DISK, FILE = "disk.csi.azure.com", "file.csi.azure.com"
DRIVERS: Final[tuple[Traits, ...]] = (
    Traits(
        DISK, topology=("topology.kubernetes.io/zone",), limit=4, limits=tuple((size.name, size.disks) for size in SIZES.values()),
        timing=Timing(create=LATENCY["disk create"], attach=LATENCY["disk attach"], detach=LATENCY["disk detach"]), largest=32 << 40,
    ),
    Traits(FILE, attach=False, modes=EVERYWHERE, filesystem="cifs"),
)  # fmt: skip


def _class(name: str, provisioner: str, parameters: dict[str, str], mode: str = "WaitForFirstConsumer") -> Object:
    default: dict[str, Any] = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}} if name == "default" else {}
    default["labels"] = {"addonmanager.kubernetes.io/mode": "EnsureExists", "kubernetes.io/cluster-service": "true"}
    found: Object = freeze({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name, **default}, "provisioner": provisioner,
        "parameters": parameters, "reclaimPolicy": "Delete", "volumeBindingMode": mode, "allowVolumeExpansion": True,
        **({"mountOptions": ["mfsymlinks", "actimeo=30", "nosharesock"]} if provisioner == FILE else {}),
    })  # fmt: skip
    return found


def _in_tree(sku: str) -> dict[str, str]:
    """The parameters of the classes that are older than the CSI drivers."""
    return {"cachingmode": "ReadOnly", "kind": "Managed", "storageaccounttype": sku}


CLASSES: Final[tuple[Object, ...]] = (
    _class("azurefile", FILE, {"skuName": "Standard_LRS"}, "Immediate"),
    _class("azurefile-csi", FILE, {"skuName": "Standard_LRS"}, "Immediate"),
    _class("azurefile-csi-premium", FILE, {"skuName": "Premium_LRS"}, "Immediate"),
    _class("azurefile-premium", FILE, {"skuName": "Premium_LRS"}, "Immediate"),
    _class("default", DISK, {"skuname": "StandardSSD_LRS"}),
    _class("managed", DISK, _in_tree("StandardSSD_LRS")),
    _class("managed-csi", DISK, {"skuname": "StandardSSD_LRS"}),
    _class("managed-csi-premium", DISK, {"skuname": "Premium_LRS"}),
    _class("managed-premium", DISK, _in_tree("Premium_LRS")),
)
