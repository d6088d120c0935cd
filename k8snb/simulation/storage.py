"""The storage of a cluster: which CSI drivers are simulated, over one record of disks.

A driver that nothing names does nothing and shows nowhere: it is installed by the first StorageClass with its name as
provisioner (:mod:`k8snb.storage.registrar`). Well-known names are drivers of the same kind, with their traits: so a StorageClass
from a manual works, and behind it stand simulated disks.
"""

from __future__ import annotations

from typing import Final

from k8snb.apimachinery.objects import Object, freeze
from k8snb.client.component import ComponentState
from k8snb.kubelet.volumes.claims import NFS
from k8snb.seams.csi import EVERYWHERE, Driver, Traits
from k8snb.storage.disks import Disks, StorageState

STATE = "storage"  # whose state it is, among the states of components
STANDARD = "disk.csi.k8snb"
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"

TRAITS: Final[tuple[Traits, ...]] = (
    Traits(STANDARD),
    Traits("zonal.disk.csi.k8snb", topology=(ZONE,), limit=16),
    Traits("file.csi.k8snb", attach=False, modes=EVERYWHERE, filesystem="nfs4"),
    Traits("ebs.csi.aws.com", topology=(ZONE,), limit=26),
    Traits("pd.csi.storage.gke.io", topology=(ZONE,), limit=15),
    Traits("hostpath.csi.k8s.io", topology=(HOST,), attach=False),
    Traits("rancher.io/local-path", topology=(HOST,), attach=False, smallest=1, directory="/opt/local-path-provisioner"),
    Traits("k8s.io/minikube-hostpath", attach=False, modes=EVERYWHERE, smallest=1, directory="/tmp/hostpath-provisioner"),
    Traits(
        NFS, attach=False, provisions=False, modes=EVERYWHERE, filesystem="nfs4", smallest=1
    ),  # no CSI driver: the servers of nfs volumes
    Traits("nfs.csi.k8s.io", attach=False, modes=EVERYWHERE, filesystem="nfs4", smallest=1),
)
"""The drivers of every cluster, in order. A line here is a driver."""


def drivers(states: dict[str, ComponentState], more: tuple[Traits, ...] = ()) -> dict[str, Driver]:
    """The drivers over the disks of a cluster, by name. ``more``: those of a cloud."""
    state = states.setdefault(STATE, ComponentState(own=StorageState())).own
    return {traits.name: Disks(state, traits) for traits in (*TRAITS, *more)}


def standard_class() -> Object:
    """The default StorageClass of ``Cluster(storage=True)``."""
    found: Object = freeze({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": STANDARD, "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": True,
    })  # fmt: skip
    return found
